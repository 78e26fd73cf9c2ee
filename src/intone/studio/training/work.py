"""What presses on the Train tab do: ask the desk, and say how it went beside the fields."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gradio as gr

from intone.core.errors import IntoneError
from intone.studio.desk import Models
from intone.studio.parts.aside import aside
from intone.studio.parts.events import Updates
from intone.studio.parts.notes import QUIET, good, problem
from intone.studio.training.checkpoints_view import NO_CHECKPOINT
from intone.studio.training.desk import DatasetWish, ListenWish, RunWish, TrainingDesk, TrainPreset
from intone.studio.training.fields import ARCHIVE, TrainFields
from intone.studio.training.overview import problem_of, suggested_name
from intone.studio.training.problems import FieldName, field_of

NO_BASE = (
    "There is no Base model on this machine to begin with: pull 0.6b-base under System, or "
    "intone models pull 0.6b-base."
)


class TrainWork:
    """The handlers of the tab's buttons; a mistake leaves every field as it was."""

    def __init__(self, desk: TrainingDesk, models: Models, fields: TrainFields) -> None:
        self._desk, self._models, self._fields = desk, models, fields
        check, start, run, listen = fields.check, fields.start, fields.run, fields.listen
        self.notes: dict[FieldName, gr.HTML] = {
            "source": check.source_note,
            "speaker": check.speaker_note,
            "check": check.go_note,
            "name": start.name_note,
            "base": start.base_note,
            "epochs": start.epochs_note,
            "scale": start.scale_note,
            "consent": start.consent_note,
            "start": start.go_note,
            "text": listen.text_note,
            "listen": listen.go_note,
            "voice": listen.voice_note,
            "keep": listen.keep_note,
            "run": run.note,
        }

    def check(
        self, source: str, folder: str, archive: str | None, speaker: str, language: str
    ) -> Updates:
        """Begins a check and chooses its dataset."""
        if source == ARCHIVE and archive is None:
            return self._silent() | {self.notes["source"]: problem("choose a .zip first.")}
        wish = DatasetWish(
            folder=None if source == ARCHIVE else folder,
            archive=Path(archive) if source == ARCHIVE and archive is not None else None,
            speaker=speaker,
            language=language,
        )
        try:
            return self._silent() | {self._fields.check.chosen: self._desk.check(wish)}
        except IntoneError as error:
            return self._told(error, "check")

    async def start(
        self,
        name: str,
        dataset: str | None,
        base: str | None,
        preset: TrainPreset,
        epochs: float | None,
        scale: float | None,
        consent: bool,
    ) -> Updates:
        """Frees the models that nobody uses, begins a run, and chooses it."""
        if not dataset:
            return self._silent() | {self.notes["start"]: problem("check some recordings first.")}
        if not base:
            return self._silent() | {self.notes["base"]: problem(NO_BASE)}
        try:
            taken = {run.id for run in await aside(self._desk.runs)}
            name = name.strip() or suggested_name(dataset, taken)
            wish = run_wish(name, dataset, base, preset, epochs, scale, consent)
            run_id = await aside(lambda: self._desk.start(wish))
            freed = await self._models.free()
        except IntoneError as error:
            return self._told(error, "start")
        left = f"; {', '.join(freed)} left the memory." if freed else "."
        words = f"the run {run_id} began{left}"
        return self._silent() | {
            self.notes["start"]: good(words),
            self._fields.run.chosen: run_id,
            self._fields.start.consent: False,
        }

    async def listen(
        self,
        run: str | None,
        text: str,
        first: str | None,
        second: str | None,
        seed: float | None,
    ) -> Updates:
        """Begins to say a sentence with two checkpoints, in a memory that nobody else needs."""
        names = [name for name in (first, second) if name]
        if not run or not names:
            return self._silent() | {self.notes["listen"]: problem(NO_CHECKPOINT)}
        wish = ListenWish(text=text, checkpoints=names, seed=int(seed or 0))
        told = await aside(lambda: self._done(lambda: self._desk.listen(run, wish), "listen"))
        await self._models.free()
        return told

    def keep(self, run: str | None, checkpoint: str | None, voice: str) -> Updates:
        """Begins to make a checkpoint a voice."""
        if not run or not checkpoint:
            return self._silent() | {self.notes["keep"]: problem(NO_CHECKPOINT)}
        return self._done(lambda: self._desk.promote(run, checkpoint, voice), "keep")

    def stop(self, run: str) -> Updates:
        """Asks a run to end; a checkpoint is written first."""
        return self._done(lambda: self._desk.stop(run), "run")

    async def resume(self, run: str) -> Updates:
        """Goes on with a run."""
        await self._models.free()
        return await aside(lambda: self._done(lambda: self._desk.resume(run), "run"))

    def remove_run(self, run: str) -> Updates:
        """Removes a run, if the browser's question was answered with yes."""
        return self._done(lambda: self._desk.remove_run(run), "run") if run else self._silent()

    def remove_dataset(self, dataset: str) -> Updates:
        """Removes a dataset, if the browser's question was answered with yes."""
        if not dataset:
            return self._silent()
        return self._done(lambda: self._desk.remove_dataset(dataset), "check")

    def _done(self, work: Callable[[], object], place: FieldName) -> Updates:
        """Does what was asked for; an error is told beside its field."""
        try:
            work()
        except IntoneError as error:
            return self._told(error, place)
        return self._silent()

    def _silent(self) -> Updates:
        return {place: QUIET for place in self.notes.values()}

    def _told(self, error: IntoneError, place: FieldName) -> Updates:
        return self._silent() | {self.notes[field_of(error, place)]: problem(problem_of(error))}


def run_wish(
    name: str,
    dataset: str,
    base: str,
    preset: TrainPreset,
    epochs: float | None,
    scale: float | None,
    consent: bool,
) -> RunWish:
    """Returns what the fields say; an emptied number is 0, which is refused in words."""
    return RunWish(
        name=name,
        dataset=dataset,
        base=base,
        preset=preset,
        epochs=int(epochs or 0),
        learning_rate_scale=float(scale or 0.0),
        consent=consent,
    )
