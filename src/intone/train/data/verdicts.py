"""Why a row was not kept: one code of a closed list, and a sentence for who repairs the data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from intone.audio.durable import atomic_write_bytes

REJECTED_FILE = "rejected.jsonl"

Code = Literal[
    "malformed_row",
    "unknown_key",
    "wrong_type",
    "duplicate_id",
    "bad_speaker",
    "unknown_language",
    "unknown_split",
    "empty_text",
    "missing_audio",
    "undecodable_audio",
    "bad_cut",
    "bad_reference",
    "too_short",
    "too_long",
    "silent",
    "clipped",
    "noisy",
    "low_rate",
    "chars_per_second",
    "leak",
    "duplicate_audio",
    "duplicate_text",
]
"""In the order in which they are looked for; a row gets the first that applies."""

CODES: tuple[Code, ...] = get_args(Code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A row that was not kept."""

    id: str
    code: Code
    reason: str
    """The value received and what is allowed."""
    row: Mapping[str, object]
    """As it was read; a line that is no row is under "line"."""


def write_rejections(path: Path, rejections: Iterable[Rejection]) -> None:
    """Writes one line per rejected row; raises OutputError."""
    lines = [
        json.dumps(
            {"id": each.id, "code": each.code, "reason": each.reason, "row": dict(each.row)},
            ensure_ascii=False,
            default=str,
        )
        for each in rejections
    ]
    text = "".join(f"{line}\n" for line in lines)
    # What is no Unicode, half of a surrogate pair, becomes the JSON escape that it was.
    atomic_write_bytes(path, text.encode("utf-8", "backslashreplace"))
