"""The Train tab: check recordings, start a run, follow it, listen to checkpoints, keep the best.

The work is in processes of their own; this page starts them, and every two seconds, while one is at
work, looks at the files that they write. What has not changed is not sent: nothing flickers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from intone.core.errors import IntoneError
from intone.studio.parts.drafts import keep_drafts
from intone.studio.parts.events import Updates
from intone.studio.parts.notes import QUIET, hint, problem
from intone.studio.parts.rows import empty
from intone.studio.shell import Shell
from intone.studio.training.desk import RunWish, TrainingDesk, TrainPreset
from intone.studio.training.fields import ARCHIVE, TrainFields, add_fields
from intone.studio.training.overview import (
    Chosen,
    Overview,
    overview,
    plan_words,
    problem_of,
)
from intone.studio.training.shown import Seen, changed, hashes, shown
from intone.studio.training.work import NO_BASE, TrainWork, run_wish

_LOOK_EVERY_S = 2.0

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
        self._work = TrainWork(desk, shell.desk.models, fields)
        check, start, run, listen = fields.check, fields.start, fields.run, fields.listen
        self._chosen = [
            check.chosen,
            run.chosen,
            start.base,
            listen.first,
            listen.second,
            listen.kept,
        ]
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
        run, listen, work = self._fields.run, self._fields.listen, self._work
        recordings = [check.source, check.folder, check.archive, check.speaker, check.language]
        self._press(check.go, work.check, recordings)
        how = [start.preset, start.epochs, start.scale, start.consent]
        self._press(start.go, work.start, [start.name, check.chosen, start.base, *how])
        pair = [listen.first, listen.second]
        self._press(listen.go, work.listen, [run.chosen, listen.text, *pair, listen.seed])
        self._press(listen.keep, work.keep, [run.chosen, listen.kept, listen.voice])
        self._press(run.stop, work.stop, [run.chosen])
        self._press(run.resume, work.resume, [run.chosen])
        self._press(run.remove, work.remove_run, [run.chosen], js=_ASK)
        self._press(check.remove, work.remove_dataset, [check.chosen], js=_ASK)

    def _press(
        self,
        button: gr.Button,
        work: Callable[..., Any],
        inputs: list[Any],
        js: str | None = None,
    ) -> None:
        fields = self._fields
        told = [*self._work.notes.values(), fields.check.chosen, fields.run.chosen]
        done = button.click(
            work,
            inputs,
            [*told, fields.start.consent],
            js=js,
            show_progress="minimal",
            api_visibility="private",
        )
        self._look_at(done.then)

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
        wish = run_wish(
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
            return hint(NO_BASE)
        if now.dataset is None or not now.dataset.can_train:
            return QUIET
        try:
            plan = self._desk.plan(wish)
        except IntoneError as error:
            return hint(problem_of(error))
        words, fits = plan_words(plan, self._shell.desk.models.machine().available_bytes)
        return hint(words) if fits else problem(words)


def _source_shown(source: str) -> tuple[Any, Any]:
    is_archive = source == ARCHIVE
    return gr.update(visible=not is_archive), gr.update(visible=is_archive)
