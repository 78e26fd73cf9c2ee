"""Evaluation: what is measured, how checkpoints are ranked, what is kept."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from tests.train.fake_run import write_fake_run

from intone.cli.train.evaluate import table
from intone.core.constants import SAMPLES_PER_FRAME
from intone.core.errors import DatasetError, RunError
from intone.core.types import (
    Audio,
    AudioChunk,
    Capabilities,
    FinishReason,
    ModelKind,
    Samples,
    SpeechRequest,
    SpeechTiming,
    VoiceClonePrompt,
)
from intone.train.encoded import EncodedDataset, EncodedRow
from intone.train.evaluation.eval_files import BASE, RECORDINGS, EvalSummary
from intone.train.evaluation.eval_items import choose_items, request_of
from intone.train.evaluation.eval_plot import draw_curves
from intone.train.evaluation.eval_takes import Ears
from intone.train.evaluation.evaluate import EvalRequest, evaluate
from intone.train.evaluation.scores import Figures, Take, figures_of, score, shared_terms
from intone.train.exporting.export import chosen_checkpoint, export
from intone.train.hearing.word_errors import num_errors, spoken_units
from intone.train.progress import StageProgress
from intone.train.rows import TrainingRow
from intone.train.tuning.checkpoints import read_weights, write_checkpoint
from intone.tts import TTS

TinyCheckpoint = Callable[[ModelKind], Path]

HIDDEN_SIZE, NUM_CODEBOOKS, NUM_SOUNDS = 64, 16, 64
TIMING = SpeechTiming(ttfa_s=0.1, wall_s=0.1, audio_s=0.1)


def encoded(speaker: str, number: int, split: str, num_frames: int = 10) -> EncodedRow:
    rng = np.random.default_rng(number)
    row = TrainingRow(
        id=f"{speaker}{split}{number}",
        audio=Path("clip.wav"),
        text=f"Hello world number {number}",
        speaker=speaker,
        language="english",
        split=split,  # type: ignore[arg-type]
    )
    return EncodedRow(
        row=row,
        codes=rng.integers(0, NUM_SOUNDS, (num_frames, NUM_CODEBOOKS)),
        x_vector=rng.standard_normal(HIDDEN_SIZE).astype(np.float32),
    )


def dataset_of(*rows: EncodedRow) -> EncodedDataset:
    speakers = {e.row.speaker: np.ones(HIDDEN_SIZE, np.float32) for e in rows}
    return EncodedDataset(rows=rows, speakers=speakers, content_hash="d" * 64)


@pytest.fixture
def dataset() -> EncodedDataset:
    rows = [encoded("anna", n, "train") for n in range(3)]
    return dataset_of(*rows, *(encoded("anna", n, "validation") for n in range(10, 14)))


@dataclass
class FakeSynthesizer:
    """Says noise of a length that the model's directory and the seed decide."""

    directory: Path
    voices: tuple[str, ...] = ("anna",)
    finish: FinishReason = "stop"
    frames: int = 10
    requests: list[SpeechRequest] = field(default_factory=list)
    is_closed: bool = False

    def capabilities(self) -> Capabilities:
        kind = "custom" if self.voices else "base"
        return Capabilities(
            model="fake",
            kind=kind,
            size="tiny",
            voices=self.voices,
            languages=("auto", "english"),
            hidden_size=8,
            num_codebooks=16,
            can_clone=kind == "base",
            follows_instruct=False,
        )

    def synthesize(self, request: SpeechRequest) -> Audio:
        self.requests.append(request)
        assert request.seed is not None
        return Audio(
            samples=np.zeros(self.frames * SAMPLES_PER_FRAME, np.float32),
            sample_rate_hz=24_000,
            finish_reason=self.finish,
            seed=request.seed,
            timing=TIMING,
        )

    def stream_request(self, request: SpeechRequest) -> Iterator[AudioChunk]:
        raise NotImplementedError

    def astream_request(self, request: SpeechRequest) -> AsyncIterator[AudioChunk]:
        raise NotImplementedError

    def astream_live(
        self, request: SpeechRequest, pieces: AsyncIterator[str]
    ) -> AsyncIterator[AudioChunk]:
        raise NotImplementedError

    def close(self) -> None:
        self.is_closed = True


