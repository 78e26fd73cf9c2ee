"""What a book will be, and what it has become, in lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from intone.cli.book.session import Session
from intone.cli.table import print_table
from intone.cli.telling import tell
from intone.render.book import Progress
from intone.render.book_assembly import AssembledFile
from intone.render.book_files import MANIFEST, Manifest
from intone.render.ear import Likeness


def show_chapters(session: Session) -> None:
    """Prints the chapters with what they will take, and what was left out."""
    rows = [("chapter", "title", "pieces", "about")]
    for chapter in session.plan.chapters:
        mark = "" if chapter in session.chapters else " (not chosen)"
        rows.append(
            (
                str(chapter.number),
                f"{chapter.title or ''}{mark}",
                str(len(chapter.pieces)),
                clock(chapter.expected_s),
            )
        )
    print_table(rows)
    print(f"{clock(sum(chapter.expected_s for chapter in session.chapters))} in all, about")
    tell_notes(session.plan.notes)


def show_spoken(session: Session) -> None:
    """Prints what will be said, a piece a line."""
    for chapter in session.chapters:
        for piece in chapter.pieces:
            print(piece.plan.request.text)


def progress_line(step: Progress, num_chapters: int) -> str:
    """Returns how far the book is."""
    left = "" if step.remaining_s is None else f", {clock(step.remaining_s)} left"
    return (
        f"chapter {step.piece.chapter} of {num_chapters}, piece {step.num_done} of "
        f"{step.num_pieces}{left}"
    )


def show_file(file: AssembledFile) -> None:
    """Prints a line about a file that is ready."""
    alike = Likeness.of(placed.finished.similarity for placed in file.pieces)
    person = ""
    if alike.lowest is not None:
        person = f", similarity {alike.lowest:.2f} at least ({alike.num_compared} compared)"
    loudness = "" if file.gain is None else f", {file.gain}"
    print(
        f"{file.path}: {clock(file.duration_s)}, {len(file.pieces)} pieces{person}{loudness}",
        flush=True,
    )
    for placed in file.pieces:
        finished = placed.finished
        is_short = finished.similarity is None and finished.finish_reason == "stop"
        if finished.note is not None and not is_short:
            place = f"{clock(placed.start_s)}, {placed.piece.plan.text[:40]!r}"
            tell(f"{place}: {finished.note}")


def show_whole(out: Path, manifest: Manifest, num_drawn: int, wall_s: float) -> None:
    """Prints the summary of a run."""
    total_s = sum(file.duration_s for file in manifest.files)
    segments = [segment for file in manifest.files for segment in file.segments]
    reasons = [segment.finish_reason for segment in segments]
    ended = ", ".join(f"{reasons.count(reason)} {reason}" for reason in dict.fromkeys(reasons))
    print(f"{out / MANIFEST}: {clock(total_s)} of audio, seed {manifest.seed}, finished: {ended}")
    if manifest.mean_similarity is not None:
        print(
            f"similarity with the voice: {manifest.lowest_similarity:.2f} lowest, "
            f"{manifest.mean_similarity:.2f} mean"
        )
    print(f"{num_drawn} of {len(segments)} pieces were drawn in this run, in {clock(wall_s)}")
    tell_notes(manifest.notes)


def tell_notes(notes: Sequence[str]) -> None:
    """Prints what was left out."""
    for note in notes:
        tell(note)


def clock(seconds: float) -> str:
    """Returns 75.2 as 1:15, and 3,675 as 1:01:15."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
