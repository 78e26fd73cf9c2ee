"""The front door: ids, keys, sizes, errors, draining. Routes are the parts' own."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.server.fakes import fake_services

from intone.server.app import create_app
from intone.server.services import Services


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return fake_services(tmp_path)


@pytest.fixture
def client(services: Services) -> TestClient:
    return TestClient(create_app(services), raise_server_exceptions=False)


def test_health_answers_without_a_model(client: TestClient) -> None:
    assert client.get("/healthz").json()["ok"] is True
    assert client.get("/readyz").json() == {"ready": True}
