"""The Takes tab: everything that was kept, found, heard, drawn again and removed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial

import gradio as gr

from intone.core.errors import EngineStoppedError, IntoneError
from intone.render.outputs import OutputFolder
from intone.studio.desk import ThreadModel
from intone.studio.parts.aside import aside
from intone.studio.parts.events import QUIET_EVENT, Updates
from intone.studio.parts.notes import good, hint, problem
from intone.studio.parts.rows import Action, action_list, action_of
from intone.studio.shell import Shell
from intone.studio.takes.changing import Redone, model_here, plan_redo, read_redo, remove_take
from intone.studio.takes.choosing import TakeFilter, TakeReader
from intone.studio.takes.index import TakeFiles, TakeIndex
from intone.studio.takes.pages import day_choices, mode_choices, pager
from intone.studio.takes.rows import RowMaker, RowState


def build(shell: Shell, tab: gr.Tab) -> None:
    """Adds the tab."""
    TakesTab(shell, add_fields()).connect(tab)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakesFields:
    """The components of the tab."""

    mode: gr.Dropdown
    since: gr.Dropdown
    voice: gr.Textbox
    words: gr.Textbox
    find: gr.Button
    clear: gr.Button
    rows: gr.HTML
    pages: gr.HTML
    state: gr.State

    @property
    def filters(self) -> list[gr.Dropdown | gr.Textbox]:
        return [self.mode, self.since, self.voice, self.words]


def add_fields() -> TakesFields:
    """Adds the tab's components in the order in which they are read."""
    with gr.Row(elem_id="takes-filters"):
        mode = gr.Dropdown([("Any", "")], value="", label="Made with", elem_id="takes-mode")
        since = gr.Dropdown([("Any time", "")], value="", label="When", elem_id="takes-since")
        voice = gr.Textbox(label="Voice", max_lines=1, elem_id="takes-voice")
        words = gr.Textbox(label="Words in the text", max_lines=1, elem_id="takes-words")
    with gr.Row(elem_id="takes-buttons"):
        find = gr.Button("Find", variant="primary", elem_id="takes-find", scale=0, min_width=140)
        clear = gr.Button("Show all", elem_id="takes-all", scale=0, min_width=140)
    return TakesFields(
        mode=mode,
        since=since,
        voice=voice,
        words=words,
        find=find,
        clear=clear,
        rows=action_list("", "takes-list", label="Takes"),
        pages=action_list("", "takes-pages", label="Pages of takes"),
        state=gr.State(PageState()),
    )


@dataclass(slots=True)
class PageState:
    """What one open page shows and does; several handlers change it, all on one event loop."""

    number: int = 1
    rows: RowState = field(default_factory=RowState)
    running: ThreadModel | None = None


