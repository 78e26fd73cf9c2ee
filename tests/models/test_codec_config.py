"""The codec's configuration is read, never assumed; what cannot be run is refused by name."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from tests.models.codec_golden import read_golden

from intone.core.errors import CheckpointError
from intone.models.codec.config import CodecConfig
from intone.models.codec.decoder import CodecDecoder
from intone.models.codec.encoder import CodecEncoder
from intone.models.official_layout import codec_config


@pytest.fixture
def data() -> dict[str, Any]:
    return copy.deepcopy(read_golden("codec_decoder").config)


def test_the_official_keys_are_read(data: dict[str, Any]) -> None:
    config = CodecConfig.from_dict(data)
    assert config.num_codebooks == config.decoder.num_codebooks == 8
    assert config.decoder.vector_dim == 8
    assert config.decoder.window_frames == 72
    assert config.decoder.wave_upsampling == (8, 5, 4, 3)
    assert config.decoder.transformer.num_kv_heads == 2
    assert config.encoder.num_codebooks == 10
    assert config.encoder.strides == (4, 5, 6, 8)


def test_the_released_codec_has_the_released_size() -> None:
    config = CodecConfig.from_dict(codec_config("0.6b"))
    with torch.device("meta"):
        networks = CodecDecoder(config.decoder), CodecEncoder(config)
    sizes = [sum(tensor.numel() for tensor in net.state_dict().values()) for net in networks]
    assert sizes == [114_323_137, 56_234_304]


def test_other_ways_to_1920_samples_are_welcome(data: dict[str, Any]) -> None:
    data["decoder_config"] |= {"upsample_rates": [10, 6, 4], "upsampling_ratios": [2, 2, 2]}
    assert CodecConfig.from_dict(data).decoder.wave_upsampling == (10, 6, 4)


@pytest.mark.parametrize(
    ("section", "key", "value", "message"),
    [
        ("decoder_config", "upsample_rates", [8, 5, 4, 2], "gives 1280 samples a frame"),
        ("encoder_config", "upsampling_ratios", [8, 6, 5], "gives 480 samples a frame"),
        (None, "decode_upsample_rate", 960, "decode_upsample_rate gives 960 samples"),
        (None, "output_sample_rate", 48_000, "output_sample_rate is 48000; Intone runs only 24000"),
        (None, "model_type", "mimi", "model_type is 'mimi'"),
        (None, "encoder_valid_num_quantizers", 16, "the decoder has 8 codebooks"),
        ("encoder_config", "num_quantizers", 4, "and the encoder 4"),
        ("encoder_config", "use_causal_conv", False, "use_causal_conv is False"),
        ("encoder_config", "pad_mode", "reflect", "pad_mode is 'reflect'"),
        ("decoder_config", "hidden_act", "gelu", "hidden_act is 'gelu'"),
        ("decoder_config", "upsample_rates", 8, "upsample_rates is 8; expected a list"),
    ],
)
def test_what_cannot_be_run_is_refused(
    data: dict[str, Any], section: str | None, key: str, value: Any, message: str
) -> None:
    (data if section is None else data[section])[key] = value
    with pytest.raises(CheckpointError, match=message):
        CodecConfig.from_dict(data)


@pytest.mark.parametrize("section", ["decoder_config", "encoder_config"])
def test_a_missing_key_is_named(data: dict[str, Any], section: str) -> None:
    del data[section]["codebook_dim"]
    with pytest.raises(CheckpointError, match=f"{section} lacks 'codebook_dim'"):
        CodecConfig.from_dict(data)
