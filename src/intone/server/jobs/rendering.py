"""One start of a job, in a thread: what is missing is drawn, then the files are written.

Pieces are kept by `render.book_store`, whose journal a start that was killed leaves whole; only its
events are the queue's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from intone.audio.durable import atomic_write_text
from intone.core.synthesizer import Synthesizer
from intone.core.types import Samples
from intone.render.book import BookRenderer, Progress
from intone.render.book_assembly import AssembledFile
from intone.render.book_files import OutputPlan, safe_name, write_manifest
from intone.render.book_plan import ChapterPlan
from intone.render.book_store import FOLDER, BookStore, FinishedPiece, open_store
from intone.render.identity import Library
from intone.render.subtitles import SubtitleFormat, subtitles
from intone.server.jobs.job import JobOrder
from intone.server.jobs.planning import JobPlan, book_record, plan_job
from intone.server.jobs.script_assembly import assemble_script

OUT = "out"
"""The folder of a job's files, within the job's own."""

_SUBTITLES: tuple[SubtitleFormat, ...] = ("srt", "vtt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporter:
    """Who is told what happens; every call returns when it is on the disk."""

    begun: Callable[[Sequence[FinishedPiece], JobPlan], None]
    """The pieces that are finished already, and all there are."""
    segment: Callable[[Progress, float], None]
    """One more piece, and the seconds of audio so far."""
    check: Callable[[], None]
    """Raises where the job is wanted no more; asked before every piece that goes into a file."""


def run_job(
    order: JobOrder,
    folder: Path,
    synthesizer: Synthesizer,
    library: Library,
    fingerprint: str,
    tell: Reporter,
) -> Mapping[str, object]:
    """Draws and writes what is missing; returns what the last event tells.

    Raises:
        IntoneError: anything that can go wrong; what was told before stays finished.
    """
    can = synthesizer.capabilities()
    plan = plan_job(order, folder, can, library)
    with open_store(folder / OUT, book_record(order, plan, can, fingerprint)) as store:
        _draw(plan, store, synthesizer, tell)
        watched = _WatchedStore(store.directory, store.record, check=tell.check)
        watched.read_journal()
        files = _write(order, plan, watched, folder / OUT)
        manifest = write_manifest(folder / OUT, plan.book, store.record, files)
    _drop_pieces(folder / OUT)
    return {
        "duration_s": round(sum(file.duration_s for file in manifest.files), 3),
        "files": list(result_names(folder)),
        "notes": list(plan.notes),
    }


@dataclass(slots=True)
class _WatchedStore(BookStore):
    """A store that can be stopped: files of a long book take minutes to be written."""

    check: Callable[[], None] = field(kw_only=True)

    def samples(self, finished: FinishedPiece) -> Samples:
        self.check()
        return BookStore.samples(self, finished)


def result_names(folder: Path) -> tuple[str, ...]:
    """Returns the names of the files that a job has so far."""
    try:
        found = list((folder / OUT).iterdir())
    except FileNotFoundError:
        return ()
    return tuple(
        sorted(one.name for one in found if one.is_file() and not one.name.startswith("."))
    )


def _draw(plan: JobPlan, store: BookStore, synthesizer: Synthesizer, tell: Reporter) -> None:
    chapters = plan.book.chapters
    renderer = BookRenderer(chapters, store, synthesizer, plan.identity, ear=None)
    before = _finished(chapters, store)
    tell.begun(before, plan)
    audio_s = sum(one.duration_s for one in before)
    for step in renderer.draw(chapters):
        audio_s += step.finished.duration_s
        tell.segment(step, audio_s)


def _finished(chapters: Sequence[ChapterPlan], store: BookStore) -> list[FinishedPiece]:
    pieces = (store.get(piece) for chapter in chapters for piece in chapter.pieces)
    return [one for one in pieces if one is not None]


def _write(order: JobOrder, plan: JobPlan, store: BookStore, out: Path) -> list[AssembledFile]:
    if plan.script is not None:
        path = out / f"{safe_name(order.title, 'script')}.{order.format}"
        made = assemble_script(
            plan.script,
            plan.book.chapters[0].pieces,
            store,
            path,
            order.audio_format,
            loudness_lufs=order.loudness_lufs,
        )
        for ending in _SUBTITLES:
            spans = (placed.span for placed in made.pieces)
            atomic_write_text(path.with_suffix(f".{ending}"), "".join(subtitles(spans, ending)))
        return [made]
    outputs = OutputPlan(
        directory=out,
        format=order.audio_format,
        is_one_file=order.one_file,
        loudness_lufs=order.loudness_lufs,
    )
    groups = outputs.groups(plan.book, plan.book.chapters)
    return [outputs.write(chapters, store, path) for path, chapters in groups]


def _drop_pieces(out: Path) -> None:
    """Removes the pieces of a job whose files are whole; the journal stays."""
    for path in (out / FOLDER).glob("*.flac"):
        path.unlink(missing_ok=True)
