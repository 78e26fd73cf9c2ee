"""`intone script`: what is checked before, kept meanwhile, and written after."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.cli.conftest import RunInProcess

from intone.cli.script import rendering
from intone.core.errors import OutputError
from intone.core.types import ModelKind, SpeechRequest
from intone.render.script import RenderedSegment, ScriptRenderer
from intone.tts import TTS
from intone.voices.library import VoiceLibrary
from intone.voices.voice import Making, Reference, Voice

SOURCE = "[Serious] The first line. [Angry] The second! [pause:0.5s] [Neutral] And the third.\n"
DESCRIPTION = "a calm deep voice"

Checkpoints = Callable[[ModelKind], Path]


@pytest.fixture(autouse=True)
def voices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VoiceLibrary:
    """An empty library, a script and a cast in the working directory."""
    monkeypatch.setenv("INTONE_VOICES_DIR", str(tmp_path / "voices"))
    Path("play.txt").write_text(SOURCE)
    return VoiceLibrary(tmp_path / "voices")


@pytest.fixture
def never_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(self: TTS) -> None:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr(TTS, "load", load)


def run(intone: RunInProcess, model: Path, *more: str | Path) -> str:
    """Speaks `play.txt` in takes of a second; returns what was printed."""
    outcome = intone(
        "script", "play.txt", "--model", model, "--device", "cpu", "--max-frames", "13", "--seed",
        "1", *more,
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    return outcome.out + outcome.err


def record() -> dict[str, object]:
    whole = min(Path("outputs").glob("*.json"), key=lambda path: len(path.name))
    found: dict[str, object] = json.loads(whole.read_text())
    return found


def test_segments_whole_and_records_lie_side_by_side(
    intone: RunInProcess, tiny_checkpoint: Checkpoints
) -> None:
    run(intone, tiny_checkpoint("custom"), "--identity", "Ryan")

    names = sorted(path.name for path in Path("outputs").iterdir())
    stem = names[0].split(".")[0]
    expected = [f"{stem}.{n:03}.{end}" for n in (1, 2, 3) for end in ("json", "wav")]
    assert names == sorted([*expected, f"{stem}.json", f"{stem}.wav"])
    whole = record()
    samples, rate_hz = soundfile.read(f"outputs/{whole['audio_file']}")
    assert len(samples) / rate_hz == pytest.approx(whole["duration_s"], abs=1e-3)
    first = json.loads(Path(f"outputs/{stem}.001.json").read_text())
    assert (first["mood"], first["voice"]["name"]) == ("Serious", "ryan")
    assert first["text"] == "The first line."


def test_a_kept_segment_is_made_again_sample_for_sample(
    intone: RunInProcess, tiny_checkpoint: Checkpoints
) -> None:
    run(intone, tiny_checkpoint("custom"), "--identity", "ryan")
    segment = next(Path("outputs").glob("*.002.json"))

    outcome = intone("redo", segment, "--out", "again.wav")

    assert outcome.code == 0, outcome.err
    assert "sample for sample" in outcome.out
    again, before = soundfile.read("again.wav")[0], soundfile.read(segment.with_suffix(".wav"))[0]
    np.testing.assert_array_equal(again, before)


def test_subtitles_and_the_picture_are_written_where_the_whole_is(
    intone: RunInProcess, tiny_checkpoint: Checkpoints
) -> None:
    run(
        intone, tiny_checkpoint("custom"), "--no-save", "--out", "whole.flac", "--srt", "--vtt",
        "--plot", "whole.png", "--loudness", "-23",
    )  # fmt: skip

    assert not Path("outputs").exists()
    assert "The second!" in Path("whole.srt").read_text()
    assert Path("whole.vtt").read_text().startswith("WEBVTT")
    assert Path("whole.png").read_bytes().startswith(b"\x89PNG")
    assert soundfile.info("whole.flac").format == "FLAC"


def test_without_an_ear_it_says_that_nothing_is_compared(
    intone: RunInProcess, tiny_checkpoint: Checkpoints
) -> None:
    shown = run(intone, tiny_checkpoint("custom"))

    assert "similarity is not measured" in shown
    assert record()["lowest_similarity"] is None


def test_under_a_memory_budget_nothing_is_compared_unless_it_is_asked_for(
    intone: RunInProcess, tiny_checkpoint: Checkpoints, voices: VoiceLibrary
) -> None:
    voices.put(_kept_voice())

    shown = run(intone, tiny_checkpoint("base"), "--identity", "nora", "--memory-budget", "1GB")

    assert "not measured under a memory budget" in shown


def test_another_checkpoint_may_be_the_ear(
    intone: RunInProcess, tiny_checkpoint: Checkpoints
) -> None:
    ear = tiny_checkpoint("base")

    shown = run(intone, tiny_checkpoint("custom"), "--ear", ear, "--max-frames", "40")

    assert record()["ear"] == ear.name
    assert "similarity lowest" in shown


def test_a_kept_voice_plays_its_moods_from_its_bank(
    intone: RunInProcess, tiny_checkpoint: Checkpoints, voices: VoiceLibrary
) -> None:
    voices.put(_kept_voice())

    shown = run(intone, tiny_checkpoint("base"), "--identity", "nora", "--ear", "none")

    segments = record()["segments"]
    assert isinstance(segments, list)
    assert [part["route"] for part in segments] == ["neutral", "bank", "plain"]
    assert "nora: 'Serious' is spoken neutrally" in shown
    second = json.loads(next(Path("outputs").glob("*.002.json")).read_text())
    assert (second["voice"]["kind"], second["voice"]["mood"]) == ("kept", "furious")


def _kept_voice() -> Voice:
    x_vector = np.ones(64, dtype=np.float32)
    return Voice(
        name="nora",
        kind="cloned",
        hidden_size=64,
        x_vector=x_vector,
        references=(
            Reference(x_vector=x_vector),
            Reference(mood="furious", x_vector=2 * x_vector),
        ),
        making=Making(model="tiny-base"),
    )


def test_a_description_is_designed_once_and_kept(
    intone: RunInProcess, tiny_checkpoint: Checkpoints, voices: VoiceLibrary
) -> None:
    people = (
        "--identity",
        DESCRIPTION,
        "--identity-seed",
        "1",
        "--design-model",
        tiny_checkpoint("design"),
    )

    first = run(intone, tiny_checkpoint("base"), *people, "--ear", "none")
    second = run(intone, tiny_checkpoint("base"), *people, "--ear", "none")

    assert "designed in" in first
    assert "kept before" in second
    (name,) = voices.names()
    assert voices.get(name).making.description == DESCRIPTION
    assert set(voices.get(name).moods) == {"serious", "angry"}


def test_a_described_person_without_a_base_model_is_told_to_be_unlocked(
    intone: RunInProcess, tiny_checkpoint: Checkpoints, voices: VoiceLibrary
) -> None:
    shown = run(intone, tiny_checkpoint("design"), "--identity", DESCRIPTION)

    assert "not locked" in shown
    assert voices.names() == ()


@pytest.mark.usefixtures("never_loads")
def test_a_description_without_the_models_for_it_names_both(intone: RunInProcess) -> None:
    outcome = intone("script", "play.txt", "--identity", DESCRIPTION)

    assert outcome.code == 4
    assert "1.7b-design" in outcome.err
    assert "1.7b-base" in outcome.err


@pytest.mark.usefixtures("never_loads")
def test_check_prints_the_plan_and_loads_nothing(
    intone: RunInProcess, tiny_checkpoint: Checkpoints
) -> None:
    outcome = intone(
        "script", "play.txt", "--model", tiny_checkpoint("custom"), "--identity", "ryan", "--check"
    )

    assert outcome.code == 0, outcome.err
    assert "3 segments, about" in outcome.out
    assert "instruct" in outcome.out
    assert not Path("outputs").exists()


@pytest.mark.usefixtures("never_loads")
def test_show_spoken_prints_what_the_lexicon_makes_of_it(
    intone: RunInProcess, tiny_checkpoint: Checkpoints
) -> None:
    Path("words.txt").write_text("second = next one\n")

    outcome = intone(
        "script", "play.txt", "--model", tiny_checkpoint("custom"), "--lexicon", "words.txt",
        "--show-spoken",
    )  # fmt: skip

    assert outcome.out.splitlines() == ["The first line.", "The next one!", "And the third."]


@pytest.mark.usefixtures("never_loads")
@pytest.mark.parametrize(
    ("source", "more", "words"),
    [
        ("One [Angry two.", (), "line 1, column 5"),
        ("One.\n[voice:nobody] Two.", (), "line 2, column 16: voice 'nobody' is unknown"),
        ("Max: Hello.", ("--cast", "cast.json"), "cast, 'Max': voice 'nobody' is unknown"),
        ("Hello.", ("--cast", "none.json"), "none.json does not exist"),
        ("Hello.", ("--identity", "ryn"), "did you mean ryan"),
        ("Hello.", ("--identity", DESCRIPTION), "no speaker encoder"),
        ("Hello.", ("--plot", "picture.jpg"), ".png"),
        ("Hello.", ("--min-similarity", "2"), "--min-similarity is 2"),
        ("Hello.", ("--no-save",), "keeps nothing"),
        ("Hello.", ("--out", "-"), "goes to a file"),
        ("Hello.", ("--loudness", "9"), "9"),
        ("Hello.", ("--speed", "9"), "speed is 9"),
    ],
)
def test_what_is_wrong_is_told_before_a_model_is_loaded(
    source: str,
    more: tuple[str, ...],
    words: str,
    intone: RunInProcess,
    tiny_checkpoint: Checkpoints,
) -> None:
    Path("play.txt").write_text(source)
    Path("cast.json").write_text('{"Max": "nobody"}')

    outcome = intone("script", "play.txt", "--model", tiny_checkpoint("custom"), *more)

    assert outcome.code == 3
    assert words in outcome.err
    assert not Path("outputs").exists()


def test_what_was_finished_stays_when_a_script_is_stopped(
    intone: RunInProcess, tiny_checkpoint: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(renderer: ScriptRenderer) -> Iterator[RenderedSegment]:
        yield from list(_render(renderer))[:2]
        raise KeyboardInterrupt

    _render = ScriptRenderer.render
    monkeypatch.setattr(rendering.ScriptRenderer, "render", stopped)

    outcome = intone(
        "script", "play.txt", "--model", tiny_checkpoint("custom"), "--max-frames", "5"
    )

    assert outcome.code == 130
    assert "2 of 3 segments are kept in outputs" in outcome.err
    assert len(list(Path("outputs").glob("*.wav"))) == 2
    assert not list(Path("outputs").glob(".*"))


def test_segments_are_played_while_others_are_made(
    intone: RunInProcess, tiny_checkpoint: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    played: list[int] = []

    class Loudspeaker:
        def __init__(self, sample_rate_hz: int) -> None:
            pass

        def write(self, samples: np.ndarray) -> None:
            played.append(len(samples))

        def close(self) -> None:
            played.append(-1)

        def abort(self) -> None:
            raise AssertionError("it was cut off")

    monkeypatch.setattr("intone.cli.playing.Player", Loudspeaker)

    run(intone, tiny_checkpoint("custom"), "--no-save", "--play")

    assert len(played) == 4
    assert played[-1] == -1


def test_a_loudspeaker_that_fails_is_told(
    intone: RunInProcess, tiny_checkpoint: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(sample_rate_hz: int) -> None:
        raise OutputError("cannot play: no device")

    monkeypatch.setattr("intone.cli.playing.Player", refuse)

    outcome = intone(
        "script", "play.txt", "--model", tiny_checkpoint("custom"), "--no-save", "--play"
    )

    assert outcome.code == 6


def test_a_loudspeaker_that_stops_is_told_and_the_files_are_there(
    intone: RunInProcess, tiny_checkpoint: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def __init__(self, sample_rate_hz: int) -> None:
            self.num_played = 0

        def write(self, samples: np.ndarray) -> None:
            self.num_played += 1
            if self.num_played == 3:
                raise OutputError("playing stopped: unplugged.")

        def abort(self) -> None:
            pass

    monkeypatch.setattr("intone.cli.playing.Player", Broken)

    outcome = intone(
        "script", "play.txt", "--model", tiny_checkpoint("custom"), "--max-frames", "5", "--play",
        "--no-save", "--out", "whole.wav",
    )  # fmt: skip

    assert outcome.code == 6
    assert "unplugged" in outcome.err
    assert Path("whole.wav").exists()


def test_the_seed_decides_every_segment(tiny_checkpoint: Checkpoints, intone: RunInProcess) -> None:
    run(intone, tiny_checkpoint("custom"), "--no-save", "--out", "a.wav")
    run(intone, tiny_checkpoint("custom"), "--no-save", "--out", "b.wav")
    run(intone, tiny_checkpoint("custom"), "--no-save", "--out", "c.wav", "--seed", "2")

    a, b, c = (Path(f"{name}.wav").read_bytes() for name in "abc")
    assert a == b != c


def test_the_request_of_a_record_is_whole(
    intone: RunInProcess, tiny_checkpoint: Checkpoints
) -> None:
    run(intone, tiny_checkpoint("custom"), "--speed", "1.5", "--temperature", "0.7")

    first = json.loads(next(Path("outputs").glob("*.001.json")).read_text())["request"]
    assert (first["speed"], first["sampling"]["temperature"]) == (1.5, 0.7)
    assert SpeechRequest(text=first["text"]).text == "The first line."
