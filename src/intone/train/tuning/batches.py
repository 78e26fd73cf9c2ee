"""Which rows make which step, and sequences as padded tensors.

An epoch is shuffled, sorted by length within windows, and cut into steps of equally many rows, so
that rows of like length share a step and little is padding. The rows of a step are then cut into
micro-batches by a budget of positions; a row over the budget goes alone, none is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from intone.models.config import ModelConfig
from intone.prompt.talker_prompt import ABSENT
from intone.train.tuning.sequences import SequenceMaker, TrainingSequence

IGNORED = -100
_WINDOW_STEPS = 32
"""Steps whose rows are sorted together: enough to match lengths, few enough to stay shuffled."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """Sequences padded behind, for one forward pass."""

    text_ids: Tensor
    """int64 [B, T]; -1 where absent."""
    codec_ids: Tensor
    """int64 [B, T, K]; -1 where absent."""
    speaker_rows: Tensor
    """int64 [B], the row that takes the x-vector; -1 for none."""
    x_vectors: Tensor
    """fp32 [B, H]; zeros where there is none."""
    targets: Tensor
    """int64 [B, T], codebook 0 of the frame that a row predicts, or the end; -100 elsewhere."""
    picked: Tensor
    """int64 [P], rows (b * T + t) that predict the frames of `picked_codes`."""
    picked_codes: Tensor
    """int64 [P, K]."""
    lengths: tuple[int, ...]
    """Rows of each sequence that are not padding."""
    num_frames: int

    def to(self, device: torch.device) -> Batch:
        """Returns the batch on a device."""
        return Batch(
            text_ids=self.text_ids.to(device, non_blocking=True),
            codec_ids=self.codec_ids.to(device, non_blocking=True),
            speaker_rows=self.speaker_rows.to(device, non_blocking=True),
            x_vectors=self.x_vectors.to(device, non_blocking=True),
            targets=self.targets.to(device, non_blocking=True),
            picked=self.picked.to(device, non_blocking=True),
            picked_codes=self.picked_codes.to(device, non_blocking=True),
            lengths=self.lengths,
            num_frames=self.num_frames,
        )


def collate(sequences: Sequence[TrainingSequence], config: ModelConfig) -> Batch:
    """Pads sequences to one batch."""
    talker = config.talker
    size, rows = len(sequences), max(sequence.num_rows for sequence in sequences)
    text = np.full((size, rows), ABSENT)
    codec = np.full((size, rows, talker.num_codebooks), ABSENT)
    targets = np.full((size, rows), IGNORED)
    speaker_rows = np.full(size, ABSENT)
    x_vectors = np.zeros((size, talker.hidden_size), dtype=np.float32)
    picked = []
    for b, sequence in enumerate(sequences):
        prompt, start, end = sequence.prompt, sequence.prompt.num_rows, sequence.num_rows
        text[b, :start], codec[b, :start] = prompt.text_ids, prompt.codec_ids
        text[b, start:end] = [prompt.text_id_of_frame(f) for f in range(end - start)]
        codec[b, start:end] = sequence.codes
        # Row p predicts what row p + 1 holds: the only shift there is.
        targets[b, start - 1 : end - 1] = sequence.codes[:, 0]
        targets[b, end - 1] = talker.codec_eos_id
        picked.append(b * rows + start - 1 + sequence.picked)
        if prompt.speaker_row is not None and prompt.x_vector is not None:
            speaker_rows[b], x_vectors[b] = prompt.speaker_row, prompt.x_vector
    return Batch(
        text_ids=torch.from_numpy(text),
        codec_ids=torch.from_numpy(codec),
        speaker_rows=torch.from_numpy(speaker_rows),
        x_vectors=torch.from_numpy(x_vectors),
        targets=torch.from_numpy(targets),
        picked=torch.from_numpy(np.concatenate(picked)),
        picked_codes=torch.from_numpy(np.concatenate([s.codes[s.picked] for s in sequences])),
        lengths=tuple(sequence.num_rows for sequence in sequences),
        num_frames=sum(len(sequence.codes) for sequence in sequences),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTotals:
    """Tokens of a whole step, over all micro-batches and processes: what losses are divided by."""

    first: int
    """Codebook 0 and the ends."""
    rest: int
    """Codebooks 1 to K-1 of the picked frames."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StepBatches:
    """One optimiser step."""

    micro: Sequence[Sequence[TrainingSequence]]
    """A multiple of the number of processes; an empty one has nothing to add."""
    totals: StepTotals


class BatchPlan:
    """The steps of a run, each a function of its number."""

    def __init__(
        self, maker: SequenceMaker, rows_per_step: int, batch_positions: int, seed: int
    ) -> None:
        self._maker, self._seed = maker, seed
        self._rows_per_step, self._budget = rows_per_step, batch_positions
        self._epoch: tuple[int, list[list[int]]] | None = None
        self.config = maker.config

    @property
    def steps_per_epoch(self) -> int:
        return -(-len(self._maker) // self._rows_per_step)

    def rows_of(self, step: int) -> tuple[int, list[int]]:
        """Returns the epoch of a step (from 0) and its rows."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if self._epoch is None or self._epoch[0] != epoch:
            self._epoch = epoch, self._shuffled(epoch)
        return epoch, self._epoch[1][place]

    def _shuffled(self, epoch: int) -> list[list[int]]:
        rng, lengths = np.random.default_rng((self._seed, epoch)), self._maker.num_frames
        order = rng.permutation(len(lengths)).tolist()
        window = _WINDOW_STEPS * self._rows_per_step
        steps = []
        for first in range(0, len(order), window):
            rows = sorted(order[first : first + window], key=lambda row: lengths[row])
            steps += _cut(rows, self._rows_per_step)
        return [steps[i] for i in rng.permutation(len(steps))]

    def step(self, step: int, num_processes: int) -> StepBatches:
        """Returns the sequences of a step, cut into micro-batches."""
        epoch, rows = self.rows_of(step)
        sequences = [self._maker.make(row, epoch) for row in rows]
        books = sequences[0].codes.shape[1]
        totals = StepTotals(
            first=sum(len(sequence.codes) + 1 for sequence in sequences),
            rest=sum(len(sequence.picked) for sequence in sequences) * (books - 1),
        )
        micro = split_by_budget(sequences, self._budget, num_processes)
        return StepBatches(micro=micro, totals=totals)


def _cut(rows: list[int], size: int) -> list[list[int]]:
    """Cuts from the long end, so that a short last step holds the shortest rows of a window."""
    first = len(rows) % size
    head = [rows[:first]] if first else []
    return head + [rows[i : i + size] for i in range(first, len(rows), size)]


def split_by_budget(
    sequences: Sequence[TrainingSequence], budget: int, num_processes: int
) -> list[list[TrainingSequence]]:
    """Returns micro-batches within a budget of positions, padding included.

    There are a multiple of `num_processes` of them: large ones are halved, and empty ones fill up.
    """
    groups: list[list[TrainingSequence]] = []
    for sequence in sorted(sequences, key=lambda each: each.num_rows):
        # Ascending, so the newest row is the widest and decides the padding of its group.
        if groups and (len(groups[-1]) + 1) * sequence.num_rows <= budget:
            groups[-1].append(sequence)
        else:
            groups.append([sequence])
    while len(groups) % num_processes:
        largest = max(groups, key=len)
        if len(largest) == 1:
            groups.append([])
            continue
        groups.remove(largest)
        half = len(largest) // 2
        groups += [largest[:half], largest[half:]]
    return groups
