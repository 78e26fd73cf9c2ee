"""Clips that a leased model reads: which form they get, and why."""

from __future__ import annotations

import numpy as np
import pytest

from intone.audio.reference import ReferenceClip
from intone.core.errors import (
    MissingReferenceTextError,
    UnknownLanguageError,
    UnsupportedModeError,
)
from intone.core.types import Capabilities, Samples, VoiceClonePrompt
from intone.voices.reading import checked_language, read_with

CLIP = ReferenceClip(
    samples=np.ones(48_000, np.float32), source_rate_hz=24_000, source_channels=1, source_peak=1.0
)


class Reader:
    """Encodes nothing; without a codec encoder it makes no codes."""

    def __init__(self, has_codec_encoder: bool = True) -> None:
        self.has_codec_encoder = has_codec_encoder

    def clone(
        self,
        ref_audio: tuple[Samples, int] | bytes,
        ref_text: str | None = None,
        *,
        x_vector_only: bool = False,
        append_silence: bool = True,
    ) -> VoiceClonePrompt:
        if x_vector_only:
            return VoiceClonePrompt(x_vector=np.ones(4, np.float32))
        if not self.has_codec_encoder:
            raise UnsupportedModeError("no codec encoder.")
        codes = np.ones((3, 2), np.int64)
        return VoiceClonePrompt(x_vector=np.ones(4, np.float32), ref_codes=codes, ref_text=ref_text)


def test_words_make_it_icl_where_the_model_can() -> None:
    read = read_with(Reader(), CLIP, "Words.", None, mood=" Angry ")
    assert (read.form, read.reason, read.reference.mood) == ("icl", "words", "angry")
    assert read.reference.codes is not None


def test_a_model_without_a_codec_encoder_gives_the_x_vector_and_says_why() -> None:
    read = read_with(Reader(has_codec_encoder=False), CLIP, "Words.", None)
    assert (read.form, read.reason, read.reference.codes) == ("x_vector", "no codec encoder", None)
    assert read.reference.text == "Words."
    with pytest.raises(UnsupportedModeError):
        read_with(Reader(has_codec_encoder=False), CLIP, "Words.", "icl")


def test_icl_needs_words_and_an_x_vector_does_not() -> None:
    with pytest.raises(MissingReferenceTextError, match="without the clip's words"):
        read_with(Reader(), CLIP, None, "icl")
    assert read_with(Reader(), CLIP, None, None).reason == "no words"
    assert read_with(Reader(), CLIP, "Words.", "x_vector").reference.codes is None


def test_a_language_is_spelt_as_the_model_does() -> None:
    can = Capabilities(
        model="0.6b-base", kind="base", size="0.6b", voices=(), languages=("auto", "german"),
        hidden_size=4, num_codebooks=2, can_clone=True, follows_instruct=False,
    )  # fmt: skip
    assert checked_language("DE", can) == "german"
    with pytest.raises(UnknownLanguageError, match="0.6b-base has: auto, german"):
        checked_language("french", can)
