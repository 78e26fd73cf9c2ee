"""What a run has come to, from the files that `intone train run` and `eval` write."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from intone.core.errors import DatasetError, RunError
from intone.studio.training.desk import Checkpoint, Curves, EvalTake, Evaluated, Point
from intone.train.evaluation.eval_files import BASE, RECORDINGS
from intone.train.rows import read_rows
from intone.train.tuning.choice import EVAL_FILE, chosen_checkpoint, eval_directory
from intone.train.tuning.run_files import complete_checkpoints, read_run, read_state
from intone.train.tuning.run_log import read_log

_PACE_STEPS = 20
_MAX_POINTS = 600
"""Of a curve; a page needs no more."""


def read_curves(run: Path) -> Curves:
    """Returns what the log holds; empty where the run has not begun."""
    lines = read_log(run)
    steps = [line for line in lines if line.get("kind") == "step"]
    measured = [line for line in lines if line.get("kind") == "validation"]
    newest = steps[-_PACE_STEPS:]
    return Curves(
        train=_points(steps, "loss"),
        validation=_points(measured, "loss"),
        codebooks=_codebooks(measured),
        frames_per_s=fmean(line["frames_per_s"] for line in newest) if newest else None,
        peak_memory_bytes=newest[-1]["peak_memory_bytes"] if newest else None,
        ends_right=measured[-1]["end_accuracy"] if measured else None,
    )


def _points(lines: Sequence[Mapping[str, Any]], name: str) -> tuple[Point, ...]:
    every = max(1, -(-len(lines) // _MAX_POINTS))
    groups = (lines[i : i + every] for i in range(0, len(lines), every))
    return tuple(
        Point(step=group[-1]["step"], loss=fmean(line[name] for line in group)) for group in groups
    )


def _codebooks(measured: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Point, ...]]:
    if not measured:
        return {}
    rest = [name for name in measured[0] if name.startswith("codebook_")]
    named = {"0": "first", **{name.removeprefix("codebook_"): name for name in rest}}
    return {book: _points(measured, name) for book, name in named.items()}


def read_speakers(run: Path) -> tuple[str, ...]:
    """Returns the presets of a run's result; none before it has begun."""
    try:
        return tuple(read_run(run).speakers)
    except RunError:
        return ()


def read_checkpoints(run: Path) -> tuple[Checkpoint, ...]:
    """Returns the checkpoints that are there whole, oldest first."""
    best = _best(run)
    return tuple(_checkpoints(complete_checkpoints(run), best))


def _best(run: Path) -> str | None:
    try:
        return chosen_checkpoint(run, None).name
    except RunError:
        return None


def _checkpoints(paths: Sequence[Path], best: str | None) -> Iterator[Checkpoint]:
    for path in paths:
        try:
            state = read_state(path)
        except RunError:  # an older one that the run has just dropped
            continue
        yield _checkpoint(path, state, best)


def _checkpoint(path: Path, state: Mapping[str, Any], best: str | None) -> Checkpoint:
    losses = state["validation"]
    return Checkpoint(
        name=path.name,
        step=int(state["step"]),
        loss=None if losses is None else float(losses["loss"]),
        is_best=path.name == best,
    )


def read_evaluated(run: Path, data: Path) -> tuple[Evaluated, ...]:
    """Returns what `eval` found: the recordings, the base, and every checkpoint, oldest first."""
    names = [RECORDINGS, BASE, *(path.name for path in complete_checkpoints(run))]
    texts, scores = _texts(data), _scores(run)
    found = (_evaluated(run, name, texts, scores.get(name)) for name in names)
    return tuple(each for each in found if each is not None)


def _evaluated(
    run: Path, name: str, texts: Mapping[str, str], score: float | None
) -> Evaluated | None:
    directory = eval_directory(run, name)
    try:
        told = json.loads((directory / EVAL_FILE).read_text(encoding="utf-8"))
        figures = told["figures"]
        return Evaluated(
            name=name,
            loss=figures["loss"],
            similarity=figures["similarity"],
            ended=1.0 - figures["cap_hit_rate"],
            pace=figures["duration_ratio"],
            score=score,
            takes=tuple(_takes(told["takes"], directory / "takes", texts)),
        )
    except (OSError, ValueError, KeyError, TypeError):  # not measured yet; `eval` tells of damage
        return None


def _takes(
    told: Sequence[Mapping[str, Any]], directory: Path, texts: Mapping[str, str]
) -> Iterator[EvalTake]:
    """Yields the takes with their files, which are named by text and number of the take."""
    order: dict[str, int] = {}
    counts: dict[str, int] = {}
    for take in told:
        i = order.setdefault(take["item"], len(order) + 1)
        counts[take["item"]] = k = counts.get(take["item"], 0) + 1
        path = directory / f"{i:02}-{k}.flac"
        if path.is_file():  # the recordings have none
            yield EvalTake(
                text=texts.get(take["item"], take["item"]),
                path=path,
                ended=take["finish_reason"] != "length",
                similarity=take["similarity"],
            )


def _texts(data: Path) -> dict[str, str]:
    try:
        return {row.id: row.text for row in read_rows(data)}
    except DatasetError:  # removed since; the takes are there still
        return {}


def _scores(run: Path) -> Mapping[str, float]:
    try:
        told = json.loads((run / "eval" / "summary.json").read_text(encoding="utf-8"))
        return dict(told["scores"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}
