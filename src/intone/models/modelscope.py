"""ModelScope's file API, as far as a pull needs it: list the files, get one, resume.

Two addresses do it all (taken from the public `modelscope-hub` 0.5 client):

    GET /api/v1/models/{id}/repo/files?Revision=R&Recursive=True
        {"Data": {"Files": [{"Path", "Type", "Size", "Sha256"}, ...]}}
    GET /api/v1/models/{id}/repo?Revision=R&FilePath=P
        the bytes; honours Range
"""

from __future__ import annotations

import hashlib
import json
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import BinaryIO, cast
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from intone.core.errors import DownloadError

BytesCallback = Callable[[int], None]
"""Told how many bytes arrived; negative when a transfer had to start over."""

_TIMEOUT_S = 30.0
_CHUNK_BYTES = 1 << 20
_PARTIAL_CONTENT = 206
_RANGE_NOT_SATISFIABLE = 416


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """One file of a repository."""

    path: str
    size_bytes: int
    sha256: str
    """Empty when the hub does not tell."""

    def matches(self, path: Path) -> bool:
        """Whether `path` holds exactly this file."""
        if not path.is_file() or path.stat().st_size != self.size_bytes:
            return False
        if not self.sha256:
            return True
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == self.sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelScopeClient:
    """Reads one repository at one revision."""

    endpoint: str
    repo_id: str
    revision: str
    token: str | None = None
    max_attempts: int = 5
    """How often in a row a transfer may break without a byte arriving."""
    retry_wait_s: float = 1.0

    def list_files(self) -> list[RemoteFile]:
        """Returns the files of the revision.

        Raises:
            DownloadError: unknown model or revision, no access, no network, or not ModelScope.
        """
        try:
            with self._get("/files", {"Recursive": "True"}) as response:
                entries = json.loads(response.read())["Data"]["Files"]
                files = [_remote_file(entry) for entry in entries if entry["Type"] == "blob"]
        except (OSError, HTTPException) as error:
            raise self._error("its file list", error) from error
        except (ValueError, KeyError, TypeError) as error:
            raise DownloadError(
                f"cannot pull {self.repo_id}: {self.endpoint} does not answer like ModelScope."
            ) from error
        for file in files:
            if Path(file.path).is_absolute() or ".." in Path(file.path).parts:
                raise DownloadError(f"cannot pull {self.repo_id}: unsafe path {file.path!r} in it.")
        return files

    def download(self, file: RemoteFile, target: Path, on_bytes: BytesCallback) -> None:
        """Fetches one file beside its target and renames it; resumes what an earlier call left.

        Raises:
            DownloadError: the transfer broke too often, the content is wrong, or the disk is full.
        """
        part = target.with_name(f"{target.name}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with part.open("ab") as stream:
                on_bytes(stream.tell())
                self._transfer(file, stream, on_bytes)
            if not file.matches(part):
                part.unlink()
                raise DownloadError(
                    f"{file.path} of {self.repo_id} arrived damaged and was deleted; pull again."
                )
            part.replace(target)
        except (OSError, HTTPException) as error:
            raise self._error(file.path, error) from error

    def _transfer(self, file: RemoteFile, stream: BinaryIO, on_bytes: BytesCallback) -> None:
        """Appends until the file has its size, asking for the rest where a connection broke."""
        attempts = 0
        while stream.tell() < file.size_bytes:
            start = stream.tell()
            try:
                self._append(file, stream, on_bytes)
            except HTTPError:
                raise  # the server said no; asking again does not help
            except (URLError, ConnectionError, TimeoutError, HTTPException):
                if attempts == self.max_attempts - 1:
                    raise
            attempts = 0 if stream.tell() > start else attempts + 1
            if attempts == self.max_attempts:
                raise ConnectionError("the server keeps closing the connection")
            if attempts:
                time.sleep(self.retry_wait_s)

    def _append(self, file: RemoteFile, stream: BinaryIO, on_bytes: BytesCallback) -> None:
        """Writes one answer of the server to the end of `stream`."""
        start = stream.tell()
        with self._get("", {"FilePath": file.path}, start_byte=start) as response:
            if start and response.status != _PARTIAL_CONTENT:  # the server does not resume
                stream.truncate(0)
                stream.seek(0)
                on_bytes(-start)
            while chunk := response.read(_CHUNK_BYTES):
                stream.write(chunk)
                on_bytes(len(chunk))

    def _get(self, suffix: str, query: dict[str, str], start_byte: int = 0) -> HTTPResponse:
        parameters = urllib.parse.urlencode({"Revision": self.revision, **query})
        address = f"{self.endpoint.rstrip('/')}/api/v1/models/{self.repo_id}/repo{suffix}"
        request = Request(f"{address}?{parameters}")
        if start_byte:
            request.add_header("Range", f"bytes={start_byte}-")
        if self.token:  # not for the storage host that a download is redirected to
            request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        return cast(HTTPResponse, urlopen(request, timeout=_TIMEOUT_S))

    def _error(self, what: str, error: OSError | HTTPException) -> DownloadError:
        start = f"cannot pull {self.repo_id} ({what})"
        if isinstance(error, HTTPError):
            error.close()
            return DownloadError(f"{start}: {_refusal(error.code, self.revision)}")
        if isinstance(error, URLError):
            return DownloadError(
                f"{start}: cannot reach {self.endpoint} ({error.reason}); check the network."
            )
        return DownloadError(f"{start}: {error}. What arrived is kept; pull again to resume.")


def _remote_file(entry: dict[str, object]) -> RemoteFile:
    return RemoteFile(
        path=str(entry["Path"]),
        size_bytes=int(str(entry["Size"])),
        sha256=str(entry.get("Sha256") or ""),
    )


def _refusal(status: int, revision: str) -> str:
    if status in (401, 403):
        return "access denied; set MODELSCOPE_API_TOKEN."
    if status == 404:
        return f"no such model, or no revision {revision!r}."
    if status == _RANGE_NOT_SATISFIABLE:
        return "the partial file does not fit; delete the .part file and pull again."
    return f"the server answered {status}; try again later."
