"""From a plan to files: the model is loaded, what is missing drawn, finished chapters written."""

from __future__ import annotations

import argparse
import os
from collections.abc import Generator
from contextlib import contextmanager
from time import perf_counter

from intone.cli import clusters, server_choice
from intone.cli.book.session import Session
from intone.cli.book.showing import progress_line, show_file, show_whole
from intone.cli.ears import chosen_ear, draw_policy, ear_opening, why_not_heard
from intone.cli.models_here import lasting_name, short_name
from intone.cli.modes import clip_voice
from intone.cli.progress import Progress
from intone.cli.records import model_record, voice_record
from intone.cli.telling import tell
from intone.core.types import VoiceClonePrompt
from intone.core.version import __version__
from intone.deploy.offline.opening import BATCH_PROFILE, SpeakerOpening
from intone.remote import RemoteTTS
from intone.render.book import BookRenderer, PieceHands
from intone.render.book_assembly import AssembledFile
from intone.render.book_files import OutputPlan, write_manifest
from intone.render.book_plan import BookPlan, ChapterPlan
from intone.render.book_record import BookRecord, book_request
from intone.render.book_store import BookStore, kept_record, open_store
from intone.render.drawing import DrawPolicy
from intone.render.ear import Ear
from intone.render.identity import Identity, voice_identity
from intone.render.outputs import record_time
from intone.render.sidecar import VoiceRecord
from intone.tts import TTS
from intone.voices.voice import Making, Reference, Voice


def make(args: argparse.Namespace, session: Session) -> None:
    """Draws and writes; what was finished before an error or Ctrl-C stays.

    Raises:
        IntoneError: anything that can go wrong; the same command then goes on from there.
    """
    policy = draw_policy(args)
    with server_choice.open_speaker(args) as tts, Progress() as progress:
        ear = chosen_ear(args, tts, session.can)
        if ear is None:
            _tell_not_heard(args, session)
        progress.show("loading the model")
        identity, voice = _who(args, session, tts)
        plan = session.plan.spoken_by(identity.spoken_voice)
        numbers = {chapter.number for chapter in session.chapters}
        chapters = tuple(chapter for chapter in plan.chapters if chapter.number in numbers)
        record = _record(session, tts, voice, ear, policy)
        files = OutputPlan(
            directory=session.out,
            format=args.format,
            is_one_file=args.one_file,
            loudness_lufs=args.loudness,
        )
        if kept_record(session.out) is None and not args.restart:
            files.check_free([path for path, _ in files.groups(plan, chapters)])
        with (
            open_store(session.out, record, restart=args.restart) as store,
            _hands(args, session, record, policy) as hands,
        ):
            renderer = BookRenderer(
                chapters, store, tts, identity, ear=ear, policy=policy, hands=hands
            )
            for piece in renderer.missing(chapters)[:1]:
                tts.check(piece.plan.request)  # told before an anchor is drawn for it
            run = Run(plan, chapters, store, renderer, files, progress)
            run.make(is_spread=hands is not None)


