"""The least time that a frame can take on this machine: bytes over bandwidth, FLOP over rate.

The talker reads its weights once a frame, the code predictor K-1 times, whatever the program: they
do not fit a cache (where they do, in int4 on a large server, an engine may be quicker than the
floor). The codec reads little and multiplies much. Everything here is counted from the
two configuration files; attention over past rows, norms and scales of small precisions are left
out, so the floors are low rather than high.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from intone.bench.rates import Rates
from intone.core.constants import FRAME_S
from intone.core.errors import InvalidSettingError
from intone.models.codec.config import CodecConfig, CodecDecoderConfig, CodecTransformerConfig
from intone.models.config import ModelConfig, TransformerConfig, read_json

WEIGHT_BITS: Mapping[str, int] = {"fp32": 32, "bf16": 16, "fp16": 16, "int8": 8, "int4": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameWork:
    """What one frame asks of a machine."""

    talker_weights: int
    """Weights read, each as often as it is read."""
    code_predictor_weights: int
    codec_flop: int
    """A multiplication and an addition are two."""

    @classmethod
    def of(cls, directory: Path) -> FrameWork:
        """Counts for a checkpoint directory; raises CheckpointError."""
        model = ModelConfig.from_dict(read_json(directory / "config.json"))
        codec = CodecConfig.from_dict(read_json(directory / "speech_tokenizer" / "config.json"))
        return cls(
            talker_weights=talker_weights(model),
            code_predictor_weights=code_predictor_weights(model),
            codec_flop=codec_flop(codec.decoder),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Floors:
    """Milliseconds per frame that no engine beats, with all threads on one stage at a time."""

    rates: Rates
    work: FrameWork
    dtype: str
    """Of the weights of talker and code predictor; the codec computes in fp32."""
    talker_ms: float
    code_predictor_ms: float
    codec_ms: float

    @classmethod
    def of(cls, work: FrameWork, rates: Rates, dtype: str, num_streams: int = 1) -> Floors:
        """Divides; streams at once share one pass over the weights.

        Raises:
            InvalidSettingError: a precision whose width is not known.
        """
        if dtype not in WEIGHT_BITS:
            raise InvalidSettingError(
                f"there is no floor for dtype {dtype!r}; known: {', '.join(WEIGHT_BITS)}."
            )
        ms_per_weight = WEIGHT_BITS[dtype] / 8 / rates.read_gb_s / 1e6 / num_streams
        return cls(
            rates=rates,
            work=work,
            dtype=dtype,
            talker_ms=work.talker_weights * ms_per_weight,
            code_predictor_ms=work.code_predictor_weights * ms_per_weight,
            codec_ms=work.codec_flop / rates.multiply_all_gflop_s / 1e6,
        )

    @property
    def frame_ms(self) -> float:
        """Frames and audio made at the same time: memory or arithmetic, whichever takes longer."""
        return max(self.talker_ms + self.code_predictor_ms, self.codec_ms)

    @property
    def rtf(self) -> float:
        """Audio seconds per wall second, of all streams together."""
        return FRAME_S * 1000 / self.frame_ms


def talker_weights(model: ModelConfig) -> int:
    """Returns the weights of one talker step: every block and the head of codebook 0."""
    talker = model.talker
    return _block_weights(talker.block) + talker.hidden_size * talker.vocab_size


def code_predictor_weights(model: ModelConfig) -> int:
    """Returns the weights of one frame: K-1 passes over every block, each with its own head.

    Two rows enter the first pass together, so K rows are K-1 passes.
    """
    config = model.code_predictor
    hidden = config.block.hidden_size
    projection = 0 if config.input_size == hidden else config.input_size * hidden
    per_pass = _block_weights(config.block) + projection + hidden * config.vocab_size
    return (config.num_codebooks - 1) * per_pass


def _block_weights(block: TransformerConfig) -> int:
    heads = 2 * block.num_heads + 2 * block.num_kv_heads  # queries and output, keys and values
    attention = heads * block.head_dim * block.hidden_size
    return block.num_layers * (attention + 3 * block.hidden_size * block.intermediate_size)


def codec_flop(config: CodecDecoderConfig) -> int:
    """Returns the FLOP of the convolutions, projections and attention that make one frame.

    Counted as plain products; an engine that transforms its convolutions (Winograd) needs fewer.
    """
    latent = config.latent_dim
    products = 2 * config.vector_dim * config.codebook_dim + 3 * config.codebook_dim * latent
    products += _transformer_products(config.transformer, config.window_frames, latent)
    steps = 1
    for rate in config.frame_upsampling:
        products += steps * latent * latent * rate
        steps *= rate
        products += steps * (7 * latent + 8 * latent * latent)  # depthwise, then 4 times as wide
    return 2 * (products + _wave_products(config, steps))


def _transformer_products(block: CodecTransformerConfig, window: int, latent: int) -> int:
    """Multiplications of one frame between its projections from and to the latent width."""
    heads = 2 * block.num_heads + 2 * block.num_kv_heads
    linear = heads * block.head_dim * block.hidden_size
    linear += 3 * block.hidden_size * block.intermediate_size
    attention = 2 * window * block.num_heads * block.head_dim
    return block.num_layers * (linear + attention) + 2 * latent * block.hidden_size


def _wave_products(config: CodecDecoderConfig, steps: int) -> int:
    """Multiplications of the waveform blocks for one frame, which enters as `steps` steps."""
    dim = config.decoder_dim
    products = steps * 7 * config.latent_dim * dim
    for rate in config.wave_upsampling:
        inner = dim // 2
        products += steps * dim * inner * 2 * rate
        steps *= rate
        products += 3 * steps * (7 + 1) * inner * inner
        dim = inner
    return products + steps * 7 * dim
