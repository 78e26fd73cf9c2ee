"""Fetching a clip from an address: public ones alone, whatever a name or a redirect says."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from intone.core.errors import ReferenceAudioError
from intone.server.fetching import Fetching, Wire, fetch, is_public

PUBLIC = "93.184.216.34"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\nContent-Length: 4\r\n\r\nRIFF"


class Net:
    """Names with their addresses, and what answers there."""

    def __init__(
        self, names: dict[str, Sequence[Sequence[str]]], answers: dict[str, bytes], pause_s: float
    ) -> None:
        self.names = {name: list(turns) for name, turns in names.items()}
        self.answers = answers
        self.pause_s = pause_s
        self.connections: list[tuple[str, int, str | None]] = []
        self.asked: list[bytes] = []
        self.num_open = 0

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        if host not in self.names:
            raise OSError("no such name")
        turns = self.names[host]
        return turns.pop(0) if len(turns) > 1 else turns[0]

    async def connect(self, address: str, port: int, tls_name: str | None) -> Wire:
        self.connections.append((address, port, tls_name))
        if address not in self.answers:
            raise ConnectionRefusedError
        self.num_open += 1
        return Canned(self, self.answers[address])


class Canned:
    def __init__(self, net: Net, answer: bytes) -> None:
        self.net, self.answer = net, answer

    async def send(self, data: bytes) -> None:
        self.net.asked.append(data)

    async def receive(self) -> bytes:
        await asyncio.sleep(self.net.pause_s)
        part, self.answer = self.answer[:700], self.answer[700:]
        return part

    async def close(self) -> None:
        self.net.num_open -= 1


def net(
    names: dict[str, Sequence[Sequence[str]]] | None = None,
    answers: dict[str, bytes] | None = None,
    pause_s: float = 0.0,
) -> Net:
    return Net(names or {"example.org": [[PUBLIC]]}, answers or {PUBLIC: OK}, pause_s)


def got(
    url: str,
    net: Net,
    *,
    max_bytes: int = 1_000,
    timeout_s: float = 2.0,
    domains: Sequence[str] = (),
) -> bytes:
    how = Fetching(
        max_bytes=max_bytes,
        timeout_s=timeout_s,
        domains=domains,
        resolve=net.resolve,
        connect=net.connect,
    )
    return asyncio.run(fetch(url, how))


def test_a_public_file_is_fetched_from_the_address_that_was_checked() -> None:
    world = net()
    assert got("https://example.org/a/clip.wav?x=1", world) == b"RIFF"
    assert world.connections == [(PUBLIC, 443, "example.org")]
    assert world.asked[0].startswith(b"GET /a/clip.wav?x=1 HTTP/1.1\r\nHost: example.org\r\n")
    assert world.num_open == 0


def test_a_name_is_resolved_once() -> None:
    world = net({"example.org": [[PUBLIC], ["127.0.0.1"]]})
    got("http://example.org/", world)
    assert world.connections == [(PUBLIC, 80, None)]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.9.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "not an address",
    ],
)
def test_addresses_that_are_not_the_internets_are_refused(address: str) -> None:
    assert not is_public(address)
    world = net({"inside.example": [[address]]}, {address: OK})
    with pytest.raises(ReferenceAudioError, match="cannot be fetched"):
        got("http://inside.example/", world)
    assert not world.connections


@pytest.mark.parametrize("address", ["1.1.1.1", PUBLIC, "2606:2800:220:1::1"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


def test_one_private_address_among_public_ones_is_a_trick() -> None:
    world = net({"mixed.example": [[PUBLIC, "10.0.0.1"]]})
    with pytest.raises(ReferenceAudioError):
        got("http://mixed.example/", world)
    assert not world.connections


@pytest.mark.parametrize(
    "target",
    ["http://169.254.169.254/latest", "http://inside.example/", "//inside.example/x"],
)
def test_a_redirect_is_checked_like_an_address(target: str) -> None:
    answer = f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode()
    names = {
        "example.org": [[PUBLIC]],
        "inside.example": [["10.0.0.1"]],
        "169.254.169.254": [["169.254.169.254"]],
    }
    world = net(names, {PUBLIC: answer, "10.0.0.1": OK, "169.254.169.254": OK})
    with pytest.raises(ReferenceAudioError, match="cannot be fetched"):
        got("http://example.org/", world)
    assert [connection[0] for connection in world.connections] == [PUBLIC]
    assert world.num_open == 0


def test_a_redirect_to_another_public_place_is_followed_and_a_circle_is_not() -> None:
    there = b"HTTP/1.1 301 Moved\r\nLocation: https://two.example/b\r\n\r\n"
    names = {"example.org": [[PUBLIC]], "two.example": [["1.1.1.1"]]}
    world = net(names, {PUBLIC: there, "1.1.1.1": OK})
    assert got("http://example.org/a", world) == b"RIFF"
    round_trip = net(None, {PUBLIC: b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n"})
    with pytest.raises(ReferenceAudioError, match="redirected more than 3 times"):
        got("http://example.org/", round_trip)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "http://",
        "http://user:word@example.org/",
        "http://example.org:0/",
        "http://example.org:99999/",
        "http://[::1/",
        "https:///clip.wav",
    ],
)
def test_what_is_no_plain_web_address_is_refused(url: str) -> None:
    world = net()
    with pytest.raises(ReferenceAudioError):
        got(url, world)
    assert not world.connections


def test_what_is_too_large_or_too_slow_is_left() -> None:
    large = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5_000
    world = net(None, {PUBLIC: large})
    with pytest.raises(ReferenceAudioError, match=r"more than 1\.0 MB|more than"):
        got("http://example.org/", world)
    assert world.num_open == 0
    slow = net(None, {PUBLIC: large}, pause_s=0.2)
    with pytest.raises(ReferenceAudioError, match=r"within 0\.1 s"):
        got("http://example.org/", slow, timeout_s=0.1)
    assert slow.num_open == 0


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", b"SSH-2.0-x\r\n", b""]
)
def test_whatever_else_answers_is_not_told_apart(answer: bytes) -> None:
    with pytest.raises(ReferenceAudioError, match="not public, or does not answer with a file"):
        got("http://example.org/", net(None, {PUBLIC: answer}))


def test_hosts_can_be_limited_to_some_domains() -> None:
    names = {"clips.example.org": [[PUBLIC]], "notexample.org": [[PUBLIC]]}
    assert got("http://clips.example.org/", net(names), domains=("example.org",)) == b"RIFF"
    with pytest.raises(ReferenceAudioError, match=r"may come from example\.org only"):
        got("http://notexample.org/", net(names), domains=("example.org",))
