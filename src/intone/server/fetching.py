"""Fetches a file from a public address, and from nowhere else.

A name is resolved once, every address that it has is checked, and the connection goes to the
checked address: a name cannot change its mind in between. Each redirect is checked anew.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import SplitResult, urljoin, urlsplit

import h11

from intone.core.byte_sizes import format_bytes
from intone.core.errors import ReferenceAudioError

_MAX_REDIRECTS = 3
_READ_BYTES = 65_536
_PORTS = {"http": 80, "https": 443}
_MAPPED = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("2002::/16"))
"""NAT64 and 6to4: an IPv4 address in the clothes of a public IPv6 one."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""From host and port to addresses."""


class Wire(Protocol):
    """An open connection."""

    async def send(self, data: bytes) -> None: ...

    async def receive(self) -> bytes:
        """Returns what has come, b"" at the end."""
        ...

    async def close(self) -> None: ...


Connect = Callable[[str, int, str | None], Awaitable[Wire]]
"""From address, port and the name to ask TLS for, None being plain HTTP, to a connection."""


async def _resolve(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


async def _connect(address: str, port: int, tls_name: str | None) -> Wire:
    context = None if tls_name is None else ssl.create_default_context()
    reader, writer = await asyncio.open_connection(
        address, port, ssl=context, server_hostname=tls_name
    )
    return _Socket(reader, writer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetching:
    """What a fetch may take, and how it reaches the world."""

    max_bytes: int
    timeout_s: float
    """From the name to the last byte, redirects included."""
    domains: Sequence[str] = ()
    """Hosts that may be asked, with all below them; none: every public one."""
    resolve: Resolve = field(default=_resolve)
    connect: Connect = field(default=_connect)


async def fetch(url: str, how: Fetching) -> bytes:
    """Returns the bytes behind an http(s) address.

    Raises:
        ReferenceAudioError: not allowed, not reachable, too large, too slow, or not found. What
            answered is not said: the address of a stranger is no map of this network.
    """
    try:
        async with asyncio.timeout(how.timeout_s):
            for _ in range(_MAX_REDIRECTS + 1):
                found = await _fetch_once(url, how)
                if isinstance(found, bytes):
                    return found
                url = urljoin(url, found.location)
    except TimeoutError:
        raise ReferenceAudioError(
            f"ref_audio was not there within {how.timeout_s:g} s; send the clip itself as base64."
        ) from None
    except (OSError, h11.ProtocolError, UnicodeError):
        raise _unreachable() from None
    raise ReferenceAudioError(
        f"ref_audio was redirected more than {_MAX_REDIRECTS} times; give its final address."
    )


@dataclass(frozen=True, slots=True)
class _Redirect:
    location: str


async def _fetch_once(url: str, how: Fetching) -> bytes | _Redirect:
    parts = _checked_url(url, how.domains)
    host = parts.hostname or ""
    port = parts.port or _PORTS[parts.scheme]
    address = await _checked_address(host, port, how)
    wire = await how.connect(address, port, host if parts.scheme == "https" else None)
    try:
        return await _exchange(wire, parts, how.max_bytes)
    finally:
        await wire.close()


def _checked_url(url: str, domains: Sequence[str]) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ReferenceAudioError("ref_audio is no address; send an http(s) URL.") from None
    host = (parts.hostname or "").rstrip(".").lower()
    if parts.scheme not in _PORTS or not host or "@" in parts.netloc or port == 0:
        raise ReferenceAudioError(
            "ref_audio must be an http or https URL with a host and without a user; or send the "
            "clip itself as base64."
        )
    if domains and not any(host == one or host.endswith(f".{one}") for one in domains):
        raise ReferenceAudioError(
            f"ref_audio may come from {', '.join(domains)} only; or send the clip itself as base64."
        )
    return parts


async def _checked_address(host: str, port: int, how: Fetching) -> str:
    """Returns the first address, where all are public: one that is not shows a trick."""
    try:
        addresses = await how.resolve(host, port)
    except OSError:
        raise _unreachable() from None
    if not addresses or not all(is_public(address) for address in addresses):
        raise _unreachable()
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet's: not of this machine, its network or cloud."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if any(ip in network for network in _MAPPED):
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


async def _exchange(wire: Wire, parts: SplitResult, max_bytes: int) -> bytes | _Redirect:
    http = h11.Connection(h11.CLIENT)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = [("Host", parts.netloc), ("Accept", "audio/*"), ("Connection", "close")]
    await wire.send(http.send(h11.Request(method="GET", target=target, headers=headers)) or b"")
    await wire.send(http.send(h11.EndOfMessage()) or b"")
    body = bytearray()
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            http.receive_data(await wire.receive())
        elif isinstance(event, h11.Response):
            location = _location(event)
            if location is not None:
                return _Redirect(location)
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > max_bytes:
                raise ReferenceAudioError(
                    f"ref_audio has more than {format_bytes(max_bytes)}; give a shorter clip."
                )
        elif isinstance(event, h11.EndOfMessage):
            return bytes(body)
        elif not isinstance(event, h11.InformationalResponse):
            raise _unreachable()


def _location(response: h11.Response) -> str | None:
    """Returns where a redirect leads, None where there is a body; raises for anything else."""
    if response.status_code == 200:
        return None
    for name, value in response.headers:
        if name == b"location" and response.status_code in (301, 302, 303, 307, 308):
            return value.decode("ascii")
    raise _unreachable()


def _unreachable() -> ReferenceAudioError:
    """One message for whatever stands in the way."""
    return ReferenceAudioError(
        "ref_audio cannot be fetched: its address is not public, or does not answer with a file. "
        "Send the clip itself, as base64 or as a data: URL."
    )


class _Socket:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def receive(self) -> bytes:
        return await self._reader.read(_READ_BYTES)

    async def close(self) -> None:
        self._writer.close()