class TakesTab:
    """What the tab does, for every page that is open."""

    def __init__(self, shell: Shell, fields: TakesFields) -> None:
        self._shell = shell
        self._fields = fields
        self._reader = TakeReader()

    def connect(self, tab: gr.Tab) -> None:
        """Says what happens on which press."""
        fields = self._fields
        inputs = [fields.state, *fields.filters]
        outputs = [fields.rows, fields.pages, fields.mode, fields.since]
        for event in (
            tab.select,
            fields.find.click,
            fields.mode.input,
            fields.since.input,
            fields.voice.change,
            fields.words.change,
        ):
            event(self.found, inputs, outputs, trigger_mode="always_last", **QUIET_EVENT)
        fields.clear.click(
            lambda: ("", "", "", ""), None, list(fields.filters), **QUIET_EVENT
        ).then(self.found, inputs, outputs, **QUIET_EVENT)
        fields.pages.click(self.turned, inputs, outputs, **QUIET_EVENT)
        fields.rows.click(self.pressed, inputs, outputs, trigger_mode="multiple", **QUIET_EVENT)

    async def found(
        self,
        state: PageState,
        mode: str | None,
        since: str | None,
        voice: str | None,
        words: str | None,
        request: gr.Request,
    ) -> Updates:
        """Returns the first page of what is wanted."""
        state.number = 1
        state.rows = RowState(redoing=state.rows.redoing)
        return await self._shown(state, _wanted(mode, since, voice, words), request)

    async def turned(
        self,
        state: PageState,
        mode: str | None,
        since: str | None,
        voice: str | None,
        words: str | None,
        event: gr.EventData,
        request: gr.Request,
    ) -> Updates:
        """Returns the page whose number was pressed."""
        number = action_of(event).id
        state.number = int(number) if number.isdecimal() and len(number) < 10 else 1
        return await self._shown(state, _wanted(mode, since, voice, words), request)

    async def pressed(
        self,
        state: PageState,
        mode: str | None,
        since: str | None,
        voice: str | None,
        words: str | None,
        event: gr.EventData,
        request: gr.Request,
    ) -> AsyncIterator[Updates]:
        """Does what a row's button says, and yields the list as it is then."""
        action, wanted = action_of(event), _wanted(mode, since, voice, words)
        async for _ in self._done(state, action, request):
            yield await self._shown(state, wanted, request)

    async def _done(
        self, state: PageState, action: Action, request: gr.Request
    ) -> AsyncIterator[None]:
        """Yields whenever the rows have changed."""
        stem = action.id
        if action.do == "stop":
            if state.running is not None:
                state.running.stop()
            return
        if action.do in ("redo", "redo-anyway") and state.rows.redoing:
            state.rows = _noted(state.rows, stem, problem(_ONE_AT_A_TIME))
        elif action.do in ("redo", "redo-anyway"):
            state.rows = replace(_noted(state.rows, stem, _DRAWING), redoing=stem, changed="")
            yield
            state.rows = await self._redone(state, action, request)
        elif action.do == "remove":
            state.rows = await self._removed(state.rows, stem, request)
        else:
            asked = stem if action.do == "ask-remove" else ""
            notes = {at: words for at, words in state.rows.notes.items() if at != stem}
            state.rows = replace(state.rows, removing=asked, changed="", notes=notes)
        yield

    async def _redone(self, state: PageState, action: Action, request: gr.Request) -> RowState:
        """Returns the rows when a take was drawn again, or could not be."""
        stem = action.id
        try:
            words = await self._redo(state, action, request)
        except EngineStoppedError:
            words = hint("Stopped; nothing was kept.")
        except IntoneError as error:
            words = problem(error)
        finally:
            state.running = None
            state.rows = replace(state.rows, redoing="")  # also where nobody expected the error
        rows = replace(state.rows, changed="")
        if words is None:
            return replace(rows, changed=stem, notes=state.rows.notes)
        return _noted(rows, stem, words)

    async def _redo(self, state: PageState, action: Action, request: gr.Request) -> str | None:
        """Draws a take; returns what to say, None where another voice or model would speak."""
        desk, key_id = self._shell.desk, self._shell.key_of(request)
        folder = desk.takes(key_id)
        take = await asyncio.to_thread(_find, folder, action.id)
        record = await asyncio.to_thread(read_redo, folder.directory, take)
        name = model_here(record.model.name, desk.models.names())
        state.running = model = desk.models.in_thread(key_id, name)
        now = await asyncio.to_thread(desk.models.record, name)
        plan = partial(plan_redo, cloner=model, library=desk.library, model=now)
        redo = await aside(partial(plan, record, take))
        if redo.others and action.do != "redo-anyway":
            changes = "; ".join(map(str, redo.others))
            told = f"this would not be the same take: {changes}."
            state.rows = _noted(state.rows, action.id, problem(told))
            return None
        redone: Redone = await aside(partial(redo.draw, model, folder))
        return good(redone.words) if redone.is_same else hint(redone.words)

    async def _removed(self, rows: RowState, stem: str, request: gr.Request) -> RowState:
        """Returns the rows without a take; only one that was asked about is removed."""
        if rows.removing != stem:
            return replace(rows, removing=stem)
        folder = self._shell.desk.takes(self._shell.key_of(request))
        try:
            take = await asyncio.to_thread(_find, folder, stem)
            await asyncio.to_thread(remove_take, folder.directory, take)
        except IntoneError as error:
            return _noted(replace(rows, removing=""), stem, problem(error))
        return replace(rows, removing="")

    async def _shown(self, state: PageState, wanted: TakeFilter, request: gr.Request) -> Updates:
        """Returns the list as it is now, and what the filters can choose from."""
        key_id = self._shell.key_of(request)
        directory = self._shell.desk.takes(key_id).directory
        offer = partial(self._shell.sounds.offer, key_id=key_id)
        rows, number = state.rows, state.number
        today = date.today()

        def made() -> Updates:
            try:
                page = self._reader.page(directory, wanted, number)
            except IntoneError as error:
                return {self._fields.rows: problem(error), self._fields.pages: ""}
            modes, days = mode_choices(page.index), day_choices(page.index, today)
            return {
                self._fields.rows: RowMaker(directory, offer, today).rows(page, wanted, rows),
                self._fields.pages: pager(page),
                self._fields.mode: gr.update(choices=modes),
                self._fields.since: gr.update(choices=days),
            }

        return await asyncio.to_thread(made)


def _wanted(
    mode: str | None, since: str | None, voice: str | None, words: str | None
) -> TakeFilter:
    return TakeFilter(mode=mode or "", since=since or "", voice=voice or "", words=words or "")


def _find(folder: OutputFolder, stem: str) -> TakeFiles:
    return TakeIndex.read(folder.directory).find(stem)


def _noted(rows: RowState, stem: str, words: str) -> RowState:
    return replace(rows, notes={**rows.notes, stem: words})


_DRAWING = hint("Drawing it again; where its model is not loaded, that comes first.")
_ONE_AT_A_TIME = "one take is being drawn again already; wait for it, or stop it."
