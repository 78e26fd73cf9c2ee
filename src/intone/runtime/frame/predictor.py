"""The code predictor of a frame for B rows: K-1 steps over a cache that each frame begins anew."""

from __future__ import annotations

import torch
from torch import Tensor

from intone.models.code_predictor import CodePredictor
from intone.runtime.frame.blocks import BlockHalves
from intone.runtime.frame.sampling import Draw, SamplingRows
from intone.runtime.frame.tables import FoldedTables
from intone.runtime.predictor_step import PredictorCache, StepAttention


class FramePredictor:
    """Completes frames; the cache is shared by every batch, so one runs at a time."""

    def __init__(
        self,
        predictor: CodePredictor,
        tables: FoldedTables,
        halves: BlockHalves,
        draw: Draw,
        max_rows: int,
    ) -> None:
        weight = predictor.model.norm.weight
        self._predictor = predictor
        self._tables = tables
        self._halves = halves
        self._draw = draw
        self._num_codebooks = predictor.config.num_codebooks
        self._cache = PredictorCache(predictor, max_rows, weight.dtype)
        rotary = predictor.rotary_table(weight.device)
        # As the steps see them: two rows first, then one at a time.
        ends = [2, *range(3, self._num_codebooks + 1)]
        starts = [0, *ends[:-1]]
        self._rotations = [
            rotary.rows(slice(start, end), weight.dtype)
            for start, end in zip(starts, ends, strict=True)
        ]

    def complete(
        self, hidden: Tensor, codebook0: Tensor, settings: Tensor, uniforms: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Returns whole frames [B, K] and the sum of their embeddings [B, H].

        Args:
            hidden: the talker's rows that predicted codebook 0, [B, H].
            codebook0: [B].
            settings: of its draws, [B, 5], rows of `prompt_rows.settings_row`.
            uniforms: float64 [B, K]; column k decides codebook k.
        """
        sampling = SamplingRows.of(settings, self._predictor.config.vocab_size)
        tables, attend = self._tables, StepAttention(self._cache, len(hidden))
        codes, total = [codebook0], tables.code(0, codebook0)
        first = [tables.predictor_hidden(hidden), tables.predictor_code(0, codebook0)]
        x = torch.stack(first, dim=1)
        for book, rotation in enumerate(self._rotations, start=1):
            out = self._halves.run(self._predictor.model.layers, x, rotation, attend)
            attend.start += x.shape[1]
            logits = self._predictor.logits(book, self._predictor.model.norm(out[:, -1]))
            codes.append(self._draw(logits, sampling, uniforms[:, book]))
            total = total + tables.code(book, codes[-1])
            if book < self._num_codebooks - 1:
                x = tables.predictor_code(book, codes[-1])[:, None]
        return torch.stack(codes, dim=1), total
