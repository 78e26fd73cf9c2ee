"""Rows of several lengths over shuffled pages, with NaN wherever no row has written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from intone.models.config import TransformerConfig
from intone.runtime.job import PageLayout
from intone.runtime.paged.cache import PagedCache
from intone.runtime.paged.decoding import PagedDecode, RowAttention

MakeAttention = Callable[[PagedCache, int, int, int], RowAttention]
"""From a cache, the number of query heads, the largest batch and the widest table."""

NUM_LAYERS, LAYER = 2, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What one comparison is made of."""

    positions: tuple[int, ...]
    """Of the new rows; a row of a batch each."""
    page_positions: int = 16
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 16
    dtype: torch.dtype = torch.float32
    spare_pages: int = 0
    """Columns that the tables have beyond what the longest row needs."""
    num_padded: int = 0
    """Rows without a take behind the real ones."""

    @property
    def name(self) -> str:
        at = ".".join(map(str, self.positions))
        heads = f"{self.heads}-over-{self.kv_heads}-of-{self.head_dim}"
        pages = f"pages-of-{self.page_positions}+{self.spare_pages}"
        return f"at-{at}_{pages}_{heads}_{str(self.dtype)[6:]}_{self.num_padded}-padded"

    @property
    def block(self) -> TransformerConfig:
        return block_of(self.heads, self.kv_heads, self.head_dim)


def block_of(heads: int, kv_heads: int, head_dim: int) -> TransformerConfig:
    """Returns dimensions of which attention uses these."""
    return TransformerConfig(
        hidden_size=64,
        intermediate_size=64,
        num_layers=NUM_LAYERS,
        num_heads=heads,
        num_kv_heads=kv_heads,
        head_dim=head_dim,
        rms_norm_eps=1e-6,
        rope_theta=1e6,
    )


@dataclass(frozen=True, slots=True)
class Scene:
    """A case with numbers."""

    cache: PagedCache
    q: Tensor
    k: Tensor
    v: Tensor
    past_k: list[Tensor]
    """Rows before the new one, [position, N_kv, D] each."""
    past_v: list[Tensor]
    tables: Tensor
    positions: Tensor

    @property
    def num_real(self) -> int:
        return len(self.past_k)

    def attend(self, make: MakeAttention, rows: list[int], *, width: int | None = None) -> Tensor:
        """Returns [len(rows), N * D] of one call for these rows, over the first `width` pages."""
        tables = self.tables[rows, :width].contiguous()
        attention = make(self.cache, self.q.shape[1], len(rows), tables.shape[1])
        decode = PagedDecode(self.cache, tables, self.positions[rows].contiguous(), attention)
        # Parts of one tensor, as a layer hands them over: a row's stride is not its length.
        new = torch.cat([self.q, self.k, self.v], dim=1)[rows, None]
        sizes = [each.shape[1] for each in (self.q, self.k, self.v)]
        return decode(LAYER, *new.split(sizes, dim=2))[:, 0]