class Run:
    """One run over the chapters that were asked for."""

    def __init__(
        self,
        plan: BookPlan,
        chapters: tuple[ChapterPlan, ...],
        store: BookStore,
        renderer: BookRenderer,
        files: OutputPlan,
        progress: Progress,
    ) -> None:
        self._plan = plan
        self._chapters = chapters
        self._store = store
        self._renderer = renderer
        self._files = files
        self._progress = progress
        self._num_before = renderer.num_done

    def make(self, *, is_spread: bool) -> None:
        """Draws, writes and reports; raises IntoneError.

        Args:
            is_spread: draw all before the first file, so that no worker waits for a chapter's end.
        """
        started = perf_counter()
        if self._num_before:
            self._tell(f"{self._kept}: going on from there")
        made: list[AssembledFile] = []
        is_whole = False
        try:
            if is_spread:
                self._draw(self._chapters)
            for path, chapters in self._files.groups(self._plan, self._chapters):
                self._draw(chapters)
                made.append(self._files.write(chapters, self._store, path))
                manifest = write_manifest(
                    self._files.directory, self._plan, self._store.record, made
                )
                self._progress.show("")
                show_file(made[-1])
            is_whole = True
        finally:
            if not is_whole:
                self._tell(f"{self._kept}; the same command goes on from there")
        num_drawn = self._renderer.num_done - self._num_before
        show_whole(self._files.directory, manifest, num_drawn, perf_counter() - started)

    def _draw(self, chapters: tuple[ChapterPlan, ...]) -> None:
        last = self._plan.chapters[-1].number
        for step in self._renderer.draw(chapters):
            self._progress.show(progress_line(step, last))

    @property
    def _kept(self) -> str:
        renderer, out = self._renderer, self._files.directory
        return f"{renderer.num_done} of {renderer.num_pieces} pieces are finished in {out}"

    def _tell(self, words: str) -> None:
        self._progress.show("")
        tell(words)


@contextmanager
def _hands(
    args: argparse.Namespace, session: Session, record: BookRecord, policy: DrawPolicy
) -> Generator[PieceHands | None]:
    """Yields who draws instead of this process; None where it does so itself."""
    if args.ray is None:
        yield None
        return
    from intone.deploy.offline.ray_pieces import PiecesOnRay

    with clusters.open_cluster(args) as cluster:
        clusters.tell_workers(cluster)
        speaker = SpeakerOpening(
            model=None if session.model is None else lasting_name(session.model),
            device=args.device,
            dtype=record.model.dtype,
            threads=args.threads or cluster.cpus,
            num_slots=None,
            profile=args.profile or BATCH_PROFILE,
            eager=args.eager,
            memory_budget=args.memory_budget,
            fingerprint=record.model.fingerprint,
        )
        ear = ear_opening(args, session.can)
        yield PiecesOnRay(cluster=cluster, speaker=speaker, ear=ear, policy=policy)


def _tell_not_heard(args: argparse.Namespace, session: Session) -> None:
    reason = why_not_heard(args, session.can)
    if reason is not None:
        tell(reason)


def _who(
    args: argparse.Namespace, session: Session, tts: TTS | RemoteTTS
) -> tuple[Identity, VoiceRecord]:
    """Returns who speaks, and what is recorded of them; a clip is read and encoded here, once."""
    if session.identity is not None:
        name = args.voice or session.identity.preset
        return session.identity, voice_record(name, tts, os.environ)
    prompt, clip = clip_voice(args, tts)
    assert isinstance(prompt, VoiceClonePrompt), "a session with a server has no clip"
    return _clip_identity(prompt, session), voice_record(prompt, tts, os.environ, clip)


def _clip_identity(prompt: VoiceClonePrompt, session: Session) -> Identity:
    voice = Voice(
        name="the clip's voice",
        kind="cloned",
        hidden_size=session.can.hidden_size,
        x_vector=prompt.x_vector,
        references=(
            Reference(text=prompt.ref_text, codes=prompt.ref_codes, x_vector=prompt.x_vector),
        ),
        making=Making(model=short_name(session.can.model)),
    )
    return voice_identity(voice)


def _record(
    session: Session, tts: TTS | RemoteTTS, voice: VoiceRecord, ear: Ear | None, policy: DrawPolicy
) -> BookRecord:
    return BookRecord(
        intone_version=__version__,
        created_at=record_time(),
        source=session.source.name,
        written_sha256=session.plan.written_sha256,
        spoken_sha256=session.plan.spoken_sha256,
        request=book_request(session.settings.template, session.settings.seed),
        voice=voice,
        model=model_record(tts, session.model),
        max_piece_s=session.settings.max_piece_s,
        ear=None if ear is None else ear.name,
        min_similarity=policy.min_similarity,
    )
