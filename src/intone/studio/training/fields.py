"""The controls of the Train tab, in the order in which they are used."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from intone.studio.parts.notes import note
from intone.studio.parts.rows import empty
from intone.studio.parts.words import LANGUAGES
from intone.studio.training.checkpoints_view import NO_CHECKPOINT
from intone.studio.training.views import NO_DATASET, NO_RUN

FOLDER, ARCHIVE = "folder", "archive"

_PRESETS = (
    ("A voice (usual): the talker learns, the rest stays", "voice"),
    ("A voice with little memory (LoRA): small matrices beside it learn", "lora"),
    ("A language or accent: all but the text embedding, faster", "language"),
    ("Everything: all but the text embedding, gently", "full"),
)

DEFAULT_SENTENCE = "The ferry leaves at ten past eight, and it is never late."


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFields:
    """Recordings: where they are, whose they are, what was found."""

    source: gr.Radio
    folder: gr.Textbox
    archive: gr.File
    source_note: gr.HTML
    speaker: gr.Textbox
    speaker_note: gr.HTML
    language: gr.Dropdown
    go: gr.Button
    go_note: gr.HTML
    chosen: gr.Dropdown
    verdict: gr.HTML
    remove: gr.Button


@dataclass(frozen=True, slots=True, kw_only=True)
class StartFields:
    """A run: from what, how, and that its owner agrees."""

    base: gr.Dropdown
    base_note: gr.HTML
    preset: gr.Radio
    epochs: gr.Number
    epochs_note: gr.HTML
    scale: gr.Number
    scale_note: gr.HTML
    name: gr.Textbox
    name_note: gr.HTML
    plan: gr.HTML
    consent: gr.Checkbox
    consent_note: gr.HTML
    go: gr.Button
    go_note: gr.HTML


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFields:
    """A run that was started: how far it is."""

    chosen: gr.Dropdown
    state: gr.HTML
    curve: gr.HTML
    codebooks: gr.HTML
    log: gr.HTML
    stop: gr.Button
    resume: gr.Button
    remove: gr.Button
    note: gr.HTML


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenFields:
    """Checkpoints: heard side by side, and the best of them kept."""

    table: gr.HTML
    text: gr.Textbox
    text_note: gr.HTML
    first: gr.Dropdown
    second: gr.Dropdown
    seed: gr.Number
    go: gr.Button
    go_note: gr.HTML
    heard: gr.HTML
    held_out: gr.HTML
    kept: gr.Dropdown
    voice: gr.Textbox
    voice_note: gr.HTML
    keep: gr.Button
    keep_note: gr.HTML
    voices: gr.HTML


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainFields:
    """Everything of the tab."""

    check: CheckFields
    start: StartFields
    run: RunFields
    listen: ListenFields


def add_fields(limit_upload_bytes: int) -> TrainFields:
    """Adds the controls to the page that is being built, and returns them."""
    _section("1 · Recordings", "Clips of one person with the words of each, checked row by row.")
    with gr.Row(equal_height=False):
        check = _check_fields(limit_upload_bytes)
    _section("2 · Training", "It runs by itself: close the page or the studio, it goes on.")
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300):
            start = _start_fields()
        with gr.Column(scale=3, min_width=300):
            run = _run_fields()
    _section("3 · Listen and choose", "The loss is a hint; your ears decide.")
    return TrainFields(check=check, start=start, run=run, listen=_listen_fields())


def _section(title: str, words: str) -> None:
    gr.HTML(
        f'<div class="intone-section"><h2>{title}</h2><p>{words}</p></div>',
        js_on_load=None,
        padding=False,
    )


def _check_fields(limit_upload_bytes: int) -> CheckFields:
    with gr.Column(scale=2, min_width=300):
        source = gr.Radio(
            [("A folder on this machine", FOLDER), ("A .zip that I upload", ARCHIVE)],
            value=FOLDER,
            label="Where are the recordings?",
            elem_id="train-source",
        )
        folder = gr.Textbox(
            label="Folder or table",
            info="a.wav with a.txt beside it, an LJSpeech folder, or a .jsonl, .csv or .tsv table.",
            placeholder="~/recordings/nora",
            max_lines=1,
            elem_id="train-folder",
        )
        archive = gr.File(
            label=f"Archive (.zip, up to {limit_upload_bytes / 1e6:.0f} MB)",
            file_types=[".zip"],
            type="filepath",
            visible=False,
            height=120,
            elem_id="train-archive",
        )
        source_note = note("train-source-note")
        speaker = gr.Textbox(
            label="Name of the speaker",
            info="Small letters, digits and underscores; rows that name a speaker keep theirs.",
            placeholder="nora",
            max_lines=1,
            elem_id="train-speaker",
        )
        speaker_note = note("train-speaker-note")
        language = gr.Dropdown(
            list(LANGUAGES), value="auto", label="Language", elem_id="train-language"
        )
        go = gr.Button("Check recordings", elem_id="train-check")
        go_note = note("train-check-note")
    with gr.Column(scale=3, min_width=300):
        chosen = gr.Dropdown(
            [],
            label="Checked recordings",
            allow_custom_value=True,
            elem_id="train-dataset",
        )
        verdict = gr.HTML(empty(NO_DATASET), elem_id="train-verdict", js_on_load=None)
        remove = gr.Button(
            "Remove these", size="sm", interactive=False, elem_id="train-remove-dataset"
        )
    return CheckFields(
        source=source,
        folder=folder,
        archive=archive,
        source_note=source_note,
        speaker=speaker,
        speaker_note=speaker_note,
        language=language,
        go=go,
        go_note=go_note,
        chosen=chosen,
        verdict=verdict,
        remove=remove,
    )


def _start_fields() -> StartFields:
    base = gr.Dropdown(
        [],
        label="Model to begin with",
        info="A Base model; the result speaks with your speaker as a preset.",
        allow_custom_value=True,
        elem_id="train-base",
    )
    base_note = note("train-base-note")
    preset = gr.Radio(list(_PRESETS), value="voice", label="What learns", elem_id="train-preset")
    with gr.Row():
        epochs = gr.Number(
            2,
            precision=0,
            minimum=1,
            label="Passes (epochs)",
            min_width=140,
            elem_id="train-epochs",
        )
        scale = gr.Number(1.0, label="Learning-rate scale", min_width=140, elem_id="train-scale")
    epochs_note, scale_note = note("train-epochs-note"), note("train-scale-note")
    name = gr.Textbox(
        label="Name of the run", placeholder="nora-1", max_lines=1, elem_id="train-name"
    )
    name_note = note("train-name-note")
    plan = gr.HTML("", elem_id="train-plan", js_on_load=None, padding=False)
    consent = gr.Checkbox(
        False, label="The owner of this voice agrees that it is trained", elem_id="train-consent"
    )
    consent_note = note("train-consent-note")
    go = gr.Button("Start training", variant="primary", elem_id="train-start")
    return StartFields(
        base=base,
        base_note=base_note,
        preset=preset,
        epochs=epochs,
        epochs_note=epochs_note,
        scale=scale,
        scale_note=scale_note,
        name=name,
        name_note=name_note,
        plan=plan,
        consent=consent,
        consent_note=consent_note,
        go=go,
        go_note=note("train-start-note"),
    )


def _run_fields() -> RunFields:
    chosen = gr.Dropdown([], label="Run", allow_custom_value=True, elem_id="train-run")
    state = gr.HTML(empty(NO_RUN), elem_id="train-state", js_on_load=None)
    curve = gr.HTML("", elem_id="train-curve", js_on_load=None, padding=False)
    with gr.Row():
        stop = gr.Button("Stop", size="sm", interactive=False, min_width=80, elem_id="train-stop")
        resume = gr.Button(
            "Go on", size="sm", interactive=False, min_width=80, elem_id="train-resume"
        )
        remove = gr.Button(
            "Remove", size="sm", interactive=False, min_width=80, elem_id="train-remove"
        )
    words = note("train-run-note")
    with gr.Accordion("Every codebook", open=False):
        codebooks = gr.HTML("", elem_id="train-codebooks", js_on_load=None)
    with gr.Accordion("What it printed", open=False):
        log = gr.HTML("", elem_id="train-log", js_on_load=None)
    return RunFields(
        chosen=chosen,
        state=state,
        curve=curve,
        codebooks=codebooks,
        log=log,
        stop=stop,
        resume=resume,
        remove=remove,
        note=words,
    )


def _checkpoint_dropdown(label: str, elem_id: str) -> gr.Dropdown:
    return gr.Dropdown([], label=label, allow_custom_value=True, min_width=130, elem_id=elem_id)


def _listen_fields() -> ListenFields:
    table = gr.HTML(empty(NO_CHECKPOINT), elem_id="train-checkpoints", js_on_load=None)
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300):
            text = gr.Textbox(
                DEFAULT_SENTENCE, label="Sentence to compare", lines=2, elem_id="train-text"
            )
            text_note = note("train-text-note")
            with gr.Row():
                first = _checkpoint_dropdown("Checkpoint A", "train-a")
                second = _checkpoint_dropdown("Checkpoint B", "train-b")
            with gr.Row(equal_height=False):
                seed = gr.Number(1, precision=0, label="Seed", min_width=90, elem_id="train-seed")
                go = gr.Button("Say it with both", min_width=150, elem_id="train-listen")
            go_note = note("train-listen-note")
            kept = _checkpoint_dropdown("Checkpoint to keep", "train-kept")
            voice = gr.Textbox(
                label="Name of the voice", placeholder="nora", max_lines=1, elem_id="train-voice"
            )
            voice_note = note("train-voice-note")
            keep = gr.Button("Keep as a voice", elem_id="train-keep")
            keep_note = note("train-keep-note")
            voices = gr.HTML("", elem_id="train-voices", js_on_load=None, padding=False)
        with gr.Column(scale=3, min_width=300):
            heard = gr.HTML("", elem_id="train-heard", js_on_load=None)
            with gr.Accordion("Sentences that it never saw, by every checkpoint", open=False):
                held_out = gr.HTML("", elem_id="train-held-out", js_on_load=None)
    return ListenFields(
        table=table,
        text=text,
        text_note=text_note,
        first=first,
        second=second,
        seed=seed,
        go=go,
        go_note=go_note,
        heard=heard,
        held_out=held_out,
        kept=kept,
        voice=voice,
        voice_note=voice_note,
        keep=keep,
        keep_note=keep_note,
        voices=voices,
    )
