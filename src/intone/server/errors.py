"""Errors as a client sees them: a status, and OpenAI's envelope. No path, key or traceback.

`{"error": {"message", "type", "param", "code"}}`. The message is the error's own, where that is
fit for strangers: what looks like a path of this machine is left out of it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from fastapi.responses import JSONResponse

from intone.core.errors import (
    CapacityError,
    EmptyTextError,
    EngineStoppedError,
    IntoneError,
    InvalidSettingError,
    MarkupError,
    MissingDependencyError,
    MissingReferenceTextError,
    ModelNotFoundError,
    ReferenceAudioError,
    RequestError,
    TextFileError,
    TextTooLongError,
    UnknownLanguageError,
    UnknownVoiceError,
    UnsupportedModeError,
    VoiceFileError,
)
from intone.server.busy import BusyError

INVALID_REQUEST = "invalid_request_error"
SERVER_ERROR = "server_error"

_RETRY_S = 2.0
"""Where an error is passing and does not say for how long."""

_PATH = re.compile(r"(?<![\w/:.<>])(?:~|[A-Za-z]:|\.{1,2})?[/\\](?!v1/|api/|/)[^\s'\"`,;()]*")
"""A path that begins at a root; routes of this server may be named."""
_PATH_ENDS = ".:!?"
_LONG_WORD = re.compile(r"(\S{60})\S{60,}")
_HEAD_CHARACTERS, _TAIL_CHARACTERS = 700, 300
"""What is kept of a message that repeats a long value; what is allowed stands at its end."""


class ApiError(IntoneError):
    """An answer other than 2xx, as the client shall see it."""

    def __init__(
        self,
        status: int,
        type: str,
        code: str,
        message: str,
        *,
        param: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.type = type
        self.code = code
        self.message = message
        self.param = param
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class _Row:
    kind: type[IntoneError]
    status: int
    code: str
    param: str | None = None


_ROWS: tuple[_Row, ...] = (
    _Row(UnknownVoiceError, 400, "unknown_voice", "voice"),
    _Row(UnknownLanguageError, 400, "unknown_language", "language"),
    _Row(UnsupportedModeError, 400, "unsupported_mode"),
    _Row(EmptyTextError, 400, "empty_text", "input"),
    _Row(TextTooLongError, 413, "text_too_long", "input"),
    _Row(MissingReferenceTextError, 400, "missing_ref_text", "ref_text"),
    _Row(ReferenceAudioError, 400, "bad_ref_audio", "ref_audio"),
    _Row(VoiceFileError, 400, "bad_voice_file"),
    _Row(MarkupError, 400, "bad_markup", "input"),
    _Row(TextFileError, 400, "bad_text_file"),
    _Row(InvalidSettingError, 400, "invalid_value"),
    _Row(RequestError, 400, "invalid_request"),
    _Row(ModelNotFoundError, 404, "model_not_found", "model"),
    _Row(MissingDependencyError, 501, "not_installed"),
    _Row(CapacityError, 503, "busy"),
    _Row(EngineStoppedError, 503, "restarting"),
    _Row(IntoneError, 500, "internal_error"),
)
"""The first row that fits holds. What is a server's fault (500) says nothing of its inside."""

_PASSING = (503, 429)


def api_error(error: IntoneError) -> ApiError:
    """Returns what a client is told about an error."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, BusyError):
        code = "rate_limit_exceeded" if error.status == 429 else "busy"
        kind = "rate_limit_error" if error.status == 429 else SERVER_ERROR
        return ApiError(error.status, kind, code, str(error), retry_after_s=error.retry_after_s)
    row = next(row for row in _ROWS if isinstance(error, row.kind))
    if row.status == 500:
        return internal_error()
    return ApiError(
        row.status,
        INVALID_REQUEST if row.status < 500 else SERVER_ERROR,
        row.code,
        public_message(str(error)),
        param=row.param,
        retry_after_s=_RETRY_S if row.status in _PASSING else None,
    )


def internal_error() -> ApiError:
    """Returns what a client is told about an error that is none of its business."""
    return ApiError(
        500,
        SERVER_ERROR,
        "internal_error",
        "the server failed at this request; its log has the reason under the X-Request-Id of this "
        "answer.",
    )


def public_message(message: str) -> str:
    """Returns a message without paths of this machine."""

    def name(match: re.Match[str]) -> str:
        end = match[0][-1] if match[0][-1] in _PATH_ENDS else ""
        return f"a file of the server{end}"

    return _PATH.sub(name, message)


def error_body(error: ApiError) -> dict[str, dict[str, str | None]]:
    """Returns OpenAI's envelope."""
    return {
        "error": {
            "message": _shortened(error.message),
            "type": error.type,
            "param": None if error.param is None else _shortened(error.param),
            "code": error.code,
        }
    }


def _shortened(text: str) -> str:
    """Returns text in which nobody's value is repeated at length."""
    text = _LONG_WORD.sub(r"\1...", text)
    if len(text) <= _HEAD_CHARACTERS + _TAIL_CHARACTERS:
        return text
    return f"{text[:_HEAD_CHARACTERS]} ... {text[-_TAIL_CHARACTERS:]}"


def error_response(error: IntoneError) -> JSONResponse:
    """Returns the whole answer, `Retry-After` included where trying again may help."""
    told = api_error(error)
    headers = {}
    if told.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(told.retry_after_s)))
    if told.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(error_body(told), status_code=told.status, headers=headers)
