"""Sets and books on a cluster of two nodes of this machine, with workers that are killed."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np
import pytest
import soundfile
from tests.deploy.offline.sets import lines_of, write_rows
from tests.deploy.offline.workers import DoublingOpening

from intone.cli import main
from intone.core.errors import BatchError, CheckpointError, InvalidSettingError
from intone.deploy.offline.checking import ModelChecker
from intone.deploy.offline.hearing import EarOpening
from intone.deploy.offline.opening import SpeakerOpening

pytest.importorskip("ray")

SHORT = ("It was cold.", "Nobody came.", "We walked north.", "She closed it.", "Ten boats left.")


@dataclass(frozen=True)
class Nodes:
    """A cluster without a driver."""

    address: str
    environ: dict[str, str]
    cluster: Any
    """`ray.cluster_utils.Cluster`."""

    def start(self, *argv: str) -> subprocess.Popen[str]:
        """Starts a command whose work is done there, by one worker of one core on each node."""
        return subprocess.Popen(
            [sys.executable, "-m", "intone", *argv, "--ray", self.address],
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *argv: str) -> tuple[int, str, str]:
        """Runs such a command; returns its code, output and remarks."""
        process = self.start(*argv)
        out, err = process.communicate(timeout=240)
        return process.returncode, out, err


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """Two nodes of one core each, that tell nobody and show nothing."""
    environ = {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_MODE": "disabled",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        "OMP_NUM_THREADS": "1",
        "INTONE_VOICES_DIR": "no-voices",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environ.items():
            patch.setenv(name, value)
        from ray.cluster_utils import Cluster

        memory = {"object_store_memory": 80 * 2**20}
        cluster: Any = Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 1, "include_dashboard": False, **memory},
        )
        cluster.add_node(num_cpus=1, **memory)
        try:
            yield Nodes(cluster.address, dict(os.environ), cluster)
        finally:
            cluster.shutdown()


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def short_rows(num_rows: int) -> list[dict[str, Any]]:
    return [{"id": f"row-{i:03}", "text": SHORT[i % len(SHORT)]} for i in range(num_rows)]


def journals(out: Path) -> dict[int, int]:
    """Returns how many rows each process has finished, by its number."""
    found: Counter[int] = Counter()
    for path in out.glob(".batch/journals/*.jsonl"):
        found[int(path.name.split("-")[-2])] += path.read_bytes().count(b"\n")
    return dict(found)


def kill_one(out: Path, *, after_rows: int) -> int:
    """Kills the first worker that has finished so many rows; returns its number."""
    deadline = monotonic() + 120
    while monotonic() < deadline:
        for pid, num_rows in journals(out).items():
            if num_rows >= after_rows:
                os.kill(pid, signal.SIGKILL)
                return pid
        sleep(0.05)
    raise AssertionError("no worker finished anything")


@pytest.mark.fleet
def test_every_row_is_made_once_though_a_worker_is_killed(nodes: Nodes) -> None:
    write_rows(Path("set.jsonl"), short_rows(200))
    out = Path("out")
    command = ["batch", "set.jsonl", "--model", "builtin", "--out", str(out)]
    process = nodes.start(*command, "--cpus-per-worker", "1")
    killed = kill_one(out, after_rows=20)
    told, err = process.communicate(timeout=240)

    assert process.returncode == 0, err
    assert "2 workers" in err
    lines = lines_of(out / "manifest.jsonl")
    assert [line["id"] for line in lines] == [row["id"] for row in short_rows(200)]
    assert len({line["file"] for line in lines}) == 200
    assert sum(path.is_file() for path in out.glob("audio/*/*")) == 200
    assert lines_of(out / "failures.jsonl") == []
    made = journals(out)
    assert made[killed] >= 20
    assert len(made) >= 3  # another one took its place
    assert sum(made.values()) <= 200 + 8  # at most what was in the slots is made twice
    assert "200 rows were spoken in this run" in told

    again = nodes.run(*command)
    assert "0 rows were spoken" in again[1]

    here = [{**row} for row in short_rows(200)[::40]]
    write_rows(Path("here.jsonl"), here)
    alone = subprocess.run(
        [sys.executable, "-m", "intone", "batch", "here.jsonl", "--model", "builtin", "-o", "here"],
        env=nodes.environ,
        capture_output=True,
        check=True,
    )
    assert alone.returncode == 0
    for line in lines_of(Path("here/manifest.jsonl")):
        theirs = next(one for one in lines if one["id"] == line["id"])
        assert (theirs["seed"], theirs["num_samples"]) == (line["seed"], line["num_samples"])
        ours_samples, _ = soundfile.read(Path("here", line["file"]), dtype="float32")
        their_samples, _ = soundfile.read(out / theirs["file"], dtype="float32")
        assert np.abs(ours_samples - their_samples).max() < 1e-3


@pytest.mark.fleet
def test_a_run_that_was_left_is_gone_on_with_by_others(nodes: Nodes) -> None:
    write_rows(Path("set.jsonl"), short_rows(60))
    out = Path("out")
    command = ["batch", "set.jsonl", "--model", "builtin", "--out", str(out)]
    process = nodes.start(*command)
    deadline = monotonic() + 120
    while sum(journals(out).values()) < 5 and monotonic() < deadline:
        sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "the same command goes on from there" in err
    assert not (out / "manifest.jsonl").exists()
    sleep(2)  # workers end with the command that asked for them
    num_kept = sum(journals(out).values())

    code, told, err = nodes.run(*command)
    assert code == 0, err
    assert f"{num_kept} of 60 rows are finished" in err
    assert f"{60 - num_kept} rows were spoken" in told
    assert len(lines_of(out / "manifest.jsonl")) == 60


@pytest.mark.fleet
def test_a_machine_that_goes_away_costs_no_row(nodes: Nodes) -> None:
    write_rows(Path("set.jsonl"), short_rows(90))
    out = Path("out")
    leaving = nodes.cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20)
    process = nodes.start("batch", "set.jsonl", "--model", "builtin", "--out", str(out))
    deadline = monotonic() + 120
    while len(journals(out)) < 3 and monotonic() < deadline:
        sleep(0.05)
    nodes.cluster.remove_node(leaving, allow_graceful=False)
    _, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    assert "3 workers" in err
    assert len(lines_of(out / "manifest.jsonl")) == 90
    assert sum(path.is_file() for path in out.glob("audio/*/*")) == 90


@pytest.mark.fleet
def test_a_row_that_fails_on_a_cluster_is_listed(nodes: Nodes) -> None:
    rows = [*short_rows(3), {"id": "long", "text": "Long.", "max_frames": 50_000}]
    write_rows(Path("set.jsonl"), rows)
    code, _, err = nodes.run("batch", "set.jsonl", "--model", "builtin", "--out", "out")
    assert code == 12, err
    (failure,) = lines_of(Path("out/failures.jsonl"))
    assert (failure["id"], failure["error"]) == ("long", "TextTooLongError")
    assert len(lines_of(Path("out/manifest.jsonl"))) == 3


@pytest.mark.fleet
def test_a_book_is_the_same_from_a_cluster(nodes: Nodes) -> None:
    Path("sea.txt").write_text(
        "Chapter 1\n\nIt was cold. Nobody came.\n\nChapter 2\n\nWe walked north until noon.\n"
    )
    command = ["book", "sea.txt", "--model", "builtin", "--seed", "3", "--out"]
    code, told, err = nodes.run(*command, "far")
    assert code == 0, err
    assert "similarity with the voice" in told
    subprocess.run(
        [sys.executable, "-m", "intone", *command, "here"], env=nodes.environ, check=True
    )
    files = sorted(Path("here").glob("*.wav"))
    assert len(files) == 2
    for file in files:
        ours, _ = soundfile.read(file, dtype="float32")
        theirs, _ = soundfile.read(Path("far", file.name), dtype="float32")
        assert np.abs(ours - theirs).max() < 1e-3


@pytest.mark.fleet
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--cpus-per-worker", "64"], "64 cores and 0 GPUs; no machine of this cluster has both"),
        (["--gpus-per-worker", "1"], "1 GPUs; no machine"),
    ],
)
def test_more_than_a_machine_has_is_refused(nodes: Nodes, options: list[str], words: str) -> None:
    write_rows(Path("set.jsonl"), short_rows(1))
    code, _, err = nodes.run("batch", "set.jsonl", "--model", "builtin", *options)
    assert code == 3
    assert words in err


RAYS_OWN = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""Ray warns of what its own parts use."""


