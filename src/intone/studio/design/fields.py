"""What stands on the Design tab: who speaks, what they say, the cards, the voice to keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import gradio as gr
from gradio.components import Component

from intone.render.anchors import anchor_text
from intone.studio.design.cards import NOTHING_YET
from intone.studio.design.order import MAX_CANDIDATES, Field
from intone.studio.parts.drafts import keep_drafts
from intone.studio.parts.notes import note
from intone.studio.parts.rows import action_list, button, empty
from intone.studio.parts.words import DESCRIPTIONS, LANGUAGES

_DEFAULT_COUNT = 4
_SHOW_EVERY_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignFields:
    """The components of the tab."""

    examples: gr.HTML
    description: gr.Textbox
    text: gr.Textbox
    language: gr.Dropdown
    count: gr.Slider
    seed: gr.Textbox
    notes: Mapping[Field, gr.HTML]
    go: gr.Button
    stop: gr.Button
    note: gr.HTML
    rounds: gr.Dropdown
    remove: gr.Button
    about: gr.HTML
    cards: gr.HTML
    panel: gr.Column
    title: gr.HTML
    name: gr.Textbox
    keep: gr.Button
    keep_note: gr.HTML
    timer: gr.Timer
    drawing: gr.State
    """Id of the drawing that this page looks at."""
    chosen: gr.State
    """Round and number of the candidate that may be kept."""
    shown: gr.State
    """The HTML of the cards: they are not drawn anew where nothing changed."""
    asked: gr.State
    """The round that would be deleted at the next press."""

    @property
    def inputs(self) -> list[Component]:
        """What a round is drawn from."""
        return [self.description, self.text, self.language, self.count, self.seed]

    @property
    def view(self) -> list[Component]:
        """What shows a round."""
        return [
            self.note, self.cards, self.about, self.rounds, self.stop, self.remove, self.timer,
            self.drawing, self.shown,
        ]  # fmt: skip


def add_fields(page: gr.Blocks) -> DesignFields:
    """Adds the tab's components in the order in which they are read."""
    notes: dict[Field, gr.HTML] = {}
    description = gr.Textbox(
        label="Who speaks (description)",
        placeholder=DESCRIPTIONS[0],
        lines=2,
        max_lines=6,
        elem_id="design-description",
    )
    notes["description"] = note("design-description-note")
    examples = action_list(_examples(), "design-examples", label="Descriptions to try")
    text = gr.Textbox(
        label="What they say",
        info="Two sentences serve best: the take you keep becomes the voice.",
        value=anchor_text("english"),
        lines=2,
        max_lines=6,
        elem_id="design-text",
    )
    notes["text"] = note("design-text-note")
    with gr.Row():
        language = gr.Dropdown(
            list(LANGUAGES), value="auto", label="Language", elem_id="design-language"
        )
        count = gr.Slider(
            1,
            MAX_CANDIDATES,
            value=_DEFAULT_COUNT,
            step=1,
            label="How many voices",
            elem_id="design-count",
        )
        seed = gr.Textbox(
            label="Seed",
            info="Empty: new voices each time. The same seed draws the same ones.",
            max_lines=1,
            elem_id="design-seed",
        )
    notes["language"] = note("design-language-note")
    notes["count"], notes["seed"] = note("design-count-note"), note("design-seed-note")
    with gr.Row(elem_id="design-buttons"):
        go = gr.Button("Draw voices", variant="primary", elem_id="design-go", scale=3)
        stop = gr.Button("Stop", interactive=False, elem_id="design-stop", scale=1)
    go_note = note("design-note")
    with gr.Row(elem_id="design-rounds-row"):
        rounds = gr.Dropdown(
            [],
            label="Rounds drawn so far",
            elem_id="design-rounds",
            scale=4,
            min_width=260,
            visible=False,
        )
        remove = gr.Button(
            "Delete this round", elem_id="design-remove", scale=1, visible=False, min_width=140
        )
    about = action_list("", "design-about", label="The round")
    cards = action_list(empty(NOTHING_YET), "design-cards", label="The voices of the round")
    with gr.Column(visible=False, elem_id="design-keep") as panel:
        title = gr.HTML("", js_on_load=None)
        with gr.Row():
            name = gr.Textbox(
                label="Name of the voice",
                placeholder="nora",
                max_lines=1,
                elem_id="design-name",
                scale=3,
            )
            keep = gr.Button("Keep this voice", elem_id="design-keep-go", scale=1)
        keep_note = note("design-keep-note")
    keep_drafts(page, "design", [description, text, language, count, seed])
    return DesignFields(
        examples=examples,
        description=description,
        text=text,
        language=language,
        count=count,
        seed=seed,
        notes=notes,
        go=go,
        stop=stop,
        note=go_note,
        rounds=rounds,
        remove=remove,
        about=about,
        cards=cards,
        panel=panel,
        title=title,
        name=name,
        keep=keep,
        keep_note=keep_note,
        timer=gr.Timer(_SHOW_EVERY_S, active=False),
        drawing=gr.State(None),
        chosen=gr.State(None),
        shown=gr.State(""),
        asked=gr.State(None),
    )


def _examples() -> str:
    tries = "".join(
        button("try", str(number), one, label=f"Try: {one}")
        for number, one in enumerate(DESCRIPTIONS)
    )
    return f'<div class="intone-tries">{tries}</div>'
