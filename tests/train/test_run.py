"""A run learns, goes on exactly, shares its work, and stops when it must."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tests.train import tiny
from torch import Tensor

from intone.core.errors import DatasetError, DivergedError, RunError
from intone.core.types import Codes, ModelKind, SamplingParams
from intone.models.checkpoint import Checkpoint, Placement
from intone.models.weights import official_names
from intone.runtime.job import SlotJob
from intone.runtime.torch_runner import TorchRunner
from intone.train.encoded import EncodedDataset
from intone.train.tuning.batches import collate
from intone.train.tuning.checkpoints import WEIGHTS, read_weights
from intone.train.tuning.restore import open_voice, put_weights
from intone.train.tuning.run import RunSummary, fine_tune
from intone.train.tuning.run_files import (
    OPTIMIZER,
    best_checkpoint,
    complete_checkpoints,
    latest_resumable,
)
from intone.train.tuning.run_log import read_log
from intone.train.tuning.settings import TrainSettings, VariantRates
from intone.train.tuning.speaker_rows import free_rows

GREEDY = SamplingParams(greedy=True)


@pytest.fixture
def base(tiny_checkpoint: Callable[[ModelKind], Path]) -> Path:
    return tiny_checkpoint("base")


def train(
    base: Path, out: Path, chosen: TrainSettings, data: EncodedDataset | None = None
) -> RunSummary:
    lines: list[str] = []
    data = tiny.dataset() if data is None else data
    return fine_tune(tiny.request(base, out, chosen, data), say=lines.append)


def tensors_of(checkpoint: Path) -> dict[str, Tensor]:
    """Everything a checkpoint holds."""
    files = sorted(checkpoint.glob("*.safetensors"))
    return {f"{f.name}:{name}": t for f in files for name, t in load_file(f).items()}


def assert_same(one: Path, two: Path) -> None:
    a, b = tensors_of(one), tensors_of(two)
    assert a.keys() == b.keys()
    assert a, "nothing was compared"
    different = [name for name in a if not torch.equal(a[name], b[name])]
    assert not different


def steps_of(run: Path) -> list[dict[str, float]]:
    """What the log says of every step, without the clock."""
    clock = ("wall_s", "frames_per_s", "peak_memory_bytes")
    lines = [line for line in read_log(run) if line["kind"] == "step"]
    return [{k: v for k, v in line.items() if k not in clock} for line in lines]


def test_four_clips_are_learnt_by_heart_and_end(base: Path, tmp_path: Path) -> None:
    chosen = tiny.settings(
        max_steps=90, save_every=90, rates=tiny.ALWAYS, learning_rate_scale=1000.0
    )
    data = tiny.dataset(num_validation=0)
    summary = train(base, tmp_path / "run", chosen, data)

    assert summary.steps == 90
    voice, maker, config = tiny.opened(base, chosen, data.rows)
    put_weights(voice, read_weights(complete_checkpoints(tmp_path / "run")[-1]))
    runner = TorchRunner(voice.talker, voice.predictor, num_slots=1, num_positions=96)
    for i, encoded in enumerate(data.rows):
        np.testing.assert_array_equal(greedy_take(runner, maker.make(i, 0).prompt), encoded.codes)


def greedy_take(runner: TorchRunner, prompt: object) -> Codes:
    runner.prefill(0, SlotJob(prompt=prompt, sampling=GREEDY, predictor_sampling=GREEDY, seed=1))
    frames = []
    for _ in range(30):
        batch = runner.step([0])
        if batch.ended[0]:
            return np.stack(frames)
        frames.append(batch.codes[0])
    pytest.fail("the take did not end")


@pytest.mark.parametrize("preset", ["full", "voice", "lora"])
def test_an_interrupted_run_goes_on_bit_for_bit(base: Path, tmp_path: Path, preset: str) -> None:
    chosen = tiny.settings(preset=preset, lora_rank=4, lora_alpha=8)
    whole = train(base, tmp_path / "whole", chosen)
    shutil.copytree(tmp_path / "whole", tmp_path / "broken")
    shutil.rmtree(tmp_path / "broken/checkpoints/step-000004")

    again = train(base, tmp_path / "broken", chosen)

    assert_same(*(tmp_path / run / "checkpoints/step-000004" for run in ("whole", "broken")))
    assert steps_of(tmp_path / "broken") == steps_of(tmp_path / "whole")
    assert again.first_loss == pytest.approx(whole.first_loss, abs=1e-6)
    assert again.best_loss == whole.best_loss
    assert again.frames < whole.frames


def test_a_finished_run_has_nothing_to_do(base: Path, tmp_path: Path) -> None:
    train(base, tmp_path / "run", tiny.settings())
    before = steps_of(tmp_path / "run")
    assert train(base, tmp_path / "run", tiny.settings()).frames == 0
    assert steps_of(tmp_path / "run") == before


@pytest.mark.parametrize("damage", ["cut", "gone", "half-made"])
def test_the_last_whole_checkpoint_is_found(base: Path, tmp_path: Path, damage: str) -> None:
    chosen = tiny.settings()
    train(base, tmp_path / "whole", chosen)
    run = Path(shutil.copytree(tmp_path / "whole", tmp_path / "run"))
    newest = run / "checkpoints/step-000004"
    if damage == "cut":
        with (newest / WEIGHTS).open("r+b") as file:
            file.truncate(1000)
    elif damage == "gone":
        (newest / OPTIMIZER).unlink()
    else:
        newest.rename(newest.with_name(".step-000004.abcd.part"))

    assert latest_resumable(run) == run / "checkpoints/step-000002"
    train(base, run, chosen)
    assert_same(newest, tmp_path / "whole/checkpoints/step-000004")


def test_another_runs_directory_is_refused(base: Path, tmp_path: Path) -> None:
    train(base, tmp_path / "run", tiny.settings(max_steps=2))
    with pytest.raises(RunError, match="differs in settings"):
        train(base, tmp_path / "run", tiny.settings(max_steps=2, seed=1))
    with pytest.raises(RunError, match="differs in speakers"):
        train(base, tmp_path / "run", tiny.settings(max_steps=2), tiny.dataset(speaker="omar"))


def test_checkpoints_hold_what_was_trained_and_the_best_is_kept(base: Path, tmp_path: Path) -> None:
    chosen = tiny.settings(preset="voice", max_steps=6, save_every=1, keep=2, patience=0)
    train(base, tmp_path / "run", chosen)

    kept = complete_checkpoints(tmp_path / "run")
    best = best_checkpoint(tmp_path / "run")
    assert best in kept
    assert {path.name for path in kept} == {"step-000005", "step-000006", best.name}
    weights = read_weights(kept[-1])
    assert not [name for name in weights.tensors if "code_predictor" in name]
    assert not [name for name in weights.tensors if "embedding" in name]
    assert all(tensor.dtype == torch.float32 for tensor in weights.tensors.values())
    np.testing.assert_array_equal(weights.speakers["nora"], tiny.x_vector(7))


def test_a_run_that_gets_no_better_stops_early(base: Path, tmp_path: Path) -> None:
    """At an absurd learning rate every validation is worse than the untouched model's."""
    chosen = tiny.settings(learning_rate_scale=1000.0, max_steps=40, save_every=1, patience=3)
    data = tiny.dataset(num_train=4, num_validation=2)
    summary = train(base, tmp_path / "run", chosen, data)
    assert summary.reason == "no better validation"
    assert summary.steps < 40
    again = train(base, tmp_path / "run", chosen, data)
    assert (again.steps, again.frames) == (summary.steps, 0)


