"""The studio in a browser: a key is shown once, a cookie follows, and opens nothing else."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI, Request, WebSocket
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from tests.server.fakes import fake_services, with_settings

from intone.server.admission import NO_LIMITS, KeyLimits
from intone.server.app import create_app
from intone.server.auth import caller_of
from intone.server.browser_door import COOKIE, STUDIO_PATH, is_beneath
from intone.server.browser_sessions import IDLE_S, MAX_SESSIONS, GuessLimit, Sessions
from intone.server.key_ring import KeyRing
from intone.server.keys import KeyFile
from intone.server.sections import ServerSection, StudioSection

PAGE = {"accept": "text/html,application/xhtml+xml", "sec-fetch-mode": "navigate"}
FETCH = {"accept": "*/*", "sec-fetch-mode": "cors"}
STREAM = {"accept": "text/event-stream"}


class Clock:
    """Goes when it is told to."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json")


@pytest.fixture
def app(tmp_path: Path, keys: KeyFile, clock: Clock) -> FastAPI:
    services = replace(fake_services(tmp_path), keys=KeyRing(keys), clock=clock)
    services = with_settings(
        services,
        studio=StudioSection(enabled=True),
        server=ServerSection(cors_origins=("https://friend.example",)),
    )
    app = create_app(services)

    @app.websocket("/studio/socket")
    async def socket(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(caller_of(socket).key_id)

    @app.api_route("/studio", methods=["GET", "POST"])
    @app.api_route("/studio/{path:path}", methods=["GET", "POST"])
    async def studio(request: Request) -> str:
        return caller_of(request).key_id

    return app


@pytest.fixture
def browser(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, follow_redirects=False) as client:
        yield client


def another(browser: TestClient) -> TestClient:
    """Returns a browser of somebody else."""
    return TestClient(browser.app, follow_redirects=False)


def log_in(browser: TestClient, key: str) -> str:
    """Logs in and returns the cookie as it was set."""
    answer = browser.post("/studio/login", data={"key": key})
    assert (answer.status_code, answer.headers["location"]) == (303, "/studio/"), answer.text
    return answer.headers["set-cookie"]


def test_without_keys_there_is_no_login(browser: TestClient) -> None:
    assert browser.get("/studio/", headers=PAGE).json() == "anonymous"
    assert browser.get("/studio/login").headers["location"] == "/studio/"
    assert browser.post("/studio/any").json() == "anonymous"


def test_a_page_without_a_session_leads_to_the_login(browser: TestClient, keys: KeyFile) -> None:
    keys.add("ada", NO_LIMITS)

    for path in ("/studio", "/studio/", "/studio/deep/page"):
        answer = browser.get(path, headers=PAGE)
        assert (answer.status_code, answer.headers["location"]) == (303, "/studio/login")
    page = browser.get("/studio/login", headers=PAGE)

    assert page.status_code == 200
    assert '<label for="key">API key</label>' in page.text
    assert "<script" not in page.text
    assert not re.search(r"(src|href)=\"(?!data:)", page.text), "it fetches nothing"
    assert "script" not in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/studio", "/studio/", "/studio/gradio_api/info", "/studio/a/b"])
def test_nothing_but_pages_is_answered_without_a_session(
    browser: TestClient, keys: KeyFile, path: str
) -> None:
    keys.add("ada", NO_LIMITS)

    for answer in (
        browser.get(path, headers=FETCH),
        browser.get(path, headers=STREAM),
        browser.get(path, headers=FETCH | {"accept": "text/html"}),
        browser.post(path, headers=PAGE),
        browser.put(path, headers=PAGE),
        browser.post("/studio/logout/", headers=PAGE),
    ):
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "invalid_api_key"
    with pytest.raises(WebSocketDisconnect), browser.websocket_connect("/studio/socket"):
        pass


def test_a_key_opens_the_studio_and_its_cookie_nothing_else(
    browser: TestClient, keys: KeyFile
) -> None:
    cookie = log_in(browser, keys.add("ada", NO_LIMITS))

    assert cookie.startswith(f"{COOKIE}=")
    attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert attributes == {"httponly", "samesite=strict", f"path={STUDIO_PATH}", "max-age=43200"}
    value = cookie.split(";")[0]
    assert len(value.removeprefix(f"{COOKIE}=")) >= 43, "256 bits"
    assert browser.get("/studio/", headers=PAGE).json() == "ada"
    assert browser.post("/studio/run", headers=FETCH).json() == "ada"
    with browser.websocket_connect("/studio/socket") as socket:
        assert socket.receive_text() == "ada"
    for path in ("/v1/models", "/v1/audio/voices", "/metrics", "/studiox", "/studio-x/y", "/"):
        assert another(browser).get(path, headers={"cookie": value}).status_code == 401, path


def test_over_https_the_cookie_stays_there(app: FastAPI, keys: KeyFile) -> None:
    with TestClient(app, base_url="https://testserver", follow_redirects=False) as browser:
        assert "Secure" in log_in(browser, keys.add("ada", NO_LIMITS))


def test_every_browser_is_who_logged_in_with_it(browser: TestClient, keys: KeyFile) -> None:
    other = another(browser)
    log_in(browser, keys.add("ada", KeyLimits(max_concurrent=2)))
    log_in(other, keys.add("bob", NO_LIMITS))

    assert browser.get("/studio/").json() == "ada"
    assert other.get("/studio/").json() == "bob"


def test_a_bearer_key_works_and_a_wrong_one_is_not_helped_by_a_cookie(
    browser: TestClient, keys: KeyFile
) -> None:
    token, other = keys.add("ada", NO_LIMITS), keys.add("bob", NO_LIMITS)

    bearer = {"authorization": f"Bearer {token}"}
    assert browser.get("/studio/", headers=PAGE | bearer).json() == "ada"
    log_in(browser, other)
    assert browser.get("/studio/", headers=bearer).json() == "ada"
    wrong = {"authorization": "Bearer intone_wrong"}
    assert browser.get("/studio/", headers=wrong).status_code == 401


def test_the_icon_is_no_secret(browser: TestClient, keys: KeyFile) -> None:
    keys.add("ada", NO_LIMITS)

    assert browser.get("/favicon.ico").headers["content-type"] == "image/svg+xml"


def test_a_wrong_key_is_told_beside_the_field(browser: TestClient, keys: KeyFile) -> None:
    keys.add("ada", NO_LIMITS)

    for key, status in (("intone_<script>", 401), ("", 400), ("x" * 5_000, 400)):
        answer = browser.post("/studio/login", data={"key": key})
        assert answer.status_code == status
        assert 'role="alert"' in answer.text
        assert "set-cookie" not in answer.headers
        assert "<script>" not in answer.text
    assert browser.get("/studio/", headers=FETCH).status_code == 401


def test_guessing_is_slowed_down_per_address(
    browser: TestClient, keys: KeyFile, clock: Clock
) -> None:
    key = keys.add("ada", NO_LIMITS)
    for _ in range(10):
        assert browser.post("/studio/login", data={"key": "guess"}).status_code == 401

    late = browser.post("/studio/login", data={"key": key})
    clock.now_s += 6.1
    again = browser.post("/studio/login", data={"key": key})

    assert late.status_code == 429
    assert late.headers["retry-after"] == "6"
    assert "try again in 6 s" in late.text
    assert again.status_code == 303


def test_right_keys_are_no_guesses(browser: TestClient, keys: KeyFile) -> None:
    key = keys.add("ada", NO_LIMITS)

    for _ in range(25):
        log_in(browser, key)


def test_a_revoked_key_ends_its_sessions_for_good(browser: TestClient, keys: KeyFile) -> None:
    log_in(browser, keys.add("ada", NO_LIMITS))
    keys.add("bob", NO_LIMITS)

    keys.revoke("ada")
    assert browser.get("/studio/", headers=PAGE).headers["location"] == "/studio/login"
    keys.add("ada", NO_LIMITS)
    assert browser.get("/studio/", headers=FETCH).status_code == 401


def test_a_session_ends_after_twelve_idle_hours(
    browser: TestClient, keys: KeyFile, clock: Clock
) -> None:
    log_in(browser, keys.add("ada", NO_LIMITS))

    for _ in range(3):
        clock.now_s += IDLE_S - 1
        assert browser.get("/studio/", headers=FETCH).status_code == 200
    clock.now_s += IDLE_S + 1
    assert browser.get("/studio/", headers=FETCH).status_code == 401


def test_logging_out_ends_the_session(browser: TestClient, keys: KeyFile) -> None:
    cookie = log_in(browser, keys.add("ada", NO_LIMITS)).split(";")[0]

    assert browser.get("/studio/logout", headers=FETCH).json() == "ada", "a link does not log out"
    answer = browser.post("/studio/logout")

    assert (answer.status_code, answer.headers["location"]) == (303, "/studio/login")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    kept = another(browser).get("/studio/", headers=FETCH | {"cookie": cookie})
    assert kept.status_code == 401


@pytest.mark.parametrize("origin", ["https://evil.example", "https://friend.example", "null"])
def test_strange_pages_cannot_use_the_studio_of_a_browser(
    browser: TestClient, keys: KeyFile, origin: str
) -> None:
    key = keys.add("ada", NO_LIMITS)
    log_in(browser, key)
    strange = {"origin": origin}

    assert browser.post("/studio/run", headers=strange).status_code == 403
    assert browser.get("/studio/config", headers=strange).status_code == 403
    assert browser.post("/studio/logout", headers=strange).status_code == 403
    answer = browser.post("/studio/login", data={"key": key}, headers=strange)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    with (
        pytest.raises(WebSocketDisconnect),
        browser.websocket_connect("/studio/socket", headers=strange),
    ):
        pass
    assert browser.post("/studio/run", headers={"origin": "http://testserver"}).json() == "ada"


def test_no_strange_page_frames_the_studio(browser: TestClient, keys: KeyFile) -> None:
    own = "frame-ancestors 'self'"
    assert own in browser.get("/studio/", headers=PAGE).headers["content-security-policy"]
    keys.add("ada", NO_LIMITS)
    login = browser.get("/studio/login", headers=PAGE).headers["content-security-policy"]
    assert "frame-ancestors 'none'" in login


@pytest.mark.parametrize(
    "path",
    [
        "/studio/../v1/models",
        "/studio/..",
        "/studio/./x",
        "/studio//x",
        "//studio/x",
        "/studiox",
        "/studio\\..\\v1",
        "/studio/..\\v1",
        "/STUDIO/x",
        "/v1/studio/x",
        "",
    ],
)
def test_paths_with_tricks_are_not_the_studios(path: str) -> None:
    assert not is_beneath(path)


@pytest.mark.parametrize("path", ["/studio", "/studio/", "/studio/a", "/studio/a/b/", "/studio/.x"])
def test_plain_paths_are_the_studios(path: str) -> None:
    assert is_beneath(path)


def test_a_trick_path_is_refused_in_spite_of_the_cookie(app: FastAPI, keys: KeyFile) -> None:
    key = keys.add("ada", NO_LIMITS)
    with TestClient(app, follow_redirects=False) as browser:
        cookie = log_in(browser, key).split(";")[0]

        for path in ("/studio/../v1/models", "/studio//run", "/studio/%2e%2e/v1/models"):
            assert asyncio.run(_status(app, path, cookie)) == 401, path
        assert asyncio.run(_status(app, "/studio/run", cookie)) == 200


async def _status(app: FastAPI, path: str, cookie: str) -> int:
    """Returns the status of a path as it stands: clients would tidy it up."""
    from urllib.parse import unquote

    sent: list[int] = []
    scope = {
        "type": "http",
        "method": "GET",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"testserver"), (b"cookie", cookie.encode())],
        "client": ("10.0.0.1", 1),
        "server": ("testserver", 80),
        "scheme": "http",
        "http_version": "1.1",
        "state": {},
    }

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            sent.append(int(str(message["status"])))

    await app(scope, receive, send)
    return sent[0]


