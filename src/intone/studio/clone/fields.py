"""What stands on the Clone tab: recording and report, the form, the two sounds to compare."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr
from gradio.components import Component

from intone.core.errors import (
    IntoneError,
    MissingReferenceTextError,
    ReferenceAudioError,
    UnknownLanguageError,
)
from intone.studio.clone.cloning import CONSENT
from intone.studio.parts.drafts import keep_drafts
from intone.studio.parts.notes import note
from intone.studio.parts.upload_guard import guard_uploads
from intone.studio.parts.voice_samples import sentence
from intone.studio.parts.words import LANGUAGES

AUTOMATIC = "auto"

FORMS: tuple[tuple[str, str], ...] = (
    ("Automatic: with the words if they are there, else without", AUTOMATIC),
    ("Recording and words (ICL): closest, with their way of speaking", "icl"),
    ("Voice only (x-vector): who speaks, not how; the recording is not kept", "x_vector"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneFields:
    """The components of the tab."""

    audio: gr.Audio
    audio_note: gr.HTML
    report: gr.HTML
    words: gr.Textbox
    words_note: gr.HTML
    form: gr.Radio
    name: gr.Textbox
    name_note: gr.HTML
    language: gr.Dropdown
    language_note: gr.HTML
    consent: gr.Checkbox
    consent_note: gr.HTML
    anyway: gr.Checkbox
    go: gr.Button
    note: gr.HTML
    panel: gr.Column
    text: gr.Textbox
    compare: gr.Button
    compare_note: gr.HTML
    pair: gr.HTML
    made: gr.State
    """Name of the voice that was made last, and its recording's path."""

    @property
    def inputs(self) -> list[Component]:
        """What a voice is made of."""
        return [
            self.audio,
            self.words,
            self.form,
            self.language,
            self.name,
            self.consent,
            self.anyway,
        ]

    @property
    def notes(self) -> list[gr.HTML]:
        """Those of the form, without that of the comparison."""
        return [
            self.audio_note,
            self.words_note,
            self.name_note,
            self.language_note,
            self.consent_note,
            self.note,
        ]

    def place_of(self, error: IntoneError) -> gr.HTML:
        """Returns the note beside what an error is about."""
        if isinstance(error, ReferenceAudioError):
            return self.audio_note
        if isinstance(error, MissingReferenceTextError):
            return self.words_note
        if isinstance(error, UnknownLanguageError):
            return self.language_note
        return self.note


def add_fields(page: gr.Blocks, limit_upload_bytes: int) -> CloneFields:
    """Adds the tab's components in the order in which they are read."""
    with gr.Row(elem_id="clone-columns"):
        with gr.Column(scale=1, min_width=320):
            audio = gr.Audio(
                sources=["upload", "microphone"],
                type="filepath",
                label="Recording of one person, 5 to 10 seconds",
                elem_id="clone-audio",
                editable=True,
                buttons=[],
            )
            audio_note = note("clone-audio-note")
            guard_uploads("clone-audio", "clone-audio-note", limit_upload_bytes)
            report = gr.HTML(EMPTY_REPORT, js_on_load=None, elem_id="clone-report")
        with gr.Column(scale=1, min_width=320):
            words = gr.Textbox(
                label="What the recording says, word for word (transcript)",
                info="Brings the voice closer. Leave it empty for the voice alone.",
                lines=2,
                max_lines=6,
                elem_id="clone-words",
            )
            words_note = note("clone-words-note")
            form = gr.Radio(
                list(FORMS), value=AUTOMATIC, label="What is kept of it", elem_id="clone-form"
            )
            with gr.Row():
                name = gr.Textbox(
                    label="Name of the voice", placeholder="nora", max_lines=1, elem_id="clone-name"
                )
                language = gr.Dropdown(
                    list(LANGUAGES), value="auto", label="Language", elem_id="clone-language"
                )
            name_note, language_note = note("clone-name-note"), note("clone-language-note")
            consent = gr.Checkbox(label=CONSENT, elem_id="clone-consent")
            consent_note = note("clone-consent-note")
            anyway = gr.Checkbox(
                label="Use it anyway, though the report refuses it",
                visible=False,
                elem_id="clone-anyway",
            )
            go = gr.Button("Clone", variant="primary", elem_id="clone-go")
            go_note = note("clone-note")
    with gr.Column(visible=False, elem_id="clone-compare") as panel:
        gr.HTML("<h3>Listen: the recording and the new voice</h3>", js_on_load=None)
        text = gr.Textbox(
            label="Say this in the new voice",
            value=sentence("english"),
            max_lines=4,
            elem_id="clone-text",
        )
        compare = gr.Button("Say it and compare", elem_id="clone-say")
        compare_note = note("clone-compare-note")
        pair = gr.HTML("", js_on_load=None, elem_id="clone-pair")
    keep_drafts(page, "clone", [words, form, name, language, text])
    return CloneFields(
        audio=audio,
        audio_note=audio_note,
        report=report,
        words=words,
        words_note=words_note,
        form=form,
        name=name,
        name_note=name_note,
        language=language,
        language_note=language_note,
        consent=consent,
        consent_note=consent_note,
        anyway=anyway,
        go=go,
        note=go_note,
        panel=panel,
        text=text,
        compare=compare,
        compare_note=compare_note,
        pair=pair,
        made=gr.State(None),
    )


EMPTY_REPORT = (
    '<p class="intone-empty">What the recording is good for stands here as soon as there is one: '
    "its length, its noise, its silences.</p>"
)
