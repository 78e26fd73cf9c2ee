"""Makes one greedy take from built graphs: `python speak_worker.py GRAPHS MODEL OUT`.

A process of its own, so that it can run on an emulated CPU; no torch.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from tests.runtime.cpu.conftest import Built

from intone.core.types import SamplingParams
from intone.models.description import ModelDescription
from intone.prompt.spec import PromptSpec
from intone.runtime.job import SlotJob

NUM_FRAMES = 8


def main(graphs: Path, model: Path, out: Path) -> None:
    """Writes the logits after the prompt, codes [F, K], and samples."""
    built = Built(graphs, ModelDescription.read(model))
    greedy = SamplingParams(greedy=True)
    runner, decoder = built.runner(num_slots=1), built.decoder()
    runner.prefill(
        0,
        SlotJob(
            prompt=built.prompts().build(PromptSpec(text="On any machine.", speaker="ryan")),
            sampling=greedy,
            predictor_sampling=greedy,
            seed=0,
            min_frames=NUM_FRAMES,
        ),
    )
    logits = runner._slots[0].logits.copy()
    codes = np.concatenate([runner.step([0]).codes for _ in range(NUM_FRAMES)])
    (samples,) = decoder.decode([decoder.open(None)], [codes])
    np.savez(out, logits=logits, codes=codes, samples=samples)


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:]))
