"""Codebooks 1 to K-1 of one frame for N rows: K-1 short steps over a cache reset each frame."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from intone.models.code_predictor import CodePredictor
from intone.models.layers import causal_attention
from intone.runtime.sampling import SamplingBatch, draw


class PredictorCache:
    """Keys and values of up to K rows for N frames at once, allocated for the largest N."""

    def __init__(self, predictor: CodePredictor, max_rows: int, dtype: torch.dtype) -> None:
        block = predictor.config.block
        device = predictor.model.norm.weight.device
        shape = (
            block.num_layers,
            max_rows,
            block.num_kv_heads,
            predictor.config.num_codebooks,
            block.head_dim,
        )
        self.keys = torch.empty(shape, device=device, dtype=dtype)
        self.values = torch.empty(shape, device=device, dtype=dtype)


class StepAttention:
    """Attention of new rows that start at `start`; earlier rows of the frame are in the cache."""

    def __init__(self, cache: PredictorCache, num_rows: int) -> None:
        self._keys = cache.keys[:, :num_rows]
        self._values = cache.values[:, :num_rows]
        self.start = 0

    def __call__(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        end = self.start + k.shape[1]
        keys, values = self._keys[layer], self._values[layer]
        keys[:, :, self.start : end] = k.transpose(1, 2)
        values[:, :, self.start : end] = v.transpose(1, 2)
        if self.start == 0:
            return causal_attention(q, k, v)
        grouped = q.view(q.shape[0], keys.shape[1], -1, q.shape[-1])
        out = functional.scaled_dot_product_attention(grouped, keys[:, :, :end], values[:, :, :end])
        return out.reshape(q.shape[0], 1, -1)


class PredictorStep:
    """The code predictor with its cache and rotation, ready to complete frames."""

    def __init__(self, predictor: CodePredictor, max_rows: int) -> None:
        self._predictor = predictor
        self._num_codebooks = predictor.config.num_codebooks
        self._cache = PredictorCache(predictor, max_rows, predictor.model.norm.weight.dtype)
        self._table = predictor.rotary_table(predictor.model.norm.weight.device)

    def complete(
        self,
        hidden: Tensor,
        codebook0: Tensor,
        codebook0_rows: Tensor,
        sampling: SamplingBatch,
        uniforms: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Returns whole frames [N, K] and the sum of their embeddings [N, H].

        Args:
            hidden: the talker's rows that predicted codebook 0, [N, H].
            codebook0: [N].
            codebook0_rows: its embeddings, [N, H].
            uniforms: float64 [N, K]; column k decides codebook k.
        """
        attend = StepAttention(self._cache, len(hidden))
        codes, total = [codebook0], codebook0_rows
        x = torch.stack([hidden, codebook0_rows], dim=1)
        for book in range(1, self._num_codebooks):
            out = self._predictor(x, self._table, attend.start, attend)
            attend.start += x.shape[1]
            logits = self._predictor.logits(book, out[:, -1])
            codes.append(draw(logits, sampling, uniforms[:, book]))
            rows = self._predictor.embed(book, codes[-1])
            total = total + rows
            x = rows[:, None]
        return torch.stack(codes, dim=1), total