class Stage:
    """A run of a Base with two checkpoints, and synthesizers that say how they do."""

    def __init__(self, run: Path, dataset: EncodedDataset, base: Path) -> None:
        self.run = write_fake_run(run, base, losses={100: 2.5, 200: 2.0})
        self.dataset = dataset
        self.opened: list[FakeSynthesizer] = []
        self.plans: dict[int, FakeSynthesizer] = {}

    def open(self, directory: Path) -> FakeSynthesizer:
        has_preset = (directory / "config.json").read_text().find('"anna"') > 0
        synthesizer = FakeSynthesizer(directory, voices=("anna",) if has_preset else ())
        plan = self.plans.get(len(self.opened))
        if plan is not None:
            synthesizer.finish, synthesizer.frames = plan.finish, plan.frames
        self.opened.append(synthesizer)
        return synthesizer

    def request(self, **options: object) -> EvalRequest:
        return EvalRequest(
            run=self.run,
            dataset=self.dataset,
            open_synthesizer=self.open,
            **{"num_texts": 2, **options},  # type: ignore[arg-type]
        )


@pytest.fixture
def stage(tmp_path: Path, dataset: EncodedDataset, tiny_checkpoint: TinyCheckpoint) -> Stage:
    return Stage(tmp_path / "run", dataset, tiny_checkpoint("base"))


def figures(**values: object) -> Figures:
    good = Figures(
        num_takes=4,
        cap_hit_rate=0.0,
        duration_ratio=1.0,
        similarity=0.8,
        word_error_rate=0.1,
        loss=2.0,
        preset_drift=None,
    )
    return replace(good, **values)  # type: ignore[arg-type]


def test_every_checkpoint_says_the_same_with_the_same_seeds(stage: Stage) -> None:
    summary = evaluate(stage.request())

    base, first, second = stage.opened
    assert list(summary.figures) == [BASE, "step-000100", "step-000200"]
    assert all(opened.is_closed for opened in stage.opened)
    said = [sorted((r.text, r.seed, r.max_frames) for r in each.requests) for each in stage.opened]
    assert said[0] == said[1] == said[2]
    assert sorted(r.seed for r in first.requests) == [0, 1, 2, 3]
    assert {r.max_frames for r in first.requests} == {3 * 10 + 25}
    assert {r.voice for r in second.requests} == {"anna"}
    assert not first.directory.exists()  # the model was there for its takes alone


def test_the_untouched_base_clones_a_training_row(stage: Stage) -> None:
    evaluate(stage.request())
    voice = stage.opened[0].requests[0].voice

    assert isinstance(voice, VoiceClonePrompt)
    assert voice.ref_text == "Hello world number 0"
    np.testing.assert_array_equal(voice.ref_codes, stage.dataset.rows[0].codes)


def test_a_second_call_measures_only_what_is_missing(stage: Stage) -> None:
    before = evaluate(stage.request())
    states: list[StageProgress] = []
    assert evaluate(stage.request()).figures == before.figures
    assert len(stage.opened) == 3

    weights = chosen_checkpoint(stage.run, "step-000200")
    write_checkpoint(stage.run, 300, read_weights(weights), {}, {"loss": 1.9}, {})
    after = evaluate(stage.request(), on_progress=states.append)

    assert len(stage.opened) == 4
    assert list(after.figures) == [BASE, "step-000100", "step-000200", "step-000300"]
    assert [(state.done, state.skipped) for state in states] == [(n, 12) for n in range(13, 17)]
    assert states[-1].total == 16

    evaluate(stage.request(seed=5))  # other takes: nothing that is kept answers this
    assert len(stage.opened) == 8


