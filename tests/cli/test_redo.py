"""`intone redo`: the same samples from the record alone, or a clear word on what has changed."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.cli.conftest import RunInProcess

from intone.core.types import ModelKind
from intone.render.sidecar import read_take_record
from intone.voices.library import VoiceLibrary
from intone.voices.voice import Voice

Checkpoint = Callable[[ModelKind], Path]


def kept(folder: str = "outputs") -> tuple[Path, Path]:
    """Returns audio and record of the only take in a folder."""
    (audio,), (record,) = Path(folder).glob("*.wav"), Path(folder).glob("*.json")
    return audio, record


def samples(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="int16")[0]


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--speed", "1.3", "--temperature", "0.7", "--top-k", "9", "--text-layout", "per_frame"],
        ["--stream", "--out", "played.wav", "--chunk-frames", "3"],
        ["--greedy", "--voice", "aiden", "--language", "english"],
    ],
)
def test_a_take_is_made_again_sample_for_sample(
    intone: RunInProcess, tiny_checkpoint: Checkpoint, options: list[str]
) -> None:
    model = ["--model", tiny_checkpoint("custom"), "--max-frames", "12"]
    assert intone("say", "Hello there.", "--save-dir", "outputs", *model, *options).code == 0
    audio, record = kept()

    outcome = intone("redo", record, "--save-dir", "again")

    assert outcome.code == 0, outcome.err
    assert "the same take, sample for sample" in outcome.out
    again, again_record = kept("again")
    assert np.array_equal(samples(audio), samples(again))
    first, second = read_take_record(record), read_take_record(again_record)
    assert second.request == first.request
    assert second.notes == (f"drawn again from {record.name}",)


def test_without_a_target_the_new_take_lies_beside_the_old_one(
    intone: RunInProcess, tiny_checkpoint: Checkpoint
) -> None:
    intone(
        *("say", "Hello.", "--save-dir", "outputs", "--max-frames", "4"),
        *("--model", tiny_checkpoint("custom")),
    )
    _, record = kept()
    intone("redo", record)

    assert len(list(Path("outputs").glob("*.wav"))) == 2
    assert len(list(Path("outputs").glob("*.json"))) == 2


def test_a_cloned_take_is_made_again_from_its_clip(
    intone: RunInProcess, tiny_checkpoint: Checkpoint
) -> None:
    soundfile.write("clip.wav", np.random.default_rng(0).normal(0, 0.1, 30_000), 24_000)
    clone = ["clone", "--ref-audio", "clip.wav", "--ref-text", "words", "--text", "Hello."]
    model = ["--model", tiny_checkpoint("base"), "--max-frames", "8"]
    assert intone(*clone, *model, "--save-dir", "outputs").code == 0
    _, record = kept()

    assert "sample for sample" in intone("redo", record, "--out", "a.wav").out
    soundfile.write("clip.wav", np.random.default_rng(1).normal(0, 0.1, 30_000), 24_000)
    changed = intone("redo", record, "--out", "b.wav")
    assert changed.code == 3
    assert re.search("not be the same take: the voice .*clip.wav.* --anyway", changed.err)
    assert not Path("b.wav").exists()
    anyway = intone("redo", record, "--out", "b.wav", "--anyway")
    assert anyway.code == 0
    assert "NOT the same samples" in anyway.out
    assert "since then: the voice" in anyway.out
    Path("clip.wav").unlink()
    assert "clip.wav is gone" in intone("redo", record).err


def test_a_kept_voice_that_changed_is_refused(
    intone: RunInProcess,
    tiny_checkpoint: Checkpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INTONE_VOICES_DIR", str(tmp_path / "voices"))
    library = VoiceLibrary(tmp_path / "voices")
    vector = np.ones(64, np.float32)
    width = read_width(tiny_checkpoint("base"))
    library.put(Voice(name="nora", kind="cloned", hidden_size=width, x_vector=vector_of(width, 1)))
    model = ["--model", tiny_checkpoint("base"), "--max-frames", "6"]
    said = intone("say", "Hello.", "--voice", "nora", *model, "--save-dir", "outputs")
    assert said.code == 0, said.err
    _, record = kept()

    assert "sample for sample" in intone("redo", record, "--out", "a.wav").out
    other = Voice(name="nora", kind="cloned", hidden_size=width, x_vector=vector_of(width, 2))
    library.put(other, replace=True)
    changed = intone("redo", record)
    assert (changed.code, "the voice 'nora' was" in changed.err) == (3, True)
    library.remove("nora")
    assert "no voice 'nora' is kept" in intone("redo", record).err
    assert len(vector) == 64


def vector_of(width: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, width).astype(np.float32)


def read_width(model: Path) -> int:
    return int(json.loads((model / "config.json").read_text())["talker_config"]["hidden_size"])


def test_other_weights_under_the_same_name_are_refused(
    intone: RunInProcess, tiny_checkpoint: Checkpoint
) -> None:
    shutil.copytree(tiny_checkpoint("custom"), "model")
    said = ["say", "Hello.", "--model", "model", "--max-frames", "4", "--save-dir", "outputs"]
    assert intone(*said).code == 0
    _, record = kept()
    data = json.loads(record.read_text())
    data["model"]["fingerprint"] = "0" * 64
    record.write_text(json.dumps(data))

    refused = intone("redo", record)
    assert refused.code == 3
    assert re.search("the model was .*model 000000000000, and is .*model", refused.err)
    assert "since then: the model" in intone("redo", record, "--anyway").out


def test_another_version_is_said_and_no_hindrance(
    intone: RunInProcess, tiny_checkpoint: Checkpoint
) -> None:
    model = ["--model", tiny_checkpoint("custom"), "--max-frames", "4"]
    intone("say", "Hello.", *model, "--save-dir", "outputs")
    _, record = kept()
    data = json.loads(record.read_text()) | {"intone_version": "0.0.1"}
    record.write_text(json.dumps(data))
    outcome = intone("redo", record)

    assert outcome.code == 0
    assert "since then: Intone was 0.0.1, and is" in outcome.out


def test_a_prompt_that_nobody_kept_is_told_before_a_model_is_loaded(intone: RunInProcess) -> None:
    from tests.render.records import record

    data = json.loads(record().json())
    data["voice"] = {"kind": "given", "prompt_sha256": "a"}
    Path("take.json").write_text(json.dumps(data))

    outcome = intone("redo", "take.json")
    assert outcome.code == 3
    assert "given as a prompt" in outcome.err


@pytest.mark.parametrize("text", [None, "", "{}", '{"schema": 99}'])
def test_a_file_that_is_no_record_is_told(intone: RunInProcess, text: str | None) -> None:
    if text is not None:
        Path("x.json").write_text(text)
    outcome = intone("redo", "x.json")

    assert outcome.code == 3
    assert outcome.err.count("\n") == 1
