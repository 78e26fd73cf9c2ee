"""What a set will be, how far it is, and what it has become, in lines."""

from __future__ import annotations

from intone.cli.batch.session import Session
from intone.cli.book.showing import clock
from intone.cli.table import print_table
from intone.cli.telling import tell
from intone.deploy.offline.output import MANIFEST
from intone.deploy.offline.run import SetRun, Step
from intone.text.duration import expected_duration

_MAX_TOLD = 20
"""Failed rows that are told one by one; all are in their file."""


def show_rows(session: Session) -> None:
    """Prints how many rows there are and what they will take, by voice."""
    by_voice: dict[str, tuple[int, float]] = {}
    for planned in session.rows:
        request = planned.row.request
        name = request.voice if isinstance(request.voice, str) else "(the model's own)"
        num, total_s = by_voice.get(name, (0, 0.0))
        expected_s = expected_duration(request.text, request.language).typical_s
        by_voice[name] = num + 1, total_s + expected_s / request.speed
    rows = [("voice", "rows", "about")]
    rows += [(name, str(num), clock(total_s)) for name, (num, total_s) in by_voice.items()]
    print_table(rows)
    all_s = sum(total_s for _, total_s in by_voice.values())
    print(f"{len(session.rows)} rows, {clock(all_s)} of audio in all, about; {session.model.name}")


def show_spoken(session: Session) -> None:
    """Prints what will be said, a row a line."""
    for planned in session.rows:
        print(planned.row.request.text)


def progress_line(step: Step) -> str:
    """Returns how far the set is."""
    failed = f", {step.num_failed} failed" if step.num_failed else ""
    left = "" if step.remaining_s is None else f", {clock(step.remaining_s)} left"
    return f"row {step.num_done + step.num_failed} of {step.num_rows}{failed}{left}"


def show_whole(session: Session, run: SetRun, wall_s: float) -> None:
    """Prints the summary of a run, and why rows failed."""
    takes = run.takes
    reasons = [take.finish_reason for take in takes]
    ended = ", ".join(f"{reasons.count(reason)} {reason}" for reason in dict.fromkeys(reasons))
    total_s = sum(take.duration_s for take in takes)
    print(
        f"{session.out / MANIFEST}: {len(takes)} of {len(session.rows)} rows, {clock(total_s)} of "
        f"audio, finished: {ended or 'none'}"
    )
    made_s = sum(take.duration_s for take in run.made)
    rate = f", {made_s / wall_s:.1f}x real time" if run.made and wall_s > 0 else ""
    print(f"{len(run.made)} rows were spoken in this run, in {clock(wall_s)}{rate}")
    for failure in run.failures[:_MAX_TOLD]:
        tell(f"line {failure.line}, {failure.id}: {failure.reason}")
