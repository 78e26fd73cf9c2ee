"""The Voices tab: who is there, how they sound, and what can be done with a kept voice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import gradio as gr

from intone.core.errors import IntoneError, InvalidSettingError, VoiceFileError
from intone.studio.desk import Desk
from intone.studio.parts.events import QUIET_EVENT, Updates
from intone.studio.parts.following import following
from intone.studio.parts.notes import QUIET, good, hint, problem
from intone.studio.parts.rows import action_of
from intone.studio.parts.sounds import PLAY
from intone.studio.parts.voice_samples import sample_of
from intone.studio.shell import Shell
from intone.studio.system.memory import switch_words
from intone.studio.voices.bank_page import BankPart
from intone.studio.voices.fields import DELETE, DELETE_ASKED, VoicesFields, add_fields
from intone.studio.voices.importing import import_voice
from intone.studio.voices.listing import kept_rows, preset_rows
from intone.studio.voices.naming import free_name
from intone.studio.voices.rows import bank_html, damaged_html, kept_html, presets_html, voice_html


def build(shell: Shell, tab: gr.Tab) -> None:
    """Adds the tab."""
    fields = add_fields(shell.desk.limit_upload_bytes)
    part = _VoicesTab(shell, fields)
    part.connect(tab)
    BankPart(shell, fields, part.shown).connect()


class _VoicesTab:
    def __init__(self, shell: Shell, fields: VoicesFields) -> None:
        self._shell = shell
        self._desk: Desk = shell.desk
        self._fields = fields

    def connect(self, tab: gr.Tab) -> None:
        """Says what happens on which press."""
        fields = self._fields
        view = [
            fields.kept, fields.presets, fields.panel, fields.about, fields.new_name,
            fields.bank_group, fields.bank.moods, fields.chosen, fields.asked, fields.delete,
        ]  # fmt: skip
        playing = [fields.play_url, fields.play_label]
        tab.select(self.refreshed, [fields.chosen], view, **QUIET_EVENT)
        for rows in (fields.kept, fields.presets):
            rows.click(
                self.on_row,
                [fields.chosen],
                [*view, fields.note, fields.panel_note, *playing],
                **QUIET_EVENT,
            ).then(None, playing, None, js=PLAY)
        gr.on(
            [fields.rename.click, fields.new_name.submit],
            self.rename,
            [fields.chosen, fields.new_name],
            [*view, fields.panel_note],
            **QUIET_EVENT,
        )
        fields.delete.click(
            self.delete,
            [fields.chosen, fields.asked],
            [*view, fields.note, fields.panel_note],
            **QUIET_EVENT,
        )
        gr.on(
            [fields.take_in.click, fields.file_name.submit],
            self.take_in,
            [fields.file, fields.file_name],
            [*view, fields.file_note, fields.file_name],
            **QUIET_EVENT,
        )

    async def refreshed(self, chosen: str | None, request: gr.Request) -> Updates:
        """Returns the voices as they are now."""
        return await self.shown(chosen, self._shell.key_of(request))

    async def shown(self, chosen: str | None, key_id: str) -> Updates:
        """Returns the lists, and one voice in full where one is chosen and still there."""
        fields, library = self._fields, self._desk.library
        kept = await asyncio.to_thread(kept_rows, self._desk)
        is_there = chosen is not None and any(row.name == chosen for row in kept)
        updates: Updates = {
            fields.kept: kept_html(kept, chosen),
            fields.presets: presets_html(preset_rows(self._desk)),
            fields.panel: gr.update(visible=is_there),
            fields.chosen: chosen if is_there else None,
            fields.asked: None,
            fields.delete: gr.update(value=DELETE),
        }
        if chosen is None or not is_there:
            return updates
        try:
            voice = await asyncio.to_thread(library.get, chosen)
        except VoiceFileError as error:
            told = str(error).replace(str(library.path(chosen)), f"{chosen}.voice")
            return updates | {
                fields.about: damaged_html(chosen, told),
                fields.bank_group: gr.update(visible=False),
            }
        url = self._shell.sounds.offer(library.path(chosen), key_id)
        return updates | {
            fields.about: voice_html(voice, url),
            fields.bank_group: gr.update(visible=voice.x_vector is not None),
            fields.bank.moods: bank_html(voice),
        }

    async def on_row(
        self, chosen: str | None, event: gr.EventData, request: gr.Request
    ) -> AsyncIterator[Updates]:
        """Plays a voice's sample, or shows the voice in full."""
        fields, action = self._fields, action_of(event)
        key_id = self._shell.key_of(request)
        if action.do == "open":
            name = None if action.id == chosen else action.id
            shown = await self.shown(name, key_id)
            yield shown | {
                fields.new_name: name or "",
                fields.note: QUIET,
                fields.panel_note: QUIET,
                fields.play_url: "",
            }
            return
        sampling = asyncio.ensure_future(sample_of(self._desk, key_id, action.id))
        try:
            async for _ in following(sampling):
                words = hint(self._sampling_words(action.id))
                yield {fields.note: words, fields.play_url: ""}
            url = self._shell.sounds.offer(sampling.result(), key_id)
        except IntoneError as error:
            yield {fields.note: problem(error), fields.play_url: ""}
            return
        label = f"{action.id}, a sample"
        yield {fields.note: QUIET, fields.play_url: url, fields.play_label: label}

    def _sampling_words(self, voice: str) -> str:
        try:
            switching = switch_words(self._desk, self._desk.models.for_voice(voice))
        except IntoneError:
            switching = None
        return switching or f"{voice} is speaking a sentence; next time it is there at once…"

    async def rename(
        self, chosen: str | None, new_name: str | None, request: gr.Request
    ) -> Updates:
        """Gives the voice that is shown another name."""
        fields, library = self._fields, self._desk.library
        word = (new_name or "").strip()
        try:
            if chosen is None:
                raise InvalidSettingError("open a voice first.")
            if word.casefold() != chosen.casefold():
                word = free_name(library, new_name)
            await asyncio.to_thread(library.rename, chosen, word)
        except IntoneError as error:
            return {fields.panel_note: problem(error)}
        shown = await self.shown(word, self._shell.key_of(request))
        return shown | {fields.panel_note: good(f"The voice {chosen} is called {word} now.")}

    async def delete(self, chosen: str | None, asked: str | None, request: gr.Request) -> Updates:
        """Deletes the voice that is shown, at the second press."""
        fields = self._fields
        if chosen is None:
            return {fields.note: problem("open a voice first.")}
        if asked != chosen:
            return {
                fields.asked: chosen,
                fields.delete: gr.update(value=DELETE_ASKED),
                fields.panel_note: hint(
                    f"The next press deletes {chosen} for good; download it first to keep a copy."
                ),
            }
        try:
            await asyncio.to_thread(self._desk.library.remove, chosen)
        except IntoneError as error:
            return {fields.panel_note: problem(error)}
        shown = await self.shown(None, self._shell.key_of(request))
        return shown | {
            fields.note: good(f"The voice {chosen} is deleted."),
            fields.panel_note: QUIET,
        }

    async def take_in(self, path: str | None, name: str | None, request: gr.Request) -> Updates:
        """Takes a voice file in."""
        fields = self._fields
        try:
            voice = await asyncio.to_thread(import_voice, self._desk, path, name or "")
        except IntoneError as error:
            return {fields.file_note: problem(error)}
        shown = await self.shown(voice.name, self._shell.key_of(request))
        told = {
            fields.file_note: good(f"The voice {voice.name} is in the library."),
            fields.file_name: "",
        }
        return shown | told | {fields.new_name: voice.name}
