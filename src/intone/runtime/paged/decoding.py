"""One new row per request over paged keys and values, and the choice of how that is computed."""

from __future__ import annotations

import logging
from typing import Protocol

from torch import Tensor

from intone.runtime.paged.cache import PagedCache
from intone.runtime.paged.reference import GatheredRows

_log = logging.getLogger("intone")


class RowAttention(Protocol):
    """Stores one new row per request in one layer's pages, and attends over all its rows so far.

    A row's result depends on its own pages alone, to the last bit: not on its neighbours, their
    number, or how long they are (PyTorch's way keeps that promise on a CPU, the kernel everywhere).
    No value is read on the host.
    """

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
        """Returns [B, N * D].

        Args:
            q: [B, N, D]; heads side by side, [B] may have any stride, like k and v.
            k: [B, N_kv, D]; v the same.
            keys: the layer's pages, [pages, page_positions, N_kv, D]; values the same.
            tables: int32 [B, max_pages], page ids.
            positions: int64 [B], where the new row stands; it sees 0 to there.
        """
        ...


class PagedDecode:
    """Implements `models.layers.Attention` for [B, 1, N, D]."""

    def __init__(
        self, cache: PagedCache, tables: Tensor, positions: Tensor, attend: RowAttention
    ) -> None:
        """Holds on to both tensors: what stands in them when a layer is called is what counts.

        Args:
            tables: int32 [B, max_pages], page ids; the scratch page where a row has none.
            positions: int64 [B], each below max_pages * page_positions.
            attend: see `row_attention`.
        """
        self._cache = cache
        self._tables = tables
        self._positions = positions
        self._attend = attend

    def __call__(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        keys, values = self._cache.keys[layer], self._cache.values[layer]
        out = self._attend(q[:, 0], k[:, 0], v[:, 0], keys, values, self._tables, self._positions)
        return out[:, None]


def row_attention(
    cache: PagedCache, *, num_heads: int, max_rows: int, max_pages: int
) -> RowAttention:
    """Returns the fastest way that this cache's device offers; made once, it serves every layer.

    On CUDA that is the Triton kernel. Where Triton is missing or cannot build it, one line is
    logged and PyTorch gathers the pages, with the same results at more bytes per step.

    Args:
        num_heads: of the queries, N.
        max_rows: the largest B.
        max_pages: the widest table.
    """
    if cache.keys.device.type != "cuda":
        return GatheredRows()
    return kernel_or_reference(cache, num_heads=num_heads, max_rows=max_rows, max_pages=max_pages)


def kernel_or_reference(
    cache: PagedCache, *, num_heads: int, max_rows: int, max_pages: int
) -> RowAttention:
    """Returns the kernel, or after one logged line the reference; see `row_attention`."""
    try:
        from intone.runtime.paged.kernel import open_kernel  # Triton is not on every machine
    except ImportError as error:
        _log.warning("paged attention without Triton (%s): slower, same speech", error)
        return GatheredRows()
    kernel = open_kernel(cache, num_heads=num_heads, max_rows=max_rows, max_pages=max_pages)
    if isinstance(kernel, str):
        _log.warning("paged attention without its kernel (%s): slower, same speech", kernel)
        return GatheredRows()
    return kernel
