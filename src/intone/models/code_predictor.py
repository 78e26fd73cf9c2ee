"""The code predictor: given the talker's hidden row and codebook 0, codebooks 1 to K-1 in turn.

One frame is a short sequence of its own: row 0 is the talker's hidden state, row 1 the embedding of
codebook 0, row k the embedding of codebook k-1 (tables of this network for k > 1, width of the
talker); the head of row k predicts codebook k. Module names are the official ones below
"talker.code_predictor.".
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from intone.models.config import CodePredictorConfig
from intone.models.layers import (
    Attention,
    CausalAttention,
    DecoderBlock,
    RmsNorm,
    RotaryTable,
    blank_embedding,
    run_blocks,
)


class CodePredictorTrunk(nn.Module):
    """Embedding tables of codebooks 1 to K-1, blocks and final norm."""

    def __init__(self, config: CodePredictorConfig) -> None:
        super().__init__()
        self.codec_embedding = nn.ModuleList(
            blank_embedding(config.vocab_size, config.input_size)
            for _ in range(config.num_codebooks - 1)
        )
        self.layers = nn.ModuleList(
            DecoderBlock(config.block) for _ in range(config.block.num_layers)
        )
        self.norm = RmsNorm(config.block.hidden_size, config.block.rms_norm_eps)


class CodePredictor(nn.Module):
    """5 (or as many as the file says) decoder blocks, run K-1 times a frame."""

    def __init__(self, config: CodePredictorConfig) -> None:
        super().__init__()
        self.config = config
        hidden_size = config.block.hidden_size
        self.model = CodePredictorTrunk(config)
        self.lm_head = nn.ModuleList(
            nn.Linear(hidden_size, config.vocab_size, bias=False)
            for _ in range(config.num_codebooks - 1)
        )
        self.small_to_mtp_projection: nn.Module = (
            nn.Identity()
            if config.input_size == hidden_size
            else nn.Linear(config.input_size, hidden_size)
        )

    def rotary_table(self, device: torch.device) -> RotaryTable:
        """Returns the rotation of one frame's K rows."""
        block = self.config.block
        return RotaryTable(block.head_dim, block.rope_theta, self.config.num_codebooks, device)

    def embed(self, codebook: int, codes: Tensor) -> Tensor:
        """Returns [..., talker H] of codes [...] of codebook 1 to K-1."""
        rows: Tensor = self.model.codec_embedding[codebook - 1](codes)
        return rows

    def forward(self, x: Tensor, table: RotaryTable, start: int, attend: Attention) -> Tensor:
        """Returns hidden rows [B, T, predictor H] of input rows x [B, T, talker H]."""
        rotation = table.rows(slice(start, start + x.shape[1]), x.dtype)
        # The stream keeps its type: under autocast a projection alone would make it bf16.
        x = self.small_to_mtp_projection(x).to(x.dtype)
        return self.model.norm(run_blocks(self.model.layers, x, rotation, attend))

    def logits(self, codebook: int, hidden: Tensor) -> Tensor:
        """Returns [..., V] for codebook 1 to K-1 from its row of hidden states [..., H]."""
        out: Tensor = self.lm_head[codebook - 1](hidden)
        return out

    def teacher_forced(
        self,
        talker_hidden: Tensor,
        codebook0_row: Tensor,
        codes: Tensor,
        attend: Attention | None = None,
    ) -> Tensor:
        """Returns the logits of codebooks 1 to K-1 of whole frames; differentiable.

        Args:
            talker_hidden: [B, H], the talker's row that predicted codebook 0 of the frame.
            codebook0_row: [B, H], the talker's embedding of codebook 0.
            codes: [B, K], the true frame.
            attend: how rows attend; None is causal attention without a cache.

        Returns:
            [B, K - 1, V]
        """
        last = self.config.num_codebooks - 1
        rows = [talker_hidden, codebook0_row] + [self.embed(k, codes[:, k]) for k in range(1, last)]
        x = torch.stack(rows, dim=1)
        hidden = self(x, self.rotary_table(x.device), 0, attend or CausalAttention())
        return torch.stack([self.logits(k, hidden[:, k]) for k in range(1, last + 1)], dim=1)