@pytest.fixture(scope="module")
def connected(nodes: Nodes) -> Iterator[Any]:
    """The cluster as this process sees it."""
    from intone.deploy.offline import on_ray

    with on_ray.cluster(nodes.address, on_ray.Share(num_workers=2, cpus=1)) as cluster:
        yield cluster


@pytest.mark.fleet
@RAYS_OWN
def test_every_item_is_worked_on(connected: Any) -> None:
    made = list(connected.map(DoublingOpening(), range(20), num_per_block=3))
    assert sorted(made) == [2 * i for i in range(20)]


@pytest.mark.fleet
@RAYS_OWN
def test_what_a_worker_refuses_is_raised_as_what_it_is(connected: Any) -> None:
    with pytest.raises(CheckpointError, match="other weights"):
        list(connected.map(DoublingOpening(refuses=True), range(4), num_per_block=2))


@pytest.mark.fleet
@RAYS_OWN
def test_a_block_that_takes_worker_after_worker_ends_the_work(connected: Any) -> None:
    with pytest.raises(BatchError, match="took worker after worker"):
        list(connected.map(DoublingOpening(deadly=3), range(4), num_per_block=1, max_tries=2))


@pytest.mark.fleet
@RAYS_OWN
def test_a_bug_in_a_worker_is_told_with_its_name(connected: Any) -> None:
    with pytest.raises(BatchError, match="the cluster gave up.*"):
        list(connected.map(DoublingOpening(), [1, -1], num_per_block=1))


