"""Draws by Triton's interpreter beside the plain draw; prints {case: complaint} as JSON.

A process of its own: Triton decides for the interpreter when it is first imported.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from functools import partial

os.environ["TRITON_INTERPRET"] = "1"

import numpy as np
import torch
from torch import Tensor

from intone.core.types import SamplingParams
from intone.runtime.frame import draw_kernel, sampling
from intone.runtime.frame.prompt_rows import settings_row
from intone.runtime.frame.sampling import SamplingRows

SETTINGS = [
    SamplingParams(),
    SamplingParams(top_k=0),
    SamplingParams(greedy=True),
    SamplingParams(top_p=0.8, top_k=0),
    SamplingParams(top_p=0.3, top_k=12, temperature=0.3),
    SamplingParams(top_p=1e-6),
    SamplingParams(top_k=1, temperature=5.0),
    SamplingParams(top_k=10**12, top_p=0.99, temperature=1.7),
]


def rows_of(params: list[SamplingParams], num_ids: int) -> SamplingRows:
    settings = torch.from_numpy(np.stack([settings_row(one) for one in params]))
    return SamplingRows.of(settings, num_ids)


def compare(logits: Tensor, seed: int, num_alone: int = len(SETTINGS)) -> str:
    """Returns where a batch of all settings differs from the plain draw, or from its rows alone."""
    num_ids, generator = logits.shape[1], torch.Generator().manual_seed(seed)
    # As a frame has them: a column of a table, of which other columns are other draws.
    uniforms = torch.rand(len(SETTINGS), 4, generator=generator, dtype=torch.float64)[:, 2]
    rows = rows_of(SETTINGS, num_ids)
    ids = draw_kernel.draw(logits, rows, uniforms)
    plain = sampling.draw(logits, rows, uniforms)
    if not torch.equal(ids, plain):
        return f"{ids.tolist()} instead of {plain.tolist()}"
    for i, one in enumerate(SETTINGS[:num_alone]):
        alone = draw_kernel.draw(logits[i : i + 1], rows_of([one], num_ids), uniforms[i : i + 1])
        if alone[0] != ids[i]:
            return f"row {i} alone draws {int(alone[0])}, in company {int(ids[i])}"
    return ""


def random_logits(num_ids: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 4 * torch.randn(len(SETTINGS), num_ids, generator=generator)


def banned(num_ids: int, seed: int) -> Tensor:
    logits = random_logits(num_ids, seed)
    logits[:, num_ids // 3 :] = -torch.inf
    return logits


def equal_at_top_k(num_ids: int) -> str:
    """Ids that are as good as the k-th best stay, as in the plain draw."""
    logits = random_logits(num_ids, 5)
    logits[:, 3:20] = 9.0
    keeps = [SamplingParams(top_k=2)] * len(SETTINGS)
    rows = rows_of(keeps, num_ids)
    uniforms = torch.linspace(0, 0.999, len(SETTINGS), dtype=torch.float64)
    ids, plain = (
        function(logits, rows, uniforms) for function in (draw_kernel.draw, sampling.draw)
    )
    return "" if torch.equal(ids, plain) else f"{ids.tolist()} instead of {plain.tolist()}"


def not_a_number(num_ids: int) -> str:
    ids = []
    for bad in (torch.nan, torch.inf, -torch.inf):
        logits = torch.full((len(SETTINGS), num_ids), bad)
        uniforms = torch.full((len(SETTINGS),), 1 - 2**-53, dtype=torch.float64)
        ids += draw_kernel.draw(logits, rows_of(SETTINGS, num_ids), uniforms).tolist()
    outside = [one for one in ids if not 0 <= one < num_ids]
    return f"ids {outside}" if outside else ""


def too_many(num_ids: int) -> str:
    reason = draw_kernel.why_not(torch.device("cpu"), num_ids) or "not refused"
    return "" if reason.startswith(f"{num_ids} ids;") else reason


QUICK: dict[str, Callable[[], str]] = {
    "banned ids, bf16": lambda: compare(banned(100, 9).bfloat16(), 9, num_alone=2),
    "too many ids": lambda: too_many(4097),
}
LONG: dict[str, Callable[[], str]] = {
    f"{num_ids} ids, {make.__name__}, {seed}": partial(compare, make(num_ids, seed), seed)
    for num_ids in (64, 100, 2048, 3072)
    for make in (random_logits, banned)
    for seed in range(3)
} | {
    "equal at top-k": lambda: equal_at_top_k(64),
    "not a number": lambda: not_a_number(100),
    "tried out": lambda: draw_kernel.why_not(torch.device("cpu"), 3072) or "",
}


CASES = {"quick": QUICK, "long": LONG}


def main(length: str) -> None:
    torch.set_num_threads(1)
    np.seterr(invalid="ignore")  # what is not a number is drawn from on purpose
    print(json.dumps({name: case() for name, case in CASES[length].items()}))


if __name__ == "__main__":
    main(sys.argv[1])