def test_runaways_and_pace_are_seen_and_decide(stage: Stage) -> None:
    stage.plans[2] = FakeSynthesizer(Path(), finish="length", frames=55)  # step 200

    summary = evaluate(stage.request())

    good, bad = summary.figures["step-000100"], summary.figures["step-000200"]
    assert (good.cap_hit_rate, good.duration_ratio) == (0.0, 1.0)
    assert (bad.cap_hit_rate, bad.duration_ratio) == (1.0, 5.5)
    assert summary.best == "step-000100"  # though its loss is higher
    best = json.loads((stage.run / "best.json").read_text())
    assert best["checkpoint"] == "step-000100"
    out = stage.run.parent / "out"
    assert export(stage.run, out).checkpoint == "step-000100"
    assert json.loads((out / "training.json").read_text())["evaluation"]["figures"] == asdict(good)
    assert "| cap hit rate | 0 |" in (out / "README.md").read_text()


def test_takes_can_be_listened_to(stage: Stage) -> None:
    evaluate(stage.request())

    takes = stage.run / "eval" / "step-000100" / "takes"
    assert sorted(path.name for path in takes.iterdir()) == [
        "01-1.flac",
        "01-2.flac",
        "02-1.flac",
        "02-2.flac",
    ]


def test_an_interrupted_checkpoint_leaves_nothing_behind(stage: Stage) -> None:
    def stop(state: StageProgress) -> None:
        if state.done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(stage.request(concurrency=1), on_progress=stop)

    assert [path.name for path in (stage.run / "eval").iterdir()] == [BASE]
    assert stage.opened[-1].is_closed
    evaluate(stage.request())
    assert len(stage.opened) == 4  # the base was kept
    kept = (stage.run / "eval" / BASE / "eval.json").read_text()
    with pytest.raises(KeyboardInterrupt):
        evaluate(stage.request(concurrency=1, seed=5), on_progress=interrupt)
    assert (stage.run / "eval" / BASE / "eval.json").read_text() == kept


def interrupt(state: StageProgress) -> None:
    raise KeyboardInterrupt


def test_only_named_checkpoints_are_measured(stage: Stage) -> None:
    summary = evaluate(stage.request(checkpoints=["step-000200"], includes_base=False))

    assert list(summary.figures) == ["step-000200"]
    with pytest.raises(RunError, match="it has: step-000100, step-000200"):
        evaluate(stage.request(checkpoints=["step-000500"]))


def test_other_data_than_the_runs_are_refused(stage: Stage) -> None:
    other = replace(stage.dataset, content_hash="e" * 64)
    with pytest.raises(DatasetError, match="data have changed since the run began"):
        evaluate(replace(stage.request(), dataset=other))


def test_without_held_out_rows_the_way_to_some_is_named() -> None:
    with pytest.raises(DatasetError, match="--validation"):
        choose_items(dataset_of(encoded("anna", 0, "train")), 8)


def test_held_out_texts_are_taken_from_all_speakers_in_turn() -> None:
    rows = [encoded("anna", n, "validation") for n in range(9)]
    rows += [encoded("bruno", n, "validation") for n in range(2)]
    items = choose_items(dataset_of(*rows), 5)

    assert [item.row.speaker for item in items] == ["anna", "bruno", "anna", "bruno", "anna"]
    again = choose_items(dataset_of(*reversed(rows)), 5)
    assert [item.row.id for item in again] == [item.row.id for item in items]


def test_a_clone_comes_from_a_clip_of_three_to_ten_seconds_where_there_is_one() -> None:
    rows = [encoded("anna", n, "train", frames) for n, frames in enumerate((5, 200, 50, 60))]
    items = choose_items(dataset_of(*rows, encoded("anna", 9, "validation")), 1)

    assert items[0].reference is rows[2]


def test_a_speaker_without_preset_or_x_vector_is_named() -> None:
    row = replace(encoded("anna", 0, "validation"), x_vector=None)
    (item,) = choose_items(dataset_of(row), 1)

    with pytest.raises(DatasetError, match="'anna' is no preset of fake and has no x-vector"):
        request_of(item, FakeSynthesizer(Path(), voices=("zoe",)).capabilities(), 0)


class FakeEncoder(torch.nn.Module):
    """Says that every clip points halfway between two axes."""

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        return torch.tensor([[1.0, 1.0]])


