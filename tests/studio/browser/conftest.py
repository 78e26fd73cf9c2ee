"""A studio that runs, a Chromium that visits it, and the rule that nothing may go wrong unseen."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from tests.studio.browser.serving import RunningStudio, running_studio
from tests.studio.browser.visiting import Visitor

from intone.core.types import ModelKind

CHROMIUM_VARIABLE = "INTONE_CHROMIUM"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
WIDE = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}

NewVisitor = Callable[..., Visitor]

_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.when == "call":
        item.stash[_FAILED] = report.failed
    return report


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser; one for all tests, each of which has a profile of its own."""
    path = os.environ.get(CHROMIUM_VARIABLE) or shutil.which("chromium")
    if path is None:
        pytest.skip(f"no Chromium here: apt install chromium, or set {CHROMIUM_VARIABLE}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where built graphs are kept: each is built once for all studios of a run."""
    return tmp_path_factory.mktemp("graphs")


@pytest.fixture(scope="session")
def studio(
    tmp_path_factory: pytest.TempPathFactory,
    tiny_checkpoint: Callable[[ModelKind], Path],
    graphs: Path,
) -> Iterator[RunningStudio]:
    """One studio for all tests that do not care who was there before: the built-in voice, which
    clones too, and a tiny model of random weights that designs (noise, but every step is real)."""
    models = f"builtin,{tiny_checkpoint('design')}"
    home = tmp_path_factory.mktemp("studio")
    environ = {"INTONE_MODEL__SERVED": models, "INTONE_MODEL__DEFAULT": "builtin"}
    with running_studio(home, environ=environ, cache=graphs) as running:
        yield running


@pytest.fixture
def visit(
    chromium: Browser, studio: RunningStudio, request: pytest.FixtureRequest
) -> Iterator[NewVisitor]:
    """Opens a page as a visitor of its own: `visit()`, or `visit(url, color_scheme="dark")`;
    `visit("")` opens none yet. When the test is over, every visitor must have seen no error, and
    must have asked nobody but the studio.
    """
    contexts: list[BrowserContext] = []
    visitors: list[Visitor] = []

    def new(url: str | None = None, **options: object) -> Visitor:
        context = chromium.new_context(**({"viewport": WIDE} | options))  # type: ignore[arg-type]
        contexts.append(context)
        visitor = Visitor.in_(context)
        visitors.append(visitor)
        if url != "":
            visitor.open(url or studio.url)
        return visitor

    yield new
    if request.node.stash.get(_FAILED, True):
        _show(request.node.name, visitors, studio)
    for context in contexts:
        context.close()
    for visitor in visitors:
        assert not visitor.unexpected(), visitor.unexpected()
        assert not visitor.far_requests, visitor.far_requests


def _show(name: str, visitors: list[Visitor], studio: RunningStudio) -> None:
    """Keeps what a failed test saw last, and prints the server's log."""
    folder = Path("build/browser")
    folder.mkdir(parents=True, exist_ok=True)
    for number, visitor in enumerate(visitors):
        visitor.page.screenshot(path=folder / f"{name}-{number}.png", full_page=True)
        print(f"page {number}: {visitor.problems}")
    print(studio.log.read_text()[-6_000:])
