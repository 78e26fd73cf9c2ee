"""From rows to files: here or on a cluster, resumed, closed with a manifest."""

from __future__ import annotations

import argparse
from collections.abc import Generator
from contextlib import contextmanager
from time import perf_counter

from intone.cli import clusters, options, server_choice
from intone.cli.batch.session import Session
from intone.cli.batch.showing import progress_line, show_whole
from intone.cli.progress import Progress
from intone.cli.telling import tell
from intone.core.errors import BatchError
from intone.core.synthesizer import Synthesizer
from intone.deploy.offline.here import HandsHere
from intone.deploy.offline.opening import BATCH_PROFILE, SpeakerOpening
from intone.deploy.offline.output import FAILURES, SetDirectory, open_set
from intone.deploy.offline.run import Hands, SetRun
from intone.deploy.offline.speaking import RowSpeaker
from intone.engine.settings import DEFAULT_NUM_SLOTS


def make(args: argparse.Namespace, session: Session) -> None:
    """Speaks what is missing; what was finished before an error or Ctrl-C stays.

    Raises:
        BatchError: rows have no take; the others do.
        IntoneError: anything else that can go wrong; the same command then goes on from there.
    """
    with open_set(session.out) as out, Progress() as progress:
        run = SetRun(session.rows, out, session.model, limit_failures=args.limit_failures)
        if run.num_before:
            tell(f"{_kept(run.num_before, session)}: going on from there")
        started, is_whole = perf_counter(), False
        try:
            _speak(args, session, run, out, progress)
            is_whole = True
        finally:
            progress.show("")
            if not is_whole:
                _tell_kept(session, out)
        show_whole(session, run, perf_counter() - started)
        num_others = out.num_others(session.rows)
        if num_others:
            tell(
                f"{num_others} takes of rows that are not in {session.source} stay in "
                f"{session.out}; they are not in the manifest"
            )
        if run.failures:
            raise BatchError(
                f"{len(run.failures)} of {len(session.rows)} rows have no take; the reasons are in "
                f"{session.out / FAILURES}. The same command tries these again."
            )


def _speak(
    args: argparse.Namespace, session: Session, run: SetRun, out: SetDirectory, progress: Progress
) -> None:
    if not run.missing:
        run.close()
        return
    progress.show("loading the model")
    with _hands(args, session, out) as hands:
        for step in run.speak(hands):
            progress.show(progress_line(step))


@contextmanager
def _hands(args: argparse.Namespace, session: Session, out: SetDirectory) -> Generator[Hands]:
    if args.ray is not None:
        from intone.deploy.offline.ray_rows import HandsOnRay, RowsOpening

        with clusters.open_cluster(args) as cluster:
            opening = RowsOpening(
                speaker=_opening(args, session, cluster.cpus),
                cast=session.cast,
                out=out.shared,
                format=args.format,
            )
            clusters.tell_workers(cluster)
            yield HandsOnRay(cluster, opening)
        return
    with _synthesizer(args) as (synthesizer, num_at_once):
        journal = out.shared.journal()
        speaker = RowSpeaker(synthesizer, session.cast, out.directory, args.format, journal)
        yield HandsHere(speaker, num_at_once=num_at_once, stop=synthesizer.close)


@contextmanager
def _synthesizer(args: argparse.Namespace) -> Generator[tuple[Synthesizer, int]]:
    """Yields what speaks, and how many rows it shall speak at once."""
    if args.server is not None:
        with server_choice.open_speaker(args) as remote:
            yield remote, args.slots or DEFAULT_NUM_SLOTS
        return
    args.profile = args.profile or BATCH_PROFILE
    with options.open_tts(args, num_slots=args.slots) as tts:
        yield tts, tts.load().plan.num_slots


def _opening(args: argparse.Namespace, session: Session, cpus: int) -> SpeakerOpening:
    return SpeakerOpening(
        model=session.model_name,
        device=args.device,
        dtype=args.dtype,
        threads=args.threads or cpus,
        num_slots=args.slots,
        profile=args.profile or BATCH_PROFILE,
        eager=args.eager,
        memory_budget=args.memory_budget,
        fingerprint=session.model.fingerprint,
    )


def _tell_kept(session: Session, out: SetDirectory) -> None:
    """Tells what a run that was left has finished; workers may know more than they have told."""
    num_kept = len(out.shared.finished(session.rows))
    if num_kept:
        tell(f"{_kept(num_kept, session)}; the same command goes on from there")


def _kept(num_rows: int, session: Session) -> str:
    return f"{num_rows} of {len(session.rows)} rows are finished in {session.out}"
