"""Keys and values of the talker in pages, allocated once; pages are lent by the engine's pool."""

from __future__ import annotations

import torch
from torch import Tensor

from intone.models.config import TransformerConfig
from intone.runtime.job import PageLayout


class PagedCache:
    """[L, num_pages + 1, page_positions, N_kv, D], keys and values apart.

    The last page belongs to nobody: what a padded row must write somewhere goes there. Nothing is
    ever cleared; readers look only at positions that their row has written.
    """

    def __init__(
        self,
        config: TransformerConfig,
        layout: PageLayout,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.layout = layout
        self.scratch_page = layout.num_pages
        shape = (
            config.num_layers,
            layout.num_pages + 1,
            layout.page_positions,
            config.num_kv_heads,
            config.head_dim,
        )
        self.keys = torch.empty(shape, device=device, dtype=dtype)
        self.values = torch.empty(shape, device=device, dtype=dtype)

    @staticmethod
    def page_bytes(config: TransformerConfig, page_positions: int, dtype: torch.dtype) -> int:
        """Returns the memory of one page: keys and values of all layers."""
        row_bytes = config.num_kv_heads * config.head_dim * dtype.itemsize
        return 2 * config.num_layers * page_positions * row_bytes


def write_rows(pages: Tensor, rows: Tensor, at: Tensor) -> None:
    """Writes keys or values into one layer's pages.

    Args:
        pages: [pages, page_positions, N_kv, D].
        rows: [..., N_kv, D].
        at: int64 [...], the page times `page_positions` plus the position within it; only places
            in the scratch page may be named twice.
    """
    pages.flatten(0, 1).index_put_((at,), rows.to(pages.dtype))
