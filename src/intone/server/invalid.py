"""Requests that do not fit their form, in words that name the field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.exceptions import HTTPException

from intone.server.errors import INVALID_REQUEST, SERVER_ERROR, ApiError

_CODES = {
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    413: "body_too_large",
    415: "unsupported_media_type",
    422: "invalid_request",
}
_SOURCES = ("body", "query", "path", "header", "form")
_MAX_VALUE_LENGTH = 60


def invalid_request(errors: Sequence[Mapping[str, Any]]) -> ApiError:
    """Returns the refusal of a body or query that does not fit, by its first mistake."""
    first = errors[0]
    param = _name(first["loc"])
    kind, said = first["type"], str(first["msg"]).removeprefix("Value error, ")
    if kind == "extra_forbidden":
        message = (
            f"unknown field {param!r}; leave it out, or see /openapi.json for those there are."
        )
        return ApiError(400, INVALID_REQUEST, "unknown_field", message, param=param)
    if kind == "missing":
        message = f"{param or 'the body'} is missing; it is needed."
        return ApiError(400, INVALID_REQUEST, "missing_field", message, param=param)
    if kind == "json_invalid":
        message = f"the body is not JSON ({first.get('ctx', {}).get('error', said)})."
        return ApiError(400, INVALID_REQUEST, "invalid_json", message)
    message = f"{param or 'the body'} is {_shown(first.get('input'))}: {said}."
    return ApiError(400, INVALID_REQUEST, "invalid_value", message, param=param)


def http_error(error: HTTPException) -> ApiError:
    """Returns what the framework itself refuses, in our envelope."""
    status = error.status_code
    kind = INVALID_REQUEST if status < 500 else SERVER_ERROR
    messages = {
        404: "there is no such route or thing; /openapi.json lists the routes.",
        405: "this route does not answer to that method; /openapi.json lists those it does.",
    }
    message = str(error.detail) if status == 413 else messages.get(status, str(error.detail))
    return ApiError(status, kind, _CODES.get(status, "invalid_request"), message)


def _name(loc: Sequence[str | int]) -> str | None:
    parts = [str(part) for part in loc if part not in _SOURCES]
    return ".".join(parts) or None


def _shown(value: object) -> str:
    if isinstance(value, dict | list | bytes):
        return "something else"
    text = repr(value)
    return text if len(text) <= _MAX_VALUE_LENGTH else f"{text[:_MAX_VALUE_LENGTH]}..."
