"""Trains by the public script and keeps the weights as a Base checkpoint.

    python public_trainer.py JOB.json OUT.json

The script's own export needs row 3000 of a table that a tiny model does not have. Run by the Python
that has qwen-tts installed; must not import intone.
"""

from __future__ import annotations

import json
import shutil
import sys
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "train_speed"))


def model_of(trace: TracebackType | None) -> Any:
    """Returns the model that the script's `train` held when it was ended."""
    while trace is not None:
        frame = trace.tb_frame
        if frame.f_code.co_name == "train" and "accelerator" in frame.f_locals:
            return frame.f_locals["model"]
        trace = trace.tb_next
    raise RuntimeError("the script has no function `train` any more")


def train(job: dict[str, Any]) -> dict[str, Any]:
    """Trains, and writes `out` from the base and the trained weights."""
    import torch
    from safetensors.torch import save_file
    from torch.optim.optimizer import register_optimizer_step_post_hook

    worker = import_module("public_worker")
    worker.provide_torchaudio()
    torch.set_num_threads(job["threads"])
    torch.manual_seed(job["seed"])
    sys.path.insert(0, str(Path(job["upstream"]) / "finetuning"))
    recorder = worker.Recorder(job["steps"])
    register_optimizer_step_post_hook(recorder.on_step)
    try:
        worker.run_script(job)
    except worker.Done as done:
        model = model_of(done.__traceback__)
    out = Path(job["out"])
    shutil.copytree(job["model"], out)
    save_file(model.state_dict(), out / "model.safetensors", metadata={"format": "pt"})
    return {"steps": len(recorder.ends_s)}


if __name__ == "__main__":
    job_path, out_path = (Path(argument) for argument in sys.argv[1:])
    figures = train(json.loads(job_path.read_text(encoding="utf-8")))
    out_path.write_text(json.dumps(figures), encoding="utf-8")
