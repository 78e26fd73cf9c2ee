"""Attention of new rows over their pages as two Triton kernels. Nobody but `decoding` imports this.

The rows of a take are cut into splits of a fixed number of positions. The first kernel attends to
each split by itself; the second joins a row's splits in their order. What is added to what in which
order thus follows from the row's own length, so its result is the same to the last bit in any
batch. A program takes every n-th split of one row and key head, for all query heads that share it,
so that keys are read once; n follows from the shape of the batch and changes no result.

What must be read, per layer: 2 * N_kv * D * itemsize bytes for every position that a row has
written. At the released sizes (28 layers, 8 key heads of 128, bf16) that is 4 KiB a layer and
112 KiB a frame: 22 MiB for a take of 200 positions, 7 us at 3.35 TB/s, and 1.4 GiB or 0.44 ms for
64 of them. One stream is bound by its 56 launches, then, and not by these bytes. Partial results
add 2 * N * (D + 2) * 4 bytes per 64 positions, written and read: 6 % at these sizes.
"""

from __future__ import annotations

import subprocess

import torch
import triton
import triton.language as tl
from torch import Tensor
from triton.errors import TritonError

from intone.runtime.paged.cache import PagedCache

SPLIT_POSITIONS = 64
"""Positions per split: 16 KiB of keys in bf16, what a program holds in registers at once."""

_JOINED_SPLITS = 16
"""Splits that the second kernel reads at once."""

NUM_PROGRAMS = 1024
"""Programs of the first kernel that keep a device busy (an H100 holds 132 x 2 at once); further
splits are taken in turns, so that a wide table costs no launches of idle programs."""

_WARPS = 8
"""Of the first kernel: 128 registers a thread at 128 dimensions in bf16, none spilt."""

_HEAD_DIMS = (16, 32, 64, 128, 256)

_CANNOT_BUILD = (TritonError, RuntimeError, OSError, subprocess.CalledProcessError)
"""No compiler for the launcher, no cache folder, a device that is too old."""


