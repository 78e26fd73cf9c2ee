"""What stands on the Script tab: the text with its tags, who speaks, the rows, the whole."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from intone.studio.parts.notes import note
from intone.studio.parts.rows import action_list, button
from intone.studio.parts.words import DESCRIPTIONS, LANGUAGES, SCRIPTS
from intone.studio.script.edit_fields import add_edit_fields
from intone.studio.script.palette import palette_html

AS_RENDERED = "none"
LOUDNESS: tuple[tuple[str, str], ...] = (
    ("As rendered", AS_RENDERED),
    ("Podcast, -16 LUFS", "-16"),
    ("Audiobook, -19 LUFS", "-19"),
    ("Broadcast, -23 LUFS", "-23"),
)
TICK_S = 0.5

_PLACEHOLDER = (
    "[Serious] We found the letter under the floor.\n[Whispering] Do not read it aloud in here.\n\n"
    "Tags change how it is said and never who says it. A line such as Nora: … is a speech."
)
_ROLES = """
element.addEventListener('change', (event) => {
  if (!event.target.closest('[data-speaker]')) return;
  const fields = [...element.querySelectorAll('[data-speaker]')];
  const cast = Object.fromEntries(fields.map((one) => [one.dataset.speaker, one.value]));
  trigger('click', {do: 'cast', id: JSON.stringify(cast)});
});
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptFields:
    """The components of the tab."""

    project_id: gr.Textbox
    copy_of: gr.Textbox
    shown: gr.State
    """Version of what the page shows."""
    text: gr.Textbox
    text_note: gr.HTML
    found: gr.HTML
    samples: gr.HTML
    palette: gr.HTML
    identity: gr.Dropdown
    identity_note: gr.HTML
    descriptions: gr.HTML
    dialogue: gr.Checkbox
    cast: gr.Textbox
    """As JSON; what is seen is `roles`."""
    roles: gr.HTML
    language: gr.Dropdown
    seed: gr.Textbox
    seed_note: gr.HTML
    loudness: gr.Dropdown
    preview: gr.Checkbox
    render: gr.Button
    check: gr.Button
    stop: gr.Button
    again: gr.Button
    run_note: gr.HTML
    status: gr.HTML
    rows: gr.HTML
    rows_note: gr.HTML
    edit: gr.Group
    edit_row: gr.Textbox
    edit_text: gr.Textbox
    edit_mood: gr.Dropdown
    edit_seed: gr.Textbox
    edit_note: gr.HTML
    edit_draw: gr.Button
    edit_keep: gr.Button
    edit_cancel: gr.Button
    whole: gr.HTML
    timer: gr.Timer

    @property
    def kept(self) -> list[Component]:
        """What a browser tab keeps over a reload."""
        return [
            self.text,
            self.identity,
            self.dialogue,
            self.cast,
            self.language,
            self.seed,
            self.loudness,
            self.preview,
        ]

    @property
    def sheet(self) -> set[Block]:
        """What a sheet is made of."""
        return {
            self.project_id,
            self.text,
            self.identity,
            self.dialogue,
            self.cast,
            self.language,
            self.seed,
        }

    @property
    def edited(self) -> set[Block]:
        return {self.edit_row, self.edit_text, self.edit_mood, self.edit_seed}


def add_fields() -> ScriptFields:
    """Adds the tab's components in the order in which they are read."""
    project_id = gr.Textbox(visible=False)
    copy_of = gr.Textbox(visible=False)
    cast = gr.Textbox("{}", visible=False)
    with gr.Row(elem_id="script-columns"):
        with gr.Column(scale=3, min_width=320):
            text, text_note, found, samples, palette = _add_text()
        with gr.Column(scale=2, min_width=320):
            identity = gr.Dropdown(
                [],
                label="Who speaks (identity)",
                info="A voice, or a description in three words or more: it is designed once, kept.",
                allow_custom_value=True,
                elem_id="script-identity",
            )
            identity_note = note("script-identity-note")
            descriptions = action_list(
                _examples(DESCRIPTIONS), "script-descriptions", label="Ideas"
            )
            dialogue = gr.Checkbox(
                True, label='Dialogue: lines like "Nora: …" are speeches', elem_id="script-dialogue"
            )
            roles = gr.HTML(
                "", js_on_load=_ROLES, elem_id="script-roles", elem_classes="script-place"
            )
            with gr.Row():
                language = gr.Dropdown(
                    list(LANGUAGES), value="auto", label="Language", elem_id="script-language"
                )
                seed = gr.Textbox(
                    label="Seed",
                    placeholder="drawn",
                    info="The same seed gives the same takes.",
                    elem_id="script-seed",
                )
            seed_note = note("script-seed-note")
            loudness = gr.Dropdown(
                list(LOUDNESS),
                value=AS_RENDERED,
                label="Loudness of the whole",
                elem_id="script-loudness",
            )
    with gr.Row(elem_id="script-actions"):
        render = gr.Button("Render", variant="primary", elem_id="script-render")
        check = gr.Button("Check", elem_id="script-check")
        stop = gr.Button("Stop", variant="stop", interactive=False, elem_id="script-stop")
        again = gr.Button("Draw all again", interactive=False, elem_id="script-again")
        preview = gr.Checkbox(
            True, label="Play segments as they come", elem_id="script-preview", container=False
        )
    run_note = note("script-run-note")
    status = gr.HTML("", elem_id="script-status", elem_classes="script-place", js_on_load=None)
    whole = gr.HTML("", elem_id="script-whole", elem_classes="script-place", js_on_load=None)
    edit = add_edit_fields()
    rows_note = note("script-rows-note")
    rows = action_list("", "script-rows", label="Rows")
    return ScriptFields(
        project_id=project_id,
        copy_of=copy_of,
        shown=gr.State(-1),
        text=text,
        text_note=text_note,
        found=found,
        samples=samples,
        palette=palette,
        identity=identity,
        identity_note=identity_note,
        descriptions=descriptions,
        dialogue=dialogue,
        cast=cast,
        roles=roles,
        language=language,
        seed=seed,
        seed_note=seed_note,
        loudness=loudness,
        preview=preview,
        render=render,
        check=check,
        stop=stop,
        again=again,
        run_note=run_note,
        status=status,
        rows=rows,
        rows_note=rows_note,
        edit=edit.group,
        edit_row=edit.row,
        edit_text=edit.text,
        edit_mood=edit.mood,
        edit_seed=edit.seed,
        edit_note=edit.note,
        edit_draw=edit.draw,
        edit_keep=edit.keep,
        edit_cancel=edit.cancel,
        whole=whole,
        timer=gr.Timer(TICK_S, active=False),
    )


def _add_text() -> tuple[gr.Textbox, gr.HTML, gr.HTML, gr.HTML, gr.HTML]:
    samples = action_list(
        _examples([script.title for script in SCRIPTS], "Sample: "),
        "script-samples",
        label="Samples",
    )
    text = gr.Textbox(
        label="Script",
        lines=9,
        max_lines=24,
        placeholder=_PLACEHOLDER,
        elem_id="script-text",
    )
    text_note = note("script-text-note")
    found = note("script-found")
    palette = gr.HTML(palette_html(()), elem_id="script-palette", js_on_load=None)
    return text, text_note, found, samples, palette


def _examples(words: list[str] | tuple[str, ...], before: str = "") -> str:
    buttons = (button("take", str(index), f"{before}{text}") for index, text in enumerate(words))
    return f'<div class="script-palette">{"".join(buttons)}</div>'