def test_no_number_stops_the_run_and_keeps_the_rows(base: Path, tmp_path: Path) -> None:
    data = tiny.dataset()
    data.rows[2].x_vector[3] = np.nan  # type: ignore[index]
    chosen = tiny.settings(rates=VariantRates(x_vector=1.0, icl=0.0))
    with pytest.raises(DivergedError, match="step 1: loss is nan.*nothing was updated"):
        train(base, tmp_path / "run", chosen, data)
    (saved,) = (tmp_path / "run/diverged").glob("*.safetensors")
    assert {name.split(".")[1] for name in load_file(saved)} == {"text_ids", "codec_ids"}
    assert not complete_checkpoints(tmp_path / "run")


def test_a_speaker_without_a_vector_cannot_become_a_preset(base: Path, tmp_path: Path) -> None:
    data = tiny.dataset()
    bare = EncodedDataset(rows=data.rows, speakers={}, content_hash=data.content_hash)
    with pytest.raises(DatasetError, match="'nora' has no x-vector.*--speaker-encoder"):
        train(base, tmp_path / "run", tiny.settings(), bare)


def test_recomputing_blocks_changes_no_number(base: Path, tmp_path: Path) -> None:
    train(base, tmp_path / "kept", tiny.settings(max_steps=2))
    train(base, tmp_path / "recomputed", tiny.settings(max_steps=2, checkpointing=True))
    assert_same(*(tmp_path / run / "checkpoints/step-000002" for run in ("kept", "recomputed")))


