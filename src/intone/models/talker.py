"""The talker: rows of text and codec ids in, the logits of codebook 0 out.

It knows nothing of prompts, slots or sampling. Its module names are the official tensor names below
"talker."; the code predictor, which upstream nests inside, is a network of its own here.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from intone.models.config import TalkerConfig
from intone.models.layers import (
    Attention,
    CausalAttention,
    DecoderBlock,
    PackedAttention,
    RmsNorm,
    RotaryTable,
    blank_embedding,
    run_blocks,
)


class TextProjection(nn.Module):
    """Carries text embeddings to the talker's width."""

    def __init__(self, text_hidden_size: int, hidden_size: int) -> None:
        super().__init__()
        self.linear_fc1 = nn.Linear(text_hidden_size, text_hidden_size)
        self.linear_fc2 = nn.Linear(text_hidden_size, hidden_size)

    def forward(self, x: Tensor) -> Tensor:
        x = x.to(self.linear_fc1.bias.dtype)
        return self.linear_fc2(functional.silu(self.linear_fc1(x)))


class TalkerTrunk(nn.Module):
    """Embeddings, blocks and final norm."""

    def __init__(self, config: TalkerConfig) -> None:
        super().__init__()
        self.text_embedding = blank_embedding(config.text_vocab_size, config.text_hidden_size)
        self.codec_embedding = blank_embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(
            DecoderBlock(config.block) for _ in range(config.block.num_layers)
        )
        self.norm = RmsNorm(config.hidden_size, config.block.rms_norm_eps)


class Talker(nn.Module):
    """28 (or as many as the file says) decoder blocks over rows of width H."""

    def __init__(self, config: TalkerConfig) -> None:
        super().__init__()
        self.config = config
        self.model = TalkerTrunk(config)
        self.text_projection = TextProjection(config.text_hidden_size, config.hidden_size)
        self.codec_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)

    def rotary_table(self, positions: int, device: torch.device) -> RotaryTable:
        """Returns the rotation of the first `positions` rows."""
        return RotaryTable(
            self.config.block.head_dim, self.config.block.rope_theta, positions, device
        )

    def embed_text(self, text_ids: Tensor) -> Tensor:
        """Returns [..., H] of text ids [...]; an id of -1 gives zeros."""
        rows = self.text_projection(self.model.text_embedding(text_ids.clamp(min=0)))
        return rows.masked_fill((text_ids < 0)[..., None], 0.0)

    def embed_codebook0(self, codec_ids: Tensor) -> Tensor:
        """Returns [..., H] of codec ids [...]; an id of -1 gives zeros."""
        rows: Tensor = self.model.codec_embedding(codec_ids.clamp(min=0))
        return rows.masked_fill((codec_ids < 0)[..., None], 0.0)

    def forward(self, x: Tensor, table: RotaryTable, start: int, attend: Attention) -> Tensor:
        """Returns the normed hidden rows [B, T, H] of input rows x at `start` onwards."""
        rotation = table.rows(slice(start, start + x.shape[1]), x.dtype)
        return self.model.norm(run_blocks(self.model.layers, x, rotation, attend))

    def decode(self, x: Tensor, table: RotaryTable, positions: Tensor, attend: Attention) -> Tensor:
        """Returns [B, 1, H] for one new row per request, each at its own position [B]."""
        cos, sin = table.rows(positions, x.dtype)
        rotation = cos[:, None], sin[:, None]
        return self.model.norm(run_blocks(self.model.layers, x, rotation, attend))

    def teacher_forced_packed(self, x: Tensor, lengths: Sequence[int]) -> Tensor:
        """Returns hidden rows [N, H] of sequences one after the other, x [N, H]; differentiable.

        Args:
            lengths: rows of each sequence; they add up to N.
        """
        table = self.rotary_table(max(lengths), x.device)
        positions = torch.cat([torch.arange(length, device=x.device) for length in lengths])
        rotation, attend = table.rows(positions, x.dtype), PackedAttention(lengths)
        hidden: Tensor = self.model.norm(run_blocks(self.model.layers, x[None], rotation, attend))
        return hidden[0]

    def teacher_forced(self, x: Tensor) -> Tensor:
        """Returns hidden rows [B, T, H] of whole sequences; differentiable, keeps no cache."""
        return self(x, self.rotary_table(x.shape[1], x.device), 0, CausalAttention())
