"""The reference clip of a command, as it was asked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A voice that a command cloned for its own takes."""

    path: str
    ref_text: str | None
    x_vector_only: bool
    append_silence: bool
