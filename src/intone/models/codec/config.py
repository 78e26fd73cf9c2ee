"""The codec's dimensions, read from the official `speech_tokenizer/config.json`.

Every value is read; upstream's class defaults differ from the released ones, so none is assumed.
What the networks here cannot run is refused, with the key that says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from intone.core.constants import SAMPLE_RATE_HZ, SAMPLES_PER_FRAME
from intone.core.errors import CheckpointError
from intone.models.config import JsonObject, field_of

_FILE = "speech_tokenizer/config.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecTransformerConfig:
    """A small causal transformer: heads, sizes, rotation."""

    hidden_size: int
    intermediate_size: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    has_attention_bias: bool
    norm_eps: float
    rope_theta: float
    layer_scale_init: float

    @classmethod
    def from_dict(cls, data: JsonObject, where: str, eps_key: str) -> CodecTransformerConfig:
        """Reads one network's section; `eps_key` is what it calls its norm's epsilon."""
        return cls(
            hidden_size=int(field_of(data, "hidden_size", where)),
            intermediate_size=int(field_of(data, "intermediate_size", where)),
            num_layers=int(field_of(data, "num_hidden_layers", where)),
            num_heads=int(field_of(data, "num_attention_heads", where)),
            num_kv_heads=int(field_of(data, "num_key_value_heads", where)),
            head_dim=int(field_of(data, "head_dim", where)),
            has_attention_bias=bool(field_of(data, "attention_bias", where)),
            norm_eps=float(field_of(data, eps_key, where)),
            rope_theta=float(field_of(data, "rope_theta", where)),
            layer_scale_init=float(field_of(data, "layer_scale_initial_scale", where)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecDecoderConfig:
    """`decoder_config`: codes to samples."""

    transformer: CodecTransformerConfig
    window_frames: int
    """Frames that one frame attends to, itself included."""
    num_codebooks: int
    codebook_size: int
    codebook_dim: int
    """Width of a summed frame; the codebook vectors are half of it, as upstream has it."""
    latent_dim: int
    """Width around the transformer and through the frame-rate upsampling."""
    decoder_dim: int
    """Width before the first waveform block; every block halves it."""
    frame_upsampling: tuple[int, ...]
    """`upsampling_ratios`: transposed convolutions right after the transformer."""
    wave_upsampling: tuple[int, ...]
    """`upsample_rates`: one waveform block each."""

    @property
    def vector_dim(self) -> int:
        return self.codebook_dim // 2

    @classmethod
    def from_dict(cls, data: JsonObject) -> CodecDecoderConfig:
        """Reads the section.

        Raises:
            CheckpointError: a missing key, or a value that this decoder cannot run.
        """
        where = f"{_FILE}: decoder_config"
        _expect(data, "hidden_act", "silu", where)
        _expect(data, "num_semantic_quantizers", 1, where)
        config = cls(
            transformer=CodecTransformerConfig.from_dict(data, where, "rms_norm_eps"),
            window_frames=int(field_of(data, "sliding_window", where)),
            num_codebooks=int(field_of(data, "num_quantizers", where)),
            codebook_size=int(field_of(data, "codebook_size", where)),
            codebook_dim=int(field_of(data, "codebook_dim", where)),
            latent_dim=int(field_of(data, "latent_dim", where)),
            decoder_dim=int(field_of(data, "decoder_dim", where)),
            frame_upsampling=_ints(data, "upsampling_ratios", where),
            wave_upsampling=_ints(data, "upsample_rates", where),
        )
        total = math.prod(config.frame_upsampling) * math.prod(config.wave_upsampling)
        _expect_rate(total, "upsampling_ratios x upsample_rates", where)
        return config


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecEncoderConfig:
    """`encoder_config`: samples to codes (a Mimi encoder)."""

    transformer: CodecTransformerConfig
    num_codebooks: int
    """Codebooks stored; the codec uses the first `CodecConfig.num_codebooks` of them."""
    num_semantic_codebooks: int
    codebook_size: int
    codebook_dim: int
    vector_dim: int
    """Width after the quantizers' input projection; no projection where it is the hidden size."""
    num_filters: int
    """Width of the first convolution; every downsampling doubles it."""
    kernel_size: int
    last_kernel_size: int
    residual_kernel_size: int
    num_residual_layers: int
    dilation_growth: int
    compress: int
    """A residual block is narrower inside by this factor."""
    strides: tuple[int, ...]
    """Of the downsampling convolutions, in their order (upstream lists them reversed)."""

    @classmethod
    def from_dict(cls, data: JsonObject) -> CodecEncoderConfig:
        """Reads the section.

        Raises:
            CheckpointError: a missing key, or a value that this encoder cannot run.
        """
        where = f"{_FILE}: encoder_config"
        supported = {
            "hidden_act": "gelu",
            "audio_channels": 1,
            "pad_mode": "constant",
            "use_causal_conv": True,
            "use_conv_shortcut": False,
            "sampling_rate": SAMPLE_RATE_HZ,
        }
        for key, value in supported.items():
            _expect(data, key, value, where)
        config = cls(
            transformer=CodecTransformerConfig.from_dict(data, where, "norm_eps"),
            num_codebooks=int(field_of(data, "num_quantizers", where)),
            num_semantic_codebooks=int(field_of(data, "num_semantic_quantizers", where)),
            codebook_size=int(field_of(data, "codebook_size", where)),
            codebook_dim=int(field_of(data, "codebook_dim", where)),
            vector_dim=int(field_of(data, "vector_quantization_hidden_dimension", where)),
            num_filters=int(field_of(data, "num_filters", where)),
            kernel_size=int(field_of(data, "kernel_size", where)),
            last_kernel_size=int(field_of(data, "last_kernel_size", where)),
            residual_kernel_size=int(field_of(data, "residual_kernel_size", where)),
            num_residual_layers=int(field_of(data, "num_residual_layers", where)),
            dilation_growth=int(field_of(data, "dilation_growth_rate", where)),
            compress=int(field_of(data, "compress", where)),
            strides=_ints(data, "upsampling_ratios", where)[::-1],
        )
        _expect_rate(2 * math.prod(config.strides), "upsampling_ratios x 2", where)
        return config


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecConfig:
    """One `speech_tokenizer/config.json`."""

    decoder: CodecDecoderConfig
    encoder: CodecEncoderConfig
    num_codebooks: int
    """Codes per frame."""

    @classmethod
    def from_dict(cls, data: JsonObject) -> CodecConfig:
        """Reads the official object.

        Raises:
            CheckpointError: another codec's file, a missing key, other rates than 24 kHz and
                12.5 Hz, or halves that disagree on the number of codebooks.
        """
        _expect(data, "model_type", "qwen3_tts_tokenizer_12hz", _FILE)
        for key in ("input_sample_rate", "output_sample_rate"):
            _expect(data, key, SAMPLE_RATE_HZ, _FILE)
        for key in ("encode_downsample_rate", "decode_upsample_rate"):
            _expect_rate(int(field_of(data, key, _FILE)), key, _FILE)
        config = cls(
            decoder=CodecDecoderConfig.from_dict(field_of(data, "decoder_config", _FILE)),
            encoder=CodecEncoderConfig.from_dict(field_of(data, "encoder_config", _FILE)),
            num_codebooks=int(field_of(data, "encoder_valid_num_quantizers", _FILE)),
        )
        config._check_codebooks()
        return config

    def _check_codebooks(self) -> None:
        decoded, stored = self.decoder.num_codebooks, self.encoder.num_codebooks
        if not self.encoder.num_semantic_codebooks < self.num_codebooks == decoded <= stored:
            raise CheckpointError(
                f"{_FILE}: encoder_valid_num_quantizers is {self.num_codebooks}, the decoder has "
                f"{decoded} codebooks and the encoder {stored}; the first two must be equal and "
                "the third no smaller."
            )


def _ints(data: JsonObject, key: str, where: str) -> tuple[int, ...]:
    value = field_of(data, key, where)
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise CheckpointError(f"{where}: {key} is {value!r}; expected a list of integers.")
    return tuple(int(item) for item in value)


def _expect(data: JsonObject, key: str, supported: Any, where: str) -> None:
    value = field_of(data, key, where)
    if value != supported:
        raise CheckpointError(f"{where}: {key} is {value!r}; Intone runs only {supported!r}.")


def _expect_rate(samples: int, what: str, where: str) -> None:
    if samples != SAMPLES_PER_FRAME:
        raise CheckpointError(
            f"{where}: {what} gives {samples} samples a frame; Intone's time is "
            f"{SAMPLES_PER_FRAME} samples a frame ({SAMPLE_RATE_HZ} Hz, 12.5 frames a second)."
        )
