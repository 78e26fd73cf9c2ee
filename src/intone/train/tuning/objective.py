"""The objective: cross-entropy of what `generate` draws, from the hidden rows it draws them from.

Row p of the talker predicts what row p + 1 holds: codebook 0 of the next frame, or the end. The
same row p, which has not seen that frame, conditions the code predictor for codebooks 1 to K-1.
Nothing else is shifted. Public scripts shift the talker's labels twice and the code predictor's
once more, and condition it on row p + 1; `tests/train/test_objective.py` shows that these rows and
labels are those of inference, and `docs/train.md` what the others cost.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from intone.models.code_predictor import CodePredictor
from intone.models.rows import embed_rows
from intone.models.talker import Talker
from intone.train.tuning.batches import Batch, StepTotals


class LossSums(NamedTuple):
    """Sums over one batch, in nats, so that steps can be weighted by tokens."""

    first: Tensor
    """Cross-entropy of codebook 0 and the ends, []."""
    end: Tensor
    """The ends' part of `first`, []."""
    rest: Tensor
    """Cross-entropy of codebooks 1 to K-1 over the picked frames, [K - 1]."""
    first_correct: Tensor
    """Rows of `first` whose likeliest id is right, []."""
    end_correct: Tensor
    rest_correct: Tensor
    """[K - 1]"""


class TrainedVoice(nn.Module):
    """Talker and code predictor as one module: wrappers for many processes see all of it."""

    def __init__(self, talker: Talker, predictor: CodePredictor) -> None:
        super().__init__()
        self.talker = talker
        self.predictor = predictor

    def forward(self, batch: Batch) -> LossSums:
        """Returns the sums of one batch."""
        hidden = self.hidden_rows(batch)
        asked = batch.targets >= 0
        logits = self.talker.codec_head(hidden[asked]).float()
        targets = batch.targets[asked]
        losses = functional.cross_entropy(logits, targets, reduction="none")
        right = logits.argmax(dim=-1) == targets
        ends = targets == self.talker.config.codec_eos_id
        rest, rest_right = self._predicted(hidden, batch)
        return LossSums(
            first=losses.sum(),
            end=losses[ends].sum(),
            rest=rest.sum(dim=0),
            first_correct=right.sum(),
            end_correct=right[ends].sum(),
            rest_correct=rest_right.sum(dim=0),
        )

    def hidden_rows(self, batch: Batch) -> Tensor:
        """Returns the talker's normed rows, [B, T, H]; zeros where there is only padding.

        The networks read the sequences one after the other: padding is never computed.
        """
        lengths = torch.tensor(batch.lengths, device=batch.text_ids.device)
        used = torch.arange(batch.text_ids.shape[1], device=lengths.device) < lengths[:, None]
        text_ids, codec_ids = batch.text_ids[used], batch.codec_ids[used]
        x = embed_rows(self.talker, self.predictor, text_ids, codec_ids).float()
        speaks = batch.speaker_rows >= 0
        places = (lengths.cumsum(0) - lengths + batch.speaker_rows)[speaks]
        x = x.index_add(0, places, batch.x_vectors[speaks])
        hidden = self.talker.teacher_forced_packed(x, batch.lengths)
        padded = hidden.new_zeros(*used.shape, hidden.shape[-1])
        return padded.masked_scatter(used[..., None], hidden)

    def _predicted(self, hidden: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Returns losses and hits of codebooks 1 to K-1, [P, K - 1] each."""
        codes = batch.picked_codes
        logits = self.predictor.teacher_forced(
            hidden.flatten(0, 1)[batch.picked], self.talker.embed_codebook0(codes[:, 0]), codes
        ).float()
        targets = codes[:, 1:]
        losses = functional.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
        return losses, logits.argmax(dim=-1) == targets


def step_loss(sums: LossSums, totals: StepTotals, predictor_weight: float) -> Tensor:
    """Returns a batch's share of its step's loss: shares of a step add up to the loss.

    Loss = mean CE(codebook 0 and the ends) + weight * mean CE(codebooks 1 to K-1), each mean over
    the tokens of the whole optimiser step.
    """
    loss: Tensor = sums.first / totals.first + predictor_weight * sums.rest.sum() / totals.rest
    return loss