@triton.jit
def _attend_split(
    q_ptr: tl.tensor, k_ptr: tl.tensor, v_ptr: tl.tensor,
    keys_ptr: tl.tensor, values_ptr: tl.tensor, tables_ptr: tl.tensor, positions_ptr: tl.tensor,
    partial_ptr: tl.tensor, stats_ptr: tl.tensor,
    q_stride: int, k_stride: int, v_stride: int, table_stride: int,
    num_splits: int, lanes: int, scale: float,
    PAGE_POSITIONS: tl.constexpr, KV_HEADS: tl.constexpr, GROUP: tl.constexpr,
    HEAD_DIM: tl.constexpr, SPLIT: tl.constexpr,
) -> None:  # fmt: skip
    """Writes each split's attended values, not yet divided, with its largest score and its sum."""
    row = tl.program_id(0).to(tl.int64)
    kv_head = tl.program_id(1)
    lane = tl.program_id(2)
    dims = tl.arange(0, HEAD_DIM)
    position = tl.load(positions_ptr + row)
    page_stride = PAGE_POSITIONS * KV_HEADS * HEAD_DIM
    new_k = tl.load(k_ptr + row * k_stride + kv_head * HEAD_DIM + dims)
    new_v = tl.load(v_ptr + row * v_stride + kv_head * HEAD_DIM + dims)
    new_k = new_k.to(keys_ptr.dtype.element_ty)
    new_v = new_v.to(values_ptr.dtype.element_ty)
    for split in range(lane, position // SPLIT + 1, lanes):
        steps = split * SPLIT + tl.arange(0, SPLIT)
        is_old = steps < position  # what stands further on is another take's, or nothing
        is_new = steps == position
        pages = tl.load(
            tables_ptr + row * table_stride + steps // PAGE_POSITIONS,
            mask=steps <= position,
            other=0,
        )
        places = pages.to(tl.int64) * page_stride + (steps % PAGE_POSITIONS) * (KV_HEADS * HEAD_DIM)
        cells = places[:, None] + kv_head * HEAD_DIM + dims[None, :]
        k = tl.load(keys_ptr + cells, mask=is_old[:, None], other=0.0)
        v = tl.load(values_ptr + cells, mask=is_old[:, None], other=0.0)
        # The new row is taken from its registers, and stored by the one program that holds it.
        k = tl.where(is_new[:, None], new_k[None, :], k)
        v = tl.where(is_new[:, None], new_v[None, :], v)
        tl.store(keys_ptr + cells, k, mask=is_new[:, None])
        tl.store(values_ptr + cells, v, mask=is_new[:, None])
        k = k.to(tl.float32)
        v = v.to(tl.float32)
        for member in tl.static_range(GROUP):
            head = kv_head * GROUP + member
            q = tl.load(q_ptr + row * q_stride + head * HEAD_DIM + dims).to(tl.float32) * scale
            scores = tl.where(steps <= position, tl.sum(k * q[None, :], axis=1), -float("inf"))
            top = tl.max(scores, axis=0)
            weights = tl.exp(scores - top)
            at = (row * KV_HEADS * GROUP + head) * num_splits + split
            tl.store(partial_ptr + at * HEAD_DIM + dims, tl.sum(weights[:, None] * v, axis=0))
            tl.store(stats_ptr + at * 2, top)
            tl.store(stats_ptr + at * 2 + 1, tl.sum(weights, axis=0))


@triton.jit
def _join_splits(
    partial_ptr: tl.tensor, stats_ptr: tl.tensor, positions_ptr: tl.tensor, out_ptr: tl.tensor,
    num_splits: int,
    HEADS: tl.constexpr, HEAD_DIM: tl.constexpr, SPLIT: tl.constexpr, JOINED: tl.constexpr,
) -> None:  # fmt: skip
    """Joins a head's splits, a fixed number at a time, first to last."""
    row = tl.program_id(0).to(tl.int64)
    head = tl.program_id(1)
    dims = tl.arange(0, HEAD_DIM)
    count = tl.load(positions_ptr + row) // SPLIT + 1
    first_cell = (row * HEADS + head) * num_splits
    top = -float("inf")
    total = 0.0
    joined = tl.zeros([HEAD_DIM], dtype=tl.float32)
    for first in range(0, count, JOINED):
        splits = first + tl.arange(0, JOINED)
        at = first_cell + splits
        is_there = splits < count
        tops = tl.load(stats_ptr + at * 2, mask=is_there, other=-float("inf"))
        totals = tl.load(stats_ptr + at * 2 + 1, mask=is_there, other=0.0)
        cells = at[:, None] * HEAD_DIM + dims[None, :]
        partial = tl.load(partial_ptr + cells, mask=is_there[:, None], other=0.0)
        new_top = tl.maximum(top, tl.max(tops, axis=0))
        weights = tl.exp(tops - new_top)
        kept = tl.exp(top - new_top)
        joined = joined * kept + tl.sum(weights[:, None] * partial, axis=0)
        total = total * kept + tl.sum(weights * totals, axis=0)
        top = new_top
    cells = (row * HEADS + head) * HEAD_DIM + dims
    tl.store(out_ptr + cells, (joined / total).to(out_ptr.dtype.element_ty))


class KernelRows:
    """Implements `decoding.RowAttention`, one call at a time: partial results have one home."""

    def __init__(
        self,
        cache: PagedCache,
        *,
        num_heads: int,
        max_rows: int,
        max_pages: int,
        num_programs: int = NUM_PROGRAMS,
    ) -> None:
        """Allocates room for the partial results of the largest batch and the widest table."""
        self._num_programs = num_programs
        max_splits = _ceil_div(max_pages * cache.layout.page_positions, SPLIT_POSITIONS)
        head_dim, device = cache.keys.shape[-1], cache.keys.device
        shape = (max_rows, num_heads, max_splits)
        self._partial = torch.empty(*shape, head_dim, device=device, dtype=torch.float32)
        self._stats = torch.empty(*shape, 2, device=device, dtype=torch.float32)

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
        q, k, v = _heads_side_by_side(q), _heads_side_by_side(k), _heads_side_by_side(v)
        rows, num_heads, head_dim = q.shape
        kv_heads, page_positions = k.shape[1], keys.shape[1]
        splits = _ceil_div(tables.shape[1] * page_positions, SPLIT_POSITIONS)
        if rows > self._stats.shape[0] or splits > self._stats.shape[2]:
            raise ValueError(
                f"{rows} rows of {splits} splits; there is room for {self._stats.shape[0]} rows of "
                f"{self._stats.shape[2]}. Open the kernel for the largest batch and widest table."
            )
        lanes = min(splits, _ceil_div(self._num_programs, rows * kv_heads))
        # Triton launches on the thread's device, whatever device its tensors are on.
        with torch.cuda.device_of(q):
            _attend_split[(rows, kv_heads, lanes)](
                q, k, v, keys, values, tables, positions, self._partial, self._stats,
                q.stride(0), k.stride(0), v.stride(0), tables.stride(0),
                splits, lanes, head_dim**-0.5,
                PAGE_POSITIONS=page_positions, KV_HEADS=kv_heads, GROUP=num_heads // kv_heads,
                HEAD_DIM=head_dim, SPLIT=SPLIT_POSITIONS, num_warps=_WARPS, enable_fp_fusion=True,
            )  # fmt: skip
            out = torch.empty(rows, num_heads * head_dim, device=q.device, dtype=q.dtype)
            _join_splits[(rows, num_heads)](
                self._partial, self._stats, positions, out, splits,
                HEADS=num_heads, HEAD_DIM=head_dim, SPLIT=SPLIT_POSITIONS, JOINED=_JOINED_SPLITS,
                enable_fp_fusion=True,
            )  # fmt: skip
        return out


def open_kernel(
    cache: PagedCache, *, num_heads: int, max_rows: int, max_pages: int
) -> KernelRows | str:
    """Returns the kernel after one run on the scratch page, or why this machine cannot have it."""
    head_dim = cache.keys.shape[-1]
    if head_dim not in _HEAD_DIMS:
        return f"heads of {head_dim}; it knows {', '.join(map(str, _HEAD_DIMS))}"
    kernel = KernelRows(cache, num_heads=num_heads, max_rows=max_rows, max_pages=max_pages)
    try:
        _try_out(kernel, cache, num_heads, max_pages)
    except _CANNOT_BUILD as error:
        return f"{type(error).__name__}: {error}"
    return kernel


def _try_out(kernel: KernelRows, cache: PagedCache, num_heads: int, max_pages: int) -> None:
    keys = cache.keys[0]
    q = torch.zeros(1, num_heads, keys.shape[-1], device=keys.device, dtype=keys.dtype)
    k = q[:, : keys.shape[2]]
    tables = torch.full((1, max_pages), cache.scratch_page, device=keys.device, dtype=torch.int32)
    positions = torch.zeros(1, device=keys.device, dtype=torch.int64)
    kernel(q, k, k, keys, cache.values[0], tables, positions)
    if keys.device.type == "cuda":
        torch.cuda.synchronize(keys.device)


def _heads_side_by_side(x: Tensor) -> Tensor:
    """Returns x [B, heads, D], copied unless its rows are each in one piece, as a split's are."""
    return x if x.stride()[1:] == (x.shape[2], 1) else x.contiguous()


def _ceil_div(number: int, size: int) -> int:
    return -(-number // size)
