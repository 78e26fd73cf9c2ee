"""The talker and the code predictor, trained on the codes of the teacher's plans.

Sequences come from the prompt builder and run through the networks of inference; the loss asks for
codebook 0 of the next frame (or the end) and, on a random share of the frames, for the other
codebooks. The run is measured in steps, and a stopped run goes on where it was, with other data or
another number of steps if need be; plans that the teacher makes meanwhile join the data.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from intone.models.config import ModelConfig
from intone.train.from_scratch.batches import Batch, BatchSettings, batches, forgetful
from intone.train.from_scratch.clips import Symbols, read_plans, shard_paths
from intone.train.from_scratch.lessons import Lesson, LessonReader, SequenceMaker, spoken_words
from intone.train.from_scratch.letters import Letters
from intone.train.from_scratch.recipe import PHONEMES, model_json
from intone.train.from_scratch.spelling import Speller, write_spelling
from intone.train.from_scratch.talker_loss import LossSettings, TalkerLoss, talker_loss, validate
from intone.train.from_scratch.texts import HeldOut
from intone.train.from_scratch.voice import Voice, quicken
from intone.train.from_scratch.warm import add_speakers, warm_voice

_LETTER_SHARDS = 24
_SHARDS_A_PASS = 12
_EVEN_SHARE = 0.4
"""Share of the plans that are learnt in the teacher's own pace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkerStageSettings:
    """One run."""

    steps: int
    learning_rate: float = 1.2e-3
    flat_share: float = 0.4
    """Share of the run before the learning rate falls."""
    weight_decay: float = 0.05
    dropout: float = 0.02
    guide_weight: float = 1.0
    guide_until: float = 1.5
    """Share of the run after which attention is left alone."""
    foresight_weight: float = 1.0
    spelt_weight: float = 1.0
    rest_weight: float = 1.5
    ema_decay: float = 0.998
    save_every: int = 100
    validate_every: int = 400
    loss: LossSettings = field(default_factory=LossSettings)
    batch: BatchSettings = field(default_factory=BatchSettings)


class Library:
    """Lessons from the plans on disk, some shards at a time, in random order."""

    def __init__(self, plans: Path, held_out: HeldOut) -> None:
        self._plans, self._held_out = plans, held_out
        first = shard_paths(plans, "text")[:_LETTER_SHARDS]
        letters = Letters(spoken_words(plan for path in first for plan in read_plans(path)))
        self._reader = LessonReader(Symbols(PHONEMES), letters)
        self._seen: set[Path] = set()

    def next_lessons(self) -> list[Lesson]:
        """Returns the lessons of shards not read yet, or of any where all have been read."""
        paths = shard_paths(self._plans, "train") + shard_paths(self._plans, "text")
        unseen = [path for path in paths if path not in self._seen]
        if not unseen:
            self._seen.clear()
            unseen = paths
        chosen = random.sample(unseen, min(_SHARDS_A_PASS, len(unseen)))
        self._seen.update(chosen)
        return [lesson for path in chosen for lesson in self._read(path)]

    def validation(self) -> list[Lesson]:
        """Returns the lessons of the split "val"."""
        return [
            self._reader.read(plan)
            for path in shard_paths(self._plans, "val")
            for plan in read_plans(path)
        ]

    def _read(self, path: Path) -> Iterator[Lesson]:
        for plan in read_plans(path):
            if not self._held_out.shares(plan.text):
                is_even = random.random() < _EVEN_SHARE
                yield self._reader.read(plan) if is_even else self._reader.read_warped(plan)


def learning_rate(settings: TalkerStageSettings, step: int) -> float:
    """Warm-up over 200 steps; flat, then a cosine to a hundredth."""
    flat = settings.flat_share
    fall = min(1.0, max(0.0, (step / settings.steps - flat) / (1.0 - flat)))
    warm = min(1.0, (step + 1) / 200)
    return settings.learning_rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * fall)))


