"""Keeping a candidate on the Design tab: it is picked, gets a name, becomes a voice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import gradio as gr

from intone.core.errors import IntoneError
from intone.studio.design.drawings import Drawings
from intone.studio.design.fields import DesignFields
from intone.studio.design.keeping import keep_candidate, told
from intone.studio.desk import Desk
from intone.studio.parts.events import QUIET_EVENT, Updates
from intone.studio.parts.following import following
from intone.studio.parts.loading import loading_plan
from intone.studio.parts.notes import good, hint, problem
from intone.studio.shell import Shell
from intone.studio.system.memory import switch_words

Chosen = tuple[str, int]
"""A round and a number in it."""


class KeepPart:
    """The panel below the cards."""

    def __init__(self, shell: Shell, fields: DesignFields, drawings: Drawings) -> None:
        self._shell = shell
        self._desk: Desk = shell.desk
        self._fields = fields
        self._drawings = drawings

    def connect(self) -> None:
        """Says what happens on which press."""
        fields = self._fields
        gr.on(
            [fields.keep.click, fields.name.submit],
            self.keep,
            [fields.chosen, fields.name],
            [fields.keep_note, fields.name],
            **QUIET_EVENT,
        )

    def picked(self, name: str | None, number: int) -> Updates:
        """Asks how a candidate shall be called, and says what keeping it does to memory."""
        fields = self._fields
        try:
            drawn = self._drawings.folder.get(name)
            drawn.take(number)
        except IntoneError as error:
            return {fields.note: problem(error)}
        return {
            fields.panel: gr.update(visible=True),
            fields.title: f"<h3>Keep voice {number}</h3>",
            fields.chosen: (drawn.name, number),
            fields.keep_note: hint(self._keep_plan()),
        }

    def _keep_plan(self) -> str:
        try:
            model = self._desk.models.for_kind("base")
        except IntoneError as error:
            return str(error)
        plan = loading_plan(self._desk, model)
        return f"Its take is read by {model}, so that it stays this person. {plan}"

    async def keep(
        self, chosen: Chosen | None, name: str | None, request: gr.Request
    ) -> AsyncIterator[Updates]:
        """Keeps the chosen candidate as a voice; the page says when weights are switched."""
        fields = self._fields
        if chosen is None:
            yield {fields.keep_note: problem("choose a voice first: press Keep… on its card.")}
            return
        keeping = asyncio.ensure_future(
            keep_candidate(self._desk, self._shell.key_of(request), *chosen, name)
        )
        try:
            async for _ in following(keeping):
                yield {fields.keep_note: hint(self._keeping_words())}
            kept = keeping.result()
        except IntoneError as error:
            yield {fields.keep_note: problem(error)}
            return
        yield {fields.keep_note: good(told(kept)), fields.name: ""}

    def _keeping_words(self) -> str:
        try:
            model = self._desk.models.for_kind("base")
        except IntoneError:
            return "One moment…"
        return switch_words(self._desk, model) or f"{model} reads the take…"
