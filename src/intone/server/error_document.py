"""Errors as the OpenAPI document describes them: every route may answer with these."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


class ErrorDetail(BaseModel):
    """What is wrong, in words and in a code."""

    message: str
    """What was received, what is allowed, and what to do."""
    type: str
    param: str | None
    """The field at fault."""
    code: str | None


class ErrorEnvelope(BaseModel):
    """OpenAI's form of an error."""

    error: ErrorDetail


_RETRY = {"Retry-After": {"description": "Seconds.", "schema": {"type": "string"}}}

ERROR_RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorEnvelope, "description": "The request cannot be served as written."},
    501: {"model": ErrorEnvelope, "description": "A package of the server is missing."},
    503: {
        "model": ErrorEnvelope,
        "description": "Busy, loading or stopping; ask again.",
        "headers": _RETRY,
    },
}
