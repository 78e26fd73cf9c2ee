"""Who is logged in with a browser, and who guesses keys too often. In memory: a restart ends both.

A session stands for one key as long as that key exists: it ends when the key is revoked, also where
a new one of the same name was made, after `IDLE_S` without a request, or when its user leaves.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from intone.server.auth import Caller
from intone.server.key_ring import KeyRing
from intone.server.token_bucket import TokenBucket

IDLE_S = 12 * 3_600.0
MAX_SESSIONS = 1_000
"""One more ends the one that was idle for longest."""
GUESSES_PER_MINUTE = 10.0
"""Wrong keys from one address; its right one waits with them."""

_TOKEN_BYTES = 32
_MAX_ADDRESSES = 10_000
_IPV6_NETWORK_BITS = 64
"""What one household holds: a guesser has all addresses of it."""


@dataclass(slots=True)
class _Session:
    ticket: str
    """What the key ring knows the key by."""
    seen_s: float


class Sessions:
    """Cookies of browsers, and the keys they stand for. On the event loop's thread only."""

    def __init__(self, keys: KeyRing, clock: Callable[[], float]) -> None:
        self._keys = keys
        self._clock = clock
        self._sessions: OrderedDict[bytes, _Session] = OrderedDict()
        """By the hash of the cookie, the longest idle first."""

    @property
    def are_needed(self) -> bool:
        """Whether there are keys at all."""
        return self._keys.are_needed

    def begin(self, key: str) -> str | None:
        """Returns the cookie of a new session, or None where nobody has that key."""
        ticket = self._keys.ticket(key)
        if ticket is None:
            return None
        self._forget_idle()
        while len(self._sessions) >= MAX_SESSIONS:
            self._sessions.popitem(last=False)
        cookie = secrets.token_urlsafe(_TOKEN_BYTES)
        self._sessions[_digest(cookie)] = _Session(ticket, self._clock())
        return cookie

    def find(self, cookie: str) -> Caller | None:
        """Returns whose session a cookie is; None where it is none, or no more."""
        self._forget_idle()
        name = _digest(cookie)
        session = self._sessions.get(name)
        if session is None:
            return None
        caller = self._keys.holder(session.ticket)
        if caller is None:
            del self._sessions[name]
            return None
        session.seen_s = self._clock()
        self._sessions.move_to_end(name)
        return caller

    def end(self, cookie: str) -> None:
        """Ends a session; one that is not there has ended already."""
        self._sessions.pop(_digest(cookie), None)

    def _forget_idle(self) -> None:
        due_s = self._clock() - IDLE_S
        while self._sessions:
            name, oldest = next(iter(self._sessions.items()))
            if oldest.seen_s > due_s:
                return
            del self._sessions[name]


class GuessLimit:
    """Counts wrong keys per address. On the event loop's thread only."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._wrong: dict[str, TokenBucket] = {}

    def wait_s(self, address: str) -> float:
        """Returns for how long an address may not try; 0.0 where it may, now."""
        bucket = self._wrong.get(_network(address))
        return bucket.missing_s(self._clock()) if bucket is not None else 0.0

    def note_wrong(self, address: str) -> None:
        """Remembers a wrong key."""
        now_s, network = self._clock(), _network(address)
        if network not in self._wrong:
            self._forget(now_s)
            self._wrong[network] = TokenBucket(GUESSES_PER_MINUTE, now_s)
        self._wrong[network].take(now_s)

    def _forget(self, now_s: float) -> None:
        """Drops what says nothing any more; where all are busy, the oldest."""
        if len(self._wrong) < _MAX_ADDRESSES:
            return
        self._wrong = {who: b for who, b in self._wrong.items() if not b.is_full(now_s)}
        while len(self._wrong) >= _MAX_ADDRESSES:
            del self._wrong[next(iter(self._wrong))]


def _digest(cookie: str) -> bytes:
    """Looking up a hash tells a listener with a stopwatch nothing about the cookie."""
    return hashlib.sha256(cookie.encode("utf-8", "surrogateescape")).digest()


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((int(parsed), _IPV6_NETWORK_BITS), strict=False))
