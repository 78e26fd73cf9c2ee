"""How a browser shows a key: once, on a page of its own, and then by a cookie. Beneath the studio
alone: nothing under `/v1` knows the cookie.

The studio answers its own pages only, whatever `server.cors_origins` allows elsewhere: a page of
the same site, or one without an origin, would come with the cookie, or where no key is asked for.
Pages without a session lead to the login; scripts, streams and forms without one get 401, as
everywhere. `Authorization: Bearer` works here as it does elsewhere. Without keys there is no login.
"""

from __future__ import annotations

import math
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from intone.server.auth import put_caller, token_of
from intone.server.browser_sessions import IDLE_S, GuessLimit, Sessions
from intone.server.login_page import login_page
from intone.server.origins import is_own, strange_origin
from intone.server.refusal import refuse

STUDIO_PATH = "/studio"
COOKIE = "intone_studio"

_LOGIN, _LOGOUT = f"{STUDIO_PATH}/login", f"{STUDIO_PATH}/logout"
_HOME = f"{STUDIO_PATH}/"
_ICON_PATH = "/favicon.ico"
"""Asked for by browsers at the root, whatever a page says."""
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    '<rect width="32" height="32" rx="8" fill="#0f766e"/>'
    '<path d="M8 13v6M13 8v16M19 11v10M24 14v4" stroke="#fff" stroke-width="3" '
    'stroke-linecap="round"/></svg>'
)
_MAX_FORM_BYTES = 4_096
_SEE_OTHER = 303
_NO_FRAMES = "frame-ancestors 'self'"
"""A page of somebody else must not lay ours under its own buttons."""


class BrowserDoor:
    """Knows browsers by their cookie, and lets them in and out; stands before `KeyGate`."""

    def __init__(self, app: ASGIApp, sessions: Sessions, guesses: GuessLimit) -> None:
        self._app = app
        self._sessions = sessions
        self._guesses = guesses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == _ICON_PATH:
            await Response(_ICON, media_type="image/svg+xml")(scope, receive, send)
            return
        if scope["type"] == "lifespan" or not is_beneath(scope["path"]):
            await self._app(scope, receive, send)
            return
        if not is_own(Headers(scope=scope)):
            help = "the studio answers its own pages alone."
            await refuse(strange_origin(help), scope, receive, send)
            return
        if scope["type"] == "websocket":
            self._recognise(scope)
            await self._app(scope, receive, send)
            return
        answer = await self._answer(Request(scope, receive))
        await (answer or self._app)(scope, receive, _Framed(send))

    async def _answer(self, request: Request) -> Response | None:
        """Returns what is answered here; None where the app answers."""
        if not self._sessions.are_needed:
            return _to(_HOME) if request.url.path in (_LOGIN, _LOGOUT) else None
        if request.url.path == _LOGIN and request.method in ("GET", "HEAD"):
            return login_page(_LOGIN)
        if request.url.path == _LOGIN and request.method == "POST":
            return await self._log_in(request)
        if request.url.path == _LOGOUT and request.method == "POST":
            return self._log_out(request)
        is_known = self._recognise(request.scope) or token_of(request) is not None
        return None if is_known or not _wants_page(request) else _to(_LOGIN)

    def _recognise(self, scope: Scope) -> bool:
        """Tells `KeyGate` who calls, where the cookie says it; returns whether it does."""
        cookie = _cookie_of(HTTPConnection(scope))
        caller = None if cookie is None else self._sessions.find(cookie)
        if caller is not None:
            put_caller(scope, caller)
        return caller is not None

    async def _log_in(self, request: Request) -> Response:
        address = request.client.host if request.client else ""
        wait_s = math.ceil(self._guesses.wait_s(address))
        if wait_s > 0:
            problem = f"Too many wrong keys from here; try again in {wait_s} s."
            return login_page(_LOGIN, problem, status=429, retry_after_s=wait_s)
        key = await _key_in(request)
        if not key:
            return login_page(_LOGIN, "Enter a key; it begins with intone_.", status=400)
        cookie = self._sessions.begin(key)
        if cookie is None:
            self._guesses.note_wrong(address)
            problem = "This key is not known here, or was revoked. Check it, and send it again."
            return login_page(_LOGIN, problem, status=401)
        answer = _to(_HOME)
        _put_cookie(answer, request, cookie, int(IDLE_S))
        return answer

    def _log_out(self, request: Request) -> Response:
        cookie = _cookie_of(request)
        if cookie is not None:
            self._sessions.end(cookie)
        answer = _to(_LOGIN)
        _put_cookie(answer, request, "", 0)
        return answer


class _Framed:
    """Sends on; what is sent may be framed by our own pages only."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).setdefault("Content-Security-Policy", _NO_FRAMES)
        await self._send(message)


def is_beneath(path: str) -> bool:
    """Whether a path is the studio's, plainly: `..`, `//` and the like make it nobody's."""
    if path == STUDIO_PATH:
        return True
    if not path.startswith(_HOME) or "\\" in path:
        return False
    *folders, last = path.removeprefix(_HOME).split("/")
    return not any(folder in ("", ".", "..") for folder in folders) and last not in (".", "..")


def _wants_page(request: Request) -> bool:
    """Whether a person waits for a page, not a script for an answer."""
    if request.method not in ("GET", "HEAD"):
        return False
    headers = Headers(scope=request.scope)
    is_visit = headers.get("sec-fetch-mode", "navigate") == "navigate"
    return is_visit and "text/html" in headers.get("accept", "")


async def _key_in(request: Request) -> str:
    """Returns the key of a form; "" where there is none."""
    body = b""
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > _MAX_FORM_BYTES:
                return ""
    except ClientDisconnect:
        return ""
    fields = parse_qs(body.decode("utf-8", "replace"))
    return fields.get("key", [""])[0].strip()


def _cookie_of(connection: HTTPConnection) -> str | None:
    return connection.cookies.get(COOKIE) or None


def _put_cookie(answer: Response, request: Request, value: str, max_age_s: int) -> None:
    answer.set_cookie(
        COOKIE,
        value,
        max_age=max_age_s,
        path=STUDIO_PATH,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def _to(path: str) -> Response:
    return RedirectResponse(path, _SEE_OTHER, {"Cache-Control": "no-store"})
