"""Whole prompts, right-padded to one length, into pages."""

from __future__ import annotations

import torch
from torch import Tensor

from intone.models.layers import causal_attention
from intone.runtime.paged.cache import PagedCache, write_rows


class PagedPrefill:
    """Implements `models.layers.Attention` for prompts [B, T, N, D] that start at position 0.

    Attention is plain causal: a prompt's rows stand before its padding and never see it. Rows of
    the padding go to the scratch page. No value is read on the host.
    """

    def __init__(self, cache: PagedCache, tables: Tensor, lengths: Tensor) -> None:
        """Holds on to both tensors: what stands in them when the first layer is called counts.

        Args:
            tables: int32 [B, max_pages], page ids; wide enough for every length, not for T.
            lengths: int64 [B], rows of each prompt; 0 for a padded one.
        """
        self._cache = cache
        self._tables = tables
        self._lengths = lengths
        self._places = lengths
        """int64 [B, T], where each row goes; found by the first layer, for all."""

    def __call__(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        if layer == 0:  # each time: the same object may be replayed with other tables
            self._places = self._find_places(k.shape[1])
        write_rows(self._cache.keys[layer], k, self._places)
        write_rows(self._cache.values[layer], v, self._places)
        return causal_attention(q, k, v)

    def _find_places(self, num_rows: int) -> Tensor:
        page_positions = self._cache.layout.page_positions
        steps = torch.arange(num_rows, device=self._lengths.device)
        columns = (steps // page_positions).clamp(max=self._tables.shape[1] - 1)
        is_padding = steps >= self._lengths[:, None]
        pages = self._tables[:, columns].masked_fill(is_padding, self._cache.scratch_page)
        return pages.long() * page_positions + steps % page_positions