def test_a_lora_adapter_is_the_sum_it_stands_for(base: Path, tmp_path: Path) -> None:
    """Networks with adapters = networks with W + alpha / rank * B A, official names and all."""
    chosen = tiny.settings(preset="lora", lora_rank=4, lora_alpha=8)
    data = tiny.dataset()
    train(base, tmp_path / "run", chosen, data)
    weights = read_weights(complete_checkpoints(tmp_path / "run")[-1])
    adapted, maker, config = tiny.opened(base, chosen, data.split("train"))
    put_weights(adapted, weights)
    merged, *_ = tiny.opened(base, tiny.settings(), data.split("train"))
    before = merged.state_dict()["talker.model.layers.0.self_attn.qkv_proj.weight"].clone()
    assert weights.adapter is not None
    with torch.no_grad():
        for name, parameter in merged.named_parameters():
            deltas = [weights.adapter.delta(module) for module in official_modules(name)]
            if deltas[0] is not None:
                parameter += torch.cat(deltas)

    assert not torch.equal(
        before, merged.state_dict()["talker.model.layers.0.self_attn.qkv_proj.weight"]
    )
    batch = collate([maker.make(0, 0)], config)
    with torch.no_grad():
        torch.testing.assert_close(
            adapted.hidden_rows(batch), merged.hidden_rows(batch), atol=1e-5, rtol=1e-5
        )


def official_modules(name: str) -> list[str]:
    inner = name.removeprefix("talker.")
    return [f"talker.{part}".removesuffix(".weight") for part in official_names(inner)]


def test_frozen_parts_stay_as_they_were(base: Path) -> None:
    chosen = tiny.settings(preset="voice", precision="bf16")
    checkpoint = Checkpoint(base)
    voice = open_voice(checkpoint, chosen, {}, free_rows(checkpoint.config, []))
    place = Placement(torch.device("cpu"), torch.float32)
    predictor = checkpoint.load_code_predictor(place)
    for name, parameter in voice.predictor.named_parameters():
        assert not parameter.requires_grad
        torch.testing.assert_close(parameter, predictor.get_parameter(name))


WORKER = """
import sys
from pathlib import Path
import torch
from tests.train import tiny
from intone.train.tuning.run import fine_tune
torch.set_num_threads(1)
base, out = Path(sys.argv[1]), Path(sys.argv[2])
fine_tune(tiny.request(base, out, tiny.SHARED, tiny.SHARED_DATA))
"""


def worker(base: Path, out: Path, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(base), str(out)],
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        cwd=Path(__file__).parents[2],
    )


@pytest.fixture(scope="module")
def alone(
    tiny_checkpoint: Callable[[ModelKind], Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A run of one process that nothing interrupted."""
    out = tmp_path_factory.mktemp("alone") / "run"
    train(tiny_checkpoint("base"), out, tiny.SHARED, tiny.SHARED_DATA)
    return out


@pytest.mark.slow
def test_two_processes_are_one(base: Path, tmp_path: Path, alone: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    out = tmp_path / "two"
    running = [worker(base, out, RANK=str(r), LOCAL_RANK=str(r), **shared) for r in (0, 1)]
    assert [process.wait(timeout=150) for process in running] == [0, 0]

    one, two = (read_weights(complete_checkpoints(run)[-1]) for run in (alone, out))
    for name, tensor in one.tensors.items():
        torch.testing.assert_close(two.tensors[name], tensor, atol=2e-6, rtol=2e-5)
    for a, b in zip(steps_of(alone), steps_of(out), strict=True):
        assert b["loss"] == pytest.approx(a["loss"], abs=1e-4)
        assert b["rows"] == a["rows"]


def test_a_killed_run_goes_on_bit_for_bit(base: Path, tmp_path: Path, alone: Path) -> None:
    process = worker(base, tmp_path / "run")
    deadline = time.monotonic() + 150
    while not list((tmp_path / "run/checkpoints").glob("step-*")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(complete_checkpoints(tmp_path / "run")) < tiny.SHARED.max_steps, "killed too late"

    train(base, tmp_path / "run", tiny.SHARED, tiny.SHARED_DATA)

    last = f"checkpoints/step-{tiny.SHARED.max_steps:06d}"
    assert_same(alone / last, tmp_path / "run" / last)
    assert steps_of(tmp_path / "run") == steps_of(alone)


def test_the_log_is_one_object_a_line(base: Path, tmp_path: Path) -> None:
    train(base, tmp_path / "run", tiny.settings(max_steps=2))
    lines = (tmp_path / "run/log.jsonl").read_text().splitlines()
    kinds = [json.loads(line)["kind"] for line in lines]
    assert kinds == ["validation", "step", "step", "validation"]
    step = json.loads(lines[1])
    assert {f"codebook_{k}" for k in range(1, 16)} <= step.keys()
    assert step["frames"] == 5 + 7 + 9 + 11
    assert step["peak_memory_bytes"] > 1e7


@pytest.mark.gpu
def test_a_gpu_makes_the_run_of_the_cpu(base: Path, tmp_path: Path, alone: Path) -> None:
    chosen = tiny.request(base, tmp_path / "run", tiny.SHARED, tiny.SHARED_DATA)
    fine_tune(replace(chosen, device="auto"))
    for ours, theirs in zip(steps_of(tmp_path / "run"), steps_of(alone), strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], abs=1e-3)
