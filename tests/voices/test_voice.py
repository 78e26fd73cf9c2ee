"""A voice gives the prompt that was kept, and knows what it fits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.voices.making_voices import make_voice, x_vector

from intone.core.errors import (
    InvalidSettingError,
    MissingReferenceTextError,
    UnsupportedModeError,
)
from intone.voices.voice import Reference, Voice, mood_key


def test_the_neutral_prompt_is_the_clip_with_its_words() -> None:
    voice = make_voice(moods=("angry",))
    prompt = voice.prompt()

    assert prompt.is_icl
    assert voice.is_icl
    assert prompt.ref_text == "What the clip says."
    assert prompt.ref_codes is voice.references[0].codes


def test_a_mood_speaks_through_its_own_clip() -> None:
    voice = make_voice(moods=("angry", "very sad"))
    prompt = voice.prompt(" Very  SAD ")

    assert voice.moods == ("angry", "very sad")
    assert prompt.ref_text == "very sad words"
    np.testing.assert_array_equal(prompt.x_vector, x_vector(2))


def test_an_unknown_mood_lists_the_bank() -> None:
    with pytest.raises(InvalidSettingError, match="no mood 'calm'; it has: angry.*--mood calm"):
        make_voice(moods=("angry",)).prompt("calm")


def test_the_x_vector_alone_leaves_the_clip_out() -> None:
    prompt = make_voice().prompt(x_vector_only=True)

    assert not prompt.is_icl
    assert prompt.ref_text is None


def test_icl_of_an_x_vector_voice_is_refused() -> None:
    voice = replace(make_voice(), references=())

    assert not voice.prompt().is_icl
    with pytest.raises(MissingReferenceTextError, match="keeps an x-vector alone"):
        voice.prompt(x_vector_only=False)


def test_a_mood_may_keep_an_x_vector_alone() -> None:
    angry = Reference(mood="angry", x_vector=x_vector(5))
    voice = replace(make_voice(), references=(angry,))

    np.testing.assert_array_equal(voice.prompt("angry").x_vector, x_vector(5))
    np.testing.assert_array_equal(voice.prompt().x_vector, x_vector(0))


def test_a_speaker_of_a_checkpoint_has_no_prompt() -> None:
    voice = Voice(name="host", kind="preset", hidden_size=64, model="1.7b-custom", speaker="ryan")

    with pytest.raises(UnsupportedModeError, match="--model 1.7b-custom --voice ryan"):
        voice.prompt()


def test_a_model_of_another_size_is_refused_in_words() -> None:
    voice = make_voice()
    voice.check_fits(model="tiny", hidden_size=64, num_codebooks=16)

    with pytest.raises(UnsupportedModeError, match=r"width 64 and 16 codebooks, but 1.7b-base has"):
        voice.check_fits(model="1.7b-base", hidden_size=2_048, num_codebooks=16)
    with pytest.raises(UnsupportedModeError, match="6 codebooks"):
        voice.check_fits(model="builtin", hidden_size=64, num_codebooks=6)


def test_an_x_vector_fits_any_number_of_codebooks() -> None:
    assert replace(make_voice(), references=()).fits(hidden_size=64, num_codebooks=6)


def test_moods_are_one_in_any_case_and_spacing() -> None:
    assert mood_key("  Very   Sad ") == "very sad"
    with pytest.raises(InvalidSettingError, match="is empty"):
        mood_key("  ")
