"""A folder of clips with a text beside each: `a.wav` and `a.txt`, at any depth."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from intone.train.data.source_keys import Read, SourceOptions, SourceRow, malformed, rejected

AUDIO_SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".aiff", ".aif")
_TEXT_SUFFIXES = (".txt", ".lab")


def read_folder(folder: Path, options: SourceOptions) -> Iterator[Read]:
    """Yields a row per clip, and per text without a clip, in the order of their names."""
    clips: dict[Path, Path] = {}
    texts: dict[Path, Path] = {}
    twins: list[Path] = []
    for path in sorted(folder.rglob("*")):
        kind = path.suffix.lower()
        found = clips if kind in AUDIO_SUFFIXES else texts if kind in _TEXT_SUFFIXES else None
        if found is None or path.is_dir() or path.name.startswith("."):
            continue
        if path.with_suffix("") in found:
            twins.append(path)
        else:
            found[path.with_suffix("")] = path
    for stem in sorted(clips.keys() | texts.keys()):
        yield _folder_row(folder, clips.get(stem), texts.get(stem), options)
    for path in twins:
        row_id = path.relative_to(folder).as_posix()
        yield malformed(row_id, "another file of this name differs in its ending alone", row_id)


def _folder_row(folder: Path, clip: Path | None, text: Path | None, options: SourceOptions) -> Read:
    if clip is None:
        assert text is not None
        row_id = text.relative_to(folder).as_posix()
        return rejected("missing_audio", row_id, "a text without a clip beside it", row_id)
    row_id = clip.relative_to(folder).as_posix()
    if text is None:
        return rejected("empty_text", row_id, "no .txt or .lab beside the clip", row_id)
    try:
        words = text.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        return malformed(row_id, f"{text.name} is no UTF-8 text: {error}", row_id)
    values = {"audio": row_id, "text": words}
    return SourceRow(id=row_id, values=values, audio_root=options.audio_root or folder)
