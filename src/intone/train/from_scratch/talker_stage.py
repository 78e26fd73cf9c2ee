"""The talker and the code predictor, trained on the codes of the teacher's plans.

Sequences come from the prompt builder and run through the networks of inference; the loss asks for
codebook 0 of the next frame (or the end) and, on a random share of the frames, for the other
codebooks. The run is measured in minutes: its learning rate falls to zero when the time is up, and
speech that the teacher makes meanwhile joins the data.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from intone.core.types import TextLayout
from intone.models.code_predictor import CodePredictor
from intone.models.config import ModelConfig
from intone.models.layers import DecoderBlock, RmsNorm
from intone.models.rows import embed_rows
from intone.models.talker import Talker
from intone.train.from_scratch.clips import Symbols, read_plans, shard_paths
from intone.train.from_scratch.codec_stage import load_front
from intone.train.from_scratch.guide import GuidedAttention, PlainAttention
from intone.train.from_scratch.lessons import (
    Lesson,
    SequenceMaker,
    TalkerSequence,
    lesson_of,
    text_row,
)
from intone.train.from_scratch.recipe import CODEBOOK_SIZE, model_json
from intone.train.from_scratch.spelling import Speller, write_spelling

_ABSENT = -1
_FORESEEN = ((0, 1), (0, 2), (0, 3), (1, 1), (1, 3))
"""(frames after the predicted one, codebook) that the talker's row must also tell by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkerStageSettings:
    """One run."""

    minutes: float
    start_share: float = 0.0
    """Share of the schedule that is over when this run begins (a resumed run)."""
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.05
    dropout: float = 0.04
    rows_per_batch: int = 1800
    predictor_share: float = 0.34
    guide_layers: frozenset[int] = frozenset({1, 3})
    guide_weight: float = 1.0
    foresight_weight: float = 2.0
    guide_until: float = 1.2
    """Share of the run after which attention is left alone."""
    ema_decay: float = 0.998
    at_once_share: float = 0.6
    join_share: float = 0.25
    max_frames: int = 160


class Voice(nn.Module):
    """Talker and code predictor, as one thing to optimise."""

    def __init__(self, config: ModelConfig, dropout: float) -> None:
        super().__init__()
        self.talker = Talker(config.talker)
        self.predictor = CodePredictor(config.code_predictor)
        self.foresight = nn.ModuleList(
            nn.Linear(config.talker.hidden_size, CODEBOOK_SIZE, bias=False) for _ in _FORESEEN
        )
        """Training only: sounds of this frame and the next, which only the text can tell."""
        self.apply(_initialise)
        for network in (self.talker, self.predictor):
            for block in network.model.layers:
                _scale_outputs(cast(DecoderBlock, block), len(network.model.layers))
        for block in self.talker.model.layers:
            _add_dropout(cast(DecoderBlock, block), dropout)


def quicken(voice: Voice) -> None:
    """Fuses the norms, which plain bf16 training runs as many small passes; same numbers."""

    def norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
        return F.rms_norm(x, weight.shape, weight, eps)

    torch._dynamo.config.recompile_limit = 64  # ranks, widths and modes each want a kernel
    fused = torch.compile(norm, dynamic=True)
    for module in voice.modules():
        if isinstance(module, RmsNorm):
            setattr(module, "forward", _NormCall(module, fused))  # noqa: B010


class _NormCall:
    def __init__(self, module: RmsNorm, fused: Callable[[Tensor, Tensor, float], Tensor]) -> None:
        self._module, self._fused = module, fused

    def __call__(self, x: Tensor) -> Tensor:
        return self._fused(x, self._module.weight, self._module.eps)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=0.1)
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=module.in_features**-0.5 * 0.7)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


@torch.no_grad()
def _scale_outputs(block: DecoderBlock, num_layers: int) -> None:
    for linear in (block.self_attn.o_proj, block.mlp.down_proj):
        linear.weight.mul_((2 * num_layers) ** -0.5)


def _add_dropout(block: DecoderBlock, rate: float) -> None:
    """Drops channels of what attention and MLP add to the stream, in training only."""

    def drop(module: nn.Module, _: object, output: Tensor) -> Tensor:
        if not module.training:
            return output
        keep = torch.full((len(output), 1, output.shape[-1]), 1.0 - rate).bernoulli_()
        return output * (keep / (1.0 - rate)).to(output.dtype)

    block.self_attn.register_forward_hook(drop)
    block.mlp.register_forward_hook(drop)


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
    allowed: Tensor
    """bool [B, T, T], see GuidedAttention."""


