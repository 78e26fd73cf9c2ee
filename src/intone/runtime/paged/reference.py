"""Attention of new rows over their pages in PyTorch: the CPU's path, and the kernel's measure.

It gathers the whole width of the tables, whatever the rows have used of it, because no value may
be read on the host; the kernel reads what is used.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from intone.runtime.paged.cache import write_rows


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
        is_unseen = steps > positions[:, None]
        return _attend(
            q, _seen(keys, tables, is_unseen), _seen(values, tables, is_unseen), is_unseen
        )


def _seen(pages: Tensor, tables: Tensor, is_unseen: Tensor) -> Tensor:
    """Returns the rows of each table, [B, N_kv, T, D]; zeros where nothing was written.

    A mask alone is not enough: what another take left there may be anything, and a weight of zero
    times NaN is NaN.
    """
    rows = pages[tables].flatten(1, 2)
    return rows.masked_fill(is_unseen[:, :, None, None], 0.0).transpose(1, 2)


def _attend(q: Tensor, keys: Tensor, values: Tensor, is_unseen: Tensor) -> Tensor:
    """Returns [B, N * D]; query heads that share a key head stand side by side, as rows of time."""
    grouped = q.unflatten(1, (keys.shape[1], -1))
    mask = ~is_unseen[:, None, None]
    return functional.scaled_dot_product_attention(grouped, keys, values, attn_mask=mask).flatten(1)
