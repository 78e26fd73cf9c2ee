"""A student of the teacher's planning: phonemes and speaker to durations, pitch and energy.

The teacher's plan costs a sixtieth of its length; the student's next to nothing, so the talker can
read hundreds of thousands of words once instead of a few thousand many times. It is a small
convolutional network, trained on the plans that the teacher has made:

    python -m intone.train.from_scratch.student PLANS STATE --minutes M
    python -m intone.train.from_scratch.student PLANS STATE --write TEXTS --kokoro KOKORO --skip N
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from intone.core.types import Codes
from intone.train.from_scratch.clips import Curve, plan_rows, shard_paths, speaker_of
from intone.train.from_scratch.recipe import PHONEMES, PRESETS
from intone.train.from_scratch.teacher import Teacher

_POINTS = 3
"""Points of pitch and energy in each phoneme."""
_VOICED_HZ = 60.0
_CURVE_POINTS_PER_TEACHER_FRAME = 2
_SHARD_CLIPS = 500


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """What the student learns of one plan: per phoneme, silence first and last."""

    ids: Codes
    """[P]"""
    speaker: int
    values: Curve
    """[P, 1 + 3 x points]: log duration; log pitch, voicing and energy at each point."""


class Student(nn.Module):
    """Convolutions over phonemes, with the speaker added to every one."""

    def __init__(self, width: int = 192, layers: int = 6) -> None:
        super().__init__()
        self.phonemes = nn.Embedding(len(PHONEMES) + 1, width)
        self.speakers = nn.Embedding(len(PRESETS), width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(layers))
        self.convolutions = nn.ModuleList(
            nn.Conv1d(width, width, 5, padding=2 * 2 ** (i % 3), dilation=2 ** (i % 3))
            for i in range(layers)
        )
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 1 + 3 * _POINTS))

    def forward(self, ids: Tensor, speakers: Tensor) -> Tensor:
        """ids [B, P], 0 where padded; speakers [B] -> [B, P, 1 + 3 x points]."""
        is_padding = (ids == 0)[..., None]
        x = self.phonemes(ids) + self.speakers(speakers)[:, None]
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            y = F.gelu(norm(x)).masked_fill(is_padding, 0.0)
            x = x + convolution(y.transpose(1, 2)).transpose(1, 2)
        out: Tensor = self.head(x)
        return out


def ids_of(phonemes: str) -> Codes:
    """Returns one id per phoneme, silence in front and behind; 0 stands for padding."""
    framed = f" {phonemes} "
    return np.array([max(0, PHONEMES.find(c)) + 1 for c in framed])


def scores(plans: Path) -> Iterator[Score]:
    """Yields what every plan on disk teaches."""
    names = list(PRESETS)
    for path in shard_paths(plans, "text") + shard_paths(plans, "train"):
        for _, phonemes, durations, pitch_hz, energy in plan_rows(path):
            values = np.concatenate((
                np.log(durations.clip(min=1))[:, None].astype(np.float32),
                *_sampled(durations, pitch_hz, energy),
            ), axis=1)  # fmt: skip
            yield Score(ids_of(phonemes), names.index(speaker_of(path)), values)


def _sampled(durations: Codes, pitch_hz: Curve, energy: Curve) -> tuple[Curve, Curve, Curve]:
    """Returns log pitch, voicing and energy at the points of each phoneme, [P, points] each."""
    ends = durations.cumsum()[:, None] * _CURVE_POINTS_PER_TEACHER_FRAME
    spans = durations[:, None] * _CURVE_POINTS_PER_TEACHER_FRAME
    middles = (np.arange(_POINTS) + 0.5) / _POINTS
    at = (ends - spans * (1 - middles)).astype(int).clip(max=len(pitch_hz) - 1)
    pitch = pitch_hz[at]
    voiced = (pitch > _VOICED_HZ).astype(np.float32)
    return np.log(pitch.clip(min=_VOICED_HZ) / 150.0), voiced, energy[at]


def student_loss(made: Tensor, values: Tensor, is_real: Tensor) -> Tensor:
    """Returns the error of a batch; pitch counts where there is one."""
    n = _POINTS
    length = (made[..., 0] - values[..., 0]).abs()[is_real].mean()
    voiced = values[..., 1 + n : 1 + 2 * n]
    where = voiced * is_real[..., None]
    pitch = ((made[..., 1 : 1 + n] - values[..., 1 : 1 + n]).abs() * where).sum() / where.sum()
    voicing = F.binary_cross_entropy_with_logits(
        made[..., 1 + n : 1 + 2 * n][is_real], voiced[is_real]
    )
    energy = (made[..., 1 + 2 * n :] - values[..., 1 + 2 * n :]).abs()[is_real].mean()
    return length + 4.0 * pitch + voicing + 0.3 * energy


def train(student: Student, lessons: Sequence[Score], minutes: float) -> None:
    """Trains for that much processor time."""
    optimizer = torch.optim.AdamW(student.parameters(), betas=(0.9, 0.98), fused=True)
    began, step, recent = time.process_time(), 0, 0.0
    while (share := (time.process_time() - began) / 60 / minutes) < 1.0:
        ids, speakers, values = _padded(random.sample(lessons, 24))
        loss = student_loss(student(ids, speakers), values, ids > 0)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimizer.param_groups[0]["lr"] = 2e-3 * min(1.0, (step + 1) / 50) * (1.02 - share)
        optimizer.step()
        step += 1
        recent = loss.item() if step == 1 else 0.98 * recent + 0.02 * loss.item()
        if step % 100 == 0:
            print(f"step {step} loss {recent:.4f} share {share:.2f}", flush=True)


def _padded(chosen: Sequence[Score]) -> tuple[Tensor, Tensor, Tensor]:
    longest = max(len(score.ids) for score in chosen)
    ids = np.zeros((len(chosen), longest), np.int64)
    values = np.zeros((len(chosen), longest, 1 + 3 * _POINTS), np.float32)
    for i, score in enumerate(chosen):
        ids[i, : len(score.ids)] = score.ids
        values[i, : len(score.ids)] = score.values
    speakers = torch.tensor([score.speaker for score in chosen])
    return torch.from_numpy(ids), speakers, torch.from_numpy(values)


@torch.inference_mode()
def write_plans(
    student: Student, texts: Sequence[str], phonemes: Sequence[str], voice: str, path: Path
) -> None:
    """Writes one shard of plans by one of the teacher's voices, as the student makes them."""
    speaker = torch.tensor([list(PRESETS.values()).index(voice)])
    rows = []
    for said in phonemes:
        ids = ids_of(said)
        made = student(torch.from_numpy(ids)[None], speaker)[0].numpy()
        rows.append(_plan_of(made))
    durations, pitch, energy = zip(*rows, strict=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        text=np.array(texts),
        ph=np.array(phonemes),
        dur=np.concatenate(durations).astype(np.int16),
        ndur=np.array([len(d) for d in durations]),
        f0=np.concatenate(pitch).astype(np.float16),
        n=np.concatenate(energy).astype(np.float16),
    )