def make_batch(items: Sequence[tuple[TalkerSequence, TextLayout]], end_id: int) -> Batch:
    """Pads sequences to one batch."""
    rows = max(item.num_rows for item, _ in items)
    num_books = items[0][0].codes.shape[1]
    text = np.full((len(items), rows), _ABSENT)
    codes = np.full((len(items), rows, num_books), _ABSENT)
    frames = np.full((len(items), rows, num_books), _ABSENT)
    targets = np.full((len(items), rows), -100)
    allowed = np.zeros((len(items), rows, rows), dtype=bool)
    for b, (item, layout) in enumerate(items):
        prompt, start, num = item.prompt, item.prompt.num_rows, len(item.codes)
        text[b, :start], codes[b, :start] = prompt.text_ids, prompt.codec_ids
        text[b, start : start + num] = [prompt.text_id_of_frame(f) for f in range(num)]
        codes[b, start : start + num] = item.codes
        frames[b, start - 1 : start + num - 1] = item.codes
        targets[b, start - 1 : start + num - 1] = item.codes[:, 0]
        targets[b, start + num - 1] = end_id
        for f, (first, last) in enumerate(item.spans):
            at = text_row(prompt, layout, first), text_row(prompt, layout, last)
            allowed[b, start - 1 + f, at[0] : at[1]] = True
    allowed &= np.tri(rows, dtype=bool)
    tensors = (text, codes, targets, frames, allowed)
    return Batch(*(torch.from_numpy(tensor) for tensor in tensors))


def forgetful(batch: Batch) -> Batch:
    """Returns the batch with some past frames hidden or wrong, so that the text is listened to."""
    is_frame = batch.codes[..., 1] >= 0
    rate = torch.rand(len(is_frame), 1) * 0.4
    hidden = is_frame & (torch.rand(is_frame.shape) < rate)
    codes = batch.codes.masked_fill(hidden[..., None], _ABSENT)
    wrong = is_frame[..., None] & ~hidden[..., None] & (torch.rand(codes.shape) < 0.02)
    codes = torch.where(wrong, torch.randint(CODEBOOK_SIZE, codes.shape), codes)
    return Batch(batch.text_ids, codes, batch.targets, batch.frames, batch.allowed)


@dataclass(frozen=True, slots=True)
class TalkerLoss:
    """The parts of one step's loss, in nats."""

    first: Tensor
    rest: Tensor
    guide: Tensor
    foresight: Tensor


def talker_loss(voice: Voice, batch: Batch, settings: TalkerStageSettings) -> TalkerLoss:
    """Runs one batch."""
    guide = GuidedAttention(settings.guide_layers, batch.allowed, batch.allowed.any(dim=-1))
    x = embed_rows(voice.talker, voice.predictor, batch.text_ids, batch.codes)
    table = voice.talker.rotary_table(x.shape[1], x.device)
    hidden = voice.talker(x, table, 0, guide)
    asked = batch.targets >= 0
    first = F.cross_entropy(voice.talker.codec_head(hidden[asked]).float(), batch.targets[asked])
    is_picked = torch.rand(asked.shape) < settings.predictor_share
    picked = (batch.frames[..., 0] >= 0) & is_picked
    frames = batch.frames[picked]
    logits = voice.predictor.teacher_forced(
        hidden[picked], voice.talker.embed_codebook0(frames[:, 0]), frames, PlainAttention()
    )
    rest = F.cross_entropy(logits.flatten(0, 1).float(), frames[:, 1:].flatten())
    foresight = _foresight_loss(voice, hidden, batch.frames)
    return TalkerLoss(first, rest, torch.stack(guide.losses).mean(), foresight)


def _foresight_loss(voice: Voice, hidden: Tensor, frames: Tensor) -> Tensor:
    """Mean cross-entropy of what each row [B, T, H] foresees in frames [B, T, K]."""
    losses = []
    for head, (ahead, book) in zip(voice.foresight, _FORESEEN, strict=True):
        target = frames[:, ahead:, book]
        is_frame = target >= 0
        logits = head(hidden[:, : target.shape[1]][is_frame])
        losses.append(F.cross_entropy(logits.float(), target[is_frame]))
    return torch.stack(losses).mean()


class Library:
    """Lessons from the plans on disk; new shards are read as they appear."""

    def __init__(self, plans: Path, names: str) -> None:
        self._plans, self._symbols = plans, Symbols(names)
        self._seen: set[str] = set()
        self.train: list[Lesson] = []

    def refresh(self) -> int:
        """Adds what has come since; returns how many lessons there are."""
        paths = shard_paths(self._plans, "train") + shard_paths(self._plans, "text")
        for path in paths:
            if path.name not in self._seen:
                self.train.extend(self._read(path))
                self._seen.add(path.name)
        return len(self.train)

    def validation(self) -> list[Lesson]:
        return [lesson for path in shard_paths(self._plans, "val") for lesson in self._read(path)]

    def _read(self, path: Path) -> list[Lesson]:
        return [lesson_of(plan, self._symbols) for plan in read_plans(path)]


