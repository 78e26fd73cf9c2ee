"""The Train tab: check recordings, start a run, follow it, listen to checkpoints, keep the best.

The work is in processes of their own; this page starts them, and every two seconds, while one is at
work, looks at the files that they write. What has not changed is not sent: nothing flickers.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from intone.core.errors import IntoneError
from intone.studio.parts.aside import aside
from intone.studio.parts.drafts import keep_drafts
from intone.studio.parts.notes import QUIET, good, hint, problem
from intone.studio.parts.rows import empty
from intone.studio.shell import Shell
from intone.studio.training.checkpoints_view import (
    NO_CHECKPOINT,
)
from intone.studio.training.desk import DatasetWish, ListenWish, RunWish, TrainingDesk, TrainPreset
from intone.studio.training.fields import ARCHIVE, TrainFields, add_fields
from intone.studio.training.overview import (
    Chosen,
    Overview,
    overview,
    plan_words,
    problem_of,
    suggested_name,
)
from intone.studio.training.problems import FieldName, field_of
from intone.studio.training.shown import Seen, Updates, changed, hashes, shown

_LOOK_EVERY_S = 2.0

_NO_BASE = (
    "There is no Base model on this machine to begin with: pull 0.6b-base under System, or "
    "intone models pull 0.6b-base."
)

_ASK = "(id) => id && confirm('Remove ' + id + '? This cannot be undone.') ? id : ''"


def build(shell: Shell, tab: gr.Tab) -> None:
    """Adds the tab, or says what training needs where it is not there."""
    desk = shell.desk.training
    told = "Training is not offered here." if desk is None else desk.missing()
    if desk is None or told is not None:
        gr.HTML(empty(told or ""), elem_id="train-missing", js_on_load=None)
        return
    _TrainTab(shell, desk, add_fields(shell.desk.limit_upload_bytes)).connect(tab)


class _TrainTab:
    def __init__(self, shell: Shell, desk: TrainingDesk, fields: TrainFields) -> None:
        self._shell, self._desk, self._fields = shell, desk, fields
        self._seen = gr.State({})
        self._touched = gr.State(())
        self._timer = gr.Timer(_LOOK_EVERY_S, active=False)
        check, start, run, listen = fields.check, fields.start, fields.run, fields.listen
        self._chosen = [
            check.chosen,
            run.chosen,
            start.base,
            listen.first,
            listen.second,
            listen.kept,
        ]
        self._notes: dict[FieldName, gr.HTML] = {
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
        self._shown = [
            *self._chosen,
            check.verdict,
            check.remove,
            start.plan,
            start.name,
            run.state,
            run.curve,
            run.codebooks,
            run.log,
            run.stop,
            run.resume,
            run.remove,
            listen.table,
            listen.heard,
            listen.held_out,
            listen.voices,
            self._seen,
            self._timer,
        ]

    def connect(self, tab: gr.Tab) -> None:
        """Says what happens on which press."""
        self._connect_looks(tab)
        self._connect_work()
        check, start, listen = self._fields.check, self._fields.start, self._fields.listen
        check.source.change(
            _source_shown,
            [check.source],
            [check.folder, check.archive],
            show_progress="hidden",
            api_visibility="private",
        )
        typed = [check.folder, check.speaker, check.language, start.name, start.preset]
        typed += [start.epochs, start.scale, listen.text, listen.voice]
        keep_drafts(self._shell.page, "train", typed)

    def _connect_looks(self, tab: gr.Tab) -> None:
        check, start, run = self._fields.check, self._fields.start, self._fields.run
        for event in (
            tab.select,
            self._shell.page.load,
            self._timer.tick,
            check.chosen.input,
            run.chosen.input,
            start.base.input,
            start.preset.input,
            start.epochs.input,
            start.scale.input,
        ):
            self._look_at(event)
        listen = self._fields.listen
        for place, field in (
            ("first", listen.first),
            ("second", listen.second),
            ("kept", listen.kept),
        ):
            field.input(
                lambda touched, place=place: (*touched, place),
                [self._touched],
                [self._touched],
                show_progress="hidden",
                api_visibility="private",
            )

    def _look_at(self, event: Callable[..., Any]) -> None:
        """Shows everything anew when something happens, or after a press."""
        start = self._fields.start
        how = [start.preset, start.epochs, start.scale, start.name]
        inputs = [*self._chosen, *how, self._touched, self._seen]
        event(self.look, inputs, self._shown, show_progress="hidden", api_visibility="private")

    def _connect_work(self) -> None:
        check, start = self._fields.check, self._fields.start
        run, listen = self._fields.run, self._fields.listen
        recordings = [check.source, check.folder, check.archive, check.speaker, check.language]
        self._press(check.go, self.check, recordings)
        how = [start.preset, start.epochs, start.scale, start.consent]
        self._press(start.go, self.start, [start.name, check.chosen, start.base, *how])
        pair = [listen.first, listen.second]
        self._press(listen.go, self.listen, [run.chosen, listen.text, *pair, listen.seed])
        self._press(listen.keep, self.keep, [run.chosen, listen.kept, listen.voice])
        self._press(run.stop, self.stop, [run.chosen])
        self._press(run.resume, self.resume, [run.chosen])
        self._press(run.remove, self.remove_run, [run.chosen], js=_ASK)
        self._press(check.remove, self.remove_dataset, [check.chosen], js=_ASK)

    def _press(
        self,
        button: gr.Button,
        work: Callable[..., Any],
        inputs: list[Any],
        js: str | None = None,
    ) -> None:
        fields = self._fields
        told = [*self._notes.values(), fields.check.chosen, fields.run.chosen]
        done = button.click(
            work,
            inputs,
            [*told, fields.start.consent],
            js=js,
            show_progress="minimal",
            api_visibility="private",
        )
        self._look_at(done.then)

    def check(
        self, source: str, folder: str, archive: str | None, speaker: str, language: str
    ) -> Updates:
        """Begins a check and chooses its dataset."""
        if source == ARCHIVE and archive is None:
            return self._silent() | {self._notes["source"]: problem("choose a .zip first.")}
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
            return self._silent() | {self._notes["start"]: problem("check some recordings first.")}
        if not base:
            return self._silent() | {self._notes["base"]: problem(_NO_BASE)}
        try:
            taken = {run.id for run in await aside(self._desk.runs)}
            name = name.strip() or suggested_name(dataset, taken)
            wish = _run_wish(name, dataset, base, preset, epochs, scale, consent)
            run_id = await aside(lambda: self._desk.start(wish))
            freed = await self._shell.desk.models.free()
        except IntoneError as error:
            return self._told(error, "start")
        left = f"; {', '.join(freed)} left the memory." if freed else "."
        words = f"the run {run_id} began{left}"
        return self._silent() | {
            self._notes["start"]: good(words),
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
            return self._silent() | {self._notes["listen"]: problem(NO_CHECKPOINT)}
        wish = ListenWish(text=text, checkpoints=names, seed=int(seed or 0))
        told = await aside(lambda: self._done(lambda: self._desk.listen(run, wish), "listen"))
        await self._shell.desk.models.free()
        return told

    def keep(self, run: str | None, checkpoint: str | None, voice: str) -> Updates:
        """Begins to make a checkpoint a voice."""
        if not run or not checkpoint:
            return self._silent() | {self._notes["keep"]: problem(NO_CHECKPOINT)}
        return self._done(lambda: self._desk.promote(run, checkpoint, voice), "keep")

    def stop(self, run: str) -> Updates:
        """Asks a run to end; a checkpoint is written first."""
        return self._done(lambda: self._desk.stop(run), "run")

    async def resume(self, run: str) -> Updates:
        """Goes on with a run."""
        await self._shell.desk.models.free()
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
        return {place: QUIET for place in self._notes.values()}

    def _told(self, error: IntoneError, place: FieldName) -> Updates:
        return self._silent() | {self._notes[field_of(error, place)]: problem(problem_of(error))}

    def look(
        self,
        dataset: str | None,
        run: str | None,
        base: str | None,
        first: str | None,
        second: str | None,
        kept: str | None,
        preset: TrainPreset,
        epochs: float | None,
        scale: float | None,
        name: str,
        touched: tuple[str, ...],
        seen: Seen,
        request: gr.Request,
    ) -> Updates:
        """Returns what has changed on the page.

        Args:
            touched: the checkpoints that the user chose; the others follow the run.
        """
        chosen = Chosen(
            dataset=dataset,
            run=run,
            base=base,
            first=first if "first" in touched else None,
            second=second if "second" in touched else None,
            kept=kept if "kept" in touched else None,
        )
        try:
            now = overview(self._desk, chosen)
        except IntoneError as error:
            return {self._fields.run.state: problem(error)}
        wish = _run_wish(
            name, now.chosen.dataset or "", now.chosen.base or "", preset, epochs, scale, True
        )
        key_id = self._shell.key_of(request)
        found = shown(
            self._fields,
            now,
            self._plan(now, wish),
            lambda path: self._shell.sounds.offer(path, key_id),
        )
        found[self._timer] = gr.update(active=now.is_active)
        return changed(found, seen) | {self._seen: hashes(found)}

    def _plan(self, now: Overview, wish: RunWish) -> str:
        if not now.bases:
            return hint(_NO_BASE)
        if now.dataset is None or not now.dataset.can_train:
            return QUIET
        try:
            plan = self._desk.plan(wish)
        except IntoneError as error:
            return hint(problem_of(error))
        words, fits = plan_words(plan, self._shell.desk.models.machine().available_bytes)
        return hint(words) if fits else problem(words)


def _run_wish(
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


def _source_shown(source: str) -> tuple[Any, Any]:
    is_archive = source == ARCHIVE
    return gr.update(visible=not is_archive), gr.update(visible=is_archive)
