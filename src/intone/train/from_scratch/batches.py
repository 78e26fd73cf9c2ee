"""Batches for the talker: sequences of like length, padded; what is hidden from the learner."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from intone.core.types import TextLayout
from intone.train.from_scratch.clips import ENERGY_STEPS
from intone.train.from_scratch.lessons import Lesson, SequenceMaker, TalkerSequence, text_row
from intone.train.from_scratch.recipe import PRESETS

_ABSENT = -1
_NOT_ASKED = -100
_MASKED_TIMBRE = 0.6
"""Share of the sequences whose past tells nothing of the speaker."""
SPELT_DELAY = 2
"""Text rows after a token at which its sounds are asked for; English needs the letters behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSettings:
    """How lessons become batches."""

    rows_per_batch: int = 1100
    at_once_share: float = 0.85
    join_share: float = 0.2
    max_frames: int = 160


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Sequences of like length, padded behind."""

    text_ids: Tensor
    """int64 [B, T], -1 where absent."""
    codes: Tensor
    """int64 [B, T, K], -1 where absent: the codec side of every row."""
    targets: Tensor
    """int64 [B, T], codebook 0 of the next frame or the end id; -100 elsewhere."""
    frames: Tensor
    """int64 [B, T, K], the frame each row predicts; -1 where it predicts none."""
    spelt: Tensor
    """int64 [B, T, 2], sounds of the text token SPELT_DELAY rows before; -100 elsewhere."""
    allowed: Tensor
    """bool [B, T, T], see GuidedAttention."""


def make_batch(items: Sequence[TalkerSequence], end_id: int) -> Batch:
    """Pads sequences to one batch."""
    rows = max(item.num_rows for item in items)
    shape = len(items), rows, items[0].codes.shape[1]
    text, targets = np.full(shape[:2], _ABSENT), np.full(shape[:2], _NOT_ASKED)
    codes, frames = np.full(shape, _ABSENT), np.full(shape, _ABSENT)
    spelt = np.full((*shape[:2], 2), _NOT_ASKED)
    allowed = np.zeros((len(items), rows, rows), dtype=bool)
    for b, item in enumerate(items):
        prompt, start, num = item.prompt, item.prompt.num_rows, len(item.codes)
        text[b, :start], codes[b, :start] = prompt.text_ids, prompt.codec_ids
        text[b, start : start + num] = [prompt.text_id_of_frame(f) for f in range(num)]
        codes[b, start : start + num] = item.codes
        frames[b, start - 1 : start + num - 1] = item.codes
        targets[b, start - 1 : start + num - 1] = item.codes[:, 0]
        targets[b, start + num - 1] = end_id
        for f, (first, last) in enumerate(item.spans):
            at = text_row(prompt, item.layout, first), text_row(prompt, item.layout, last)
            # The rows just behind a token know it best: they have seen the letters that follow it.
            allowed[b, start - 1 + f, at[0] : at[1] + SPELT_DELAY] = True
        asked = text_row(prompt, item.layout, 0) + SPELT_DELAY
        end = min(item.num_rows, asked + len(item.spelt))
        spelt[b, asked:end] = item.spelt[: end - asked]
    allowed &= np.tri(rows, dtype=bool)
    tensors = (text, codes, targets, frames, spelt, allowed)
    return Batch(*(torch.from_numpy(tensor) for tensor in tensors))


def forgetful(batch: Batch) -> Batch:
    """Returns the batch with some past frames hidden or wrong, so that the text is listened to.

    Wrong frames are other frames of the batch: what a misread word leaves behind, after which the
    talker must still know where in the text it is.
    """
    is_frame = batch.codes[..., 1] >= 0
    rate = torch.rand(len(is_frame), 1)
    hidden = is_frame & (torch.rand(is_frame.shape) < 0.3 * rate)
    codes = batch.codes.masked_fill(hidden[..., None], _ABSENT)
    wrong = is_frame & ~hidden & (torch.rand(is_frame.shape) < 0.15 * torch.rand_like(rate))
    frames = batch.codes[is_frame]
    codes[wrong] = frames[torch.randint(len(frames), (int(wrong.sum()),))]
    # Who speaks must come from the speaker's row: the past alone would do too, until it errs once.
    timbre = torch.randint(len(PRESETS), codes.shape[:2])
    masked = codes[..., -1] % ENERGY_STEPS + ENERGY_STEPS * timbre
    is_masked = (codes[..., -1] >= 0) & (torch.rand(len(codes), 1) < _MASKED_TIMBRE)
    codes[..., -1] = torch.where(is_masked, masked, codes[..., -1])
    return replace(batch, codes=codes)


def batches(
    lessons: Sequence[Lesson], maker: SequenceMaker, settings: BatchSettings, end_id: int
) -> Iterator[Batch]:
    """Yields one pass: shuffled, some lessons joined in pairs, like lengths together."""
    pool = _joined(lessons, settings)
    pool.sort(key=lambda lesson: _length(lesson) + random.random() * 8)
    groups = list(_grouped(pool, settings.rows_per_batch))
    random.shuffle(groups)
    for group in groups:
        layout: TextLayout = "at_once" if random.random() < settings.at_once_share else "per_frame"
        yield make_batch([maker.make(lesson, layout, True) for lesson in group], end_id)


def _joined(lessons: Sequence[Lesson], settings: BatchSettings) -> list[Lesson]:
    order = random.sample(list(lessons), len(lessons))
    order.sort(key=lambda lesson: lesson.speaker)
    pool: list[Lesson] = []
    while order:
        lesson = order.pop()
        while order and random.random() < settings.join_share:
            other = order[-1]
            frames = len(lesson.codes) + len(other.codes)
            if other.speaker != lesson.speaker or frames > settings.max_frames:
                break
            lesson = lesson.joined(order.pop())
        pool.append(lesson)
    return pool


def _length(lesson: Lesson) -> int:
    """Returns about how many rows a lesson takes."""
    return len(lesson.codes) + len(lesson.text) // 2 + 16


def _grouped(pool: Sequence[Lesson], rows: int) -> Iterator[list[Lesson]]:
    group: list[Lesson] = []
    longest = 0
    for lesson in pool:
        longest = max(longest, _length(lesson))
        if group and longest * (len(group) + 1) > rows:
            yield group
            group, longest = [], _length(lesson)
        group.append(lesson)
    if group:
        yield group
