"""Which field of the Train tab an error is about: by what its message begins with."""

from __future__ import annotations

from typing import Literal

from intone.core.errors import EmptyTextError, IntoneError, ModelNotFoundError, UnknownLanguageError

FieldName = Literal[
    "source",
    "speaker",
    "check",
    "name",
    "base",
    "epochs",
    "scale",
    "consent",
    "start",
    "text",
    "listen",
    "voice",
    "keep",
    "run",
]

_BEGINNINGS: tuple[tuple[str, FieldName], ...] = (
    ("the folder", "source"),
    ("there is no /", "source"),
    ("give a folder or a .zip", "source"),
    ("the archive", "source"),
    ("the file is no .zip", "source"),
    ("the speaker's name", "speaker"),
    ("the name", "name"),
    ("there is a run", "name"),
    ("no run can begin", "base"),
    ("epochs is", "epochs"),
    ("learning_rate_scale is", "scale"),
    ("a voice belongs", "consent"),
    ("the sentence", "text"),
    ("voice name", "voice"),
    ("a voice or a model", "voice"),
)


def field_of(error: IntoneError, otherwise: FieldName) -> FieldName:
    """Returns the field beside which the error is told; `otherwise` is the button's own place."""
    if isinstance(error, EmptyTextError):
        return "text"
    if isinstance(error, ModelNotFoundError):
        return "base"
    if isinstance(error, UnknownLanguageError):
        return "check"
    told = str(error)
    return next((field for words, field in _BEGINNINGS if told.startswith(words)), otherwise)
