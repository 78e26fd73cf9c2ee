"""What a speaking checkpoint keeps resident on a CPU, predicted from its configuration files.

Nothing is loaded: weights are counted from the two JSON files, what the runtime adds was measured
(Linux, x86, onnxruntime 1.31, full-size random checkpoints; `tests/engine/test_footprint.py`
compares). Resident means every page the kernel counts, mapped files included.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from intone.core.constants import SAMPLES_PER_FRAME
from intone.models.codec.config import CodecDecoderConfig
from intone.models.config import TalkerConfig
from intone.models.description import ModelDescription
from intone.models.raw_tensors import RawTensors
from intone.models.weight_counts import (
    CodecWeights,
    code_predictor_weights,
    talker_weights,
    text_weights,
)

_BLOCK_BYTES = 3 * 4 / 128
"""Per weight of a small precision: a block of 128 has a scale, twice (as stored, and packed for
this CPU), and a sum."""
_FINE_BYTES = 3 * 4 * 0.22 * (1 / 32 - 1 / 128)
"""The same in int8 for the matrices after the gated products, 20 to 25 % of a network, which have
blocks of 32."""

_WEIGHT_BYTES: Mapping[str, float] = {
    "fp32": 4,
    "int8": 1 + _BLOCK_BYTES + _FINE_BYTES,
    "int4": 0.5 + _BLOCK_BYTES,
}
_DILATED_GROWTH = 10 / 7
"""Convolutions of seven taps are kept at ten points (`runtime/cpu/winograd.py`)."""

_PROCESS_BYTES = 88_000_000
"""Interpreter, numpy, ONNX Runtime, tokenizer's code, threads."""
_TOKEN_BYTES = 260
"""Per entry of the tokenizer's vocabulary."""

_CODEC_RUN_FRAMES = 8
"""Decoded at once, of all streams together (`runtime/cpu/codec.py`)."""
_CODEC_SIGNALS = 17
"""Signals of the last, longest stage that are alive together, tiles and arenas included."""

_PREFILL_ROWS = 128
"""Read at once (`runtime/cpu/networks.py`)."""
_PREFILL_COPIES = 3
"""Of a block's intermediate rows and attention scores, arenas included."""

_TAKES_PER_SLOT = 2
"""One in the talker, and one more that is still in the codec."""

CLONED_S = 10
"""Length of a reference clip that a budget holds room for where a checkpoint can clone."""
_CLONING_BYTES = 350_000_000
"""PyTorch, which encodes clips, and what it allocates for itself."""
_CLIP_BYTES_PER_S = 42_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """Resident bytes by part, of one checkpoint in one precision."""

    dtype: str
    process_bytes: int
    network_bytes: int
    """Talker, code predictor, projection of text."""
    codec_bytes: int
    """The decoder, always fp32."""
    working_bytes: int
    """What one codec run and one part of a prompt need at their widest."""
    slot_bytes: int
    """Histories of the codec for one take."""
    position_bytes: int
    """Keys and values of one row of one slot."""
    score_bytes: int
    """Attention scores of a part of a prompt, per row that it looks back on."""
    encoder_bytes: int
    """Weights of the two encoders; 0 where the checkpoint cannot clone."""

    @classmethod
    def of(cls, description: ModelDescription, dtype: str) -> Footprint:
        """Predicts for fp32, int8 or int4.

        Raises:
            CheckpointError: the encoders of a checkpoint that clones cannot be counted.
        """
        talker, codec = description.config.talker, description.codec.decoder
        return cls(
            dtype=dtype,
            process_bytes=_PROCESS_BYTES + _TOKEN_BYTES * talker.text_vocab_size,
            network_bytes=_network_bytes(description, dtype),
            codec_bytes=_codec_bytes(codec),
            working_bytes=_codec_run_bytes(codec) + _prefill_bytes(talker),
            slot_bytes=_TAKES_PER_SLOT * _history_bytes(codec),
            position_bytes=_position_bytes(talker),
            score_bytes=4 * _PREFILL_COPIES * _PREFILL_ROWS * talker.block.num_heads,
            encoder_bytes=_encoder_bytes(description),
        )

    def speaking_bytes(self, num_slots: int, num_positions: int) -> int:
        """Returns the peak while takes run in every slot, each with so many rows written."""
        fixed = self.process_bytes + self.network_bytes + self.codec_bytes + self.working_bytes
        per_slot = self.slot_bytes + num_positions * self.position_bytes
        return fixed + num_slots * per_slot + num_positions * self.score_bytes

    def cloning_bytes(self, clip_s: float = CLONED_S) -> int:
        """Returns what encoding a reference clip adds; 0 where the checkpoint cannot clone.

        A third of it stays: the encoders, and PyTorch.
        """
        if not self.encoder_bytes:
            return 0
        return self.encoder_bytes + _CLONING_BYTES + int(clip_s * _CLIP_BYTES_PER_S)


def _network_bytes(description: ModelDescription, dtype: str) -> int:
    config = description.config
    predictor = config.code_predictor
    heads = (predictor.num_codebooks - 1) * predictor.vocab_size * predictor.block.hidden_size
    # These have 8 bits even in the smallest (`Linear.at_least_8_bits`).
    fine = text_weights(config.talker) + heads
    rest = talker_weights(config.talker) + code_predictor_weights(predictor) - heads
    fine_dtype = "int8" if dtype == "int4" else dtype
    return int(rest * _WEIGHT_BYTES[dtype] + fine * _WEIGHT_BYTES[fine_dtype])


def _codec_bytes(config: CodecDecoderConfig) -> int:
    weights = CodecWeights.of(config)
    return int(4 * (weights.codebooks + weights.dilated * _DILATED_GROWTH + weights.other))


def _codec_run_bytes(config: CodecDecoderConfig) -> int:
    narrowest = config.decoder_dim >> len(config.wave_upsampling)
    return 4 * _CODEC_SIGNALS * _CODEC_RUN_FRAMES * SAMPLES_PER_FRAME * narrowest


def _prefill_bytes(talker: TalkerConfig) -> int:
    block = talker.block
    heads = (block.num_heads + 2 * block.num_kv_heads) * block.head_dim
    row = 4 * block.intermediate_size + 2 * heads + 2 * block.hidden_size
    return 4 * _PREFILL_COPIES * _PREFILL_ROWS * row


def _history_bytes(config: CodecDecoderConfig) -> int:
    """Keys and values of the window, and the tails of the convolutions, old and new."""
    block = config.transformer
    window = 2 * block.num_layers * config.window_frames * block.num_kv_heads * block.head_dim
    return 2 * 4 * (window + math.prod(config.frame_upsampling) * 64 * config.decoder_dim)


def _position_bytes(talker: TalkerConfig) -> int:
    block = talker.block
    return 4 * 2 * block.num_layers * block.num_kv_heads * block.head_dim


def _encoder_bytes(description: ModelDescription) -> int:
    """Counted from the headers of the weight files: it is there where cloning is."""
    if description.config.speaker_encoder is None:
        return 0
    parts = (
        (RawTensors(description.directory), "speaker_encoder."),
        (RawTensors(description.codec_directory), "encoder."),
    )
    return 4 * sum(
        math.prod(shape)
        for tensors, prefix in parts
        for name, shape in tensors.shapes().items()
        if name.startswith(prefix)
    )
