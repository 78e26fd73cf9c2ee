"""The library's surface: what it refuses, how it ends, what it reports."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from intone.core.constants import SAMPLES_PER_FRAME
from intone.core.errors import (
    EmptyTextError,
    EngineStoppedError,
    InvalidSettingError,
    ModelNotFoundError,
    TextTooLongError,
    UnknownLanguageError,
    UnknownVoiceError,
    UnsupportedModeError,
)
from intone.core.types import ModelKind
from intone.tts import TTS
from intone.voices.cloning import Cloner

Checkpoints = Callable[[ModelKind], Path]


def test_a_take_reports_how_it_went(tiny_tts: TTS) -> None:
    audio = tiny_tts.speak("Hello.", voice="ryan", seed=7, min_frames=5, max_frames=5)
    assert audio.finish_reason == "length"
    assert audio.seed == 7
    assert audio.samples.shape == (5 * SAMPLES_PER_FRAME,)
    assert audio.samples.dtype == np.float32
    assert 0 < audio.timing.ttfa_s <= audio.timing.wall_s
    assert audio.timing.audio_s == pytest.approx(0.4)
    assert str(audio.timing).startswith("0.40 s of audio")


def test_a_take_has_two_frames_at_least(tiny_tts: TTS) -> None:
    for seed in range(20):
        assert len(tiny_tts.speak("Hi.", seed=seed, max_frames=4).samples) >= 2 * SAMPLES_PER_FRAME


@pytest.mark.parametrize("layout", ["at_once", "per_frame"])
def test_both_text_layouts_speak(tiny_tts: TTS, layout: str) -> None:
    audio = tiny_tts.speak("Some words.", seed=1, min_frames=9, max_frames=9, text_layout=layout)
    assert np.abs(audio.samples).max() > 0


def test_presets_are_found_in_any_case(tiny_tts: TTS) -> None:
    one, two = (
        tiny_tts.speak("Hi.", voice=v, seed=1, max_frames=4) for v in ("uncle_fu", " Uncle Fu")
    )
    np.testing.assert_array_equal(one.samples, two.samples)


@pytest.mark.parametrize(
    ("text", "options", "error", "message"),
    [
        ("", {}, EmptyTextError, "text is empty"),
        ("  \n", {}, EmptyTextError, "text is empty"),
        ("Hi.", {"voice": "bob"}, UnknownVoiceError, "'bob' is unknown; this checkpoint has: ser"),
        ("Hi.", {"language": "latin"}, UnknownLanguageError, "'latin' is unknown.*english"),
        ("Hi.", {"seed": -1}, InvalidSettingError, "seed is -1; allowed: 0 to"),
        ("Hi.", {"temperature": 0}, InvalidSettingError, "temperature is 0; allowed"),
        ("Hi.", {"chunk_frames": 0}, InvalidSettingError, "chunk_frames is 0; allowed"),
        ("Hi.", {"max_frames": 10**6}, TextTooLongError, "1000000 frames were asked for"),
        ("word " * 5000, {}, TextTooLongError, "split the text"),
        ("Hi.", {"temprature": 1.0}, InvalidSettingError, "unknown option temprature; known: chu"),
    ],
)
def test_what_cannot_be_served_is_refused_before_anything_runs(
    tiny_tts: TTS, text: str, options: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        tiny_tts.stream(text, **options)


def test_modes_of_other_kinds_are_refused(tiny_checkpoint: Checkpoints) -> None:
    with TTS(tiny_checkpoint("base"), device="cpu") as tts:
        with pytest.raises(UnsupportedModeError, match="reference clip"):
            tts.speak("Hi.")
        with pytest.raises(UnknownVoiceError, match="only CustomVoice checkpoints have presets"):
            tts.speak("Hi.", voice="ryan")


def test_the_second_take_of_a_clip_runs_no_encoder(
    tiny_checkpoint: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    make = Cloner._make
    monkeypatch.setattr(Cloner, "_make", lambda *args: made.append(1) or make(*args))
    rng = np.random.default_rng(0)
    clip = (rng.normal(scale=0.1, size=30_000).astype(np.float32), 24_000)
    with TTS(tiny_checkpoint("base"), device="cpu") as tts:
        first, second = (tts.clone(clip, "some words") for _ in range(2))
        assert first is second
        assert len(made) == 1
        assert first.ref_codes.shape == ((30_000 + 12_000 + 1919) // 1920, 16)
        x_vector_only = tts.clone(clip, "some words", x_vector_only=True)
        assert not x_vector_only.is_icl
        audio = tts.speak("Hi.", voice=first, seed=1, min_frames=3, max_frames=3)
        assert len(audio.samples) == 3 * SAMPLES_PER_FRAME, "the reference is not heard again"


def test_leaving_a_stream_early_frees_its_slot(tiny_checkpoint: Checkpoints) -> None:
    with TTS(tiny_checkpoint("custom"), device="cpu", num_slots=1) as tts:
        for _ in range(3):
            with tts.stream("Hello.", seed=1, min_frames=900, max_frames=900) as chunks:
                next(chunks)
        assert tts.speak("Next.", seed=1, max_frames=2).samples.size


def test_a_cancelled_stream_says_so(tiny_tts: TTS) -> None:
    chunks = tiny_tts.stream("Hello.", seed=1, min_frames=900, max_frames=900, chunk_frames=1)
    next(chunks)
    chunks.cancel()
    assert list(chunks)[-1].finish_reason == "cancelled"


def test_closing_ends_running_takes_and_refuses_new_ones(tiny_checkpoint: Checkpoints) -> None:
    tts = TTS(tiny_checkpoint("custom"), device="cpu")
    chunks = tts.stream("Hello.", seed=1, min_frames=900, max_frames=900)
    next(chunks)
    tts.close()
    assert list(chunks)[-1].finish_reason == "cancelled"
    with pytest.raises(EngineStoppedError, match="closed"):
        tts.speak("Hello.")
    tts.close()


def test_nothing_is_loaded_before_the_first_request(tmp_path: Path) -> None:
    threads = threading.active_count()
    tts = TTS(tmp_path)
    assert threading.active_count() == threads
    with pytest.raises(Exception, match="config.json is missing"):
        tts.speak("Hello.")


def test_a_model_that_is_not_here_says_how_to_pull_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", "/nowhere")
    monkeypatch.setenv("MODELSCOPE_CACHE", "/nowhere")
    with pytest.raises(ModelNotFoundError, match="intone models pull 1.7b-custom"):
        TTS("1.7b-custom").speak("Hello.")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"device": "toaster"}, "device is 'toaster'; allowed: auto, cpu"),
        ({"device": "cuda:99"}, "CUDA devices"),
        ({"dtype": "int3"}, "dtype is 'int3'; allowed: auto, fp32"),
        ({"num_slots": 0}, "num_slots is 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    tiny_checkpoint: Checkpoints, settings: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidSettingError, match=message):
        TTS(tiny_checkpoint("custom"), **settings).load()


def test_what_a_model_can_do_is_told_without_loading_it(tiny_checkpoint: Checkpoints) -> None:
    with TTS(tiny_checkpoint("base"), device="cpu", memory_budget="17B") as tts:
        can = tts.capabilities()  # loading would be refused: nothing fits into 17 bytes

    assert (can.kind, can.can_clone, can.follows_instruct) == ("base", True, False)
