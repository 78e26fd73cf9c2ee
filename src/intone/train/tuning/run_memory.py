"""How much memory a run will hold, counted from a checkpoint's configuration: no weights, no torch.

`restore.MemoryEstimate` counts the same of networks that are loaded; a test compares the two.
"""

from __future__ import annotations

from intone.models.config import (
    CodePredictorConfig,
    ModelConfig,
    TalkerConfig,
    TransformerConfig,
)
from intone.models.weight_counts import code_predictor_weights, talker_weights, text_weights
from intone.train.tuning.settings import PRESET_RATES, TrainSettings

_TRAINED_BYTES = 16
"""Weight, gradient and two moments, fp32."""

_FROZEN_BYTES, _FROZEN_TABLE_BYTES = 2, 4
"""bf16 as released; tables of embeddings are kept in fp32."""


def run_memory_bytes(config: ModelConfig, settings: TrainSettings) -> int:
    """Returns what a run holds besides activations, of a model as released: within two percent."""
    rates = PRESET_RATES[settings.preset]
    is_lora = settings.preset == "lora"
    total = _TRAINED_BYTES * _lora_weights(config, settings.lora_rank) if is_lora else 0
    for count, rate, frozen_bytes in (
        (talker_weights(config.talker), rates.blocks, _FROZEN_BYTES),
        (text_weights(config.talker), rates.text_projection, _FROZEN_BYTES),
        (_table_weights(config.talker), rates.codec_embedding, _FROZEN_TABLE_BYTES),
        (code_predictor_weights(config.code_predictor), rates.code_predictor, _FROZEN_BYTES),
        (_tables_weights(config.code_predictor), rates.code_predictor, _FROZEN_TABLE_BYTES),
    ):
        is_trained = rate > 0 and not is_lora
        total += count * (_TRAINED_BYTES if is_trained else frozen_bytes)
    return total


def _table_weights(talker: TalkerConfig) -> int:
    return talker.vocab_size * talker.hidden_size


def _tables_weights(config: CodePredictorConfig) -> int:
    return (config.num_codebooks - 1) * config.vocab_size * config.input_size


def _lora_weights(config: ModelConfig, rank: int) -> int:
    """Two matrices beside every linear layer of the talker's blocks, and of the projection."""
    talker = config.talker
    projection = 3 * talker.text_hidden_size + talker.hidden_size
    return rank * (_block_ends(talker.block) + projection)


def _block_ends(block: TransformerConfig) -> int:
    """Returns inputs and outputs of all linear layers; queries, keys and values are one, and so
    are gate and up."""
    heads = (block.num_heads + 2 * block.num_kv_heads) * block.head_dim
    attention = block.hidden_size + heads + block.num_heads * block.head_dim + block.hidden_size
    feed = block.hidden_size + 2 * block.intermediate_size + block.intermediate_size
    return block.num_layers * (attention + feed + block.hidden_size)
