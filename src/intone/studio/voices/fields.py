"""What stands on the Voices tab: the library, one voice in full, its bank, the import."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr
from gradio.components import Component

from intone.studio.parts.notes import note
from intone.studio.parts.rows import action_list, empty
from intone.studio.parts.upload_guard import guard_uploads
from intone.studio.voices.rows import NO_VOICES

DELETE = "Delete"
DELETE_ASKED = "Press again to delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class BankFields:
    """The emotion bank of the voice that is shown."""

    moods: gr.HTML
    moods_note: gr.HTML
    mood: gr.Textbox
    audio: gr.Audio
    audio_note: gr.HTML
    report: gr.HTML
    words: gr.Textbox
    anyway: gr.Checkbox
    add: gr.Button
    note: gr.HTML

    @property
    def inputs(self) -> list[Component]:
        """What a mood is made of."""
        return [self.mood, self.audio, self.words, self.anyway]


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicesFields:
    """The components of the tab."""

    kept: gr.HTML
    note: gr.HTML
    panel: gr.Column
    about: gr.HTML
    new_name: gr.Textbox
    rename: gr.Button
    delete: gr.Button
    panel_note: gr.HTML
    bank_group: gr.Accordion
    bank: BankFields
    file: gr.File
    file_name: gr.Textbox
    take_in: gr.Button
    file_note: gr.HTML
    presets: gr.HTML
    chosen: gr.State
    """Name of the voice that is shown."""
    asked: gr.State
    """Name of the voice that the next press would delete."""
    play_url: gr.Textbox
    play_label: gr.Textbox


def add_fields(limit_upload_bytes: int) -> VoicesFields:
    """Adds the tab's components in the order in which they are read."""
    gr.HTML("<h3>Kept voices</h3>", js_on_load=None)
    kept = action_list(empty(NO_VOICES), "voices-kept", label="Kept voices")
    list_note = note("voices-note")
    with gr.Column(visible=False, elem_id="voices-panel") as panel:
        about = gr.HTML("", js_on_load=None, elem_id="voices-about")
        with gr.Row():
            new_name = gr.Textbox(label="New name", max_lines=1, elem_id="voices-new-name", scale=3)
            rename = gr.Button("Rename", elem_id="voices-rename", scale=1, min_width=120)
            delete = gr.Button(
                DELETE, variant="stop", elem_id="voices-delete", scale=1, min_width=120
            )
        panel_note = note("voices-panel-note")
        with gr.Accordion("Emotion bank", open=True, elem_id="voices-bank") as bank_group:
            bank = _add_bank(limit_upload_bytes)
    with gr.Accordion("Import a voice", open=False, elem_id="voices-import"):
        with gr.Row():
            file = gr.File(
                label="Voice file (.voice, or an x-vector in .safetensors)",
                type="filepath",
                height=120,
                elem_id="voices-file",
                scale=2,
            )
            with gr.Column(scale=1, min_width=240):
                file_name = gr.Textbox(
                    label="Name of the voice",
                    info="Empty: the name of the file.",
                    max_lines=1,
                    elem_id="voices-file-name",
                )
                take_in = gr.Button("Import", elem_id="voices-import-go")
        file_note = note("voices-file-note")
        guard_uploads("voices-file", "voices-file-note", limit_upload_bytes)
    gr.HTML("<h3>Presets of the models here</h3>", js_on_load=None)
    presets = action_list("", "voices-presets", label="Presets of the models here")
    return VoicesFields(
        kept=kept,
        note=list_note,
        panel=panel,
        about=about,
        new_name=new_name,
        rename=rename,
        delete=delete,
        panel_note=panel_note,
        bank_group=bank_group,
        bank=bank,
        file=file,
        file_name=file_name,
        take_in=take_in,
        file_note=file_note,
        presets=presets,
        chosen=gr.State(None),
        asked=gr.State(None),
        play_url=gr.Textbox(visible=False),
        play_label=gr.Textbox(visible=False),
    )


def _add_bank(limit_upload_bytes: int) -> BankFields:
    moods = action_list("", "voices-moods", label="Moods of the voice")
    moods_note = note("voices-moods-note")
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            audio = gr.Audio(
                sources=["upload", "microphone"],
                type="filepath",
                label="One more recording of this person, in a mood",
                buttons=[],
                elem_id="voices-mood-audio",
            )
            audio_note = note("voices-mood-audio-note")
            guard_uploads("voices-mood-audio", "voices-mood-audio-note", limit_upload_bytes)
            report = gr.HTML("", js_on_load=None, elem_id="voices-mood-report")
        with gr.Column(scale=1, min_width=280):
            mood = gr.Textbox(label="Mood", placeholder="angry", max_lines=1, elem_id="voices-mood")
            words = gr.Textbox(
                label="What the recording says, word for word (transcript)",
                lines=2,
                max_lines=5,
                elem_id="voices-mood-words",
            )
            anyway = gr.Checkbox(
                label="Use it anyway, though the report refuses it",
                visible=False,
                elem_id="voices-mood-anyway",
            )
            add = gr.Button("Add this mood", elem_id="voices-mood-add")
            add_note = note("voices-mood-note")
    return BankFields(
        moods=moods,
        moods_note=moods_note,
        mood=mood,
        audio=audio,
        audio_note=audio_note,
        report=report,
        words=words,
        anyway=anyway,
        add=add,
        note=add_note,
    )
