"""The fields of a row that is edited by hand: words, mood, seed."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from intone.studio.parts.notes import note
from intone.studio.script.palette import moods_for


@dataclass(frozen=True, slots=True, kw_only=True)
class EditFields:
    """The components of a row that is edited."""

    group: gr.Group
    row: gr.Textbox
    text: gr.Textbox
    mood: gr.Dropdown
    seed: gr.Textbox
    note: gr.HTML
    draw: gr.Button
    keep: gr.Button
    cancel: gr.Button


def add_edit_fields() -> EditFields:
    """Adds them; they are seen once a row is edited."""
    with gr.Group(visible=False, elem_id="script-edit") as group:
        row = gr.Textbox(visible=False)
        text = gr.Textbox(label="Text of the row", lines=3, elem_id="script-edit-text")
        with gr.Row():
            mood = gr.Dropdown(
                list(moods_for(())),
                label="Mood",
                info="Empty: as the voice is.",
                allow_custom_value=True,
                elem_id="script-edit-mood",
            )
            seed = gr.Textbox(
                label="Seed of this row",
                info="Empty: it follows from the script's.",
                elem_id="script-edit-seed",
            )
        wrong = note("script-edit-note")
        with gr.Row():
            draw = gr.Button("Draw this row", elem_id="script-edit-draw")
            keep = gr.Button("Change without drawing", elem_id="script-edit-keep")
            cancel = gr.Button("Cancel", elem_id="script-edit-cancel")
    return EditFields(
        group=group,
        row=row,
        text=text,
        mood=mood,
        seed=seed,
        note=wrong,
        draw=draw,
        keep=keep,
        cancel=cancel,
    )
