"""The archive of an epub: members by path, with bounds on what a stranger's file may cost."""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import unquote

from intone.core.errors import TextFileError
from intone.text.xml_tree import Element, parse_xml

MAX_MEMBERS = 20_000
MAX_MEMBER_BYTES = 32 * 1024 * 1024
"""Of one member, unpacked; a chapter is a thousandth of it."""
MAX_TEXT_BYTES = 256 * 1024 * 1024
"""Of all members that are read, unpacked: pictures are not."""

_ENCRYPTION = "META-INF/encryption.xml"
_RIGHTS = ("META-INF/rights.xml", "META-INF/sinf.xml")
_FONT_MANGLING = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
"""They hide fonts, not words."""


class EpubArchive:
    """Reads members of an epub; use it as a context manager."""

    def __init__(self, path: Path) -> None:
        """Opens the archive.

        Raises:
            TextFileError: missing, no archive, too many members, or protected.
        """
        self._name = str(path)
        self._num_read_bytes = 0
        try:
            self._zip = zipfile.ZipFile(path)
        except FileNotFoundError as error:
            raise TextFileError(f"{path} does not exist; check the path.") from error
        except OSError as error:
            raise TextFileError(f"{path} cannot be read: {error.strerror}.") from error
        except zipfile.BadZipFile as error:
            raise TextFileError(
                f"{path} is no epub, or a damaged one ({error}); get it again, or convert it anew."
            ) from error
        self._members = {info.filename: info for info in self._zip.infolist()}
        try:
            self._refuse_what_is_not_for_us()
        except TextFileError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._zip.close()

    def called(self, member: str) -> str:
        """Returns how messages name a member."""
        return f"{self._name}: {member}"

    def xml(self, member: str) -> Element:
        """Returns a member as XML.

        Raises:
            TextFileError: missing, damaged, too large, or broken XML.
        """
        return parse_xml(self.read(member), name=self.called(member))

    def read(self, member: str) -> bytes:
        """Returns the bytes of a member.

        Raises:
            TextFileError: missing, damaged, encrypted, or larger than the bounds.
        """
        info = self._members.get(member)
        if info is None:
            raise TextFileError(f"{self.called(member)} is missing; the epub is incomplete.")
        try:
            with self._zip.open(info) as file:
                data = file.read(MAX_MEMBER_BYTES + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
            raise TextFileError(
                f"{self.called(member)} is damaged ({error}); get or export the epub again."
            ) from error
        except (NotImplementedError, RuntimeError) as error:
            raise TextFileError(
                f"{self.called(member)} cannot be unpacked ({error}); export the epub again "
                "without encryption, packed as zip does by default."
            ) from error
        self._num_read_bytes += len(data)
        if len(data) > MAX_MEMBER_BYTES or self._num_read_bytes > MAX_TEXT_BYTES:
            raise TextFileError(
                f"{self.called(member)} unpacks to more than text does (allowed: "
                f"{MAX_MEMBER_BYTES // 1024**2} MiB each, {MAX_TEXT_BYTES // 1024**2} MiB in all)."
            )
        return data

    def resolve(self, base: str, reference: str) -> tuple[str, str]:
        """Returns the member and the fragment that a reference in the member `base` means.

        Raises:
            TextFileError: it leads out of the archive.
        """
        address, _, fragment = reference.partition("#")
        joined = posixpath.join(posixpath.dirname(base), unquote(address)) if address else base
        member = posixpath.normpath(joined)
        if member.startswith(("/", "../")) or member == ".." or ":" in address:
            raise TextFileError(
                f"{self.called(base)} refers to {reference!r}, outside of the epub; it is not read."
            )
        return member, unquote(fragment)

    def _refuse_what_is_not_for_us(self) -> None:
        if len(self._members) > MAX_MEMBERS:
            raise TextFileError(
                f"{self._name} holds {len(self._members):,} files; allowed: {MAX_MEMBERS:,}."
            )
        is_locked = any(member in self._members for member in _RIGHTS)
        if not is_locked and _ENCRYPTION in self._members:
            methods = self.xml(_ENCRYPTION).find_all("EncryptionMethod")
            is_locked = any(m.attributes.get("Algorithm") not in _FONT_MANGLING for m in methods)
        if is_locked:
            raise TextFileError(
                f"{self._name} is protected by its seller (DRM): its words are encrypted. "
                "Give a copy without protection."
            )
