"""A source's row under our keys: renamed, unknown names refused, values still as they were.

This is what the readers of all formats share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from intone.core.errors import DatasetError
from intone.train.data.verdicts import Code, Rejection

KEYS = frozenset(
    "id audio text speaker language instruct ref_audio ref_text start end split".split()
)
UNUSED_KEYS = frozenset({"audio_codes"})
"""Known, and not read: `encode` makes its own codes."""
NOTE_KEYS = frozenset({"source", "source_start_s", "source_end_s"})
"""For people: where `segment` cut the clip from."""
_KNOWN = KEYS | UNUSED_KEYS | NOTE_KEYS

ALIASES: Mapping[str, str] = {
    "audio_file": "audio",
    "audio_filepath": "audio",
    "audio_path": "audio",
    "file_name": "audio",
    "path": "audio",
    "wav": "audio",
    "sentence": "text",
    "transcript": "text",
    "transcription": "text",
    "start_s": "start",
    "end_s": "end",
    "instruction": "instruct",
    "speaker_id": "speaker",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOptions:
    """How to read a source."""

    audio_root: Path | None = None
    """What relative audio paths start from; None is the folder of the source."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """The source's name of a key, to ours."""
    ignored: frozenset[str] = frozenset()
    """Keys of the source that have no meaning here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """One row under our keys; the values are as the source has them."""

    id: str
    values: Mapping[str, object]
    audio_root: Path
    unused: tuple[str, ...] = ()
    """Names that were there and are not read."""


Read = SourceRow | Rejection


def source_row(
    row_id: str, data: Mapping[str, object], folder: Path, options: SourceOptions
) -> Read:
    """Returns the row under our keys, or its rejection for a name that has no meaning."""
    values: dict[str, object] = {}
    unused: list[str] = []
    for name, value in data.items():
        key = key_of(name, options)
        if key in NOTE_KEYS:
            continue
        if key in UNUSED_KEYS or name in options.ignored:
            unused.append(name)
        elif key not in KEYS or key in values:
            what = "given twice" if key in values else "not known"
            reason = (
                f"{name!r} is {what}; allowed: {', '.join(sorted(KEYS))} "
                f"(--ignore {name} skips it, --column KEY={name} reads it as KEY)"
            )
            return Rejection(id=row_id, code="unknown_key", reason=reason, row=data)
        else:
            values[key] = value
    root = options.audio_root or folder
    return SourceRow(id=row_id, values=values, audio_root=root, unused=tuple(unused))


def key_of(name: str, options: SourceOptions) -> str:
    """Returns our key for a name of the source; the name itself where it is none."""
    return options.columns.get(name) or ALIASES.get(name, name)


def check_header(header: Sequence[str], table: Path, options: SourceOptions) -> None:
    """Refuses a header at once that would reject every row; raises DatasetError."""
    keys = [key_of(name, options) for name in header if name not in options.ignored]
    wrong = [name for name in header if name not in options.ignored]
    wrong = [name for name in wrong if key_of(name, options) not in _KNOWN]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if wrong or twice:
        raise DatasetError(
            f"{table} has columns {wrong or twice} that are {'unknown' if wrong else 'doubled'}; "
            f"allowed: {', '.join(sorted(KEYS))}. Use --ignore NAME or --column KEY=NAME."
        )


def rejected(code: Code, row_id: str, reason: str, line: str) -> Rejection:
    """Returns the rejection of something that did not become a row."""
    return Rejection(id=row_id, code=code, reason=reason, row={"line": line.rstrip("\r\n")})


def malformed(row_id: str, reason: str, line: str) -> Rejection:
    """Returns the rejection of a line that is no row."""
    return rejected("malformed_row", row_id, reason, line)
