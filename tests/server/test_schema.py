"""Every operation of the OpenAPI document, asked as schemathesis makes it up: what it promises."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.server.jobs.running import job_services
from tests.server.serving import serving

from intone.server.app import create_app


def not_an_accident(
    context: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """A 503 is a full server, a 501 a missing package: both are said on purpose."""
    assert response.status_code < 500 or response.status_code in (501, 503), response.text


CHECKS = [
    not_an_accident,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
QUICK, THOROUGH = 10, 200
"""Requests per operation."""


def operations() -> list[str]:
    """Returns `GET /v1/models` and so on; making an app loads nothing."""
    paths = create_app(job_services(Path("nowhere"))).openapi()["paths"]
    return [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[schemathesis.BaseSchema]:
    with serving(job_services(tmp_path_factory.mktemp("schema"))) as url:
        yield schemathesis.openapi.from_url(f"{url}/openapi.json")


def ask(api: schemathesis.BaseSchema, operation: str, num_requests: int) -> None:
    method, _, path = operation.partition(" ")

    @settings(
        max_examples=num_requests,
        deadline=None,
        derandomize=num_requests == QUICK,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=api[path][method].as_strategy())
    def check(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=CHECKS)

    check()


@pytest.mark.parametrize("operation", operations())
def test_an_operation_keeps_what_the_document_says(
    api: schemathesis.BaseSchema, operation: str
) -> None:
    ask(api, operation, QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("operation", operations())
def test_an_operation_keeps_it_however_long_one_looks(
    api: schemathesis.BaseSchema, operation: str
) -> None:
    ask(api, operation, THOROUGH)
