"""How many weights the parts of a checkpoint have, counted from its configuration. No torch.

Norms, biases and scales of branches are left out: together they are a thousandth.
"""

from __future__ import annotations

from dataclasses import dataclass

from intone.models.codec.config import CodecDecoderConfig, CodecTransformerConfig
from intone.models.config import CodePredictorConfig, TalkerConfig, TransformerConfig

NUM_WAVE_TAPS = 7
NUM_RESIDUAL_UNITS = 3
"""In every waveform block of the codec, each with a dilated convolution and a product."""


def text_weights(talker: TalkerConfig) -> int:
    """Returns the weights of the projection from text embeddings to the talker's width."""
    return talker.text_hidden_size * (talker.text_hidden_size + talker.hidden_size)


def talker_weights(talker: TalkerConfig) -> int:
    """Returns the weights of the blocks and of codebook 0's head."""
    return _block_weights(talker.block) + talker.hidden_size * talker.vocab_size


def code_predictor_weights(config: CodePredictorConfig) -> int:
    """Returns the weights of the blocks, the projection into them, and all K - 1 heads."""
    hidden = config.block.hidden_size
    projection = 0 if config.input_size == hidden else config.input_size * hidden
    heads = (config.num_codebooks - 1) * hidden * config.vocab_size
    return _block_weights(config.block) + projection + heads


def _block_weights(block: TransformerConfig) -> int:
    heads = 2 * block.num_heads + 2 * block.num_kv_heads  # queries and output, keys and values
    attention = heads * block.head_dim * block.hidden_size
    return block.num_layers * (attention + 3 * block.hidden_size * block.intermediate_size)


@dataclass(frozen=True, slots=True)
class CodecWeights:
    """The codec decoder's weights, by how they may be kept."""

    codebooks: int
    dilated: int
    """Of the dilated convolutions of seven taps."""
    other: int

    @classmethod
    def of(cls, config: CodecDecoderConfig) -> CodecWeights:
        """Counts."""
        widths = [config.decoder_dim >> i for i in range(len(config.wave_upsampling) + 1)]
        squares = NUM_RESIDUAL_UNITS * sum(width * width for width in widths[1:])
        return cls(
            codebooks=config.num_codebooks * config.codebook_size * config.vector_dim,
            dilated=squares * NUM_WAVE_TAPS,
            other=_before_waves(config) + squares + _between_waves(config, widths),
        )


def _before_waves(config: CodecDecoderConfig) -> int:
    latent = config.latent_dim
    rvq = 2 * config.vector_dim * config.codebook_dim + 3 * config.codebook_dim * latent
    frames = sum(latent * latent * (rate + 8) for rate in config.frame_upsampling)
    ends = 2 * latent * config.transformer.hidden_size
    return rvq + ends + _codec_block_weights(config.transformer) + frames


def _codec_block_weights(block: CodecTransformerConfig) -> int:
    heads = 2 * block.num_heads + 2 * block.num_kv_heads
    attention = heads * block.head_dim * block.hidden_size
    return block.num_layers * (attention + 3 * block.hidden_size * block.intermediate_size)


def _between_waves(config: CodecDecoderConfig, widths: list[int]) -> int:
    """The first convolution, and the upsampling of every block, which reads two steps."""
    first = NUM_WAVE_TAPS * config.latent_dim * widths[0]
    pairs = zip(widths, widths[1:], config.wave_upsampling, strict=False)
    return first + sum(2 * rate * wide * narrow for wide, narrow, rate in pairs)
