"""Listens for Wyoming clients while its context lasts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec

from intone.core.errors import InvalidSettingError, MissingDependencyError, OutputError
from intone.server.binding import is_loopback
from intone.server.services import Services

_LOG = logging.getLogger("intone.server")


def check_wyoming(services: Services) -> None:
    """Raises where Wyoming was asked for and cannot be served.

    Raises:
        InvalidSettingError: the address can be reached by others, who need no key.
        MissingDependencyError: the package `wyoming` is absent.
    """
    asked = services.settings.wyoming
    if not asked.enabled:
        return
    if not is_loopback(asked.host) and not services.settings.server.insecure:
        raise InvalidSettingError(
            f"wyoming.host is {asked.host!r}, which others can reach, and the protocol has no "
            "keys; listen on 127.0.0.1, or say --insecure."
        )
    if find_spec("wyoming") is None:
        raise MissingDependencyError(
            "serving Home Assistant needs wyoming; install intone[wyoming], or leave --wyoming out."
        )


@asynccontextmanager
async def wyoming_serving(services: Services) -> AsyncIterator[int | None]:
    """Yields the port that is listened on; None where Wyoming was not asked for.

    Leaving the context closes every connection, and stops what is spoken on it.

    Raises:
        OutputError: the address cannot be listened on.
        InvalidSettingError, MissingDependencyError: see `check_wyoming`.
    """
    check_wyoming(services)
    if not services.settings.wyoming.enabled:
        yield None
        return
    clients: set[asyncio.Task[None]] = set()
    server = await _listening(services, clients)
    host, port = server.sockets[0].getsockname()[:2]
    _LOG.info("listening on tcp://%s:%d for Wyoming", host, port)
    try:
        yield int(port)
    finally:
        server.close()
        left = set(clients)
        for client in left:
            client.cancel()
        if left:
            await asyncio.wait(left)


async def _listening(services: Services, clients: set[asyncio.Task[None]]) -> asyncio.Server:
    from intone.server.wyoming.connection import Connection
    from intone.server.wyoming.reading import MAX_LINE_BYTES

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = asyncio.create_task(Connection(services, reader, writer).run())
        clients.add(client)
        try:
            await asyncio.wait({client})
            if not client.cancelled() and client.exception() is not None:
                _LOG.error("a Wyoming connection failed", exc_info=client.exception())
        finally:
            clients.discard(client)
            writer.close()

    wyoming = services.settings.wyoming
    try:
        return await asyncio.start_server(serve, wyoming.host, wyoming.port, limit=MAX_LINE_BYTES)
    except (OSError, OverflowError) as error:
        raise OutputError(
            f"cannot listen on {wyoming.host} port {wyoming.port} for Wyoming: {error}; choose "
            "another with --wyoming PORT."
        ) from error
