"""Speaks a planned script: opens models, keeps every segment at once, then writes the whole."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

from intone.cli import server_choice
from intone.cli.ears import chosen_ear, draw_policy, why_not_heard
from intone.cli.playing import BackgroundPlayer
from intone.cli.progress import Progress
from intone.cli.records import model_record
from intone.cli.script.session import Session
from intone.cli.script.showing import SegmentLines, tell_kept
from intone.cli.script.whole import MODE, Whole, WholeFiles
from intone.cli.telling import tell
from intone.core.constants import SAMPLE_RATE_HZ
from intone.remote import RemoteTTS
from intone.render.ear import Ear
from intone.render.outputs import OutputFolder
from intone.render.plot import check_picture
from intone.render.recording import drawn_record
from intone.render.script import RenderedSegment, ScriptRenderer
from intone.render.sidecar import ModelRecord, TakeRecord
from intone.tts import TTS
from intone.voices.library import VoiceLibrary


def render(args: argparse.Namespace, session: Session) -> None:
    """Speaks a script into its files.

    Raises:
        IntoneError: anything that can go wrong; finished segments stay.
    """
    files, policy = WholeFiles.of(args), draw_policy(args)
    if args.plot is not None:
        check_picture(Path(args.plot))
    with ExitStack() as stack:
        tts = server_choice.open_speaker(args)
        stack.callback(tts.close)
        player = stack.enter_context(
            BackgroundPlayer(SAMPLE_RATE_HZ) if args.play else nullcontext()
        )
        session = session.designed(args, tts, tell)
        ear = chosen_ear(args, tts, session.can)
        _tell_before(session, ear, args)
        stem = stack.enter_context(files.claimed())
        model = _checked_model(tts, session)
        keeper, lines = _Keeper(files.folder, stem, session, model), SegmentLines(session.plan)
        with _told_if_stopped(args, lines):
            for part in ScriptRenderer(session.plan, tts, ear, policy).render():
                keeper.keep(part)
                if player is not None:
                    player.write(part.placed.samples)
                lines.add(part)
        whole = Whole(
            session=session,
            segments=tuple(lines.done),
            takes=tuple(keeper.names),
            ear=None if ear is None else ear.name,
            min_similarity=policy.min_similarity,
            model=model,
        )
        written = files.write(stem, whole)
    for path in written:
        print(f"wrote {path}")
    print(lines.summary(), flush=True)


def _checked_model(tts: TTS | RemoteTTS, session: Session) -> ModelRecord:
    """Loads what speaks; the last request is refused before the first is drawn."""
    with Progress() as progress:
        progress.show("loading the model")
        model = model_record(tts, session.model)
        for segment in session.plan.segments:
            tts.check(segment.request)
    return model


class _Keeper:
    """Writes every segment beside the others as soon as it is there."""

    def __init__(
        self, folder: OutputFolder | None, stem: str, session: Session, model: ModelRecord
    ) -> None:
        self._folder = folder
        self._stem = stem
        self._session = session
        self._model = model
        self._library = VoiceLibrary.from_env(os.environ)
        self.names: list[str | None] = []

    def keep(self, part: RenderedSegment) -> None:
        if self._folder is None:
            self.names.append(None)
            return
        stem = f"{self._stem}.{part.drawn.plan.index + 1:03}"
        audio = part.drawn.audio
        kept = self._folder.write(stem, audio.samples, audio.sample_rate_hz, self._record(part))
        self.names.append(kept.record.name)

    def _record(self, part: RenderedSegment) -> TakeRecord:
        return drawn_record(
            part.drawn,
            mode=MODE,
            identity=self._session.plan.identities[part.drawn.plan.identity or ""],
            library=VoiceLibrary.from_env(os.environ),
            model=self._model,
        )


def _tell_before(session: Session, ear: Ear | None, args: argparse.Namespace) -> None:
    for note in session.plan.notes:
        tell(note)
    reason = why_not_heard(args, session.can) if ear is None else None
    if reason is not None:
        tell(reason)


@contextmanager
def _told_if_stopped(args: argparse.Namespace, lines: SegmentLines) -> Iterator[None]:
    """Says what is kept, whatever stops the script."""
    try:
        yield
    except BaseException:
        if not args.no_save:
            tell_kept(args.save_dir, lines.done, lines.plan)
        raise
