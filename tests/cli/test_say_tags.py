"""Tags in a plain text, speed, kept takes, kept voices: what `say` does with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.cli.conftest import RunInProcess

from intone.audio.loudness import integrated_lufs
from intone.cli import model_choice, models_here
from intone.core.constants import SAMPLE_RATE_HZ, SAMPLES_PER_FRAME
from intone.core.errors import ModelNotFoundError
from intone.core.types import ModelKind
from intone.models.config import ModelConfig, read_json
from intone.voices.library import VoiceLibrary
from intone.voices.making import speaker_voice
from intone.voices.voice import Reference, Voice

Checkpoints = Callable[[ModelKind], Path]
FRAMES = 6


@pytest.fixture
def say(intone: RunInProcess, tiny_checkpoint: Checkpoints) -> RunInProcess:
    def run(*argv: str | Path) -> object:
        model = ("--model", tiny_checkpoint("custom"), "--dtype", "fp32")
        return intone("say", *argv, *model, "--max-frames", str(FRAMES), "--seed", "3")

    return run


def length_s(path: str | Path) -> float:
    samples, rate_hz = soundfile.read(path)
    return len(samples) / rate_hz


def test_a_pause_is_silence_between_two_takes(say: RunInProcess) -> None:
    outcome = say("One. [pause:1.5s] Two.")

    assert outcome.code == 0, outcome.err
    samples, _ = soundfile.read("speech.wav")
    silent = np.abs(samples) == 0
    assert silent.sum() >= 1.5 * SAMPLE_RATE_HZ
    assert "finished: length" in outcome.out


def test_brackets_that_are_no_command_are_read(say: RunInProcess) -> None:
    outcome = say("As shown [1], see [the note].", "--show-spoken")

    assert outcome.code == 0
    assert "[1]" in outcome.out or "one" in outcome.out
    assert "the note" in outcome.out


def test_speed_changes_the_length(say: RunInProcess) -> None:
    say("Hello.", "--out", "plain.wav")
    say("Hello.", "--out", "slow.wav", "--speed", "0.5")
    say("[rate:0.5] Hello.", "--out", "tag.wav")

    assert length_s("slow.wav") == pytest.approx(2 * length_s("plain.wav"), abs=0.001)
    assert Path("tag.wav").read_bytes() == Path("slow.wav").read_bytes()


def test_a_speed_that_the_tags_push_out_of_range_is_refused(say: RunInProcess) -> None:
    outcome = say("[rate:1.5] Hello.", "--speed", "1.5")

    assert outcome.code == 3
    assert "speed is 2.25; allowed: 0.5 to 2.0" in outcome.err


def test_an_unknown_voice_in_a_tag_is_told_before_anything_is_said(say: RunInProcess) -> None:
    outcome = say("Hello. [voice:nobody] Hi.")

    assert outcome.code == 3
    assert "voice 'nobody' is unknown" in outcome.err
    assert not Path("speech.wav").exists()


def test_a_kept_take_has_a_record_and_no_other_file(say: RunInProcess) -> None:
    outcome = say("Hello there.", "--save-dir", "takes", "--voice", "ryan")

    assert outcome.code == 0, outcome.err
    (audio,), (record,) = (sorted(Path("takes").glob(f"say_*.{end}")) for end in ("wav", "json"))
    assert audio.stem == record.stem
    assert str(audio) in outcome.out
    assert not Path("speech.wav").exists()
    data = json.loads(record.read_text())
    assert data["text"] == "Hello there."
    assert data["request"]["seed"] == 3
    assert data["voice"]["name"] == "ryan"
    assert data["result"]["finish_reason"] in ("stop", "length", "guard")
    assert data["result"]["num_samples"] == len(soundfile.read(audio)[0])


def test_a_kept_take_also_goes_where_it_is_sent(say: RunInProcess) -> None:
    say("Hello.", "--save-dir", "takes", "--out", "here.wav")

    (audio,) = Path("takes").glob("*.wav")
    assert Path("here.wav").read_bytes() == audio.read_bytes()


def test_a_kept_voice_speaks_by_name(
    intone: RunInProcess, tiny_checkpoint: Checkpoints, voices_directory: Path
) -> None:
    base = ("--model", tiny_checkpoint("base"), "--dtype", "fp32", "--max-frames", "6")
    config = ModelConfig.from_dict(read_json(tiny_checkpoint("base") / "config.json"))
    size = config.talker.hidden_size
    x_vector = np.random.default_rng(1).normal(size=size).astype(np.float32)
    VoiceLibrary(voices_directory).put(
        Voice(
            name="nora",
            kind="cloned",
            hidden_size=size,
            x_vector=x_vector,
            references=(Reference(x_vector=x_vector),),
        )
    )
    outcome = intone("say", "Hello.", "--voice", "NORA", *base)

    assert outcome.code == 0, outcome.err
    assert length_s("speech.wav") <= 6 * SAMPLES_PER_FRAME / SAMPLE_RATE_HZ


def test_without_a_model_a_kept_voice_says_which_one_it_needs(
    intone: RunInProcess, voices_directory: Path
) -> None:
    x_vector = np.ones(999, np.float32)
    VoiceLibrary(voices_directory).put(
        Voice(name="nora", kind="cloned", hidden_size=999, x_vector=x_vector)
    )
    outcome = intone("say", "Hello.", "--voice", "nora")

    assert outcome.code == 4
    assert "voice 'nora' speaks with a Base model of its size" in outcome.err


def test_the_whole_is_brought_to_a_loudness(say: RunInProcess) -> None:
    say("Hello. [pause:0.5] Hello again.", "--out", "level.wav", "--loudness", "-30")

    samples, _ = soundfile.read("level.wav", dtype="float32")
    assert integrated_lufs(samples, SAMPLE_RATE_HZ) == pytest.approx(-30, abs=0.1)


@pytest.mark.parametrize("options", [["--stream", "--out", "x.wav"], ["--save-dir", "takes"]])
def test_no_loudness_where_the_whole_is_not_at_hand(say: RunInProcess, options: list[str]) -> None:
    outcome = say("Hello.", "--loudness", "-16", *options)

    assert outcome.code == 3
    assert "loudness is measured over the whole" in outcome.err


def test_a_lexicon_says_how_words_are_said(say: RunInProcess) -> None:
    Path("words.txt").write_text("SQL = sequel\n")
    outcome = say("My SQL [say:GIF|jiff] works.", "--lexicon", "words.txt", "--show-spoken")

    assert outcome.code == 0, outcome.err
    assert outcome.out == "My sequel jiff works.\n"
    assert not Path("speech.wav").exists()


def test_a_speaker_of_the_voice_in_the_box_needs_no_model_named(
    monkeypatch: pytest.MonkeyPatch, tiny_checkpoint: Checkpoints
) -> None:
    monkeypatch.setattr(models_here, "resolve", lambda name, settings: tiny_checkpoint("custom"))

    assert model_choice.chosen_model(None, "Ava", {}) is None
    assert model_choice.chosen_model(None, "ryan", {}) == "1.7b-custom"
    assert model_choice.chosen_model("0.6b-base", "ava", {}) == "0.6b-base"


def test_a_speaker_whose_model_is_gone_is_given_no_other_model(tmp_path: Path) -> None:
    library = VoiceLibrary(tmp_path / "voices")
    library.put(speaker_voice("mine", "alice", model=str(tmp_path / "gone"), hidden_size=256))
    nowhere = {"INTONE_VOICES_DIR": str(library.directory), "HF_HOME": str(tmp_path)}

    with pytest.raises(ModelNotFoundError, match="gone, which is not on this machine"):
        model_choice.chosen_model(None, "mine", nowhere)


def test_the_printed_seed_repeats_a_text_with_tags(
    intone: RunInProcess, tiny_checkpoint: Checkpoints
) -> None:
    common = ("--model", tiny_checkpoint("custom"), "--dtype", "fp32", "--max-frames", "4")
    first = intone("say", "One. [pause:1s] Two.", *common, "--out", "a.wav")
    seed = first.out.split("seed ")[1].split(", finished")[0]
    again = intone("say", "One. [pause:1s] Two.", *common, "--out", "b.wav", "--seed", seed)

    assert again.code == 0, again.err
    assert Path("b.wav").read_bytes() == Path("a.wav").read_bytes()


@pytest.mark.parametrize("command", ["say", "custom", "book"])
def test_figures_need_no_guess_where_the_model_has_one_language(
    intone: RunInProcess, command: str
) -> None:
    Path("text.txt").write_text("Gate 7.\n")
    source = {"say": ["Gate 7."], "custom": ["--text", "Gate 7."], "book": ["text.txt"]}[command]
    outcome = intone(command, *source, "--model", "builtin", "--show-spoken")

    assert outcome.err == ""
    assert outcome.out.strip() in ("Gate seven.", "Gate 7.")  # without intone[spoken]