def batches(
    lessons: Sequence[Lesson], maker: SequenceMaker, settings: TalkerStageSettings, end_id: int
) -> Iterator[Batch]:
    """Yields one epoch: shuffled, some lessons joined in pairs, like lengths together."""
    pool = _shuffled(lessons, settings)
    pool.sort(key=lambda lesson: len(lesson.codes) + len(lesson.text) // 2 + random.random() * 8)
    groups = list(_grouped(pool, settings.rows_per_batch))
    random.shuffle(groups)
    for group in groups:
        layout: TextLayout = "at_once" if random.random() < settings.at_once_share else "per_frame"
        yield make_batch([(maker.make(ls, layout, True), layout) for ls in group], end_id)


def _shuffled(lessons: Sequence[Lesson], settings: TalkerStageSettings) -> list[Lesson]:
    order = random.sample(list(lessons), len(lessons))
    pool: list[Lesson] = []
    while order:
        lesson = order.pop()
        while order and random.random() < settings.join_share:
            joined = lesson.joined(order[-1])
            if len(joined.codes) > settings.max_frames:
                break
            lesson = joined
            order.pop()
        pool.append(lesson)
    return pool


def _grouped(pool: Sequence[Lesson], rows: int) -> Iterator[list[Lesson]]:
    group: list[Lesson] = []
    longest = 0
    for lesson in pool:
        longest = max(longest, len(lesson.codes) + len(lesson.text) // 2 + 16)
        if group and longest * (len(group) + 1) > rows:
            yield group
            group, longest = [], len(lesson.codes) + len(lesson.text) // 2 + 16
        group.append(lesson)
    if group:
        yield group


@torch.no_grad()
def validate(
    voice: Voice, lessons: Sequence[Lesson], maker: SequenceMaker, settings: TalkerStageSettings
) -> dict[str, float]:
    """Returns cross-entropies with the right and with a wrong text, both layouts."""
    voice.eval()
    end_id = voice.talker.config.codec_eos_id
    shifted = [
        Lesson(other.text, lesson.codes, lesson.track)
        for lesson, other in zip(lessons, [*lessons[1:], lessons[0]], strict=True)
    ]
    out: dict[str, float] = {}
    layouts: tuple[TextLayout, ...] = ("at_once", "per_frame")
    for layout in layouts:
        for name, chosen in (("right", lessons), ("wrong", shifted)):
            items = [(maker.make(lesson, layout, False), layout) for lesson in chosen]
            parts = [make_batch(items[i : i + 25], end_id) for i in range(0, len(items), 25)]
            losses = [talker_loss(voice, part, settings) for part in parts]
            out[f"{layout}_{name}"] = sum(float(ls.first) for ls in losses) / len(losses)
            out[f"{layout}_{name}_ahead"] = sum(float(ls.foresight) for ls in losses) / len(losses)
            out[f"{layout}_{name}_rest"] = sum(float(ls.rest) for ls in losses) / len(losses)
    voice.train()
    return out


def learning_rate(settings: TalkerStageSettings, step: int, share: float) -> float:
    """Warm-up over 200 steps; flat, then a cosine over the last two thirds of the time."""
    fall = max(0.0, (share - 0.33) / 0.67)
    warm = min(1.0, (step + 1) / 200)
    return settings.learning_rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * fall)))