def test_without_ray_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "intone.deploy.offline.on_ray", raising=False)
    monkeypatch.setitem(sys.modules, "ray", None)
    write_rows(Path("set.jsonl"), short_rows(1))
    assert main(["batch", "set.jsonl", "--model", "builtin", "--ray"]) == 7
    assert "install intone[ray]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("address", "code", "words"),
    [
        ("127.0.0.1:1", 12, "no Ray cluster answers at 127.0.0.1:1"),
        ("ray://head:10001", 3, "allowed: HOST:PORT, auto or local"),
        ("head", 3, "allowed: HOST:PORT, auto or local"),
    ],
)
def test_an_address_without_a_cluster_is_told_at_once(
    address: str, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_rows(Path("set.jsonl"), short_rows(1))
    assert main(["batch", "set.jsonl", "--model", "builtin", "--ray", address]) == code
    assert words in capsys.readouterr().err


def opening(**changes: Any) -> SpeakerOpening:
    fingerprint = ModelChecker.of(None).model("auto").fingerprint
    given: dict[str, Any] = {
        "model": None,
        "device": "cpu",
        "dtype": "auto",
        "threads": 1,
        "num_slots": 2,
        "profile": "throughput",
        "eager": False,
        "memory_budget": None,
        "fingerprint": fingerprint,
    }
    return SpeakerOpening(**(given | changes))


def test_an_opening_travels() -> None:
    assert pickle.loads(pickle.dumps(opening())) == opening()
    ear = EarOpening(name="builtin", directory=None)
    assert pickle.loads(pickle.dumps(ear)) == ear


def test_a_worker_of_another_version_is_refused() -> None:
    with pytest.raises(InvalidSettingError, match="the run was begun with 0.0.1"):
        opening(version="0.0.1").open()


def test_a_worker_with_other_weights_is_refused() -> None:
    with pytest.raises(CheckpointError, match="holds other weights"):
        opening(fingerprint="0" * 64).open()
