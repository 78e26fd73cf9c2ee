"""The Speak tab: a text becomes speech while you listen.

The press of Speak fetches the sound at once, in the page (`static/speak.js`); the handler here gets
the id of it and follows: figures, words beside the field that was wrong, the kept take.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import gradio as gr

from intone.core.errors import IntoneError
from intone.studio.desk import Desk
from intone.studio.parts.events import QUIET_EVENT, Updates
from intone.studio.parts.notes import QUIET, good, hint, problem
from intone.studio.parts.rows import Action, action_of
from intone.studio.parts.sounds import PLAY
from intone.studio.parts.voice_samples import sample_of
from intone.studio.parts.words import TEXTS
from intone.studio.shell import Shell
from intone.studio.sound.performances import Performances
from intone.studio.sound.routes import live_routes
from intone.studio.sound.state import SoundState
from intone.studio.speak.choices import first_voice, instruct_info, voice_groups
from intone.studio.speak.fields import SpeakFields, add_fields
from intone.studio.speak.figures import IDLE, figures, kept_row
from intone.studio.speak.order import FieldName, field_of
from intone.studio.speak.planning import SpeakPlanner
from intone.studio.speak.shelf import dropdown_choices, shelf
from intone.studio.system.memory import switch_words

_SHOW_EVERY_S = 0.2
"""Figures more often than that nobody can read."""


def build(shell: Shell, tab: gr.Tab) -> None:
    """Adds the tab, and its routes of sound."""
    performances = Performances(shell.desk, SpeakPlanner(shell.desk))
    shell.routes.include_router(live_routes(performances, shell.desk.who))
    groups = voice_groups(shell.desk)
    instruct = instruct_info(shell.desk, first_voice(groups))
    fields = add_fields(shell.page, groups, instruct)
    SpeakTab(shell, performances, fields).connect(tab)


class SpeakTab:
    """The tab's handlers."""

    def __init__(self, shell: Shell, performances: Performances, fields: SpeakFields) -> None:
        self._shell = shell
        self._desk: Desk = shell.desk
        self._performances = performances
        self._fields = fields

    def connect(self, tab: gr.Tab) -> None:
        """Says what happens on which press."""
        fields, names = self._fields, json.dumps(self._fields.names)
        root = json.dumps(self._shell.root)
        begin = f"(...values) => window.intone.speak({root}, {names}, values)"
        fields.go.click(
            None,
            [fields.live_id, *fields.inputs],
            [fields.live_id, *fields.inputs],
            js=begin,
            show_progress="hidden",
        ).then(
            self.follow,
            [fields.live_id],
            fields.outputs,
            **QUIET_EVENT,
        )
        fields.stop.click(None, js="() => window.intone.hush()")
        lists = [fields.voice, fields.shelf, fields.instruct]
        for event in (tab.select, self._shell.page.load):
            # A draft may have come meanwhile: whoever is chosen then is marked.
            event(self.refreshed, [fields.voice], lists, **QUIET_EVENT).then(
                self.chosen, [fields.voice], lists, **QUIET_EVENT
            )
        fields.voice.change(self.chosen, [fields.voice], lists, **QUIET_EVENT)
        fields.shelf.click(
            self.on_shelf,
            None,
            [fields.voice, fields.voice_note, fields.sample_url, fields.sample_label],
            **QUIET_EVENT,
        ).then(None, [fields.sample_url, fields.sample_label], None, js=PLAY)
        fields.examples.click(self.on_example, None, [fields.text], **QUIET_EVENT)
        fields.kept.click(self.on_kept, None, [fields.seed, fields.seed_note], **QUIET_EVENT)

    async def follow(self, live_id: str, request: gr.Request) -> AsyncIterator[Updates]:
        """Yields what the page shows of a performance until it is over."""
        key_id = self._shell.key_of(request)
        yield {place: QUIET for place in self._fields.notes.values()} | {self._fields.kept: ""}
        try:
            async for state in self._performances.follow(key_id, live_id):
                yield self._shown(state, key_id, live_id)
                if not state.is_over:
                    await asyncio.sleep(_SHOW_EVERY_S)
        except IntoneError as error:
            yield {self._fields.figures: IDLE} | self._told(error)

    def _shown(self, state: SoundState, key_id: str, live_id: str) -> Updates:
        fields = self._fields
        is_waiting = state.phase == "waiting" and state.model is not None
        switching = switch_words(self._desk, state.model or "") if is_waiting else None
        updates: Updates = {fields.figures: figures(state, switching)}
        if state.error is not None:
            updates |= self._told(state.error)
        if state.is_over and state.remarks:
            updates[fields.notes["model"]] = hint(" ".join(state.remarks))
        if state.kept is not None:
            url = self._shell.sounds.offer(state.kept.audio, key_id)
            updates[fields.kept] = kept_row(state.kept, url, f"{self._shell.root}/live/{live_id}")
        return updates

    def _told(self, error: IntoneError) -> Updates:
        field: FieldName = field_of(error)
        updates: Updates = {self._fields.notes[field]: problem(error)}
        if field in ("speed", "seed", "advanced"):
            updates[self._fields.more] = gr.update(open=True)
        return updates

    def refreshed(self, voice: str | None) -> tuple[Any, str, Any]:
        """Returns the voices as they are now; what was chosen stays chosen."""
        groups = voice_groups(self._desk)
        chosen = voice or first_voice(groups)
        choices = dropdown_choices(groups)
        choice = gr.update(choices=choices) if voice else gr.update(choices=choices, value=chosen)
        return choice, shelf(groups, chosen), self._instruct(chosen)

    def chosen(self, voice: str | None) -> tuple[Any, str, Any]:
        """Returns the shelf with a voice marked, and whether how it is said can be given."""
        return gr.skip(), shelf(voice_groups(self._desk), voice), self._instruct(voice)

    def _instruct(self, voice: str | None) -> Any:
        info = instruct_info(self._desk, voice)
        return gr.update(interactive=info.can_follow, info=info.words)

    async def on_shelf(self, event: gr.EventData, request: gr.Request) -> AsyncIterator[Updates]:
        """Chooses a voice, or plays its sample, which is drawn where it is not there yet."""
        fields, action = self._fields, action_of(event)
        if action.do == "use":
            yield {fields.voice: action.id, fields.voice_note: QUIET, fields.sample_url: ""}
            return
        async for updates in self._sample(action, self._shell.key_of(request)):
            yield updates

    async def _sample(self, action: Action, key_id: str) -> AsyncIterator[Updates]:
        fields, voice = self._fields, action.id
        drawing = asyncio.ensure_future(sample_of(self._desk, key_id, voice))
        try:
            while not (await asyncio.wait({drawing}, timeout=0.5))[0]:  # a kept one is there
                yield {fields.voice_note: hint(self._drawing_words(voice)), fields.sample_url: ""}
            url = self._shell.sounds.offer(drawing.result(), key_id)
        except IntoneError as error:
            yield {fields.voice_note: problem(error), fields.sample_url: ""}
        else:
            yield {
                fields.voice_note: QUIET,
                fields.sample_url: url,
                fields.sample_label: f"{voice}, a sample",
            }
        finally:
            drawing.cancel()

    def _drawing_words(self, voice: str) -> str:
        try:
            switching = switch_words(self._desk, self._desk.models.for_voice(voice))
        except IntoneError:
            switching = None
        return switching or f"Drawing a sample of {voice}; next time it is there at once."

    def on_example(self, event: gr.EventData) -> str:
        """Returns the text of an example that was pressed."""
        number = action_of(event).id
        return TEXTS[int(number)] if number.isdecimal() and int(number) < len(TEXTS) else TEXTS[0]

    def on_kept(self, event: gr.EventData) -> tuple[str, str]:
        """Puts the seed of the take that was made into its field."""
        return action_of(event).id, good("The next take uses this seed: same text, same sound.")
