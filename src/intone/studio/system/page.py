"""The System tab: which models are in memory, and how to load, free and pull them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import gradio as gr

from intone.core.errors import IntoneError
from intone.studio.desk import Desk
from intone.studio.parts.events import QUIET_EVENT, Updates
from intone.studio.parts.notes import QUIET, good, hint, note, problem
from intone.studio.parts.rows import action_list, action_of
from intone.studio.shell import Shell
from intone.studio.system.about import about
from intone.studio.system.memory import (
    freed_words,
    in_memory,
    loaded_words,
    memory_bar,
    process_bytes,
    switch_words,
)
from intone.studio.system.models_view import (
    SIZES,
    checked_model,
    model_rows,
    models_table,
    size_words,
)
from intone.studio.system.pulls import Pulls, pulls_view

_LOOK_EVERY_S = 0.05
_TICK_S = 1.5
_BUSY = ("loading", "closing", "restarting")


def build(shell: Shell, tab: gr.Tab) -> None:
    """Adds the tab."""
    SystemTab(shell).connect(tab)


class SystemTab:
    """The tab's components and handlers."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._desk: Desk = shell.desk
        self._pulls = Pulls(shell.desk.models)
        self._add_memory()
        self._add_models()

    def _add_memory(self) -> None:
        with gr.Row():
            with gr.Column(scale=3, min_width=300):
                self.size = gr.Radio(
                    list(SIZES), label="Size that speaks where both could", elem_id="system-size"
                )
                self.size_note = note("system-size-note")
            with gr.Column(scale=4, min_width=300):
                self.bar = gr.HTML("", js_on_load=None, elem_id="system-bar", label="Memory")
                self._clear_button = gr.Button(
                    "Clear RAM", variant="primary", elem_id="system-clear"
                )
                self.clear_note = note("system-clear-note")

    def _add_models(self) -> None:
        self.table = action_list("", "system-models", label="Models")
        self.model_note = note("system-model-note")
        self.pulling = gr.HTML("", js_on_load=None, elem_id="system-pulls")
        with gr.Row(elem_id="system-other"):
            self.other = gr.Textbox(
                label="Pull another model",
                info="owner/name on Hugging Face, of the Qwen3-TTS family",
                max_lines=1,
                scale=4,
                elem_id="system-other-name",
            )
            self._pull_button = gr.Button("Pull", scale=1, elem_id="system-pull")
        self.other_note = note("system-other-note")
        with gr.Accordion("About this machine", open=False, elem_id="system-about"):
            self.about = gr.HTML("", js_on_load=None)
        self.timer = gr.Timer(_TICK_S, active=False)

    def connect(self, tab: gr.Tab) -> None:
        """Says what happens on which press."""
        shown = [self.bar, self.table, self.pulling, self.timer]
        for event in (tab.select, self._shell.page.load):
            event(self.opened, None, [*shown, self.size, self.size_note, self.about], **QUIET_EVENT)
        self.timer.tick(self.refreshed, None, shown, **QUIET_EVENT)
        self.size.input(self.preferred, [self.size], [*shown, self.size_note], **QUIET_EVENT)
        self._clear_button.click(self.clear, None, [*shown, self.clear_note], **QUIET_EVENT)
        self.table.click(self.on_row, None, [*shown, self.model_note], **QUIET_EVENT)
        for begin in (self._pull_button.click, self.other.submit):
            begin(self.pull_other, [self.other], [*shown, self.other_note], **QUIET_EVENT)

    async def opened(self, request: gr.Request) -> Updates:
        """Returns the whole tab as it stands."""
        size = self._desk.models.preferred_size()
        words = await asyncio.to_thread(size_words, self._desk, size)
        places = await asyncio.to_thread(about, self._desk, self._shell.key_of(request))
        return (await self.refreshed()) | {
            self.size: size,
            self.size_note: hint(words),
            self.about: places,
        }

    async def refreshed(self) -> Updates:
        """Returns what changes by itself; the timer runs while something goes on."""
        rows = await asyncio.to_thread(model_rows, self._desk)
        is_busy = any(state.status in _BUSY for state in self._desk.models.states())
        return {
            self.bar: memory_bar(self._desk),
            self.table: models_table(rows),
            self.pulling: pulls_view(self._pulls.states()),
            self.timer: gr.Timer(active=is_busy or self._pulls.are_running),
        }

    async def preferred(self, size: str) -> Updates:
        """Chooses the size; what that means is said below it."""
        wanted = next((known for _, known in SIZES if known == size), None)
        if wanted is None:
            return {self.size_note: problem("choose one of the two sizes.")}
        self._desk.models.prefer(wanted)
        words = await asyncio.to_thread(size_words, self._desk, wanted)
        return (await self.refreshed()) | {self.size_note: hint(words)}

    async def clear(self) -> Updates:
        """Frees what nobody uses; says what went, what stays, and memory before and after."""
        before = process_bytes(self._desk)
        freed = await self._desk.models.free()
        words = freed_words(freed, self._desk.models.states(), before, process_bytes(self._desk))
        return (await self.refreshed()) | {self.clear_note: good(words)}

    async def on_row(self, event: gr.EventData, request: gr.Request) -> AsyncIterator[Updates]:
        """Loads or pulls the model of a row."""
        try:
            action = action_of(event)
            model = checked_model(self._desk, action.id)
            if action.do == "pull":
                self._pulls.start(model)
                yield (await self.refreshed()) | {self.model_note: QUIET}
                return
            async for words in self._loading(self._shell.key_of(request), model):
                yield {self.model_note: words}
            yield await self.refreshed()
        except IntoneError as error:
            yield (await self.refreshed()) | {self.model_note: problem(error)}

    async def _loading(self, key_id: str, model: str) -> AsyncIterator[str]:
        """Yields what happens to the models until one is loaded."""
        bytes_before, there = process_bytes(self._desk), in_memory(self._desk)
        work, told = asyncio.ensure_future(self._load(key_id, model)), ""
        try:
            while not (await asyncio.wait({work}, timeout=_LOOK_EVERY_S))[0]:
                words = switch_words(self._desk, model) or f"{model} waits for its turn…"
                if words != told:
                    told = words
                    yield hint(words)
            await work
        finally:
            work.cancel()
        freed = [name for name in there if name not in in_memory(self._desk)]
        yield good(loaded_words(model, freed, bytes_before, process_bytes(self._desk)))

    async def _load(self, key_id: str, model: str) -> None:
        async with self._desk.models.lease(key_id, model):
            pass

    async def pull_other(self, name: str) -> Updates:
        """Pulls a model by its name on the hub."""
        try:
            self._pulls.start(checked_model(self._desk, name))
        except IntoneError as error:
            return {self.other_note: problem(error)}
        return (await self.refreshed()) | {self.other_note: QUIET}