def _plan_of(made: Curve) -> tuple[Codes, Curve, Curve]:
    """Returns durations [P] and the curves of pitch and energy, two points a teacher frame."""
    n = _POINTS
    exact = np.exp(made[:, 0])
    durations = np.maximum(1, np.floor(exact + np.random.rand(len(exact)))).astype(np.int64)
    spans = durations[:, None] * _CURVE_POINTS_PER_TEACHER_FRAME
    ends = spans.cumsum(axis=0)
    known = (ends - spans * (1 - (np.arange(n) + 0.5) / n)).reshape(-1)
    wanted = np.arange(int(ends[-1, 0])) + 0.5
    pitch = np.interp(wanted, known, 150.0 * np.exp(made[:, 1 : 1 + n]).reshape(-1))
    voicing = np.interp(wanted, known, made[:, 1 + n : 1 + 2 * n].reshape(-1))
    energy = np.interp(wanted, known, made[:, 1 + 2 * n :].reshape(-1))
    return durations, np.where(voicing > 0, pitch, 0.0), energy


def write_many(student: Student, teacher: Teacher, texts: Sequence[str], plans: Path) -> None:
    """Writes shards of the split "text" after the teacher's own; voices take turns."""
    voices = list(PRESETS.values())
    for turn, first in enumerate(range(0, len(texts), _SHARD_CLIPS)):
        voice = voices[turn % len(voices)]
        path = plans / voice / f"text_{5000 + turn // len(voices):04d}.npz"
        if not path.exists():
            chosen = texts[first : first + _SHARD_CLIPS]
            write_plans(student, chosen, teacher.phonemes(chosen), voice, path)


def main() -> None:
    """python -m intone.train.from_scratch.student PLANS STATE (--minutes M | --write TEXTS ...)"""
    parser = argparse.ArgumentParser(description="Train the teacher's student, or let it plan.")
    parser.add_argument("plans", type=Path)
    parser.add_argument("state", type=Path)
    parser.add_argument("--minutes", type=float, default=4.0, help="of processor time")
    parser.add_argument("--write", type=Path, default=None, help="plan these sentences")
    parser.add_argument("--kokoro", type=Path, default=None, help="for its phonemes")
    parser.add_argument("--skip", type=int, default=0, help="sentences to leave out in front")
    args = parser.parse_args()
    torch.set_num_threads(1)
    student = Student()
    if args.write is None:
        train(student, list(scores(args.plans)), args.minutes)
        torch.save(student.state_dict(), args.state)
    else:
        student.load_state_dict(torch.load(args.state, weights_only=True))
        texts = args.write.read_text(encoding="utf-8").splitlines()[args.skip :]
        write_many(student.eval(), Teacher(args.kokoro, with_sound=False), texts, args.plans)


if __name__ == "__main__":
    main()