class TalkerTrainer:
    """One run: steps until the time is up, averaged weights, a state that can be resumed."""

    def __init__(
        self, voice: Voice, maker: SequenceMaker, library: Library, settings: TalkerStageSettings
    ) -> None:
        self._maker, self._library, self._settings = maker, library, settings
        self._weights = {name: p.detach().clone() for name, p in voice.named_parameters()}
        """fp32; the network itself computes in bf16 copies of them."""
        self._voice = voice.bfloat16()
        self._optimizer = torch.optim.AdamW(
            self._weights.values(),
            betas=(0.9, 0.97),
            weight_decay=settings.weight_decay,
            fused=True,
        )
        self.average = {name: p.clone() for name, p in self._weights.items()}
        self.step = 0
        self._began = time.monotonic()

    @property
    def share(self) -> float:
        """Returns the share of the time that is spent."""
        start = self._settings.start_share
        return start + (1 - start) * (time.monotonic() - self._began) / 60 / self._settings.minutes

    def run(self, out: Path) -> None:
        """Trains; writes state and validation every few minutes."""
        validation, saved = self._library.validation(), self.share
        while self.share < 1.0:
            count = self._library.refresh()
            print(f"{count} lessons, {self.share:.2f} of the time", flush=True)
            end_id = self._voice.talker.config.codec_eos_id
            for batch in batches(self._library.train, self._maker, self._settings, end_id):
                self._one_step(batch)
                if self.share - saved > 0.06:
                    saved = self.share
                    self._save(out, validation)
                if self.share >= 1.0:
                    break
        self._save(out, validation)

    def _one_step(self, batch: Batch) -> None:
        settings, share = self._settings, self.share
        loss = talker_loss(self._voice, forgetful(batch), settings)
        guide = settings.guide_weight * max(0.0, 1.0 - share / settings.guide_until)
        self._voice.zero_grad(set_to_none=True)
        total = loss.first + loss.rest + guide * loss.guide
        torch.autograd.backward(total + settings.foresight_weight * loss.foresight)
        for name, p in self._voice.named_parameters():
            self._weights[name].grad = p.grad.float() if p.grad is not None else None
        nn.utils.clip_grad_norm_(self._weights.values(), 1.0)
        self._optimizer.param_groups[0]["lr"] = learning_rate(settings, self.step, share)
        self._optimizer.step()
        self._voice.load_state_dict(self._weights)
        self._average_in()
        self.step += 1
        if self.step % 50 == 0:
            parts = f"first {loss.first:.3f} rest {loss.rest:.3f} guide {loss.guide:.3f}"
            parts = f"{parts} ahead {loss.foresight:.3f}"
            seconds = time.monotonic() - self._began
            print(f"step {self.step} {parts} share {share:.3f} {seconds:.0f} s", flush=True)

    @torch.no_grad()
    def _average_in(self) -> None:
        decay = min(self._settings.ema_decay, (1 + self.step) / (10 + self.step))
        mean, live = list(self.average.values()), list(self._weights.values())
        torch._foreach_lerp_(mean, live, 1.0 - decay)

    def _save(self, out: Path, validation: Sequence[Lesson]) -> None:
        self._voice.load_state_dict(self.average)
        scores = validate(self._voice, validation, self._maker, self._settings)
        self._voice.load_state_dict(self._weights)
        print("validation", json.dumps({k: round(v, 3) for k, v in scores.items()}), flush=True)
        state = {"step": self.step, "average": self.average, "live": self._weights}
        torch.save({**state, "optimizer": self._optimizer.state_dict()}, out.with_suffix(".tmp"))
        out.with_suffix(".tmp").rename(out)

    def resume(self, path: Path) -> None:
        """Continues from a saved state, with a new clock."""
        saved = torch.load(path, weights_only=True)
        for name, weight in saved["live"].items():
            self._weights[name].copy_(weight)
        self._voice.load_state_dict(self._weights)
        if len(saved["live"]) == len(self._weights):
            self._optimizer.load_state_dict(saved["optimizer"])
        self.average.update(saved["average"])
        self.step = int(saved["step"])


def prepare_texts(work: Path, texts: Sequence[str], num_merges: int) -> ModelConfig:
    """Writes tokenizer and config.json into `work` once; returns the configuration."""
    path = work / "config.json"
    if not path.exists():
        work.mkdir(parents=True, exist_ok=True)
        ids = write_spelling(work, texts, num_merges)
        data = model_json(ids, max(ids.values()) + 1)
        path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    return ModelConfig.from_dict(json.loads(path.read_text(encoding="utf-8")))


def main() -> None:
    """python -m intone.train.from_scratch.talker_stage PLANS FRONT WORK --minutes M"""
    parser = argparse.ArgumentParser(description="Train the built-in voice's talker.")
    parser.add_argument("plans", type=Path)
    parser.add_argument("front", type=Path, help="a state of the codec, for its phonemes")
    parser.add_argument("work", type=Path, help="codes, tokenizer and the talker's state")
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--start-share", type=float, default=0.0, help="of the schedule, resumed")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    settings = TalkerStageSettings(minutes=args.minutes, start_share=args.start_share)
    library = Library(args.plans, load_front(args.front)[1])
    library.refresh()
    config = prepare_texts(args.work, [lesson.text for lesson in library.train], 256)
    maker = SequenceMaker(config, Speller(args.work, dropout=0.15))
    voice = Voice(config, settings.dropout)
    trainer = TalkerTrainer(voice, maker, library, settings)
    quicken(voice)
    state = args.work / "talker.pt"
    if args.resume:
        trainer.resume(state)
    trainer.run(state)


if __name__ == "__main__":
    main()
