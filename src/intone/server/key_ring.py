"""The keys as a running server holds them: from a token to who calls."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from intone.core.errors import InvalidSettingError
from intone.server.admission import NO_LIMITS, KeyLimits
from intone.server.auth import ANYBODY, Caller
from intone.server.keys import KeyFile, StoredKey


@dataclass(frozen=True, slots=True)
class _Seen:
    stamp: tuple[int, int, int] | None
    entries: tuple[StoredKey, ...]


class KeyRing:
    """Finds callers. Open to anybody until there is a key; never open again after that."""

    def __init__(self, file: KeyFile, defaults: KeyLimits = NO_LIMITS) -> None:
        """Reads the file.

        Args:
            defaults: for keys without limits of their own, and for anybody.

        Raises:
            InvalidSettingError: the file is damaged.
        """
        self._file = file
        self._defaults = defaults
        self._seen = _Seen(_stamp(file.path), file.entries())
        self._is_needed = bool(self._seen.entries)

    @property
    def are_needed(self) -> bool:
        """Whether a request without a key is refused."""
        self._entries()
        return self._is_needed

    def find(self, token: str | None) -> Caller | None:
        """Returns who shows this token; None is a stranger. Compares with every key, always."""
        entries = self._entries()
        if not self._is_needed:
            return replace(ANYBODY, limits=self._defaults)
        if token is None:
            return None
        fitting = [entry for entry in entries if entry.fits(token)]
        return self._caller(fitting[0]) if fitting else None

    def ticket(self, token: str) -> str | None:
        """Returns what `holder` knows a key by, without the key; None is a stranger's."""
        fitting = [entry for entry in self._entries() if entry.fits(token)]
        return fitting[0].sha256 if fitting else None

    def holder(self, ticket: str) -> Caller | None:
        """Returns who holds the key of a ticket; None when that key was revoked."""
        found = (entry for entry in self._entries() if entry.sha256 == ticket)
        entry = next(found, None)
        return None if entry is None else self._caller(entry)

    def limits_of(self, key_id: str) -> KeyLimits:
        """Returns the limits of a caller, by its id."""
        found = (entry.limits for entry in self._entries() if entry.name == key_id)
        return self._filled(next(found, NO_LIMITS))

    def _caller(self, entry: StoredKey) -> Caller:
        return Caller(entry.name, self._filled(entry.limits))

    def _filled(self, own: KeyLimits) -> KeyLimits:
        rate, concurrent = own.requests_per_minute, own.max_concurrent
        return KeyLimits(
            requests_per_minute=self._defaults.requests_per_minute if rate is None else rate,
            max_concurrent=self._defaults.max_concurrent if concurrent is None else concurrent,
        )

    def _entries(self) -> tuple[StoredKey, ...]:
        """Returns the keys as the file has them now; a damaged file lets nobody in."""
        stamp = _stamp(self._file.path)
        if stamp != self._seen.stamp:
            try:
                self._seen = _Seen(stamp, self._file.entries())
            except InvalidSettingError:
                self._seen = _Seen(stamp, ())
                self._is_needed = True
            self._is_needed = self._is_needed or bool(self._seen.entries)
        return self._seen.entries


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
