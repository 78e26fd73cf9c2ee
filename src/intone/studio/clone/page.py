"""The Clone tab: a recording is judged as soon as it is there, becomes a voice, is compared."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, cast

import gradio as gr

from intone.core.errors import EmptyTextError, IntoneError
from intone.studio.clone.cloning import CloneOrder, check_consent, clone_voice, told
from intone.studio.clone.comparing import compare
from intone.studio.clone.fields import AUTOMATIC, EMPTY_REPORT, CloneFields, add_fields
from intone.studio.clone.pair import pair_html
from intone.studio.clone.recording import Recording, audible, check_usable, take_in
from intone.studio.clone.report import report_html
from intone.studio.desk import Desk
from intone.studio.parts.events import QUIET_EVENT, Updates, Values
from intone.studio.parts.following import following
from intone.studio.parts.loading import loading_plan
from intone.studio.parts.notes import QUIET, good, hint, problem
from intone.studio.shell import Shell
from intone.studio.system.memory import switch_words
from intone.studio.voices.naming import free_name
from intone.voices.cloning import CloneForm

ONLY_X_VECTOR = (
    "It keeps who speaks (x-vector) alone; 0.6b-base comes closer, pull it under System."
)


@dataclass(frozen=True, slots=True)
class Given:
    """What the fields hold."""

    path: str | None
    """Of the upload."""
    order: CloneOrder


def build(shell: Shell, tab: gr.Tab) -> None:
    """Adds the tab."""
    fields = add_fields(shell.page, shell.desk.limit_upload_bytes)
    _CloneTab(shell, fields).connect(tab)


class _CloneTab:
    def __init__(self, shell: Shell, fields: CloneFields) -> None:
        self._shell = shell
        self._desk: Desk = shell.desk
        self._fields = fields

    def connect(self, tab: gr.Tab) -> None:
        """Says what happens on which press."""
        fields = self._fields
        values = set(fields.inputs)
        gr.on(
            [fields.audio.change, fields.words.blur, fields.form.change, fields.language.change],
            self.judge,
            values,
            [fields.report, fields.anyway, fields.audio_note, fields.words_note],
            **QUIET_EVENT,
        )
        gr.on(
            [fields.go.click, fields.name.submit],
            self.clone,
            values,
            [*fields.notes, fields.panel, fields.pair, fields.compare_note, fields.made],
            **QUIET_EVENT,
        )
        gr.on(
            [fields.compare.click, fields.text.submit],
            self.compare,
            [fields.made, fields.text],
            [fields.compare_note, fields.pair],
            **QUIET_EVENT,
        )
        tab.select(self.plan, None, [fields.note], **QUIET_EVENT)

    def plan(self) -> str:
        """Returns which model will read a recording, and what that does to memory."""
        try:
            model = self._desk.models.for_kind("base")
        except IntoneError as error:
            return problem(error)
        is_base = self._desk.models.describe(model).kind == "base"
        only = "" if is_base else f" {ONLY_X_VECTOR}"
        return hint(f"The recording is read by {model}.{only} {loading_plan(self._desk, model)}")

    async def judge(self, values: Values) -> Updates:
        """Returns the report of a recording, or what is wrong with it beside it."""
        fields, given = self._fields, self._given(values)
        quiet: Updates = {fields.audio_note: QUIET, fields.words_note: QUIET}
        nothing: Updates = quiet | {fields.report: EMPTY_REPORT, fields.anyway: _hidden()}
        if given.path is None:
            return nothing
        try:
            recording = await self._recording(given)
        except IntoneError as error:
            return nothing | {fields.audio_note: problem(error)}
        is_refused = recording.report.severity == "refuse"
        return quiet | {
            fields.report: report_html(recording),
            fields.anyway: gr.update(visible=True) if is_refused else _hidden(),
        }

    async def clone(self, values: Values, request: gr.Request) -> AsyncIterator[Updates]:
        """Keeps the voice; every field that is wrong is told at once, and nothing is lost."""
        fields, given = self._fields, self._given(values)
        quiet: Updates = {place: QUIET for place in fields.notes}
        problems, recording = await self._checked(given)
        if problems or recording is None:
            yield quiet | problems
            return
        cloning = asyncio.ensure_future(
            clone_voice(self._desk, self._shell.key_of(request), given.order, recording)
        )
        try:
            async for _ in following(cloning):
                yield quiet | {fields.note: hint(self._waiting())}
            made = cloning.result()
        except IntoneError as error:
            yield quiet | {fields.place_of(error): problem(error)}
            return
        yield quiet | {
            fields.note: good(f"{told(made)} It is in every list of voices now."),
            fields.panel: gr.update(visible=True),
            fields.pair: "",
            fields.compare_note: QUIET,
            fields.made: (made.voice.name, given.path),
        }

    async def compare(
        self, made: tuple[str, str] | None, text: str | None, request: gr.Request
    ) -> AsyncIterator[Updates]:
        """Says a sentence in the new voice, and shows it beside the recording."""
        fields, key_id = self._fields, self._shell.key_of(request)
        if made is None:
            yield {fields.compare_note: problem("clone a voice first; then both can be heard.")}
            return
        name, path = made
        speaking = asyncio.ensure_future(self._compared(key_id, name, path, text or ""))
        try:
            async for _ in following(speaking):
                yield {fields.compare_note: hint(self._waiting(name))}
            pair = speaking.result()
        except IntoneError as error:
            yield {fields.compare_note: problem(error)}
            return
        yield {fields.compare_note: QUIET, fields.pair: pair}

    async def _compared(self, key_id: str, name: str, path: str, text: str) -> str:
        if not text.strip():
            raise EmptyTextError("there is nothing to say yet; write a sentence.")
        limit = self._desk.limit_upload_bytes
        recording = await asyncio.to_thread(take_in, path, None, "auto", limit_bytes=limit)
        heard = await asyncio.to_thread(audible, path, recording.clip)
        self._fields.audio.temp_files.add(str(heard))  # Gradio clears it away with the upload
        compared = await compare(self._desk, key_id, name, text, recording.clip)
        offer = self._shell.sounds.offer
        return pair_html(name, offer(heard, key_id), offer(compared.take, key_id), compared)

    async def _checked(self, given: Given) -> tuple[Updates, Recording | None]:
        """Returns what is wrong with the fields, each beside its own, and the recording."""
        fields, recording = self._fields, None
        found: Updates = {}
        try:
            recording = await self._recording(given)
            check_usable(recording, anyway=given.order.anyway)
        except IntoneError as error:
            found[fields.audio_note] = problem(error)
        try:
            free_name(self._desk.library, given.order.name)
        except IntoneError as error:
            found[fields.name_note] = problem(error)
        try:
            check_consent(given.order.has_consent)
        except IntoneError as error:
            found[fields.consent_note] = problem(error)
        return found, recording

    async def _recording(self, given: Given) -> Recording:
        words = None if given.order.form == "x_vector" else given.order.words
        return await asyncio.to_thread(
            take_in,
            given.path,
            words,
            given.order.language,
            limit_bytes=self._desk.limit_upload_bytes,
        )

    def _waiting(self, voice: str | None = None) -> str:
        """Returns what the page waits for, in words."""
        models = self._desk.models
        try:
            model = models.for_kind("base") if voice is None else models.for_voice(voice)
        except IntoneError:
            return "One moment…"
        doing = f"{model} reads the recording…" if voice is None else f"{voice} is speaking…"
        return switch_words(self._desk, model) or doing

    def _given(self, values: Values) -> Given:
        fields = self._fields
        order = CloneOrder(
            name=values[fields.name] or "",
            words=(values[fields.words] or "").strip() or None,
            form=_form(values[fields.form]),
            language=values[fields.language],
            has_consent=bool(values[fields.consent]),
            anyway=bool(values[fields.anyway]),
        )
        return Given(values[fields.audio], order)


def _form(chosen: str) -> CloneForm | None:
    return None if chosen == AUTOMATIC else cast(CloneForm, chosen)


def _hidden() -> Any:
    return gr.update(visible=False, value=False)
