"""A job's directory, written for its process and read again for the page."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from intone.audio.durable import atomic_write_text
from intone.cli.studio_training.chain import (
    JOB_FILE,
    LOG_FILE,
    PROGRESS_FILE,
    STATE_FILE,
    Stage,
)
from intone.cli.studio_training.processes import Processes
from intone.studio.training.desk import Job, JobState, Step

_MAX_LOG_BYTES = 65_536
_SHOWN_LINES = 40
_COUNTED = re.compile(r"(?:^|: )(\d+) of (\d+) ")
"""As `train.progress.StageProgress` writes it."""
_TOLD = "intone: "
_REMARK = re.compile(
    r"warning: |no validation rows|going on after|these takes cannot tell|[\d.]+ M t"
)

_GONE = (
    "the process is gone without a word: the machine was restarted, or it ran out of memory. "
    "Go on where it was."
)


def start_job(job: Path, stages: Sequence[Stage], processes: Processes) -> None:
    """Writes the stages and begins them.

    Raises:
        OutputError: the directory cannot be written.
        RunError: the job is at work.
    """
    data = {"created_at": time.time(), "stages": [stage.to_json() for stage in stages]}
    atomic_write_text(job / JOB_FILE, json.dumps(data) + "\n")
    processes.start(job)


def read_job(job: Path, processes: Processes) -> Job:
    """Returns how far a job is. A directory without one was left between two files: stopped."""
    is_running = processes.is_running(job)
    told = _json(job / STATE_FILE)  # after the question, so that an end is not missed
    names = [stage["name"] for stage in _json(job / JOB_FILE).get("stages", [])]
    states = told.get("stages") or [{"state": "waiting"} for _ in names]
    steps = tuple(
        _step(name, state, job, is_running) for name, state in zip(names, states, strict=False)
    )
    state = _state(steps, is_running, bool(told.get("is_stopping")))
    lines = _last_lines(job / LOG_FILE)
    return Job(
        state=state,
        steps=steps,
        problem=_problem(state, lines, is_stopping=bool(told.get("is_stopping"))),
        lines=lines,
    )


def _state(steps: Sequence[Step], is_running: bool, is_stopping: bool) -> JobState:
    if is_running:
        return "stopping" if is_stopping else "running"
    if steps and all(step.state == "done" for step in steps):
        return "done"
    return "failed" if any(step.state == "failed" for step in steps) else "stopped"


def _step(name: str, state: Mapping[str, Any], job: Path, is_running: bool) -> Step:
    found = state["state"]
    if found == "running" and not is_running:
        found = "stopped"
    note = _note(job / PROGRESS_FILE) if found in ("running", "stopped") else ""
    counted = _COUNTED.search(f"{note} ")
    return Step(
        name=name,
        state=found,
        note=note,
        done=int(counted[1]) if counted else None,
        total=int(counted[2]) if counted else None,
        wall_s=_wall_s(state, is_active=found == "running"),
    )


def _wall_s(state: Mapping[str, Any], *, is_active: bool) -> float | None:
    started, ended = state.get("started_at"), state.get("ended_at")
    if started is None or (ended is None and not is_active):
        return None
    return max(0.0, float(time.time() if ended is None else ended) - float(started))


def _problem(state: JobState, lines: Sequence[str], *, is_stopping: bool) -> str | None:
    if state == "stopped":
        return None if is_stopping else _GONE
    if state != "failed":
        return None
    told = [line.removeprefix(_TOLD) for line in lines if line.startswith(_TOLD)]
    return told[-1] if told else "a stage failed; its last lines are below."


def _note(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""


def _last_lines(path: Path) -> tuple[str, ...]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _MAX_LOG_BYTES))
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ()
    lines = [line for line in text.splitlines() if line.strip()]
    return tuple(lines[-_SHOWN_LINES:])


def _json(path: Path) -> dict[str, Any]:
    """Returns an object that is written whole or not at all; empty where it is not there yet."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:  # damaged by hand
        return {}
    return data if isinstance(data, dict) else {}


def remarks(job: Job) -> tuple[str, ...]:
    """Returns what the stages said that is worth a line: memory, warnings, going on."""
    return tuple(dict.fromkeys(line for line in job.lines if _REMARK.match(line)))
