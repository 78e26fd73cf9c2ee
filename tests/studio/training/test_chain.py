"""A job's process: its stages in order, found again by its lock, ended when it is asked to."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from intone.cli.progress import PROGRESS_VARIABLE, Progress
from intone.cli.studio_training.chain import STATE_FILE, Stage
from intone.cli.studio_training.jobs import read_job, start_job
from intone.cli.studio_training.processes import SystemProcesses
from intone.core.errors import RunError
from intone.studio.training.desk import Job

MAX_WAIT_S = 30.0

# Reads its text from a pipe that nobody writes: at work until it is told to end.
ENDLESS = ("say", "--file")


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Path]:
    """A job's directory; what a failed test left at work is killed."""
    directory = tmp_path / "job"
    yield directory
    if SystemProcesses(os.environ).is_running(directory):
        os.killpg(json.loads((directory / STATE_FILE).read_text())["pid"], signal.SIGKILL)


def ended(job: Path, stages: Sequence[Stage]) -> Job:
    processes = SystemProcesses(os.environ)
    start_job(job, stages, processes)
    return waited(job)


def waited(job: Path) -> Job:
    processes, end_s = SystemProcesses(os.environ), time.monotonic() + MAX_WAIT_S
    while processes.is_running(job):
        assert time.monotonic() < end_s
        time.sleep(0.02)
    return read_job(job, processes)


def test_stages_run_in_order_until_one_fails(job: Path, tmp_path: Path) -> None:
    found = ended(
        job,
        [
            Stage(name="one", argv=["--version"]),
            Stage(name="two", argv=["say", "--file", str(tmp_path / "nothing")]),
            Stage(name="three", argv=["--version"]),
        ],
    )
    assert found.state == "failed"
    assert [step.state for step in found.steps] == ["done", "failed", "waiting"]
    assert found.problem is not None
    assert "nothing" in found.problem


def test_a_stage_clears_what_an_attempt_left_and_removes_what_nobody_needs(
    job: Path, tmp_path: Path
) -> None:
    left, scrap = tmp_path / "left", tmp_path / "scrap"
    left.mkdir()
    scrap.mkdir()
    stage = Stage(name="one", argv=["--version"], clears=str(left), removes=str(scrap))
    assert ended(job, [stage]).state == "done"
    assert not left.exists()
    assert not scrap.exists()


def test_a_job_at_work_is_found_by_others_and_ends_when_it_is_asked_to(
    job: Path, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    endless = Stage(name="endless", argv=[*ENDLESS, str(pipe)])
    start_job(job, [endless, Stage(name="never", argv=["--version"])], SystemProcesses(os.environ))
    other = SystemProcesses(os.environ)  # a studio that was started later
    assert other.is_running(job)
    while not read_job(job, other).lines:
        time.sleep(0.02)
    other.interrupt(job)
    found = waited(job)
    assert found.state == "stopped"
    assert [step.state for step in found.steps] == ["stopped", "waiting"]
    assert found.problem is None


def test_a_stage_whose_chain_was_killed_is_still_at_work_and_can_be_ended(
    job: Path, tmp_path: Path
) -> None:
    pipe, processes = tmp_path / "pipe", SystemProcesses(os.environ)
    os.mkfifo(pipe)
    start_job(job, [Stage(name="endless", argv=[*ENDLESS, str(pipe)])], processes)
    while not read_job(job, processes).lines:
        time.sleep(0.02)
    chain = psutil.Process(json.loads((job / STATE_FILE).read_text())["pid"])
    while not chain.children():
        time.sleep(0.02)
    stage = chain.children()[0]
    while "say" not in stage.cmdline():  # between fork and exec it looks like the chain
        time.sleep(0.02)
    chain.kill()
    while chain.is_running() and chain.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.02)
    assert processes.is_running(job)
    processes.interrupt(job)
    found = waited(job)
    assert found.state == "stopped"
    assert found.problem is not None


def test_a_job_at_work_is_not_begun_twice(
    job: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intone.cli.studio_training.processes._PATIENCE_S", 0.1)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    processes = SystemProcesses(os.environ)
    start_job(job, [Stage(name="endless", argv=[*ENDLESS, str(pipe)])], processes)
    with pytest.raises(RunError, match="at work already"):
        processes.start(job)
    monkeypatch.undo()
    processes.interrupt(job)
    waited(job)


def test_a_command_keeps_its_progress_in_a_file_for_who_watches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "progress.txt"
    monkeypatch.setenv(PROGRESS_VARIABLE, str(path))
    with Progress() as progress:
        progress.show("1 of 9 steps")
        progress.show("2 of 9 steps")  # sooner than anybody reads
    assert path.read_text() == "1 of 9 steps\n"
