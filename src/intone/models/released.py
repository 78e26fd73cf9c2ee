"""What the released sizes are, without a checkpoint of theirs: for predictions. No torch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from intone.models.codec.config import CodecConfig
from intone.models.config import GenerationDefaults, ModelConfig
from intone.models.description import ModelDescription
from intone.models.official_layout import codec_config, generation_config, model_config

ReleasedSize = Literal["0.6b", "1.7b"]
RELEASED_SIZES: tuple[ReleasedSize, ...] = ("0.6b", "1.7b")

_TEXT_VOCAB_SIZE = 151_936
_TOKENS = (
    "<|im_start|>",
    "<|im_end|>",
    "assistant",
    "<tts_pad>",
    "<tts_text_bos>",
    "<tts_text_eod>",
)


def released_description(size: ReleasedSize) -> ModelDescription:
    """Returns a released CustomVoice model's description; its directory is not there."""
    config = model_config("custom", size, dict.fromkeys(_TOKENS, 0), _TEXT_VOCAB_SIZE)
    return ModelDescription(
        directory=Path(size),
        config=ModelConfig.from_dict(config),
        defaults=GenerationDefaults.from_dict(generation_config()),
        codec=CodecConfig.from_dict(codec_config(size)),
    )
