"""A clip becomes a voice, and a voice speaks without an encoder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.train.speech import speech
from tests.voices.making_voices import make_voice, x_vector

from intone.audio.reference import ReferenceClip, load_reference
from intone.core.errors import (
    InvalidSettingError,
    MissingReferenceTextError,
    UnsupportedModeError,
)
from intone.core.types import ModelKind
from intone.tts import TTS
from intone.voices.cloning import Cloner
from intone.voices.encoders import Encoders
from intone.voices.library import VoiceLibrary
from intone.voices.making import (
    Design,
    Origin,
    choose_form,
    clip_sha256,
    cloned_voice,
    designed_voice,
    read_clip,
    report_clip,
    with_mood,
    without_mood,
)
from intone.voices.voice import Reference

Checkpoint = Callable[[ModelKind], Path]
WORDS = "Some words for four seconds."


@pytest.fixture(scope="module")
def clip() -> ReferenceClip:
    return load_reference((speech(4.0), 24_000))


@pytest.fixture(scope="module")
def cloner(tiny_checkpoint: Checkpoint) -> Cloner:
    return Cloner(tiny_checkpoint("base"), "cpu")


def test_the_form_follows_the_words_and_a_flag_wins() -> None:
    def form(words: str | None, asked: str | None, has_codec_encoder: bool = True) -> str:
        chosen = choose_form(words, asked, has_codec_encoder=has_codec_encoder)  # type: ignore[arg-type]
        return f"{chosen.form}: {chosen.reason}"

    assert form("words", None) == "icl: words"
    assert form(None, None) == "x_vector: no words"
    assert form("words", None, False) == "x_vector: no codec encoder"
    assert form("words", "x_vector") == "x_vector: asked"
    assert form("words", "icl") == "icl: asked"
    with pytest.raises(MissingReferenceTextError, match="without the clip's words"):
        form(None, "icl")
    with pytest.raises(UnsupportedModeError, match="no codec encoder; use a Base model"):
        form("words", "icl", False)


def test_an_icl_voice_holds_vector_codes_and_words(cloner: Cloner, clip: ReferenceClip) -> None:
    origin = Origin(language="english", model="0.6b-base", licence="CC0", consent="yes")
    voice = cloned_voice("nora", read_clip(cloner, clip, WORDS, "icl"), clip, origin)

    assert (voice.kind, voice.language, voice.is_icl) == ("cloned", "english", True)
    assert voice.prompt().ref_text == WORDS
    assert (voice.licence, voice.consent, voice.making.model) == ("CC0", "yes", "0.6b-base")
    assert voice.making.source_sha256 == clip_sha256(clip)


def test_an_x_vector_voice_still_knows_the_words(cloner: Cloner, clip: ReferenceClip) -> None:
    voice = cloned_voice("nora", read_clip(cloner, clip, WORDS, "x_vector"), clip, Origin())

    assert not voice.prompt().is_icl
    assert voice.references[0].text == WORDS


def test_the_second_use_of_a_voice_runs_no_encoder(
    tiny_checkpoint: Checkpoint,
    cloner: Cloner,
    clip: ReferenceClip,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    library = VoiceLibrary(tmp_path)
    library.put(cloned_voice("nora", read_clip(cloner, clip, WORDS, "icl"), clip, Origin()))
    monkeypatch.setenv("INTONE_VOICES_DIR", str(tmp_path))
    ran: list[str] = []
    monkeypatch.setattr(Encoders, "__init__", lambda *args: ran.append("encoders"))
    monkeypatch.setattr(Cloner, "clone", lambda *args, **kw: ran.append("cloner"))

    with TTS(tiny_checkpoint("base"), device="cpu") as tts:
        options = {"seed": 1, "min_frames": 3, "max_frames": 3}
        kept = tts.speak("Hi.", voice=library.get("nora").prompt(), **options)
        named = tts.speak("Hi.", voice="Nora", **options)

    np.testing.assert_array_equal(kept.samples, named.samples)
    assert ran == []


def test_a_design_remembers_what_it_was_drawn_from(cloner: Cloner, clip: ReferenceClip) -> None:
    design = Design(description="A calm voice.", seed=7, model="1.7b-design")
    reference = read_clip(cloner, clip, WORDS, "icl")
    voice = designed_voice("nora", reference, clip, Origin(model="0.6b-base"), design)

    making = voice.making
    assert (voice.kind, making.description, making.seed) == ("designed", "A calm voice.", 7)
    assert (making.model, making.design_model) == ("0.6b-base", "1.7b-design")


def test_a_bank_has_one_clip_per_mood() -> None:
    voice = make_voice(moods=("angry",))
    sad = Reference(mood="sad", x_vector=x_vector(3))
    angrier = Reference(mood="angry", text="louder", x_vector=x_vector(4))

    assert with_mood(voice, sad).moods == ("angry", "sad")
    with pytest.raises(InvalidSettingError, match="has the mood 'angry' already"):
        with_mood(voice, angrier)
    replaced = with_mood(voice, angrier, can_replace=True)
    assert replaced.moods == ("angry",)
    assert replaced.reference("angry") is angrier
    assert replaced.reference(None) is voice.references[0]


def test_a_clip_read_by_a_model_of_another_size_joins_no_bank() -> None:
    wide = Reference(mood="sad", x_vector=x_vector(size=128))

    with pytest.raises(UnsupportedModeError, match=r"width 64.*at 128.*--model 0.6b-base"):
        with_mood(make_voice(), wide)


def test_the_report_knows_how_long_words_take(clip: ReferenceClip) -> None:
    assert report_clip(clip, "x" * 2_000).severity == "refuse"
    assert report_clip(clip, WORDS, "english").severity == "warn"
    assert report_clip(clip).findings[-1].message.startswith("no words given")


def test_a_mood_leaves_the_bank_alone() -> None:
    voice = make_voice(moods=("angry", "sad"))
    assert without_mood(voice, "Angry").moods == ("sad",)
    assert without_mood(voice, "angry").reference(None) is not None
    with pytest.raises(InvalidSettingError, match="has no mood 'happy'; it has: angry, sad"):
        without_mood(voice, "happy")
