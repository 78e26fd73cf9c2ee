"""Errors of a server, and of the way to it, as errors of Intone; the message is the server's own.

A status and a body become the error that `TTS` would have raised for the same reason, so that a
caller need not know where a take was made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import httpx2

from intone.core.errors import (
    CapacityError,
    EmptyTextError,
    IntoneError,
    InvalidSettingError,
    MissingDependencyError,
    MissingReferenceTextError,
    ModelNotFoundError,
    ReferenceAudioError,
    RemoteError,
    RequestError,
    TextTooLongError,
    UnknownLanguageError,
    UnknownVoiceError,
    UnsupportedModeError,
    VoiceFileError,
)

_OF_CODE: Mapping[str, type[IntoneError]] = {
    "unknown_voice": UnknownVoiceError,
    "unknown_language": UnknownLanguageError,
    "unsupported_mode": UnsupportedModeError,
    "empty_text": EmptyTextError,
    "text_too_long": TextTooLongError,
    "missing_ref_text": MissingReferenceTextError,
    "bad_ref_audio": ReferenceAudioError,
    "bad_voice_file": VoiceFileError,
    "invalid_value": InvalidSettingError,
    "model_not_found": ModelNotFoundError,
    "not_installed": MissingDependencyError,
    "busy": CapacityError,
    "restarting": CapacityError,
    "rate_limit_exceeded": CapacityError,
}
"""Codes of Intone's server; those of others say less, and their status is looked at."""

_OF_STATUS: Mapping[int, type[IntoneError]] = {
    400: RequestError,
    413: TextTooLongError,
    422: RequestError,
    429: CapacityError,
    503: CapacityError,
}
_SHOWN_CHARACTERS = 200
"""Of an answer that is no JSON: a proxy's page, for example."""


def error_of_answer(status: int, content_type: str, body: bytes) -> IntoneError:
    """Returns the error that an answer other than 200 stands for."""
    document = _document(body)
    if document is None:
        return _unreadable(status, content_type, body)
    message, code = _said(document)
    if status in (401, 403):
        return RemoteError(
            f"the server refused the key ({status}): {message} Give a key that it knows: "
            "RemoteTTS(URL, api_key=...), --api-key or INTONE_API_KEY."
        )
    kind = _OF_CODE.get(code or "", _OF_STATUS.get(status))
    if kind is not None:
        return kind(message)
    return RemoteError(f"the server answered {status}: {message}")


def error_of_event(event: Mapping[str, object]) -> IntoneError:
    """Returns the error that ended a stream of events."""
    message, code = _said(event)
    return _OF_CODE.get(code or "", RemoteError)(message)


def error_of_transport(error: httpx2.TransportError, url: str, heard_s: float) -> RemoteError:
    """Returns why there was no answer, or no whole one, in words.

    Args:
        heard_s: seconds of audio that had come.
    """
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        why = "no server answers there; start it (intone serve), or check the address"
    elif isinstance(error, httpx2.TimeoutException):
        why = "nothing came for too long; the server is overloaded, or timeout_s is too short"
    else:
        why = "the connection broke off; the server stopped, or failed in the middle of the take"
    when = f" after {heard_s:.2f} s of audio" if heard_s else ""
    return RemoteError(f"{url}{when}: {why} ({_words_of(error)}).")


def _words_of(error: httpx2.TransportError) -> str:
    return str(error) or type(error).__name__


def _document(body: bytes) -> Mapping[str, object] | None:
    try:
        document = json.loads(body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _said(document: Mapping[str, object]) -> tuple[str, str | None]:
    """Returns message and code of OpenAI's envelope, or of FastAPI's and other plain ones."""
    error = document.get("error", document)
    if not isinstance(error, dict):
        return str(error), None
    words = error.get("message") or error.get("detail") or json.dumps(error)
    code = error.get("code")
    return str(words), None if code is None else str(code)


def _unreadable(status: int, content_type: str, body: bytes) -> IntoneError:
    shown = " ".join(body.decode("utf-8", "replace").split())[:_SHOWN_CHARACTERS]
    kind = CapacityError if status in (429, 503) else RemoteError
    return kind(
        f"the server answered {status} with {content_type or 'no type'}: "
        f"{shown!r}; check that the address is that of a server with POST /v1/audio/speech, and "
        "not of a proxy or a page."
    )
