"""Requests on their way: asked again where the server says later, errors told in words."""

from __future__ import annotations

import asyncio
import threading
import time
from asyncio import AbstractEventLoop
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2

from intone.core.errors import IntoneError
from intone.remote.address import SPEECH, Address, trusted
from intone.remote.bodies import Body
from intone.remote.problems import error_of_answer, error_of_transport


def get_json(client: httpx2.Client, address: Address, path: str) -> Mapping[str, object] | None:
    """Returns the document of a route, or None where the server has no such route.

    Raises:
        RemoteError: nobody answers, or not with JSON.
        IntoneError: the server's own error.
    """
    try:
        response = client.get(path)
    except httpx2.TransportError as error:
        raise error_of_transport(error, address.url, 0.0) from error
    if response.status_code in (404, 405):
        return None
    if response.status_code != 200:
        raise _error_of(response, response.content)
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise _error_of(response, response.content)
    return document


def open_answer(
    client: httpx2.Client, address: Address, body: Body, *, is_sse: bool
) -> httpx2.Response:
    """Returns an answer whose sound can be read; close it.

    Args:
        is_sse: events are wanted, else samples.

    Raises:
        RemoteError: nobody answers, or with something else.
        IntoneError: the server's own error.
    """
    num_tries = 0
    while True:
        num_tries += 1
        request = client.build_request("POST", SPEECH, json=body)
        try:
            response = client.send(request, stream=True)
            if _is_sound(response, is_sse=is_sse):
                return response
            try:
                content = response.read()
            finally:
                response.close()
        except httpx2.TransportError as error:
            raise error_of_transport(error, address.url, 0.0) from error
        wait_s = address.wait_s(response, num_tries)
        if wait_s is None:
            raise _error_of(response, content)
        time.sleep(wait_s)


async def aopen_answer(
    client: httpx2.AsyncClient, address: Address, body: Body, *, is_sse: bool
) -> httpx2.Response:
    """The same as `open_answer` for a task."""
    num_tries = 0
    while True:
        num_tries += 1
        request = client.build_request("POST", SPEECH, json=body)
        try:
            response = await client.send(request, stream=True)
            if _is_sound(response, is_sse=is_sse):
                return response
            try:
                content = await response.aread()
            finally:
                await response.aclose()
        except httpx2.TransportError as error:
            raise error_of_transport(error, address.url, 0.0) from error
        wait_s = address.wait_s(response, num_tries)
        if wait_s is None:
            raise _error_of(response, content)
        await asyncio.sleep(wait_s)


def _error_of(response: httpx2.Response, content: bytes) -> IntoneError:
    content_type = response.headers.get("Content-Type", "")
    return error_of_answer(response.status_code, content_type, content)


def _is_sound(response: httpx2.Response, *, is_sse: bool) -> bool:
    """Whether it is what was asked for; a page or a document with status 200 is not."""
    if response.status_code != 200:
        return False
    found = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if is_sse:
        return bool(found == "text/event-stream")
    return not (found.startswith("text/") or found == "application/json")


@dataclass(slots=True)
class _Held:
    client: httpx2.AsyncClient
    num_users: int = 0


class LoopClients:
    """One async client for each event loop, for as long as somebody of that loop uses it.

    Connections belong to the loop that opened them, and must be closed on it.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._held: dict[AbstractEventLoop, _Held] = {}

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx2.AsyncClient]:
        """Gives the client of the running loop; the last who leaves closes its connections."""
        loop = asyncio.get_running_loop()
        held = self._enter(loop)
        try:
            yield held.client
        finally:
            if self._leave(loop, held):
                await held.client.aclose()

    def _enter(self, loop: AbstractEventLoop) -> _Held:
        with self._lock:
            held = self._held.get(loop)
            if held is None:
                held = self._held[loop] = _Held(async_client(self._address))
            held.num_users += 1
            return held

    def _leave(self, loop: AbstractEventLoop, held: _Held) -> bool:
        with self._lock:
            held.num_users -= 1
            if held.num_users:
                return False
            del self._held[loop]
            return True


def sync_client(address: Address) -> httpx2.Client:
    """Returns a client for threads; they may share it."""
    return httpx2.Client(
        base_url=address.url,
        headers=address.headers,
        timeout=address.timeout,
        limits=address.limits,
        verify=trusted(),
    )


def async_client(address: Address) -> httpx2.AsyncClient:
    """Returns a client for the tasks of one event loop."""
    return httpx2.AsyncClient(
        base_url=address.url,
        headers=address.headers,
        timeout=address.timeout,
        limits=address.limits,
        verify=trusted(),
    )
