"""The Long text tab: a book or a long text, read in the background.

The list of jobs comes from the desk, never from the page: a reload, another browser or a new start
of the server shows the same. While a job of the caller runs, a timer looks every two seconds.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from intone.core.errors import IntoneError
from intone.core.types import MAX_SPEED, MIN_SPEED
from intone.studio.desk import JobDesk, JobFormat, JobView
from intone.studio.long_text.outline import Document, Outline, outline_of, pasted, uploaded
from intone.studio.long_text.wish import (
    FORMATS,
    LOUDNESS,
    FieldName,
    WishFields,
    field_of,
    language_hint,
    wish_of,
)
from intone.studio.long_text.words import JobFiles, JobRows, outline_html
from intone.studio.parts.drafts import keep_drafts
from intone.studio.parts.events import QUIET_EVENT, Updates
from intone.studio.parts.notes import QUIET, good, hint, note, problem
from intone.studio.parts.rows import action_list, action_of
from intone.studio.parts.upload_guard import guard_uploads
from intone.studio.parts.words import LANGUAGES
from intone.studio.shell import Shell
from intone.studio.speak.choices import first_voice, voice_groups
from intone.studio.speak.shelf import dropdown_choices

_LOOK_EVERY_S = 2.0
_ONE_FILE, _CHAPTERS = "One file", "One file per chapter"


def build(shell: Shell, tab: gr.Tab) -> None:
    """Adds the tab; without a desk for jobs it says so."""
    jobs = shell.desk.jobs
    if jobs is None:
        gr.HTML(hint("This server takes no jobs: its setting jobs.enabled is false."))
        return
    fields = add_fields(shell, jobs)
    LongTextTab(shell, jobs, fields).connect(tab)


@dataclass(frozen=True, slots=True, kw_only=True)
class LongTextFields:
    """The components of the tab."""

    file: gr.File
    text: gr.Textbox
    voice: gr.Dropdown
    language: gr.Dropdown
    format: gr.Dropdown
    files: gr.Radio
    loudness: gr.Dropdown
    speed: gr.Slider
    start: gr.Button
    outline: gr.HTML
    rows: gr.HTML
    timer: gr.Timer
    removing: gr.State
    notes: dict[FieldName, gr.HTML]

    @property
    def settings(self) -> list[Component]:
        return [self.voice, self.language, self.format, self.files, self.loudness, self.speed]

    @property
    def told(self) -> list[Component]:
        return [*self.notes.values(), self.outline]


def add_fields(shell: Shell, jobs: JobDesk) -> LongTextFields:
    """Adds the tab's components in the order in which they are read."""
    notes: dict[FieldName, gr.HTML] = {}
    with gr.Row(elem_id="long-columns"):
        with gr.Column(scale=3, min_width=320):
            file = gr.File(label="Book or text (.txt, .md, .epub)", elem_id="long-file", height=150)
            text = gr.Textbox(
                label="…or paste the text",
                info="A line such as “Chapter 2” or “# Title” of its own begins a chapter.",
                lines=7,
                max_lines=14,
                elem_id="long-paste",
            )
            notes["text"] = note("long-text-note")
            guard_uploads("long-file", "long-text-note", shell.desk.limit_upload_bytes)
            outline = gr.HTML("", elem_id="long-outline", js_on_load=None)
        with gr.Column(scale=2, min_width=300):
            voice = gr.Dropdown([], label="Voice", allow_custom_value=True, elem_id="long-voice")
            notes["voice"] = note("long-voice-note")
            language = gr.Dropdown(
                list(LANGUAGES), value="auto", label="Language", elem_id="long-language"
            )
            format = gr.Dropdown(list(FORMATS), value="mp3", label="Format", elem_id="long-format")
            files = gr.Radio(
                [_ONE_FILE, _CHAPTERS], value=_ONE_FILE, label="Files", elem_id="long-files"
            )
            loudness = gr.Dropdown(
                list(LOUDNESS), value="", label="Loudness of every file", elem_id="long-loudness"
            )
            speed = gr.Slider(
                MIN_SPEED, MAX_SPEED, value=1.0, step=0.05, label="Speed", elem_id="long-speed"
            )
            notes["speed"] = note("long-speed-note")
            start = gr.Button("Start reading", variant="primary", elem_id="long-start")
            notes["start"] = note("long-start-note")
    gr.HTML(_jobs_head(jobs), js_on_load=None)
    rows = action_list("", "long-jobs", label="Long texts")
    fields = LongTextFields(
        file=file,
        text=text,
        voice=voice,
        language=language,
        format=format,
        files=files,
        loudness=loudness,
        speed=speed,
        start=start,
        outline=outline,
        rows=rows,
        timer=gr.Timer(_LOOK_EVERY_S, active=False),
        removing=gr.State(""),
        notes=notes,
    )
    keep_drafts(shell.page, "long-text", [fields.text, *fields.settings])
    return fields


def _jobs_head(jobs: JobDesk) -> str:
    days = jobs.keep_days()
    return (
        '<h3 class="job-list-head">Your long texts</h3><p class="job-list-words">They go on when '
        "this page is closed, and after a new start. What is done stays here for "
        f"{days:g} day{'s' * (days != 1)}: download what you want to keep longer.</p>"
    )


