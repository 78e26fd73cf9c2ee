"""One draw as one Triton kernel: a program takes a row from logits to an id. Imported on CUDA only.

A frame draws sixteen times, and in PyTorch each draw is some twenty small kernels, whose starts are
a good part of a single stream's frame. Here neither top-k nor top-p sorts: the lowest logit that
stays is found bit by bit, in the order of the numbers' bit patterns. What is summed to draw from
are whole numbers, so that sums are the same in any order, and an id without a share is never drawn.

The ids are those of `sampling.draw` but where rounding decides: a share of the distribution is cut
to 40 bits, and where equal logits stand at the edge of top-p, all of them stay.
"""

from __future__ import annotations

import subprocess

import torch
import triton
import triton.language as tl
from torch import Tensor
from triton.errors import TritonError

from intone.runtime.frame.sampling import SamplingRows

_SHARE_BITS = 40
"""Of the likeliest id's share; 2**12 ids of it still sum below a double's 53 bits."""

_MAX_IDS = 4096

_WARPS = 8

_CANNOT_BUILD = (TritonError, RuntimeError, OSError, subprocess.CalledProcessError)
"""No compiler for the launcher, no cache folder, a device that is too old."""


@triton.jit
def _draw_row(
    logits_ptr: tl.tensor, uniforms_ptr: tl.tensor, temperature_ptr: tl.tensor,
    place_ptr: tl.tensor, rest_ptr: tl.tensor, greedy_ptr: tl.tensor, out_ptr: tl.tensor,
    logits_stride: int, uniforms_stride: int, temperature_stride: int, place_stride: int,
    rest_stride: int, num_ids: int,
    BLOCK: tl.constexpr, SHARES: tl.constexpr,
) -> None:  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    ids = tl.arange(0, BLOCK)
    is_id = ids < num_ids
    logits = tl.load(logits_ptr + row * logits_stride + ids, mask=is_id, other=-float("inf"))
    logits = logits.to(tl.float32)
    # Of what is no number argmax may name a place behind the last id.
    best = tl.minimum(tl.argmax(logits, axis=0), num_ids - 1)
    scaled = tl.div_rn(logits, tl.load(temperature_ptr + row * temperature_stride))
    bits = scaled.to(tl.int32, bitcast=True)
    # Of negative numbers the larger pattern is the smaller number: turned, patterns order numbers.
    order = tl.where(bits < 0, bits ^ 0x7FFFFFFF, bits).to(tl.int64)
    order = tl.where(is_id, order, -(1 << 31))
    num_kept = num_ids - tl.load(place_ptr + row * place_stride)
    floor = tl.full([], -(1 << 31), dtype=tl.int64)
    width = tl.full([], 1 << 31, dtype=tl.int64)
    for _ in range(32):
        higher = floor + width
        width = width // 2
        count = tl.sum((order >= higher).to(tl.int32), axis=0)
        floor = tl.where(count >= num_kept, higher, floor)
    is_kept = is_id & (order >= floor)
    weights = tl.where(is_kept, tl.exp(scaled - tl.max(scaled, axis=0)), 0.0)
    rest = tl.load(rest_ptr + row * rest_stride)
    if rest > 0.0:
        may_go = rest * tl.sum(weights, axis=0)
        floor = tl.full([], -(1 << 31), dtype=tl.int64)
        width = tl.full([], 1 << 31, dtype=tl.int64)
        for _ in range(32):
            higher = floor + width
            width = width // 2
            below = tl.sum(tl.where(order < higher, weights, 0.0), axis=0)
            floor = tl.where(below <= may_go, higher, floor)
        floor = tl.minimum(floor, tl.max(order, axis=0))
        weights = tl.where(order >= floor, weights, 0.0)
    shares = (weights.to(tl.float64) * SHARES).to(tl.int64)
    cumulative = tl.cumsum(shares, axis=0)
    target = tl.load(uniforms_ptr + row * uniforms_stride) * tl.max(cumulative, axis=0)
    passed = (cumulative <= target.to(tl.int64)) & (ids < num_ids - 1)
    sampled = tl.sum(passed.to(tl.int32), axis=0)
    is_greedy = tl.load(greedy_ptr + row) != 0
    tl.store(out_ptr + row, tl.where(is_greedy, best, sampled).to(tl.int64))


def draw(logits: Tensor, rows: SamplingRows, uniforms: Tensor) -> Tensor:
    """Returns one id per row, int64 [B]; see `sampling.draw`."""
    num_rows, num_ids = logits.shape
    out = torch.empty(num_rows, device=logits.device, dtype=torch.int64)
    _draw_row[(num_rows,)](
        logits, uniforms, rows.temperature, rows.floor_place, rows.top_p_rest,
        rows.greedy.view(torch.uint8), out,
        logits.stride(0), uniforms.stride(0), rows.temperature.stride(0),
        rows.floor_place.stride(0), rows.top_p_rest.stride(0), num_ids,
        BLOCK=triton.next_power_of_2(num_ids), SHARES=2**_SHARE_BITS, num_warps=_WARPS,
    )  # fmt: skip
    return out


def why_not(device: torch.device, num_ids: int) -> str | None:
    """Returns why this machine cannot draw so; None after one draw that went well.

    Args:
        num_ids: of the largest vocabulary.
    """
    if num_ids > _MAX_IDS:
        return f"{num_ids} ids; it draws from up to {_MAX_IDS}"
    try:
        settings = torch.tensor([[1.0, 0.0, 0.5, 1.0, 0.0]], device=device)
        logits = torch.zeros(1, num_ids, device=device)
        uniforms = torch.zeros(1, device=device, dtype=torch.float64)
        draw(logits, SamplingRows.of(settings, num_ids), uniforms)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
    except _CANNOT_BUILD as error:
        return f"{type(error).__name__}: {error}".splitlines()[0]
    return None
