"""Leads a request to the application of the model that it names, before Ray Serve routes by path.

OpenAI's clients name the model in the body, and Serve routes by prefix; so each model's
application has the prefix `/NAME`, and this layer in front of Serve's own routing puts it there. It
adds no hop: sound and WebSockets pass as they do without it. Serve's proxies load it where every
node has RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH=intone.deploy.ray.by_model:layers in its
environment.

A model is named by the path (`/NAME/v1/...`, `/v1/models/NAME`), by `?model=NAME` (all that a
WebSocket has), or by `model` in a JSON body. What names none, or one without an application, goes
to the application at `/`, which speaks with its own model or says that there is no such model.
`GET /v1/models` lists those of all applications.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Collection
from urllib.parse import parse_qs, unquote

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from intone.deploy.ray.answers import answer_of
from intone.models.hub import ALIASES

ROUTES_PATH = "/-/routes"
_ROUTES: Scope = {
    **{"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET"},
    **{"scheme": "http", "path": ROUTES_PATH, "raw_path": ROUTES_PATH.encode()},
    **{"root_path": "", "query_string": b"", "headers": [], "client": None, "server": None},
}
_LIST = "/v1/models"
_FRESH_S = 1.0
_MAX_BODY_BYTES = 20_000_000
"""As `limits.body`; of a longer body nothing is read here, and the replica refuses it."""
_MAX_WAIT_S = 60.0
"""As `limits.body_s`."""
_LARGE_BYTES = 100_000
"""Parsing more than this would keep the proxy's other streams waiting."""
_ALIAS_OF = {repo_id.lower(): alias for alias, repo_id in ALIASES.items()}


def layers() -> list[Middleware]:
    """Returns what Serve's proxies put in front of their routing."""
    return [Middleware(ByModel)]


class ByModel:
    """Puts the prefix of a model's application in front of the path; lists what all list."""

    def __init__(self, app: ASGIApp, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._clock = clock
        self._prefixes: frozenset[str] = frozenset()
        self._fresh_until_s = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and not scope["path"].startswith("/-/"):
            prefixes = await self._known()
            if prefixes and not _is_under(scope["path"], prefixes):
                model, receive = await _asked(scope, receive)
                if model is None and _is_list(scope):
                    await self._list(scope, prefixes, send)
                    return
                scope = _led(scope, model, prefixes)
        await self._app(scope, receive, send)

    async def _known(self) -> Collection[str]:
        """Returns the prefixes of all applications but the one at the root, as Serve has them."""
        if self._clock() >= self._fresh_until_s:
            answer = await answer_of(self._app, _ROUTES)
            routes = list(answer.document) if answer.is_ok else []  # none while Serve starts
            self._prefixes = frozenset(routes) - {"/"}
            self._fresh_until_s = self._clock() + _FRESH_S
        return self._prefixes

    async def _list(self, scope: Scope, prefixes: Collection[str], send: Send) -> None:
        """Answers with the models of every application that answers, those of the root first."""
        first, *others = await asyncio.gather(
            answer_of(self._app, scope),
            *(answer_of(self._app, _under(scope, prefix)) for prefix in sorted(prefixes)),
        )
        if first.is_ok:
            listed = [
                {**model, "is_default": False}
                for answer in others
                if answer.is_ok
                for model in answer.document["data"]
            ]
            first = first.with_document(
                {**first.document, "data": [*first.document["data"], *listed]}
            )
        await first.send(send)


async def _asked(scope: Scope, receive: Receive) -> tuple[str | None, Receive]:
    """Returns the model that a request names, and what gives its body again."""
    named = parse_qs(scope["query_string"].decode("latin-1")).get("model")
    if named:
        return named[0], receive
    path: str = scope["path"]
    if path.startswith(f"{_LIST}/"):
        return unquote(path.removeprefix(f"{_LIST}/")), receive
    if scope["type"] == "websocket" or not _has_json(Headers(scope=scope)):
        return None, receive
    read = await _read(receive)
    return await _model_in(read), _again(read, receive)


def _has_json(headers: Headers) -> bool:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    length = headers.get("content-length", "0")
    fits = length.isdecimal() and int(length) <= _MAX_BODY_BYTES
    return kind == "application/json" and fits


async def _read(receive: Receive) -> list[Message]:
    """Returns messages up to the end of a body, or as far as it came in time and may be kept."""
    read: list[Message] = []
    size_bytes = 0
    try:
        async with asyncio.timeout(_MAX_WAIT_S):
            while size_bytes <= _MAX_BODY_BYTES:
                read.append(await receive())
                size_bytes += len(read[-1].get("body", b""))
                if not read[-1].get("more_body", False):
                    break
    except TimeoutError:
        pass  # the replica has a limit of its own, and says so
    return read


async def _model_in(read: list[Message]) -> str | None:
    body = b"".join(message.get("body", b"") for message in read)
    try:
        if len(body) > _LARGE_BYTES:
            document = await asyncio.to_thread(json.loads, body)
        else:
            document = json.loads(body)
    except (ValueError, RecursionError):
        return None  # the replica says what is wrong with it
    model = document.get("model") if isinstance(document, dict) else None
    return model if isinstance(model, str) else None


def _again(read: list[Message], receive: Receive) -> Receive:
    """Returns what gives messages that were read, then those to come."""
    left = iter(read)

    async def replay() -> Message:
        message = next(left, None)
        return await receive() if message is None else message

    return replay


def _is_under(path: str, prefixes: Collection[str]) -> bool:
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in prefixes)


def _is_list(scope: Scope) -> bool:
    return scope["type"] == "http" and (scope["method"], scope["path"]) == ("GET", _LIST)


def _led(scope: Scope, model: str | None, prefixes: Collection[str]) -> Scope:
    """Returns the scope with the prefix of a model's application where there is one."""
    if model is None:
        return scope
    name = _ALIAS_OF.get(model.lower(), model)
    found = next((f"/{one}" for one in (name, name.lower()) if f"/{one}" in prefixes), None)
    return scope if found is None else _under(scope, found)


def _under(scope: Scope, prefix: str) -> Scope:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return {**scope, "path": prefix + scope["path"], "raw_path": prefix.encode() + raw}
