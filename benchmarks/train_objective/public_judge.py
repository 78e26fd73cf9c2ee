"""Scores checkpoints, run by the Python that has qwen-tts installed.

    python public_judge.py JOB.json OUT.json

Uses `tests/oracle/upstream_training.py`, which embeds and scores rows by the package's own classes.
This file must not import intone: the other environment does not have it.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from statistics import fmean
from typing import Any

ORACLE = Path(__file__).parents[2] / "tests" / "oracle"
sys.path.insert(0, str(ORACLE))

GREEDY: dict[str, Any] = {
    "do_sample": False,
    "subtalker_dosample": False,
    "repetition_penalty": 1.0,
    "non_streaming_mode": True,
}


def score(tts: Any, row: dict[str, Any]) -> dict[str, float]:
    """Returns mean losses of one row in nats, by the names of `run_training`, and its ends."""
    losses = import_module("upstream_training").run_training(tts, row)
    figures = {name: float(value.mean()) for name, value in losses.items()}
    return {**figures, "end_ce": float(losses["talker_ce"][-1])}


def means(rows: list[dict[str, float]]) -> dict[str, float]:
    """Returns the mean over rows of every figure."""
    return {name: round(fmean(row[name] for row in rows), 4) for name in rows[0]}


def speak_again(tts: Any, row: dict[str, Any]) -> dict[str, Any]:
    """Speaks a row's text greedily; returns how much of the row came back, and whether it ended."""
    import torch

    item = import_module("qwen_tts").VoiceClonePromptItem(
        ref_code=None,
        ref_spk_embedding=torch.tensor(row["x_vector"]),
        x_vector_only_mode=True,
        icl_mode=False,
    )
    wanted = torch.tensor(row["codes"])
    record = import_module("upstream").Recorder(tts.model)
    tts.generate_voice_clone(
        row["text"],
        language=row["language"],
        voice_clone_prompt=[item],
        max_new_tokens=2 * len(wanted),
        **GREEDY,
    )
    common = min(len(wanted), len(record.codes))
    same = (wanted[:common] == record.codes[:common]).all(dim=1)
    return {
        "frames": len(wanted),
        "frames_spoken": len(record.codes),
        "frames_reproduced": int(same.sum()),
    }


def own_speech(tts: Any, texts: list[str], speaker: str, max_frames: int) -> list[dict[str, Any]]:
    """Returns rows that a CustomVoice model spoke itself, sampled; those it did not end are out."""
    import torch

    record = import_module("upstream").Recorder(tts.model)
    rows = []
    for number, text in enumerate(texts):
        torch.manual_seed(number)
        tts.generate_custom_voice(text, speaker=speaker, max_new_tokens=max_frames)
        if len(record.codes) < max_frames - 1:
            rows.append(
                {
                    "text": text,
                    "language": "auto",
                    "text_layout": "at_once",
                    "speaker": speaker,
                    "instruct": None,
                    "x_vector": None,
                    "ref_codes": None,
                    "ref_text": None,
                    "codes": record.codes.tolist(),
                }
            )
    return rows


def judge(job: dict[str, Any]) -> dict[str, Any]:
    """Returns the figures of one checkpoint."""
    import torch

    import_module("upstream").provide_torchaudio()
    tts = import_module("qwen_tts").Qwen3TTSModel.from_pretrained(
        job["checkpoint"], dtype=torch.float32
    )
    tts.model.eval()
    torch.set_num_threads(job["threads"])
    with torch.inference_mode():
        if "texts" in job:
            rows = own_speech(tts, job["texts"], job["speaker"], job["max_frames"])
            frames = sum(len(row["codes"]) for row in rows)
            head = {"texts": len(job["texts"]), "takes_that_ended": len(rows), "frames": frames}
            return {**head, **means([score(tts, row) for row in rows])}
        spoken = [speak_again(tts, row) for row in job["rows"]]
        return {
            **means([score(tts, row) for row in job["rows"]]),
            **{name: sum(take[name] for take in spoken) for name in spoken[0]},
            "takes_of_the_right_length": sum(t["frames_spoken"] == t["frames"] for t in spoken),
        }


if __name__ == "__main__":
    job_path, out_path = (Path(argument) for argument in sys.argv[1:])
    figures = judge(json.loads(job_path.read_text(encoding="utf-8")))
    out_path.write_text(json.dumps(figures), encoding="utf-8")
