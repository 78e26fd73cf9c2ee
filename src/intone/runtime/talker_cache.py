"""Keys and values of the talker, one row of positions per slot, allocated once.

Large allocations are only reserved by the operating system until written, so a slot costs what its
longest take so far has used.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from intone.models.config import TransformerConfig
from intone.models.layers import causal_attention


class TalkerCache:
    """[L, slots, N_kv, positions, D], keys and values apart."""

    def __init__(
        self,
        config: TransformerConfig,
        num_slots: int,
        num_positions: int,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        shape = (
            config.num_layers,
            num_slots,
            config.num_kv_heads,
            num_positions,
            config.head_dim,
        )
        self.keys = torch.empty(shape, device=device, dtype=dtype)
        self.values = torch.empty(shape, device=device, dtype=dtype)


class PrefillAttention:
    """Writes a whole prompt [1, T] into a slot; rows attend causally among themselves."""

    def __init__(self, cache: TalkerCache, slot: int) -> None:
        self._cache = cache
        self._slot = slot

    def __call__(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        rows = slice(0, k.shape[1])
        self._cache.keys[layer, self._slot, :, rows] = k[0].transpose(0, 1)
        self._cache.values[layer, self._slot, :, rows] = v[0].transpose(0, 1)
        return causal_attention(q, k, v)


class DecodeAttention:
    """One new row per slot [N, 1], each at its own position.

    Rows attend one by one over views of their slots: nothing is copied or padded, and a row's
    result cannot depend on its neighbours.
    """

    def __init__(self, cache: TalkerCache, slots: Sequence[int], positions: Sequence[int]) -> None:
        self._cache = cache
        self._rows = list(zip(slots, positions, strict=True))

    def __call__(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        keys, values = self._cache.keys[layer], self._cache.values[layer]
        out = [
            attend_one(q[i, 0], k[i, 0], v[i, 0], keys[slot], values[slot], position)
            for i, (slot, position) in enumerate(self._rows)
        ]
        return out[0] if len(out) == 1 else torch.cat(out)


def attend_one(q: Tensor, k: Tensor, v: Tensor, keys: Tensor, values: Tensor, at: int) -> Tensor:
    """Stores one row and returns its attention over all rows so far, [1, 1, N * D].

    The heads that share a key head stand beside each other as if they were rows of time, so keys
    need not be repeated; all of them may see every position, so no mask is needed.

    Args:
        q: [N, D].
        k: [N_kv, D]; v the same.
        keys: the slot's [N_kv, positions, D]; values the same.
        at: position of the new row.
    """
    keys[:, at] = k
    values[:, at] = v
    grouped = q.view(1, keys.shape[0], -1, q.shape[-1])
    seen = slice(0, at + 1)
    out = functional.scaled_dot_product_attention(
        grouped, keys[None, :, seen], values[None, :, seen]
    )
    return out.reshape(1, 1, -1)
