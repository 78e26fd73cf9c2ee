"""Keys of a server: a file of salted hashes. A token is shown once, when it is made.

Tokens are 256 random bits, so a fast hash is enough: there is nothing to guess from it. The file is
read again when it changes: a revoked key stops working with the next request.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from intone.audio.durable import atomic_write_bytes
from intone.core.errors import InvalidSettingError
from intone.server.admission import KeyLimits
from intone.server.auth import ANYBODY

KEYS_VARIABLE = "INTONE_SERVER__KEYS_FILE"
_PREFIX = "intone_"
_TOKEN_BYTES = 32
_SALT_BYTES = 16
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class StoredKey(BaseModel):
    """One entry of the file: who, and what proves it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    salt: str
    sha256: str
    """Of salt and token."""
    created: str
    requests_per_minute: float | None = None
    max_concurrent: int | None = None

    def fits(self, token: str) -> bool:
        """Whether this is its token; takes as long for a wrong one."""
        return hmac.compare_digest(_digest(self.salt, token), self.sha256)

    @property
    def limits(self) -> KeyLimits:
        return KeyLimits(
            requests_per_minute=self.requests_per_minute, max_concurrent=self.max_concurrent
        )


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: int = 1
    keys: tuple[StoredKey, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyFile:
    """The keys of this machine's servers."""

    path: Path

    def entries(self) -> tuple[StoredKey, ...]:
        """Returns all keys; none where there is no file.

        Raises:
            InvalidSettingError: the file cannot be read, or is not a file of keys.
        """
        try:
            return _File.model_validate_json(self.path.read_bytes()).keys
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise InvalidSettingError(f"cannot read {self.path}: {error.strerror}.") from error
        except ValidationError as error:
            raise InvalidSettingError(
                f"{self.path} is not a file of keys ({error.error_count()} mistakes); move it away "
                "and make keys again: intone keys add NAME."
            ) from None  # the cause would show what stands in the file

    def add(self, name: str, limits: KeyLimits) -> str:
        """Makes a key and returns its token, which is kept nowhere.

        Raises:
            InvalidSettingError: the name cannot be used, or is taken.
            OutputError: the file cannot be written.
        """
        if not _NAME.fullmatch(name):
            raise InvalidSettingError(
                f"a key's name is {name!r}; allowed: 1 to 64 letters, digits, dots, hyphens and "
                "underscores, a letter or digit first."
            )
        if name == ANYBODY.key_id:
            raise InvalidSettingError(
                f"a key's name is {name!r}, which is what callers without keys are called; its "
                "owner would see what they left. Take another name."
            )
        entries = self.entries()
        if any(entry.name == name for entry in entries):
            raise InvalidSettingError(
                f"a key {name!r} exists; take another name, or revoke it first: "
                f"intone keys revoke {name}."
            )
        token, salt = _PREFIX + secrets.token_urlsafe(_TOKEN_BYTES), secrets.token_hex(_SALT_BYTES)
        made = StoredKey(
            name=name,
            salt=salt,
            sha256=_digest(salt, token),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            requests_per_minute=limits.requests_per_minute,
            max_concurrent=limits.max_concurrent,
        )
        self._write((*entries, made))
        return token

    def revoke(self, name: str) -> None:
        """Removes a key; raises InvalidSettingError where there is none of that name."""
        entries = self.entries()
        kept = tuple(entry for entry in entries if entry.name != name)
        if len(kept) == len(entries):
            known = ", ".join(entry.name for entry in entries) or "none"
            raise InvalidSettingError(f"there is no key {name!r}; known: {known}.")
        self._write(kept)

    def _write(self, entries: tuple[StoredKey, ...]) -> None:
        body = _File(keys=entries).model_dump(mode="json", exclude_none=True)
        atomic_write_bytes(self.path, json.dumps(body, indent=2).encode() + b"\n")
        self.path.chmod(0o600)


def default_key_file(environ: Mapping[str, str]) -> KeyFile:
    """Returns `intone/keys.json` in XDG_CONFIG_HOME (~/.config)."""
    config_home = Path(environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser()
    return KeyFile(config_home / "intone" / "keys.json")


def _digest(salt: str, token: str) -> str:
    return hashlib.sha256(f"{salt}:{token}".encode()).hexdigest()