def test_sessions_are_bounded(keys: KeyFile, clock: Clock) -> None:
    key = keys.add("ada", NO_LIMITS)
    sessions = Sessions(KeyRing(keys), clock)
    first, second = sessions.begin(key), sessions.begin(key)
    assert first is not None
    assert second is not None
    sessions.find(first)

    for _ in range(MAX_SESSIONS - 1):
        sessions.begin(key)

    assert sessions.find(first) is not None
    assert sessions.find(second) is None, "the one that was idle for longest"


def test_a_household_of_ipv6_addresses_guesses_as_one(clock: Clock) -> None:
    guesses = GuessLimit(clock)

    for number in range(10):
        guesses.note_wrong(f"2001:db8:1:2::{number:x}")

    assert guesses.wait_s("2001:db8:1:2:ffff::1") > 0
    assert guesses.wait_s("2001:db8:1:3::1") == 0.0
    assert guesses.wait_s("10.0.0.1") == 0.0


def test_without_the_studio_there_is_no_door(tmp_path: Path, keys: KeyFile) -> None:
    key = keys.add("ada", NO_LIMITS)
    services = replace(fake_services(tmp_path), keys=KeyRing(keys))
    with TestClient(create_app(services), follow_redirects=False) as browser:
        assert browser.get("/studio/", headers=PAGE).status_code == 401
        assert browser.post("/studio/login", data={"key": key}).status_code == 401
