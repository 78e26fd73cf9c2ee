"""What both sides are given: prompts, and frames after them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from intone.core.types import Codes
from intone.models.checkpoint import Checkpoint, Placement
from intone.models.description import ModelDescription
from intone.prompt.builder import PromptBuilder
from intone.prompt.spec import PromptSpec
from intone.prompt.talker_prompt import TalkerPrompt
from intone.prompt.tokenizer import TextTokenizer
from intone.runtime.job import SlotJob
from intone.runtime.slots import NUM_CONTROL_IDS
from intone.runtime.torch_runner import TorchRunner

FP32 = Placement(torch.device("cpu"), torch.float32)


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """One take."""

    prompt: TalkerPrompt
    codes: Codes
    """[F, K]"""

    @property
    def num_positions(self) -> int:
        return self.prompt.num_rows + len(self.codes)


def prompts(description: ModelDescription, texts: Sequence[str]) -> list[TalkerPrompt]:
    """Returns a prompt for every text, the presets in turn."""
    config = description.config
    builder = PromptBuilder(config, TextTokenizer.from_dir(description.directory))
    return [
        builder.build(
            PromptSpec(
                text=text, language="english", speaker=config.speakers[n % len(config.speakers)]
            )
        )
        for n, text in enumerate(texts)
    ]


def own_takes(
    directory: Path, texts: Sequence[str], seed: int, num_positions: int = 1024
) -> list[History]:
    """Returns what the model makes of the texts in fp32, with its own sampling.

    Raises:
        ValueError: a take did not end within its frame budget, so it is no normal one.
    """
    checkpoint = Checkpoint(directory)
    runner = TorchRunner(
        checkpoint.load_talker(FP32),
        checkpoint.load_code_predictor(FP32),
        num_slots=1,
        num_positions=num_positions,
    )
    description = checkpoint.description
    return [
        History(prompt, _take(runner, description, prompt, seed + n))
        for n, prompt in enumerate(prompts(description, texts))
    ]


def _take(
    runner: TorchRunner, description: ModelDescription, prompt: TalkerPrompt, seed: int
) -> Codes:
    defaults, frames = description.defaults, []
    job = SlotJob(
        prompt=prompt,
        sampling=defaults.sampling,
        predictor_sampling=defaults.predictor_sampling,
        seed=seed,
    )
    runner.prefill(0, job)
    for _ in range(min(defaults.max_frames, runner.num_positions - prompt.num_rows)):
        batch = runner.step([0])
        if batch.ended[0]:
            return np.stack(frames)
        frames.append(batch.codes[0])
    raise ValueError(f"take with seed {seed} did not end within {len(frames)} frames.")


def random_frames(
    description: ModelDescription, texts: Sequence[str], num_frames: int, seed: int
) -> list[History]:
    """Returns the texts' prompts, each with `num_frames` random frames behind it."""
    talker, predictor = description.config.talker, description.config.code_predictor
    sizes = [talker.vocab_size - NUM_CONTROL_IDS]
    sizes += [predictor.vocab_size] * (talker.num_codebooks - 1)
    draws = np.random.default_rng(seed)
    return [
        History(prompt, draws.integers(0, sizes, (num_frames, len(sizes))))
        for prompt in prompts(description, texts)
    ]
