"""One app on fake models, called in-process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.server.fakes import FakeSource, fake_services

from intone.server.app import create_app
from intone.server.services import Services


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def services(tmp_path: Path, source: FakeSource) -> Services:
    return fake_services(tmp_path, source)


@pytest.fixture
def client(services: Services) -> Iterator[TestClient]:
    with TestClient(create_app(services), raise_server_exceptions=False) as client:
        yield client