class TalkerTrainer:
    """One run: steps, averaged weights, a state that can be resumed."""

    def __init__(
        self, voice: Voice, maker: SequenceMaker, library: Library, settings: TalkerStageSettings
    ) -> None:
        self._maker, self._library, self._settings = maker, library, settings
        self._weights = {name: p.detach().clone() for name, p in voice.named_parameters()}
        """fp32; the network itself computes in bf16 copies of them."""
        self._voice = voice.bfloat16()
        self._live = dict(self._voice.named_parameters())
        self._optimizer = torch.optim.AdamW(
            self._weights.values(),
            betas=(0.9, 0.97),
            weight_decay=settings.weight_decay,
            fused=True,
        )
        self.average = {name: p.clone() for name, p in self._weights.items()}
        self.step = 0
        self._is_stopped = False
        self._began, self._rows = time.process_time(), 0

    def stop(self, *_: object) -> None:
        """Ends the run after the step it is in, with its state saved."""
        self._is_stopped = True

    def run(self, out: Path) -> None:
        """Trains; writes state and validation every few minutes."""
        validation = self._library.validation()
        end_id = self._voice.talker.config.codec_eos_id
        while self.step < self._settings.steps and not self._is_stopped:
            lessons = self._library.next_lessons()
            print(f"{len(lessons)} lessons", flush=True)
            for batch in batches(lessons, self._maker, self._settings.batch, end_id):
                self._one_step(batch)
                if self.step % self._settings.save_every == 0:
                    is_due = self.step % self._settings.validate_every == 0
                    self._save(out, validation if is_due else [])
                if self.step >= self._settings.steps or self._is_stopped:
                    break
        self._save(out, [] if self._is_stopped else validation)

    def _one_step(self, batch: Batch) -> None:
        settings = self._settings
        loss = talker_loss(self._voice, forgetful(batch), settings.loss)
        share = self.step / settings.steps
        guide = settings.guide_weight * max(0.0, 1.0 - share / settings.guide_until)
        self._voice.zero_grad(set_to_none=True)
        total = loss.first + settings.rest_weight * loss.rest + guide * loss.guide
        total = total + settings.foresight_weight * loss.foresight
        torch.autograd.backward(total + settings.spelt_weight * loss.spelt)
        for name, p in self._live.items():
            self._weights[name].grad = p.grad.float() if p.grad is not None else None
        nn.utils.clip_grad_norm_(self._weights.values(), 1.0)
        self._optimizer.param_groups[0]["lr"] = learning_rate(settings, self.step)
        self._optimizer.step()
        self._show(self._weights)
        self._average_in()
        self.step += 1
        self._rows += batch.text_ids.numel()
        if self.step % 50 == 0:
            self._log(loss)

    def _log(self, loss: TalkerLoss) -> None:
        parts = f"first {loss.first:.3f} rest {loss.rest:.3f} guide {loss.guide:.3f}"
        parts = f"{parts} ahead {loss.foresight:.3f} spelt {loss.spelt:.3f}"
        seconds = time.process_time() - self._began
        print(f"step {self.step} {parts} {self._rows / seconds:.0f} rows/s", flush=True)

    @torch.no_grad()
    def _show(self, weights: dict[str, torch.Tensor]) -> None:
        torch._foreach_copy_(list(self._live.values()), list(weights.values()))

    @torch.no_grad()
    def _average_in(self) -> None:
        decay = min(self._settings.ema_decay, (1 + self.step) / (10 + self.step))
        mean, live = list(self.average.values()), list(self._weights.values())
        torch._foreach_lerp_(mean, live, 1.0 - decay)

    def _save(self, out: Path, validation: Sequence[Lesson]) -> None:
        if validation:
            self._show(self.average)
            scores = validate(self._voice, validation, self._maker, self._settings.loss)
            self._show(self._weights)
            rounded = {name: round(score, 3) for name, score in scores.items()}
            print(f"validation {self.step}", json.dumps(rounded), flush=True)
        state = {"step": self.step, "average": self.average, "live": self._weights}
        torch.save({**state, "optimizer": self._optimizer.state_dict()}, out.with_suffix(".tmp"))
        out.with_suffix(".tmp").rename(out)

    def resume(self, path: Path) -> None:
        """Continues from a saved state."""
        saved = torch.load(path, weights_only=True)
        with torch.no_grad():
            for name, weight in saved["live"].items():
                self._weights[name].copy_(weight)
        self._show(self._weights)
        self._optimizer.load_state_dict(saved["optimizer"])
        self.average.update(saved["average"])
        self.step = int(saved["step"])


def prepare_texts(work: Path, plans: Path, num_merges: int = 256) -> ModelConfig:
    """Writes tokenizer and config.json into `work` once; returns the configuration."""
    path = work / "config.json"
    if not path.exists():
        work.mkdir(parents=True, exist_ok=True)
        texts = [plan.text for path in shard_paths(plans, "text") for plan in read_plans(path)]
        ids = write_spelling(work, texts, num_merges)
        data = model_json(ids, max(ids.values()) + 1)
        path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    return ModelConfig.from_dict(json.loads(path.read_text(encoding="utf-8")))


def main() -> None:
    """python -m intone.train.from_scratch.talker_stage PLANS WORK --steps N"""
    parser = argparse.ArgumentParser(description="Train the built-in voice's talker.")
    parser.add_argument("plans", type=Path)
    parser.add_argument("work", type=Path, help="config.json, tokenizer and the talker's state")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--warm", type=Path, help="a checkpoint of the same shape to start from")
    parser.add_argument("--new-speakers", action="store_true", help="the checkpoint has only one")
    parser.add_argument("--held-out", type=Path, nargs="*", default=[], help="never to be learnt")
    parser.add_argument("--learning-rate", type=float, default=1.2e-3)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    settings = TalkerStageSettings(steps=args.steps, learning_rate=args.learning_rate)
    held_out = [line for path in args.held_out for line in path.read_text("utf-8").splitlines()]
    library = Library(args.plans, HeldOut(held_out))
    config = prepare_texts(args.work, args.plans)
    voice = Voice(config, settings.dropout)
    if args.warm is not None:
        warm_voice(voice, args.warm)
    if args.new_speakers:
        add_speakers(voice)
    trainer = TalkerTrainer(
        voice, SequenceMaker(config, Speller(args.work, dropout=0.15)), library, settings
    )
    quicken(voice)
    signal.signal(signal.SIGTERM, trainer.stop)
    if (args.work / "talker.pt").exists():
        trainer.resume(args.work / "talker.pt")
    trainer.run(args.work / "talker.pt")


if __name__ == "__main__":
    main()
