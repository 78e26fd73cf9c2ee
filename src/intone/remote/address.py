"""Where a server is, and how long it is waited for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from ssl import SSLContext
from time import time

import httpx2

from intone.core.errors import InvalidSettingError

SPEECH = "/v1/audio/speech"
RETRIED = (429, 503)
"""The server asks to come back later, and nothing was heard yet."""

_FIRST_WAIT_S = 0.5
_KEEPALIVE_S = 3.0
"""Less than the 5 s after which uvicorn closes a connection that nobody uses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One server and how it is spoken to."""

    url: str
    """Without the path: `http://127.0.0.1:8000`."""
    api_key: str | None
    connect_s: float
    answer_s: float
    """The longest time without a byte: queue and loading of the model included."""
    num_retries: int
    max_wait_s: float
    """A server that asks to wait for longer is not waited for."""

    @classmethod
    def of(cls, url: str, api_key: str | None, *, timeout_s: float, num_retries: int) -> Address:
        """Returns the address of what a user gave; raises InvalidSettingError."""
        if num_retries < 0:
            raise InvalidSettingError(f"num_retries is {num_retries}; allowed: 0 or more.")
        if not timeout_s > 0.0:
            raise InvalidSettingError(f"timeout_s is {timeout_s}; allowed: more than 0.")
        if api_key is not None and not (api_key.isascii() and api_key.isprintable()):
            raise InvalidSettingError("the API key holds characters that no header may have.")
        return cls(
            url=_checked_url(url),
            api_key=api_key or None,
            connect_s=min(5.0, timeout_s),
            answer_s=timeout_s,
            num_retries=num_retries,
            max_wait_s=30.0,
        )

    @property
    def timeout(self) -> httpx2.Timeout:
        return httpx2.Timeout(self.answer_s, connect=self.connect_s)

    @property
    def limits(self) -> httpx2.Limits:
        """As many takes at once as are asked for: the server has the queue."""
        return httpx2.Limits(
            max_connections=None, max_keepalive_connections=20, keepalive_expiry=_KEEPALIVE_S
        )

    @property
    def headers(self) -> Mapping[str, str]:
        # A compressor between would hold sound back.
        headers = {"Accept-Encoding": "identity"}
        if self.api_key is not None:
            headers["Authorization"] = f"Bearer {self.api_key}"
        return headers

    def wait_s(self, response: httpx2.Response, num_tries: int) -> float | None:
        """Returns how long to wait before asking again; None: what came is the answer.

        Args:
            num_tries: that were made, from 1.
        """
        if response.status_code not in RETRIED or num_tries > self.num_retries:
            return None
        asked_s = _retry_after_s(response.headers.get("Retry-After"))
        wait_s = _FIRST_WAIT_S * 2 ** (num_tries - 1) if asked_s is None else asked_s
        return wait_s if wait_s <= self.max_wait_s else None


@cache
def trusted() -> SSLContext:
    """Returns whom connections trust, read once: that takes longer than connecting."""
    return httpx2.create_ssl_context()


def _checked_url(given: str) -> str:
    try:
        url = httpx2.URL(given.strip())
    except httpx2.InvalidURL:
        url = httpx2.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        raise InvalidSettingError(
            f"server is {given!r}; allowed: an address as http://127.0.0.1:8000, with or without "
            "/v1."
        )
    if url.userinfo or url.query or url.fragment:
        raise InvalidSettingError(
            "the server's address holds a user, a query or a fragment; give the address alone, "
            "and a key as api_key."
        )
    return str(url).rstrip("/").removesuffix("/v1")


def _retry_after_s(header: str | None) -> float | None:
    """Returns seconds of `Retry-After`, which may be a date; None where it says nothing."""
    if header is None:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time())
    except ValueError:
        return None
