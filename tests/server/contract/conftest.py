"""One running server on fake models, that clients of other people talk to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from openai import OpenAI
from tests.server.fakes import FakeSource, fake_services
from tests.server.serving import serving

from intone.server.services import Services

StartServer = Callable[[Services], str]


@pytest.fixture(scope="module")
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory, source: FakeSource) -> Services:
    return fake_services(tmp_path_factory.mktemp("server"), source)


@pytest.fixture(scope="module")
def url(services: Services) -> Iterator[str]:
    with serving(services) as address:
        yield address


@pytest.fixture
def start() -> Iterator[StartServer]:
    """Starts servers of a test's own; all end with the test."""
    with ExitStack() as stack:
        yield lambda services: stack.enter_context(serving(services))


@pytest.fixture
def new_services(tmp_path: Path) -> Services:
    return fake_services(tmp_path)


@pytest.fixture(scope="module")
def openai(url: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        yield client
