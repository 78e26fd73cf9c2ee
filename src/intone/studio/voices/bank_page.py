"""The emotion bank on the Voices tab: its moods are played, removed, and one more is added."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import gradio as gr

from intone.core.errors import IntoneError, InvalidSettingError, ReferenceAudioError
from intone.studio.clone.recording import Recording, take_in
from intone.studio.clone.report import report_html
from intone.studio.desk import Desk
from intone.studio.parts.events import QUIET_EVENT, Updates
from intone.studio.parts.following import following
from intone.studio.parts.notes import QUIET, good, hint, problem
from intone.studio.parts.rows import action_of
from intone.studio.parts.sounds import PLAY
from intone.studio.parts.voice_samples import sample_of
from intone.studio.shell import Shell
from intone.studio.system.memory import switch_words
from intone.studio.voices.bank import add_mood
from intone.studio.voices.fields import VoicesFields
from intone.voices.making import without_mood

Shown = Callable[[str | None, str], Awaitable[Updates]]
"""The tab with a voice, for a caller."""


class BankPart:
    """What happens in the bank of the voice that is shown."""

    def __init__(self, shell: Shell, fields: VoicesFields, shown: Shown) -> None:
        self._shell = shell
        self._desk: Desk = shell.desk
        self._fields = fields
        self._shown = shown

    def connect(self) -> None:
        """Says what happens on which press."""
        fields, bank = self._fields, self._fields.bank
        playing = [fields.play_url, fields.play_label]
        changed = [fields.kept, fields.about, bank.moods]
        bank.moods.click(
            self.on_mood,
            [fields.chosen],
            [*changed, bank.moods_note, *playing],
            **QUIET_EVENT,
        ).then(None, playing, None, js=PLAY)
        gr.on(
            [bank.audio.change, bank.words.blur],
            self.judge,
            [bank.audio, bank.words],
            [bank.report, bank.audio_note, bank.anyway],
            **QUIET_EVENT,
        )
        gr.on(
            [bank.add.click, bank.mood.submit],
            self.add,
            [fields.chosen, *bank.inputs],
            [*changed, bank.note, bank.audio_note, bank.audio, bank.mood, bank.words],
            **QUIET_EVENT,
        )

    async def on_mood(
        self, chosen: str | None, event: gr.EventData, request: gr.Request
    ) -> AsyncIterator[Updates]:
        """Plays the voice in a mood, or removes the mood."""
        fields, bank, action = self._fields, self._fields.bank, action_of(event)
        key_id, quiet = self._shell.key_of(request), {self._fields.play_url: ""}
        try:
            if chosen is None:
                raise InvalidSettingError("open a voice first.")
            if action.do == "remove":
                await asyncio.to_thread(
                    self._desk.library.change, chosen, lambda kept: without_mood(kept, action.id)
                )
                told = good(f"The mood {action.id} is out of the bank of {chosen}.")
                yield quiet | await self._changed(chosen, key_id) | {bank.moods_note: told}
                return
            sampling = asyncio.ensure_future(sample_of(self._desk, key_id, chosen, action.id))
            async for _ in following(sampling):
                yield quiet | {bank.moods_note: hint(self._words(chosen, "is speaking…"))}
            url = self._shell.sounds.offer(sampling.result(), key_id)
        except IntoneError as error:
            yield quiet | {bank.moods_note: problem(error)}
            return
        label = f"{chosen}, {action.id}"
        yield {bank.moods_note: QUIET, fields.play_url: url, fields.play_label: label}

    async def judge(self, path: str | None, words: str | None) -> Updates:
        """Returns the report of a recording for the bank."""
        bank = self._fields.bank
        nothing: Updates = {
            bank.report: "",
            bank.audio_note: QUIET,
            bank.anyway: gr.update(visible=False, value=False),
        }
        if path is None:
            return nothing
        try:
            recording = await self._recording(path, words)
        except IntoneError as error:
            return nothing | {bank.audio_note: problem(error)}
        if recording.report.severity == "refuse":
            nothing[bank.anyway] = gr.update(visible=True)
        return nothing | {bank.report: report_html(recording)}

    async def add(
        self,
        chosen: str | None,
        mood: str | None,
        path: str | None,
        words: str | None,
        anyway: bool,
        request: gr.Request,
    ) -> AsyncIterator[Updates]:
        """Adds a recording in a mood to the bank."""
        bank, key_id = self._fields.bank, self._shell.key_of(request)
        quiet: Updates = {bank.note: QUIET, bank.audio_note: QUIET}
        try:
            if chosen is None:
                raise InvalidSettingError("open a voice first.")
            recording = await self._recording(path, words)
            said = (words or "").strip() or None
            adding = asyncio.ensure_future(
                add_mood(self._desk, key_id, chosen, mood or "", said, recording, anyway=anyway)
            )
            async for _ in following(adding):
                yield quiet | {bank.note: hint(self._words(chosen, "is read…"))}
            added = adding.result()
        except ReferenceAudioError as error:
            yield quiet | {bank.audio_note: problem(error)}
            return
        except IntoneError as error:
            yield quiet | {bank.note: problem(error)}
            return
        shown = await self._changed(chosen, key_id)
        cleared: Updates = {bank.audio: None, bank.mood: "", bank.words: ""}
        yield quiet | shown | cleared | {bank.note: good(added.told())}

    async def _changed(self, chosen: str, key_id: str) -> Updates:
        """Returns what of the tab changes with a bank."""
        fields = self._fields
        shown = await self._shown(chosen, key_id)
        return {place: shown[place] for place in (fields.kept, fields.about, fields.bank.moods)}

    async def _recording(self, path: str | None, words: str | None) -> Recording:
        limit = self._desk.limit_upload_bytes
        said = (words or "").strip() or None
        return await asyncio.to_thread(take_in, path, said, "auto", limit_bytes=limit)

    def _words(self, voice: str, doing: str) -> str:
        try:
            switching = switch_words(self._desk, self._desk.models.for_voice(voice))
        except IntoneError:
            switching = None
        return switching or f"{voice} {doing}"
