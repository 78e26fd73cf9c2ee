"""The public script's side, run by the Python that has qwen-tts installed.

    python public_worker.py JOB.json OUT.json

Runs the script from the checkout that the job names, with the replacements made in memory, and ends
it after as many optimiser steps as the job asks for, before it exports anything. This file must not
import intone: the other environment does not have it.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.metadata import version
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from replacements import REPLACEMENTS, patched

ACCUMULATION = 4
"""Micro-batches a step; the script has no option for it."""


class Done(BaseException):
    """Ends the script from inside its loop."""


@dataclass
class Recorder:
    """Listens to the data loader and the optimiser."""

    num_steps: int
    num_frames: list[int] = field(default_factory=list)
    """By micro-batch. The loader runs one micro-batch ahead."""
    num_positions: list[int] = field(default_factory=list)
    """Rows times padded length, by micro-batch."""
    ends_s: list[float] = field(default_factory=list)
    cpu_ends_s: list[float] = field(default_factory=list)
    started_s: float = 0.0
    cpu_started_s: float = 0.0

    def listen(self, dataset_class: Any) -> None:
        """Counts what the script's own collation returns."""
        collate: Callable[[Any, Any], dict[str, Any]] = dataset_class.collate_fn

        def counted(dataset: Any, rows: Any) -> dict[str, Any]:
            if not self.num_frames:
                self.started_s, self.cpu_started_s = perf_counter(), process_time()
            batch = collate(dataset, rows)
            self.num_frames.append(int(batch["codec_mask"].sum()))
            self.num_positions.append(batch["codec_mask"].numel())
            return batch

        dataset_class.collate_fn = counted

    def on_step(self, optimizer: Any, args: Any, settings: Any) -> None:
        """Takes the time of one optimiser step."""
        self.ends_s.append(perf_counter())
        self.cpu_ends_s.append(process_time())
        print(f"step {len(self.ends_s)}", file=sys.stderr, flush=True)
        if len(self.ends_s) == self.num_steps:
            raise Done

    def figures(self) -> dict[str, Any]:
        """Returns the seconds, frames and positions of every step."""
        slices = [slice(n * ACCUMULATION, (n + 1) * ACCUMULATION) for n in range(self.num_steps)]
        return {
            "step_s": differences([self.started_s, *self.ends_s]),
            "cpu_s": differences([self.cpu_started_s, *self.cpu_ends_s]),
            "frames": [sum(self.num_frames[part]) for part in slices],
            "positions": [sum(self.num_positions[part]) for part in slices],
        }


def differences(times_s: list[float]) -> list[float]:
    """Returns what lies between consecutive times."""
    return [end - start for start, end in zip(times_s, times_s[1:], strict=False)]


def provide_torchaudio() -> None:
    """Stands in for torchaudio, which qwen-tts imports for a model that was never released."""
    import_module("transformers")  # looks for torchaudio itself: must come first
    for name in ("torchaudio", "torchaudio.compliance", "torchaudio.compliance.kaldi"):
        module = types.ModuleType(name)
        module.__spec__ = ModuleSpec(name, None)
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)
        sys.modules[name] = module


def run_script(job: dict[str, Any]) -> None:
    """Runs the script as its README does, until the recorder ends it."""
    path = Path(job["upstream"]) / "finetuning" / "sft_12hz.py"
    arguments = {
        "--init_model_path": job["model"],
        "--output_model_path": job["out"],
        "--train_jsonl": job["rows"],
        "--batch_size": str(job["micro_rows"]),
        "--lr": str(job["learning_rate"]),
        "--num_epochs": "1",
    }
    sys.argv = [str(path), *(word for pair in arguments.items() for word in pair)]
    code = compile(patched(path.read_text(encoding="utf-8")), str(path), "exec")
    exec(code, {"__name__": "__main__", "__file__": str(path)})


def main(job: dict[str, Any]) -> dict[str, Any]:
    """Measures, and returns what the other side reads."""
    import torch
    from torch.optim.optimizer import register_optimizer_step_post_hook

    provide_torchaudio()
    torch.set_num_threads(job["threads"])
    torch.manual_seed(job["seed"])
    sys.path.insert(0, os.path.join(job["upstream"], "finetuning"))
    recorder = Recorder(job["steps"])
    recorder.listen(import_module("dataset").TTSDataset)
    register_optimizer_step_post_hook(recorder.on_step)
    try:
        run_script(job)
    except Done:
        pass
    names = ("qwen-tts", "transformers", "accelerate", "torch")
    return {
        **recorder.figures(),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
        "versions": {name: version(name) for name in names},
        "replacements": [f"{r.old} -> {r.new or 'nothing'}: {r.why}" for r in REPLACEMENTS],
    }


if __name__ == "__main__":
    job_path, out_path = (Path(argument) for argument in sys.argv[1:])
    figures = main(json.loads(job_path.read_text(encoding="utf-8")))
    out_path.write_text(json.dumps(figures), encoding="utf-8")