class LongTextTab:
    """What the tab does; its presses run on the event loop, reading in threads."""

    def __init__(self, shell: Shell, jobs: JobDesk, fields: LongTextFields) -> None:
        self._shell = shell
        self._desk = shell.desk
        self._jobs = jobs
        self._fields = fields

    def connect(self, tab: gr.Tab) -> None:
        """Says what happens on which press."""
        fields = self._fields
        source = [fields.file, fields.text]
        looked = [fields.rows, fields.timer]
        for event in (tab.select, self._shell.page.load):
            event(self.voices, [fields.voice], [fields.voice], **QUIET_EVENT)
            event(self.listed, [fields.removing], looked, **QUIET_EVENT)
        fields.timer.tick(self.listed, [fields.removing], looked, **QUIET_EVENT)
        reads = [*source, fields.language, fields.speed]
        for change in (
            fields.file.upload,
            fields.file.clear,
            fields.text.change,
            fields.language.input,
            fields.speed.release,
        ):
            change(self.read, reads, fields.told, trigger_mode="always_last", **QUIET_EVENT)
        fields.start.click(
            self.start,
            [*source, *fields.settings],
            [*fields.told, *looked],
            show_progress="minimal",
            api_visibility="private",
            concurrency_limit=None,
        )
        fields.rows.click(
            self.pressed,
            [fields.removing],
            [fields.removing, *looked],
            trigger_mode="multiple",
            **QUIET_EVENT,
        )

    async def voices(self, voice: str | None) -> Any:
        """Returns the voices as they are now; what was chosen stays chosen."""
        groups = await asyncio.to_thread(voice_groups, self._desk)
        return gr.update(choices=dropdown_choices(groups), value=voice or first_voice(groups))

    async def read(
        self, file: str | None, text: str | None, language: str | None, speed: float | None
    ) -> Updates:
        """Returns the outline of what is given now, or what is wrong with it."""
        quiet, text = self._told(), text or ""
        if file is None and not text.strip():
            return {**quiet, self._fields.outline: ""}
        try:
            _, outline = await asyncio.to_thread(_read, file, text, language or "auto")
        except IntoneError as error:
            return {**quiet, self._fields.outline: "", self._fields.notes["text"]: problem(error)}
        both = file is not None and text.strip()
        told = hint(_BOTH) if both else QUIET
        shown = outline_html(outline, speed or 1.0)
        return {**quiet, self._fields.outline: shown, self._fields.notes["text"]: told}

    async def start(
        self,
        file: str | None,
        text: str | None,
        voice: str | None,
        language: str | None,
        format: JobFormat | None,
        files: str | None,
        loudness: str | None,
        speed: float | None,
        request: gr.Request,
    ) -> Updates:
        """Sends a job, and returns the list with it, or what is wrong beside its field."""
        key_id, fields = self._shell.key_of(request), self._fields
        try:
            read = partial(_read, file, text or "", language or "auto")
            document, outline = await asyncio.to_thread(read)
        except IntoneError as error:
            return {**self._told(), fields.notes["text"]: problem(error)}
        given = WishFields(
            voice=voice,
            language=language,
            format=format or "mp3",
            is_one_file=files != _CHAPTERS,
            loudness=loudness,
            speed=speed or 1.0,
        )
        updates = {**self._told(), fields.outline: outline_html(outline, given.speed)}
        try:
            wish = await asyncio.to_thread(wish_of, document, given, outline.title, self._desk)
            await self._jobs.submit(key_id, wish, document.source)
            warning = await asyncio.to_thread(language_hint, outline, wish, self._desk)
        except IntoneError as error:
            return {**updates, fields.notes[field_of(error)]: problem(error)}
        updates[fields.notes["start"]] = good(_STARTED)
        if warning is not None:
            updates[fields.notes["voice"]] = hint(warning)
        return {**updates, **await self._listed(key_id, "")}

    async def listed(self, removing: str, request: gr.Request) -> Updates:
        """Returns the jobs of the caller as they are now."""
        return await self._listed(self._shell.key_of(request), removing)

    async def pressed(self, removing: str, event: gr.EventData, request: gr.Request) -> Updates:
        """Deletes a job that was asked about, or asks."""
        key_id, action = self._shell.key_of(request), action_of(event)
        told = ""
        if action.do == "remove" and action.id == removing:
            try:
                await self._jobs.delete(key_id, removing)
            except IntoneError as error:
                told = problem(error)
        asked = action.id if action.do == "ask-remove" else ""
        updates = await self._listed(key_id, asked)
        updates[self._fields.rows] = told + updates[self._fields.rows]
        return {self._fields.removing: asked, **updates}

    async def _listed(self, key_id: str, removing: str) -> Updates:
        fields = self._fields
        try:
            jobs = await self._jobs.jobs(key_id)
            seen = [await self._files(key_id, job) for job in jobs]
        except IntoneError as error:
            return {fields.rows: problem(error), fields.timer: gr.Timer(active=False)}
        offer = partial(self._shell.sounds.offer, key_id=key_id)
        is_busy = any(job.state in ("queued", "running") for job in jobs)
        html = JobRows(offer, removing).rows(seen)
        return {fields.rows: html, fields.timer: gr.Timer(active=is_busy)}

    async def _files(self, key_id: str, job: JobView) -> JobFiles:
        """Returns a job with its files, once they are whole."""
        if job.state != "done":
            return JobFiles(job=job, paths={})
        return JobFiles(job=job, paths=await self._jobs.files(key_id, job.id))

    def _told(self) -> Updates:
        """Returns every note without words."""
        return {place: QUIET for place in self._fields.notes.values()}


def _read(file: str | None, text: str, language: str) -> tuple[Document, Outline]:
    document = pasted(text) if file is None else uploaded(Path(file))
    return document, outline_of(document, language)


_BOTH = "The file is what will be read; take it away to read the pasted text."
_STARTED = "It has begun. You may close this page: the list below knows how far it is."
