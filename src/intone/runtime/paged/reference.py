"""Attention of new rows over their pages in PyTorch: the CPU's path, and the kernel's measure.

It goes the kernel's way: splits of a fixed number of positions, joined first to last, so that on a
CPU too a row's bits do not depend on its neighbours or on the width of the tables; one product over
the whole width would be cut differently for other widths. Unlike the kernel it gathers the whole
width, whatever the rows have used of it, because no value may be read on the host.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from intone.runtime.paged.cache import write_rows

SPLIT_POSITIONS = 64
"""Positions per split."""


class GatheredRows:
    """Implements `decoding.RowAttention` for every device, dtype and size of head."""

    def __call__(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        keys: Tensor,
        values: Tensor,
        tables: Tensor,
        positions: Tensor,
    ) -> Tensor:
        page_positions = keys.shape[1]
        page = tables.gather(1, (positions // page_positions)[:, None])[:, 0]
        at = page * page_positions + positions % page_positions
        write_rows(keys, k, at)
        write_rows(values, v, at)
        steps = torch.arange(tables.shape[1] * page_positions, device=positions.device)
        is_seen = steps <= positions[:, None]
        grouped = q.unflatten(1, (keys.shape[2], -1)).float()
        return _attend(
            grouped,
            _in_splits(_seen(keys, tables, is_seen)).contiguous(),
            _in_splits(_seen(values, tables, is_seen)).contiguous(),
            _in_splits(is_seen[..., None, None])[..., 0],
        ).to(q.dtype)


def _seen(pages: Tensor, tables: Tensor, is_seen: Tensor) -> Tensor:
    """Returns the rows of each table, [B, T, N_kv, D]; zeros where the row has written nothing.

    A mask of the scores is not enough: what another take left there may be anything, and a weight
    of zero times NaN is NaN.
    """
    rows = pages[tables].flatten(1, 2)
    return rows.masked_fill(~is_seen[:, :, None, None], 0.0).float()


def _in_splits(rows: Tensor) -> Tensor:
    """Returns [B, S, N_kv, SPLIT_POSITIONS, D] of rows [B, T, N_kv, D]; zeros fill the last."""
    missing = -rows.shape[1] % SPLIT_POSITIONS
    filled = functional.pad(rows, (0, 0, 0, 0, 0, missing))
    return filled.unflatten(1, (-1, SPLIT_POSITIONS)).transpose(2, 3)


def _attend(q: Tensor, keys: Tensor, values: Tensor, is_seen: Tensor) -> Tensor:
    """Returns [B, N * D].

    Args:
        q: [B, N_kv, G, D]; the heads that share a key head are side by side.
        keys: [B, S, N_kv, SPLIT_POSITIONS, D]; values the same.
        is_seen: [B, S, 1, SPLIT_POSITIONS].
    """
    q = q[:, None].expand(-1, keys.shape[1], -1, -1, -1)
    scores = _products(q, keys.transpose(-1, -2)) * q.shape[-1] ** -0.5
    scores = scores.masked_fill(~is_seen[:, :, :, None], float("-inf"))
    weights = (scores - scores.amax(dim=(1, 4), keepdim=True)).exp()
    # A running sum adds one split after the other; a plain sum regroups with their number.
    attended = _products(weights, values).cumsum(dim=1)[:, -1]
    total = weights.sum(dim=-1, keepdim=True).cumsum(dim=1)[:, -1]
    return (attended / total).flatten(1)


def _products(a: Tensor, b: Tensor) -> Tensor:
    """Returns a @ b for [B, S, N_kv, ...] as one list of products of one shape.

    Left to itself, `matmul` takes another routine where B or S is 1, which rounds differently.
    """
    listed = torch.bmm(a.flatten(0, 2), b.flatten(0, 2))
    return listed.unflatten(0, a.shape[:3])
