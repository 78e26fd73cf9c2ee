"""Prompts into pages, then frames: the talker computes what it computes over a dense cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

from intone.core.types import ModelKind
from intone.models.checkpoint import Checkpoint, Placement
from intone.models.layers import RotaryTable
from intone.models.talker import Talker
from intone.runtime.job import PageLayout
from intone.runtime.paged.cache import PagedCache
from intone.runtime.paged.decoding import PagedDecode
from intone.runtime.paged.prefilling import PagedPrefill
from intone.runtime.paged.reference import GatheredRows
from intone.runtime.talker_cache import DecodeAttention, PrefillAttention, TalkerCache

CPU = torch.device("cpu")
NUM_POSITIONS = 96
PAGE = 16
MAX_PAGES = NUM_POSITIONS // PAGE
STEPS = 4


@pytest.fixture(scope="module")
def talker(tiny_checkpoint: Callable[[ModelKind], Path]) -> Talker:
    return Checkpoint(tiny_checkpoint("custom")).load_talker(Placement(CPU, torch.float32))


@dataclass
class PagedTakes:
    """Several takes in pages, stepped through tensors that stay where they are."""

    talker: Talker
    cache: PagedCache
    free: list[int]

    def __post_init__(self) -> None:
        self.table: RotaryTable = self.talker.rotary_table(NUM_POSITIONS, CPU)

    @classmethod
    def over_nan(cls, talker: Talker, num_takes: int) -> PagedTakes:
        layout = PageLayout(num_takes * MAX_PAGES, PAGE)
        cache = PagedCache(talker.config.block, layout, CPU, torch.float32)
        cache.keys.fill_(float("nan"))
        cache.values.fill_(float("nan"))
        order = torch.randperm(layout.num_pages, generator=torch.Generator().manual_seed(1))
        return cls(talker, cache, order.tolist())

    @torch.inference_mode()
    def run(self, prompts: Tensor, lengths: Sequence[int], frames: Tensor) -> tuple[Tensor, Tensor]:
        """Returns hidden rows of padded prompts [B, T, H] and of frames [B, STEPS, H]."""
        tables = torch.full((len(lengths), MAX_PAGES), self.cache.scratch_page, dtype=torch.int32)
        for row, length in enumerate(lengths):
            for column in range(self.cache.layout.pages_for(length)):
                tables[row, column] = self.free.pop()
        positions = torch.tensor(lengths)
        prefill = PagedPrefill(self.cache, tables, positions.clone())
        hidden = self.talker(prompts, self.table, 0, prefill)
        decode = PagedDecode(self.cache, tables, positions, GatheredRows())
        steps = []
        for step in range(STEPS):
            for row, at in enumerate(positions.tolist()):
                if at % PAGE == 0 and lengths[row]:
                    tables[row, at // PAGE] = self.free.pop()
            steps.append(self.talker.decode(frames[:, step, None], self.table, positions, decode))
            positions += 1
        return hidden, torch.cat(steps, dim=1)


@torch.inference_mode()
def dense(talker: Talker, prompt: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the same of one prompt [T, H] without padding, over the dense cache."""
    cache = TalkerCache(talker.config.block, 1, NUM_POSITIONS, CPU, torch.float32)
    table = talker.rotary_table(NUM_POSITIONS, CPU)
    hidden = talker(prompt[None], table, 0, PrefillAttention(cache, 0))
    steps = []
    for step, x in enumerate(frames):
        at = [len(prompt) + step]
        attend = DecodeAttention(cache, [0], at)
        steps.append(talker.decode(x[None, None], table, torch.tensor(at), attend))
    return hidden[0], torch.cat(steps, dim=1)[0]


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("first", range(1, 71, 10))
def test_padded_prompts_and_their_frames_equal_a_dense_cache(talker: Talker, first: int) -> None:
    lengths = list(range(first, first + 10))
    width = -(-lengths[-1] // 32) * 32
    prompts = numbers(10, width, talker.config.hidden_size, seed=first)
    frames = numbers(10, STEPS, talker.config.hidden_size, seed=first + 1)
    takes = PagedTakes.over_nan(talker, len(lengths))
    hidden, stepped = takes.run(prompts, lengths, frames)
    for row, length in enumerate(lengths):
        expected, expected_steps = dense(talker, prompts[row, :length], frames[row])
        torch.testing.assert_close(hidden[row, :length], expected, atol=1e-5, rtol=0)
        torch.testing.assert_close(stepped[row], expected_steps, atol=1e-5, rtol=0)


def test_what_stands_in_the_padding_changes_no_bit(talker: Talker) -> None:
    prompts = numbers(3, 32, talker.config.hidden_size)
    frames = numbers(3, STEPS, talker.config.hidden_size, seed=1)
    other = prompts.clone()
    for row, length in enumerate((5, 16, 0)):  # the last row is no take at all
        other[row, length:] *= 100
    results = [
        PagedTakes.over_nan(talker, 3).run(each, (5, 16, 0), frames) for each in (prompts, other)
    ]
    (hidden, stepped), (other_hidden, other_stepped) = results
    assert torch.equal(hidden[0, :5], other_hidden[0, :5])
    assert torch.equal(hidden[1, :16], other_hidden[1, :16])
    assert torch.equal(stepped[:2], other_stepped[:2])
    assert not torch.equal(hidden[0, 5:], other_hidden[0, 5:])


def test_a_bucket_may_be_wider_than_the_tables(talker: Talker) -> None:
    length, width = NUM_POSITIONS - STEPS - 3, NUM_POSITIONS + 32
    prompt = numbers(1, width, talker.config.hidden_size)
    frames = numbers(1, STEPS, talker.config.hidden_size, seed=1)
    takes = PagedTakes.over_nan(talker, 1)
    takes.table = talker.rotary_table(width, CPU)
    hidden, stepped = takes.run(prompt, [length], frames)
    expected, expected_steps = dense(talker, prompt[0, :length], frames[0])
    torch.testing.assert_close(hidden[0, :length], expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(stepped[0], expected_steps, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_one_prefill_serves_other_tables_and_lengths_when_they_change_in_place(
    talker: Talker,
) -> None:
    takes = PagedTakes.over_nan(talker, 2)
    tables = torch.tensor([[3, 1]], dtype=torch.int32)
    lengths = torch.tensor([20])
    prefill = PagedPrefill(takes.cache, tables, lengths)
    prompt = numbers(1, 32, talker.config.hidden_size)
    talker(prompt, takes.table, 0, prefill)
    tables.copy_(torch.tensor([[5, 2]]))
    lengths.fill_(30)
    talker(prompt, takes.table, 0, prefill)
    assert torch.equal(takes.cache.keys[:, 5], takes.cache.keys[:, 3])
    assert torch.equal(takes.cache.keys[:, 2, :4], takes.cache.keys[:, 1, :4])
    for pages in (takes.cache.keys, takes.cache.values):
        assert pages[:, 1, 4:].isnan().all()
        assert pages[:, 2, 4:14].isfinite().all()
        assert pages[:, 2, 14:].isnan().all()


def test_pages_lent_again_carry_nothing_over(talker: Talker) -> None:
    size = talker.config.hidden_size
    prompt, frames = numbers(1, 32, size, seed=2), numbers(1, STEPS, size, seed=3)
    fresh = PagedTakes.over_nan(talker, 1)
    pages = list(fresh.free)
    expected = fresh.run(prompt, [14], frames)
    used = PagedTakes.over_nan(talker, 1)
    used.run(numbers(1, 96, size, seed=4), [90], numbers(1, STEPS, size, seed=5))
    used.free = pages
    hidden, stepped = used.run(prompt, [14], frames)
    assert torch.equal(hidden, expected[0])
    assert torch.equal(stepped, expected[1])


def test_a_page_is_as_large_as_it_says(talker: Talker) -> None:
    block = talker.config.block
    cache = PagedCache(block, PageLayout(3, PAGE), CPU, torch.bfloat16)
    held = cache.keys.nbytes + cache.values.nbytes
    assert held == 4 * PagedCache.page_bytes(block, PAGE, torch.bfloat16)  # three and the scratch