def scene_of(case: Case, device: torch.device, seed: int = 0) -> Scene:
    """Returns a scene; pages lie in no order, and those of one row are nobody else's."""
    draw = torch.Generator().manual_seed(seed)
    pages_of = [position // case.page_positions + 1 for position in case.positions]
    width = max(pages_of) + case.spare_pages
    layout = PageLayout(sum(pages_of) + 2, case.page_positions)
    cache = PagedCache(case.block, layout, device, case.dtype)
    cache.keys.fill_(float("nan"))
    cache.values.fill_(float("nan"))
    batch = len(case.positions) + case.num_padded
    tables = torch.full((batch, width), cache.scratch_page, dtype=torch.int32)
    free = torch.randperm(layout.num_pages, generator=draw).to(torch.int32)
    for row, pages in enumerate(free[: sum(pages_of)].split(pages_of)):
        tables[row, : len(pages)] = pages

    def numbers(rows: int, heads: int) -> Tensor:
        values = torch.randn(rows, heads, case.head_dim, generator=draw)
        return values.to(device, case.dtype)

    scene = Scene(
        cache=cache,
        q=numbers(batch, case.heads),
        k=numbers(batch, case.kv_heads),
        v=numbers(batch, case.kv_heads),
        past_k=[numbers(position, case.kv_heads) for position in case.positions],
        past_v=[numbers(position, case.kv_heads) for position in case.positions],
        tables=tables.to(device),
        positions=torch.tensor([*case.positions, *[0] * case.num_padded], device=device),
    )
    _write_the_past(scene)
    return scene


def _write_the_past(scene: Scene) -> None:
    size = scene.cache.layout.page_positions
    for row, (keys, values) in enumerate(zip(scene.past_k, scene.past_v, strict=True)):
        steps = torch.arange(len(keys), device=keys.device)
        pages = scene.tables[row].long()[steps // size]
        scene.cache.keys[LAYER, pages, steps % size] = keys
        scene.cache.values[LAYER, pages, steps % size] = values


def dense_answer(scene: Scene) -> Tensor:
    """Returns [rows with a take, N * D] in fp32 by plain attention over each row's own past."""
    answers = []
    for row in range(scene.num_real):
        keys = torch.cat([scene.past_k[row], scene.k[row, None]]).float().transpose(0, 1)
        values = torch.cat([scene.past_v[row], scene.v[row, None]]).float().transpose(0, 1)
        group = scene.q.shape[1] // keys.shape[0]
        q = scene.q[row, :, None].float()
        out = functional.scaled_dot_product_attention(
            q, keys.repeat_interleave(group, 0), values.repeat_interleave(group, 0)
        )
        answers.append(out.flatten())
    return torch.stack(answers)


TOLERANCES = {torch.float32: 2e-6, torch.float16: 2e-3, torch.bfloat16: 1.6e-2}
"""A last place of the result, whose numbers are below 4."""


def check_results(make: MakeAttention, case: Case, device: torch.device) -> None:
    """Rows get what plain attention over a dense past gives, with stale NaN all around them.

    One new row per take lies in its place; outside the scratch page nothing else has changed.
    """
    scene = scene_of(case, device)
    keys, values = scene.cache.keys.clone(), scene.cache.values.clone()
    got = scene.attend(make, list(range(len(scene.positions))))
    assert got.dtype == case.dtype
    tolerance = TOLERANCES[case.dtype]
    torch.testing.assert_close(
        got[: scene.num_real].float(), dense_answer(scene), atol=tolerance, rtol=0.0
    )
    size = case.page_positions
    for row, at in enumerate(case.positions):
        page = int(scene.tables[row, at // size])
        keys[LAYER, page, at % size] = scene.k[row]
        values[LAYER, page, at % size] = scene.v[row]
    for after, expected in ((scene.cache.keys, keys), (scene.cache.values, values)):
        torch.testing.assert_close(after[:, :-1], expected[:, :-1], atol=0, rtol=0, equal_nan=True)


def check_rows_are_alone(make: MakeAttention, case: Case, device: torch.device) -> None:
    """A row has the same bits in a batch, its reverse, and alone over a table just wide enough."""
    scene = scene_of(case, device)
    everyone = list(range(len(scene.positions)))
    together = scene.attend(make, everyone)
    backwards = scene.attend(make, everyone[::-1]).flip(0)
    for row, position in enumerate(case.positions):
        alone = scene.attend(make, [row], width=position // case.page_positions + 1)[0]
        assert torch.equal(alone, together[row]), f"row {row} of {case.name}, alone"
        assert torch.equal(backwards[row], together[row]), f"row {row} of {case.name}, reversed"


CHECKS = {"results": check_results, "alone": check_rows_are_alone}

QUICK_CASES = [
    Case(positions=(0, 15, 16, 63, 64, 129), heads=2, kv_heads=1),
    Case(positions=(1, 64), page_positions=64, spare_pages=3, num_padded=2),
    Case(positions=(5,), page_positions=128),
    Case(positions=(1030, 3), page_positions=128, heads=2, kv_heads=1),  # 17 splits: two lots
    Case(positions=(70, 33), page_positions=48, num_padded=3),
    Case(positions=(30, 20), heads=2, kv_heads=2),
    Case(positions=(70, 20), heads=8, kv_heads=1),
    Case(positions=(30, 20), heads=6, kv_heads=2, head_dim=32),
    Case(positions=(70, 20), heads=4, kv_heads=2, head_dim=128, dtype=torch.bfloat16),
    Case(positions=(20, 64), heads=2, kv_heads=1, head_dim=64, dtype=torch.float16),
]

BORDERS = (0, 1, 14, 15, 16, 17, 62, 63, 64, 65, 127, 128, 129, 300)
"""Around pages of 16 and splits of 64; the last has five splits."""

LONG_CASES = [
    Case(positions=BORDERS),
    Case(positions=BORDERS, page_positions=64, spare_pages=3, num_padded=2),
    Case(positions=(140, 64), heads=16, kv_heads=8, head_dim=128),
    Case(positions=(140, 64), heads=16, kv_heads=8, head_dim=128, dtype=torch.bfloat16),
    Case(positions=(2100, 1023, 1024, 1025), page_positions=64, heads=2, kv_heads=1),
    Case(positions=(70, 500, 130, 900), spare_pages=40, heads=2),
    Case(positions=tuple(range(0, 64, 4)), num_padded=1),
]
