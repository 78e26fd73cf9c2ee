"""What the talker and the code predictor are asked, and how well they answer it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from intone.core.types import TextLayout
from intone.models.layers import Attention, RotaryTable
from intone.models.rows import embed_rows
from intone.train.from_scratch.batches import Batch, make_batch
from intone.train.from_scratch.guide import GuidedAttention, PlainAttention
from intone.train.from_scratch.lessons import Lesson, SequenceMaker
from intone.train.from_scratch.voice import FORESEEN, Voice

_SPELT_LAYER = 2
"""After it the text rows should know what is said, so that the layers above can read it there."""
_ROWS_SCORED = 16
"""Codec ids behind the codes that the loss looks at: the end and the controls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LossSettings:
    """What the loss looks at."""

    predictor_share: float = 0.25
    """Share of the frames on which the code predictor is asked."""
    guide_layers: frozenset[int] = frozenset({1, 3})
    speaker_noise: float = 0.08
    """Deviation of what is added to speaker rows, so that an x-vector near one does as well."""


@dataclass(frozen=True, slots=True)
class TalkerLoss:
    """The parts of one step's loss, in nats."""

    first: Tensor
    rest: Tensor
    guide: Tensor
    foresight: Tensor
    spelt: Tensor


def talker_loss(voice: Voice, batch: Batch, settings: LossSettings) -> TalkerLoss:
    """Runs one batch."""
    guide = GuidedAttention(settings.guide_layers, batch.allowed, batch.allowed.any(dim=-1))
    x = embed_rows(voice.talker, voice.predictor, batch.text_ids, batch.codes)
    if voice.training:
        x = _blurred(voice, x, batch.codes[..., 0], settings.speaker_noise)
    table = voice.talker.rotary_table(x.shape[1], x.device)
    hidden, middle = _run(voice, x, table, guide)
    asked = batch.targets >= 0
    num_scored = voice.predictor.config.vocab_size + _ROWS_SCORED
    scores = F.linear(hidden[asked], voice.talker.codec_head.weight[:num_scored])
    first = F.cross_entropy(scores.float(), batch.targets[asked])
    rest = _predictor_loss(voice, hidden, batch, settings.predictor_share)
    foresight = _foresight_loss(voice, hidden, batch.frames)
    spelt = _spelt_loss(voice, middle, batch.spelt)
    return TalkerLoss(first, rest, torch.stack(guide.losses).mean(), foresight, spelt)


def _run(voice: Voice, x: Tensor, table: RotaryTable, attend: Attention) -> tuple[Tensor, Tensor]:
    """Returns the normed hidden rows, as `Talker.forward` does, and those of a middle layer."""
    rotation = table.rows(slice(0, x.shape[1]), x.dtype)
    middle = x
    for layer, block in enumerate(voice.talker.model.layers):
        x = block(x, layer, rotation, attend)
        if layer == _SPELT_LAYER:
            middle = x
    return voice.talker.model.norm(x), F.rms_norm(middle, middle.shape[-1:])


def _blurred(voice: Voice, x: Tensor, codec_ids: Tensor, deviation: float) -> Tensor:
    """Returns rows x [B, T, H] with noise on those that name the speaker."""
    ids = torch.tensor(sorted(voice.talker.config.speaker_ids.values()))
    at = torch.isin(codec_ids, ids)[..., None]
    size = deviation * torch.rand(len(x), 1, 1)
    return x + (at * size * torch.randn(x.shape)).to(x.dtype)


def _predictor_loss(voice: Voice, hidden: Tensor, batch: Batch, share: float) -> Tensor:
    is_frame = batch.frames[..., 0] >= 0
    picked = is_frame & (torch.rand(is_frame.shape) < share)
    frames = batch.frames[picked]
    rows = voice.talker.embed_codebook0(frames[:, 0])
    logits = voice.predictor.teacher_forced(hidden[picked], rows, frames, PlainAttention())
    return F.cross_entropy(logits.flatten(0, 1).float(), frames[:, 1:].flatten())


def _foresight_loss(voice: Voice, hidden: Tensor, frames: Tensor) -> Tensor:
    """Mean cross-entropy of what each row [B, T, H] foresees in frames [B, T, K]."""
    losses = []
    for head, (ahead, book) in zip(voice.foresight, FORESEEN, strict=True):
        target = frames[:, ahead:, book]
        is_frame = target >= 0
        logits = head(hidden[:, : target.shape[1]][is_frame])
        losses.append(F.cross_entropy(logits.float(), target[is_frame]))
    return torch.stack(losses).mean()


def _spelt_loss(voice: Voice, middle: Tensor, spelt: Tensor) -> Tensor:
    """Mean cross-entropy of the sounds [B, T, 2] that the text rows were asked for."""
    asked = spelt[..., 0] >= 0
    rows, sounds = middle[asked], spelt[asked]
    losses = [F.cross_entropy(head(rows).float(), sounds[:, i])
              for i, head in enumerate(voice.spelt)]  # fmt: skip
    return torch.stack(losses).mean()


@torch.no_grad()
def validate(
    voice: Voice, lessons: Sequence[Lesson], maker: SequenceMaker, settings: LossSettings
) -> dict[str, float]:
    """Returns cross-entropies with the right and with a wrong text, both layouts."""
    voice.eval()
    end_id = voice.talker.config.codec_eos_id
    shifted = [
        Lesson(other.text, lesson.speaker, lesson.codes, lesson.track, other.sounds)
        for lesson, other in zip(lessons, [*lessons[1:], lessons[0]], strict=True)
    ]
    out: dict[str, float] = {}
    layouts: tuple[TextLayout, ...] = ("at_once", "per_frame")
    for layout in layouts:
        for name, chosen in (("right", lessons), ("wrong", shifted)):
            items = [maker.make(lesson, layout, False) for lesson in chosen]
            parts = [make_batch(items[i : i + 25], end_id) for i in range(0, len(items), 25)]
            losses = [talker_loss(voice, part, settings) for part in parts]
            out[f"{layout}_{name}"] = sum(float(loss.first) for loss in losses) / len(losses)
            if name == "right":
                for part in ("foresight", "rest", "spelt"):
                    mean = sum(float(getattr(loss, part)) for loss in losses) / len(losses)
                    out[f"{layout}_{part}"] = mean
    voice.train()
    return out
