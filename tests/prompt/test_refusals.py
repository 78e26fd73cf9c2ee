"""What a builder refuses, and that each message says what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from tests.prompt.conftest import HIDDEN_SIZE, NUM_CODEBOOKS, Reader

from intone.core import errors
from intone.models.config import ModelConfig
from intone.models.speaker_encoder_config import SpeakerEncoderConfig
from intone.prompt.builder import PromptBuilder, PromptSpec
from intone.prompt.tokenizer import TextTokenizer

X_VECTOR = np.zeros(HIDDEN_SIZE, dtype=np.float32)
CODES = np.zeros((2, NUM_CODEBOOKS), dtype=np.int64)

MakeReader = Callable[..., Reader]


@pytest.mark.parametrize(
    ("kind", "spec", "error", "message"),
    [
        ("custom_voice", {"speaker": "bob"}, errors.UnknownVoiceError, "'bob'.*ryan, dylan"),
        ("custom_voice", {}, errors.UnknownVoiceError, "no voice was named.*ryan, dylan"),
        (
            "custom_voice",
            {"speaker": "ryan", "language": "klingon"},
            errors.UnknownLanguageError,
            "'klingon'.*auto, chinese, english",
        ),
        (
            "custom_voice",
            {"speaker": "dylan", "language": "beijing_dialect"},
            errors.UnknownLanguageError,
            "'beijing_dialect' is unknown",
        ),
        (
            "custom_voice",
            {"speaker": "ryan", "x_vector": X_VECTOR},
            errors.UnsupportedModeError,
            "cloned voice.*CustomVoice 1.7B.*speaker encoder, as Base, clones",
        ),
        (
            "voice_design",
            {"speaker": "ryan"},
            errors.UnsupportedModeError,
            "'ryan'.*VoiceDesign 1.7B.*only CustomVoice has preset voices",
        ),
        ("base", {}, errors.UnsupportedModeError, "no voice was given.*reference clip"),
        (
            "base",
            {"x_vector": X_VECTOR, "instruct": "calm"},
            errors.UnsupportedModeError,
            "instruct.*Base 1.7B.*only CustomVoice 1.7B and VoiceDesign",
        ),
        (
            "base",
            {"x_vector": np.zeros(3, dtype=np.float32)},
            errors.UnsupportedModeError,
            r"shape \[3\].*takes \[8\]",
        ),
        (
            "base",
            {"x_vector": X_VECTOR, "ref_codes": CODES},
            errors.MissingReferenceTextError,
            "exact words, or clone from the x-vector",
        ),
        (
            "base",
            {"x_vector": X_VECTOR, "ref_codes": CODES, "ref_text": " \n"},
            errors.MissingReferenceTextError,
            "exact words",
        ),
        (
            "base",
            {"x_vector": X_VECTOR, "ref_codes": CODES[:0], "ref_text": "x"},
            errors.ReferenceAudioError,
            r"shape \[0, 3\]",
        ),
        (
            "base",
            {"x_vector": X_VECTOR, "ref_codes": CODES[:, :2], "ref_text": "x"},
            errors.ReferenceAudioError,
            r"shape \[2, 2\].*\[F, 3\]",
        ),
        (
            "base",
            {"x_vector": X_VECTOR, "ref_codes": CODES + 32, "ref_text": "x"},
            errors.ReferenceAudioError,
            "from 32 to 32.*0 to 31",
        ),
    ],
)
def test_refuses(
    make_reader: MakeReader,
    kind: str,
    spec: dict[str, object],
    error: type[errors.RequestError],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        make_reader(kind).build("ab", **spec)


def test_refuses_instruct_of_the_small_custom_voice(make_reader: MakeReader) -> None:
    with pytest.raises(errors.UnsupportedModeError, match="CustomVoice 0.6B"):
        make_reader("custom_voice", "0b6").build("ab", speaker="ryan", instruct="calm")


@pytest.mark.parametrize("text", ["", " ", "\n\t\u3000"])
def test_refuses_empty_text(make_reader: MakeReader, text: str) -> None:
    with pytest.raises(errors.EmptyTextError, match="at least one word"):
        make_reader().build(text, speaker="ryan")


@pytest.mark.parametrize("text_layout", ["at_once", "per_frame"])
def test_refuses_text_that_fills_all_positions(make_reader: MakeReader, text_layout: str) -> None:
    reader = make_reader("custom_voice", "1b7", 32)
    reader.build("a" * 16, speaker="ryan", text_layout=text_layout)
    with pytest.raises(errors.TextTooLongError, match="of 32 positions.*Split"):
        reader.build("a" * 32, speaker="ryan", text_layout=text_layout)


def test_refuses_half_a_character(make_reader: MakeReader) -> None:
    with pytest.raises(errors.InvalidSettingError, match="position 1"):
        make_reader().build("a\ud800", speaker="ryan")


@pytest.mark.parametrize("name", ["im_start_id", "tts_eos_id", "assistant_id"])
def test_refuses_a_foreign_tokenizer(
    make_config: Callable[..., ModelConfig], tokenizer: TextTokenizer, name: str
) -> None:
    config = replace(make_config(), **{name: 7})
    with pytest.raises(errors.CheckpointError, match=r"\[?7\]? in config.json; .*different"):
        PromptBuilder(config, tokenizer)


def test_presets_and_cloning_meet_where_there_is_a_speaker_encoder(
    make_config: Callable[..., ModelConfig], tokenizer: TextTokenizer
) -> None:
    config = replace(make_config("custom_voice"), speaker_encoder=SpeakerEncoderConfig())
    builder = PromptBuilder(config, tokenizer)

    cloned = builder.build(PromptSpec(text="ab", x_vector=X_VECTOR))
    preset = builder.build(PromptSpec(text="ab", speaker="ryan"))

    assert cloned.speaker_row is not None
    assert cloned.codec_ids[cloned.speaker_row, 0] == -1
    assert preset.codec_ids[cloned.speaker_row, 0] == config.talker.speaker_ids["ryan"]
    with pytest.raises(errors.UnsupportedModeError, match="'ryan' and a cloned voice.*Leave one"):
        builder.build(PromptSpec(text="ab", speaker="ryan", x_vector=X_VECTOR))
    with pytest.raises(errors.UnknownVoiceError, match="no voice was named"):
        builder.build(PromptSpec(text="ab"))
