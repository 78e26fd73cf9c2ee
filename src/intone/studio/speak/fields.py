"""What stands on the Speak tab: the fields, their notes, the button."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import gradio as gr
from gradio.components import Component

from intone.core.types import MAX_SPEED, MIN_SPEED
from intone.studio.parts.drafts import keep_drafts
from intone.studio.parts.notes import note
from intone.studio.parts.rows import action_list, button
from intone.studio.parts.words import LANGUAGES, TEXTS
from intone.studio.speak.choices import InstructInfo, VoiceGroup, first_voice
from intone.studio.speak.figures import IDLE
from intone.studio.speak.order import AUTOMATIC_CHUNK, MAX_CHUNK_FRAMES, FieldName
from intone.studio.speak.shelf import dropdown_choices

_PLACEHOLDER = "Write what shall be said. [Pause], [rate:0.9] and [say:word|respelling] are tags."
_EXAMPLE_LETTERS = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakFields:
    """The components of the tab."""

    named: Mapping[str, Component]
    """What an order is made of, by the names that `SpeakOrder.of` reads."""
    notes: Mapping[FieldName, gr.HTML]
    text: gr.Textbox
    voice: gr.Dropdown
    instruct: gr.Textbox
    seed: gr.Textbox
    more: gr.Accordion
    go: gr.Button
    stop: gr.Button
    examples: gr.HTML
    shelf: gr.HTML
    figures: gr.HTML
    kept: gr.HTML
    live_id: gr.Textbox
    sample_url: gr.Textbox
    sample_label: gr.Textbox

    @property
    def names(self) -> list[str]:
        return list(self.named)

    @property
    def inputs(self) -> list[Component]:
        return list(self.named.values())

    @property
    def outputs(self) -> list[Component | gr.Accordion]:
        """What a performance writes to."""
        return [*self.notes.values(), self.figures, self.kept, self.more]

    @property
    def voice_note(self) -> gr.HTML:
        return self.notes["voice"]

    @property
    def seed_note(self) -> gr.HTML:
        return self.notes["seed"]


def add_fields(
    page: gr.Blocks, groups: Sequence[VoiceGroup], instruct_info: InstructInfo
) -> SpeakFields:
    """Adds the tab's components in the order in which they are read.

    Args:
        groups: the voices that are here when the page is built. One of them is chosen from the
            start: what is chosen later, by a draft for example, is not covered by a default.
        instruct_info: of that voice.
    """
    notes: dict[FieldName, gr.HTML] = {}
    named: dict[str, Component] = {}
    with gr.Row(elem_id="speak-columns"):
        with gr.Column(scale=3, min_width=320):
            text, examples = _add_text(notes)
            with gr.Row():
                voice = gr.Dropdown(
                    dropdown_choices(groups),
                    value=first_voice(groups),
                    label="Voice",
                    allow_custom_value=True,
                    scale=3,
                    min_width=260,
                    elem_id="speak-voice",
                )
                language = gr.Dropdown(
                    list(LANGUAGES),
                    value="auto",
                    label="Language",
                    min_width=140,
                    elem_id="speak-language",
                )
            notes["voice"], notes["language"] = (
                note("speak-voice-note"),
                note("speak-language-note"),
            )
            instruct = gr.Textbox(
                label="How it is said (instruct)",
                info=instruct_info.words,
                interactive=instruct_info.can_follow,
                lines=1,
                max_lines=3,
                elem_id="speak-instruct",
            )
            notes["instruct"] = note("speak-instruct-note")
            named |= {"text": text, "voice": voice, "language": language, "instruct": instruct}
            more = _add_more(named, notes)
            with gr.Row(elem_id="speak-buttons"):
                go = gr.Button(
                    "Speak", variant="primary", elem_id="speak-go", scale=3, min_width=160
                )
                stop = gr.Button("Stop", elem_id="speak-stop", scale=1, min_width=90)
            notes["model"] = note("speak-note")
            with gr.Column(elem_id="speak-panel", min_width=0):
                figures = gr.HTML(IDLE, js_on_load=None, elem_id="speak-figures")
                gr.HTML('<p id="speak-heard" role="status"></p>', js_on_load=None)
            kept = action_list("", "speak-kept", label="The take")
        with gr.Column(scale=2, min_width=300):
            shelf = action_list("", "speak-shelf", label="Voices")
    keep_drafts(page, "speak", list(named.values()))
    return SpeakFields(
        named=named,
        notes=notes,
        text=text,
        voice=voice,
        instruct=instruct,
        seed=_seed_of(named),
        more=more,
        go=go,
        stop=stop,
        examples=examples,
        shelf=shelf,
        figures=figures,
        kept=kept,
        live_id=gr.Textbox(visible=False),
        sample_url=gr.Textbox(visible=False),
        sample_label=gr.Textbox(visible=False),
    )


def _seed_of(named: Mapping[str, Component]) -> gr.Textbox:
    seed = named["seed"]
    assert isinstance(seed, gr.Textbox)
    return seed


def _add_text(notes: dict[FieldName, gr.HTML]) -> tuple[gr.Textbox, gr.HTML]:
    text = gr.Textbox(
        label="Text",
        info="Ctrl+Enter speaks, Esc stops.",
        placeholder=_PLACEHOLDER,
        lines=5,
        max_lines=16,
        elem_id="speak-text",
    )
    notes["text"] = note("speak-text-note")
    tries = "".join(
        button("try", str(index), f"{one[:_EXAMPLE_LETTERS].rstrip()}…", label=f"Try: {one}")
        for index, one in enumerate(TEXTS)
    )
    examples = action_list(
        f'<div class="speak-examples"><span>Try</span>{tries}</div>',
        "speak-examples",
        label="Texts to try",
    )
    return text, examples


def _add_more(named: dict[str, Component], notes: dict[FieldName, gr.HTML]) -> gr.Accordion:
    more = gr.Accordion("Speed, seed and more", open=False, elem_id="speak-more")
    with more:
        with gr.Row():
            named["speed"] = gr.Slider(
                MIN_SPEED, MAX_SPEED, value=1.0, step=0.05, label="Speed", elem_id="speak-speed"
            )
            named["seed"] = gr.Textbox(
                label="Seed",
                info="Empty: a new one each time. The same seed says it the same way.",
                max_lines=1,
                elem_id="speak-seed",
            )
        notes["speed"], notes["seed"] = note("speak-speed-note"), note("speak-seed-note")
        with gr.Row():
            named["streams"] = gr.Checkbox(
                value=True,
                label="Play while it is made (streaming)",
                info="Off: the whole take is made first, then played.",
                elem_id="speak-streams",
            )
            named["chunk"] = gr.Slider(
                AUTOMATIC_CHUNK,
                MAX_CHUNK_FRAMES,
                value=AUTOMATIC_CHUNK,
                step=1,
                label="Chunk size, in frames of 80 ms",
                info="0 is automatic: small first, then larger.",
                elem_id="speak-chunk",
            )
        _add_sampling(named)
        notes["advanced"] = note("speak-advanced-note")
    return more


def _add_sampling(named: dict[str, Component]) -> None:
    with gr.Row():
        named["temperature"] = gr.Textbox(
            label="Temperature", placeholder="the model's own", elem_id="speak-temperature"
        )
        named["top_k"] = gr.Textbox(
            label="Top-k", placeholder="the model's own", elem_id="speak-top-k"
        )
        named["repetition_penalty"] = gr.Textbox(
            label="Repetition penalty",
            placeholder="the model's own",
            elem_id="speak-repetition-penalty",
        )
    named["greedy"] = gr.Checkbox(
        label="Greedy: always the likeliest, no chance (rarely sounds better)",
        elem_id="speak-greedy",
    )
