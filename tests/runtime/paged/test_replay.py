"""Recorded once, attention follows what the host writes into its tensors."""

from __future__ import annotations

import pytest
import torch
from tests.runtime.paged.scenes import LAYER, TOLERANCES, Case, Scene, dense_answer, scene_of

from intone.runtime.graphs import GraphPool
from intone.runtime.paged.decoding import PagedDecode, row_attention


def _replayed(scene: Scene) -> torch.Tensor:
    """Returns what work gives that was recorded for padding, when it is replayed for the scene."""
    cache, q = scene.cache, scene.q
    batch, width = scene.tables.shape
    tables = torch.full_like(scene.tables, cache.scratch_page)
    positions = torch.zeros_like(scene.positions)
    inputs = [torch.zeros_like(each[:, None]) for each in (q, scene.k, scene.v)]
    attend = row_attention(cache, num_heads=q.shape[1], max_rows=batch, max_pages=width)
    decode = PagedDecode(cache, tables, positions, attend)
    out = torch.zeros(batch, 1, q.shape[1] * q.shape[2], device=q.device, dtype=q.dtype)
    replay = GraphPool(q.device).capture(lambda: out.copy_(decode(LAYER, *inputs)))
    tables.copy_(scene.tables)
    positions.copy_(scene.positions)
    for tensor, numbers in zip(inputs, (q, scene.k, scene.v), strict=True):
        tensor.copy_(numbers[:, None])
    replay()
    return out[: scene.num_real, 0]


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_recorded_work_reads_tables_and_positions_when_it_is_replayed(
    device: str, dtype: torch.dtype
) -> None:
    scene = scene_of(Case(positions=(40, 0, 200), dtype=dtype, num_padded=1), torch.device(device))
    torch.testing.assert_close(
        _replayed(scene).float(), dense_answer(scene), atol=TOLERANCES[dtype], rtol=0
    )