class FakeRecogniser:
    def hear(self, samples: Samples, rate_hz: int, language: str = "auto") -> str:
        assert (rate_hz, language) == (24_000, "english")
        return "Hello, word!"


def test_voice_and_words_of_a_take_are_measured() -> None:
    (item,) = choose_items(dataset_of(encoded("anna", 7, "validation")), 1)
    ears = Ears(
        speaker_encoder=FakeEncoder(),  # type: ignore[arg-type]
        device=torch.device("cpu"),
        speakers={"anna": np.array([2.0, 0.0], np.float32)},
        recogniser=FakeRecogniser(),
    )
    audio = FakeSynthesizer(Path()).synthesize(SpeechRequest(text="x", seed=3))

    take = ears.measure(item, audio)

    assert take.similarity == pytest.approx(math.sqrt(0.5))
    assert (take.heard, take.num_errors, take.num_units) == ("Hello, word!", 3, 4)
    assert (take.duration_s, take.ref_s, take.seed) == (0.8, 0.8, 3)


def test_the_recordings_are_heard_as_well(stage: Stage, tmp_path: Path) -> None:
    """What the recogniser gets wrong by itself; a recording that is gone is left out."""
    clip = tmp_path / "clip.wav"
    soundfile.write(clip, np.zeros(24_000, np.float32), 24_000)
    rows = list(stage.dataset.rows)
    rows[-1] = replace(rows[-1], row=replace(rows[-1].row, audio=clip))
    stage.dataset = replace(stage.dataset, rows=rows)

    summary = evaluate(
        stage.request(num_texts=4, recogniser=FakeRecogniser(), recogniser_name="fake")
    )

    assert list(summary.figures)[:2] == [RECORDINGS, BASE]
    assert summary.figures[RECORDINGS].num_takes == 1
    assert summary.figures[RECORDINGS].word_error_rate == 3 / 4
    assert RECORDINGS not in summary.scores


def test_figures_add_takes_up() -> None:
    take = Take(item="a", seed=0, finish_reason="stop", duration_s=2.0, ref_s=1.0)
    takes = [
        replace(take, similarity=0.5, num_errors=1, num_units=10),
        replace(take, similarity=0.7, num_errors=2, num_units=20, duration_s=1.0),
        replace(take, finish_reason="length", duration_s=9.0),
    ]

    found = figures_of(takes, loss=None, preset_drift=None)

    assert found.similarity == pytest.approx(0.6)
    assert found.word_error_rate == pytest.approx(0.1)
    assert found.cap_hit_rate == pytest.approx(1 / 3)
    assert found.duration_ratio == 2.0  # the median: one runaway does not set the pace


@pytest.mark.parametrize(
    "worse",
    [
        {"similarity": 0.7},
        {"word_error_rate": 0.2},
        {"cap_hit_rate": 0.1},
        {"duration_ratio": 0.9},
        {"duration_ratio": 1.1},
        {"loss": 2.1},
    ],
)
def test_each_term_lowers_the_score(worse: dict[str, float]) -> None:
    terms = shared_terms([figures()])
    assert score(figures(), terms) == pytest.approx(0.8 - 0.1 - 0.0 - 0.0 - 2.0)
    assert score(figures(**worse), terms) < score(figures(), terms)


def test_a_term_that_one_checkpoint_lacks_counts_for_none() -> None:
    summary = EvalSummary(
        figures={"step-1": figures(loss=9.0), "step-2": figures(loss=None, similarity=0.7)},
        terms=shared_terms([figures(loss=9.0), figures(loss=None)]),
    )
    assert "loss" not in summary.terms
    assert summary.best == "step-1"


def test_what_few_takes_cannot_tell_apart_is_said() -> None:
    take = Take(item="a", seed=0, finish_reason="stop", duration_s=1.0, ref_s=1.0)
    takes = [replace(take, similarity=value) for value in (0.5, 0.7)]
    assert figures_of(takes, loss=None, preset_drift=None).noise == pytest.approx(0.1)
    assert figures_of(takes[:1], loss=None, preset_drift=None).noise is None

    scored = {"a": (0.9, 0.02), "b": (0.87, 0.02), "c": (0.8, 0.02)}
    summary = EvalSummary(
        figures={name: figures(similarity=s, noise=noise) for name, (s, noise) in scored.items()},
        terms=("similarity",),
    )
    assert (summary.best, summary.close_to_best) == ("a", ["b"])


