"""What a listener gets: audio per chapter or in one file, subtitles beside it, and a manifest."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from intone.audio.durable import atomic_write_text
from intone.audio.files import AudioFormat
from intone.core.errors import OutputError
from intone.core.types import FinishReason
from intone.render.book_assembly import AssembledFile, PlacedPiece, assemble
from intone.render.book_plan import BookPlan, ChapterPlan
from intone.render.book_record import BookRecord
from intone.render.book_store import BookStore
from intone.render.ear import Likeness
from intone.render.json_records import to_json
from intone.render.sidecar import ModelRecord, VoiceRecord
from intone.render.subtitles import SubtitleFormat, subtitles

MANIFEST = "manifest.json"
MANIFEST_SCHEMA = 1

_MAX_NAME_CHARACTERS = 48
_SUBTITLES: tuple[SubtitleFormat, ...] = ("srt", "vtt")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputPlan:
    """Which files a book becomes."""

    directory: Path
    format: AudioFormat = "wav"
    is_one_file: bool = False
    loudness_lufs: float | None = None

    def groups(
        self, plan: BookPlan, chapters: Sequence[ChapterPlan]
    ) -> tuple[tuple[Path, tuple[ChapterPlan, ...]], ...]:
        """Returns every file and the chapters in it."""
        if self.is_one_file:
            name = f"{safe_name(plan.title, 'book')}.{self.format}"
            return ((self.directory / name, tuple(chapters)),)
        digits = max(2, len(str(plan.chapters[-1].number)))
        return tuple((self._path(chapter, digits), (chapter,)) for chapter in chapters)

    def check_free(self, paths: Sequence[Path]) -> None:
        """Raises OutputError where a file is there already that this book did not make."""
        beside = (path.with_suffix(f".{ending}") for path in paths for ending in _SUBTITLES)
        for path in (*paths, *beside, self.directory / MANIFEST):
            if path.exists():
                raise OutputError(
                    f"{path} is there already, and no book was begun in {self.directory}; use "
                    "another --out, or --restart to replace it."
                )

    def write(self, chapters: Sequence[ChapterPlan], store: BookStore, path: Path) -> AssembledFile:
        """Writes one file with its subtitles; raises as `assemble` does."""
        made = assemble(chapters, store, path, self.format, loudness_lufs=self.loudness_lufs)
        for ending in _SUBTITLES:
            spans = (placed.span for placed in made.pieces)
            atomic_write_text(path.with_suffix(f".{ending}"), "".join(subtitles(spans, ending)))
        return made

    def _path(self, chapter: ChapterPlan, digits: int) -> Path:
        name = safe_name(chapter.title or "", "chapter")
        return self.directory / f"{chapter.number:0{digits}}-{name}.{self.format}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestSegment:
    """One piece of a file."""

    chapter: int
    index: int
    start_s: float
    end_s: float
    text: str
    spoken_text: str
    seed: int
    finish_reason: FinishReason
    num_draws: int
    similarity: float | None
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestFile:
    """One file of audio; its subtitles have the same name."""

    file: str
    chapters: tuple[str, ...]
    duration_s: float
    measured_lufs: float | None
    """Before `gain_db`; None where loudness was not asked for, or nothing could be measured."""
    gain_db: float
    segments: tuple[ManifestSegment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Everything that the files of a book hold, for programs."""

    schema: int
    intone_version: str
    title: str
    source: str
    language: str
    seed: int
    speed: float
    model: ModelRecord
    voice: VoiceRecord
    lowest_similarity: float | None
    mean_similarity: float | None
    files: tuple[ManifestFile, ...]
    notes: tuple[str, ...]


def write_manifest(
    directory: Path, plan: BookPlan, record: BookRecord, files: Sequence[AssembledFile]
) -> Manifest:
    """Writes and returns the manifest of the files that are made so far; raises OutputError."""
    likeness = Likeness.of(placed.finished.similarity for file in files for placed in file.pieces)
    titles = {chapter.number: chapter.title or "" for chapter in plan.chapters}
    manifest = Manifest(
        schema=MANIFEST_SCHEMA,
        intone_version=record.intone_version,
        title=plan.title,
        source=record.source,
        language=record.request.language,
        seed=record.request.seed,
        speed=record.request.speed,
        model=record.model,
        voice=record.voice,
        lowest_similarity=likeness.lowest,
        mean_similarity=likeness.mean,
        files=tuple(_manifest_file(file, titles) for file in files),
        notes=plan.notes,
    )
    atomic_write_text(directory / MANIFEST, to_json(manifest) + "\n")
    return manifest


def safe_name(title: str, otherwise: str) -> str:
    """Returns a title as a part of a file name: letters and digits of any script, and hyphens."""
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFC", title).lower())
    name = ""
    for word in words:
        longer = f"{name}-{word}" if name else word[:_MAX_NAME_CHARACTERS]
        if len(longer) > _MAX_NAME_CHARACTERS:
            break
        name = longer
    return name or otherwise


def _manifest_file(file: AssembledFile, titles: dict[int, str]) -> ManifestFile:
    numbers = dict.fromkeys(placed.piece.chapter for placed in file.pieces)
    return ManifestFile(
        file=file.path.name,
        chapters=tuple(titles[number] for number in numbers),
        duration_s=file.duration_s,
        measured_lufs=None if file.gain is None else file.gain.measured_lufs,
        gain_db=0.0 if file.gain is None else file.gain.gain_db,
        segments=tuple(map(_manifest_segment, file.pieces)),
    )


def _manifest_segment(placed: PlacedPiece) -> ManifestSegment:
    finished = placed.finished
    return ManifestSegment(
        chapter=placed.piece.chapter,
        index=placed.piece.plan.index,
        start_s=placed.start_s,
        end_s=placed.end_s,
        text=placed.piece.plan.text,
        spoken_text=placed.piece.plan.request.text,
        seed=finished.seed,
        finish_reason=finished.finish_reason,
        num_draws=finished.num_draws,
        similarity=finished.similarity,
        note=finished.note,
    )
