"""What is known of one request: its id from the first byte on, and how it went.

`X-Request-Id` of the caller is taken over where it is sane, so that one id runs through a whole
chain of servers; else one is made.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.types import Scope

from intone.core.types import FinishReason

HEADER = "x-request-id"
_SANE = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_KEY = "request_record"


@dataclass(slots=True)
class RequestRecord:
    """One request; routes write into it what only they know."""

    request_id: str
    started_s: float
    key_id: str | None = None
    finish_reason: FinishReason | None = None
    """Of the last take."""
    audio_s: float | None = None
    """Sent to the caller."""
    model: str | None = None


def request_id_of(given: str | None) -> str:
    """Returns the caller's id where it is 1 to 128 plain characters, else a new one."""
    if given is not None and _SANE.fullmatch(given):
        return given
    return secrets.token_hex(16)


def put_record(scope: Scope, record: RequestRecord) -> None:
    """Ties a record to a connection."""
    scope.setdefault("state", {})[_KEY] = record


def record_in(scope: Scope) -> RequestRecord:
    """Returns the record that the outermost layer tied to this connection."""
    record = scope["state"][_KEY]
    assert isinstance(record, RequestRecord)
    return record


def record_of(connection: HTTPConnection) -> RequestRecord:
    """The same, as a dependency of routes."""
    return record_in(connection.scope)
