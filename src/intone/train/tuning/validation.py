"""Losses on held-out rows, each in one fixed form, over every frame and codebook."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from intone.train.tuning.batches import Batch, collate, split_by_budget
from intone.train.tuning.objective import LossSums, TrainedVoice
from intone.train.tuning.sequences import SequenceMaker
from intone.train.tuning.settings import TrainSettings

_EPOCH = 2**31 - 1
"""No run reaches it: held-out forms are drawn from a stream of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """Mean losses in nats and shares of right guesses, with the right text and history."""

    loss: float
    """first + weight * rest: what training lowers."""
    first: float
    """Codebook 0 and the ends."""
    end: float
    """The ends alone."""
    rest: float
    """Mean over codebooks 1 to K-1."""
    codebooks: tuple[float, ...]
    """Each of codebooks 1 to K-1."""
    first_accuracy: float
    end_accuracy: float
    rest_accuracy: float

    def to_json(self) -> dict[str, float]:
        """Returns a flat object; codebook k is "codebook_k"."""
        books = {f"codebook_{k}": loss for k, loss in enumerate(self.codebooks, 1)}
        named = {
            "loss": self.loss,
            "first": self.first,
            "end": self.end,
            "rest": self.rest,
            "first_accuracy": self.first_accuracy,
            "end_accuracy": self.end_accuracy,
            "rest_accuracy": self.rest_accuracy,
        }
        return {name: round(value, 6) for name, value in {**named, **books}.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCounts:
    """What sums are divided by."""

    first: int
    """Codebook 0 and the ends."""
    ends: int
    frames: int
    """Frames of the code predictor."""


def losses_of(sums: Tensor, counts: TokenCounts, weight: float) -> Losses:
    """Returns means of flattened sums (see `flattened`)."""
    books = (len(sums) - 4) // 2
    first, end, first_right, end_right = (float(value) for value in sums[:4])
    rest = sums[4 : 4 + books] / counts.frames
    rest_mean = float(rest.mean())
    return Losses(
        loss=first / counts.first + weight * rest_mean,
        first=first / counts.first,
        end=end / counts.ends,
        rest=rest_mean,
        codebooks=tuple(float(value) for value in rest),
        first_accuracy=first_right / counts.first,
        end_accuracy=end_right / counts.ends,
        rest_accuracy=float(sums[4 + books :].sum()) / (books * counts.frames),
    )


def flattened(sums: LossSums) -> Tensor:
    """Returns the sums as one fp64 vector: first, end, their hits, rest [K-1], its hits [K-1]."""
    head = torch.stack([sums.first, sums.end, sums.first_correct.float(), sums.end_correct.float()])
    return torch.cat([head, sums.rest, sums.rest_correct.float()]).detach().double()


class Validation:
    """The held-out batches of a run, and their losses under the weights of the moment."""

    def __init__(
        self, maker: SequenceMaker, settings: TrainSettings, num_processes: int = 1, rank: int = 0
    ) -> None:
        """Builds the batches; `maker` is that of `validation_maker`."""
        chosen = np.random.default_rng((settings.seed, _EPOCH)).permutation(len(maker))
        sequences = [maker.make(int(i), _EPOCH) for i in chosen[: settings.validation_rows]]
        groups = split_by_budget(sequences, settings.batch_positions, num_processes)
        mine = groups[rank::num_processes]
        # An idle process runs a batch as well (wrappers wait for it), and does not count it.
        self._batches = [collate(group or groups[0], maker.config) for group in mine]
        self._counts_it = [bool(group) for group in mine]
        frames = sum(len(sequence.codes) for sequence in sequences)
        ends = len(sequences)
        self._counts = TokenCounts(first=frames + ends, ends=ends, frames=frames)
        self._weight = settings.predictor_weight

    @torch.no_grad()
    def losses(
        self,
        forward: Callable[[Batch], LossSums],
        device: torch.device,
        reduce: Callable[[Tensor], Tensor],
    ) -> Losses:
        """Returns the losses of networks in the form that a trainer runs.

        Args:
            reduce: sums a vector over processes.
        """
        total: Tensor | None = None
        for batch, counts_it in zip(self._batches, self._counts_it, strict=True):
            sums = flattened(forward(batch.to(device))) * float(counts_it)
            total = sums if total is None else total + sums
        assert total is not None
        return losses_of(reduce(total).cpu(), self._counts, self._weight)


def validation_maker(maker: SequenceMaker) -> SequenceMaker:
    """Returns the same rows with every frame given to the code predictor."""
    return maker.with_settings(replace(maker.settings, predictor_share=1.0))


def plain_losses(voice: TrainedVoice, validation: Validation) -> Losses:
    """Returns the losses of networks on the CPU, without a trainer around them."""
    voice.eval()
    return validation.losses(voice, torch.device("cpu"), lambda sums: sums)