def test_the_table_has_a_dash_for_what_was_not_measured() -> None:
    summary = EvalSummary(
        figures={
            RECORDINGS: figures(similarity=0.95, loss=None),
            BASE: figures(loss=3.0),
            "step-000100": figures(word_error_rate=None),
        },
        terms=("similarity",),
    )
    lines = [line.split() for line in table(summary)]

    assert lines[0][:3] == ["CHECKPOINT", "LOSS", "ENDED"]
    assert lines[1] == ["recordings", "-", "100", "%", "1.00", "0.950", "10.0", "%", "-", "-"]
    assert lines[2] == ["base", "3.000", "100", "%", "1.00", "0.800", "10.0", "%", "-", "-"]
    assert lines[3][:2] == ["step-000100", "*"]
    assert lines[3][-3:] == ["-", "-", "+0.800"]


def test_curves_are_drawn(tmp_path: Path) -> None:
    names = ("step-000100", "step-000200")
    summary = EvalSummary(
        figures={
            RECORDINGS: figures(loss=None),
            BASE: figures(loss=3.0),
            **{name: figures() for name in names},
        },
        terms=("similarity",),
    )
    draw_curves(summary, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_preset_that_nothing_touched_does_not_drift(
    tmp_path: Path, tiny_checkpoint: TinyCheckpoint, dataset: EncodedDataset
) -> None:
    """A real synthesizer, a CustomVoice base: from the first take to the table's last column."""
    base = tiny_checkpoint("custom")
    trained = [name for name in read_speakers(base) if name not in ("ryan", "dylan")]
    dataset = dataset_of(*dataset.rows, *(encoded(name, 0, "train") for name in trained))
    run = write_fake_run(tmp_path / "run", base, losses={100: 2.5})
    untouched = read_weights(run / "checkpoints" / "step-000100")
    write_checkpoint(run, 50, replace(untouched, tensors={}), {}, None, {})
    request = EvalRequest(
        run=run,
        dataset=dataset,
        open_synthesizer=lambda model: TTS(model, device="cpu", dtype="fp32", num_slots=2),
        num_texts=1,
        takes_per_text=1,
    )

    summary = evaluate(request)

    still, moved = summary.figures["step-000050"], summary.figures["step-000100"]
    assert list(summary.figures) == ["step-000050", "step-000100"]  # a CustomVoice cannot clone
    assert still.preset_drift == pytest.approx(0.0, abs=1e-6)
    assert moved.preset_drift is not None
    assert moved.preset_drift > 1e-3
    assert still.loss is not None  # measured here: that checkpoint says nothing of it
    guessing = math.log(NUM_SOUNDS + 1024) + 0.3 * math.log(NUM_SOUNDS)
    assert still.loss == pytest.approx(guessing, rel=0.2)
    kept = json.loads((run / "eval" / "step-000100" / "eval.json").read_text())
    assert set(kept["preset_drift"]) == {"ryan", "dylan"}  # the run trained the others
    assert moved.num_takes == 1


def read_speakers(base: Path) -> Sequence[str]:
    config = json.loads((base / "config.json").read_text())
    return list(config["talker_config"]["spk_id"])


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("Don't stop; GO!", ["dont", "stop", "go"]),
        ("Größe", ["grösse"]),
        ("你好，世界", ["你", "好", "世", "界"]),
        ("カタカナ と ABC", ["カ", "タ", "カ", "ナ", "と", "abc"]),
        ("안녕 하세요", ["안녕", "하세요"]),
        ("  ...  ", []),
    ],
)
def test_words_are_compared_as_they_sound(text: str, units: list[str]) -> None:
    assert spoken_units(text) == units


def test_errors_are_the_fewest_edits() -> None:
    assert num_errors("a b c".split(), "a c d d".split()) == 3
    assert num_errors([], ["a", "b"]) == 2
    assert num_errors(["a"], ["a"]) == 0
