"""Which checkpoint of a run is meant where none is named: the best by evaluation, else by loss."""

from __future__ import annotations

import json
from pathlib import Path

from intone.core.errors import RunError
from intone.train.tuning.run_files import best_checkpoint, complete_checkpoints

BEST = "best.json"
"""In the run: the checkpoint with the best score of an evaluation."""

EVAL_FILE = "eval.json"


def eval_directory(run: Path, name: str) -> Path:
    """Returns where one checkpoint's evaluation is kept."""
    return run / "eval" / name


def chosen_checkpoint(run: Path, name: str | None) -> Path:
    """Returns the checkpoint of that name; of None, the best by evaluation, else by loss.

    Raises:
        RunError: it is not there whole; the message lists those that are.
    """
    whole = {path.name: path for path in complete_checkpoints(run)}
    if name is None:
        name = _best_by_evaluation(run)
    if name is None:
        best = best_checkpoint(run)
        if best is None:
            raise RunError(f"{run} has no whole checkpoint yet; train further first.")
        name = best.name
    if name not in whole:
        raise RunError(
            f"{run} has no whole checkpoint {name!r}; it has: {', '.join(whole) or 'none yet'}."
        )
    return whole[name]


def _best_by_evaluation(run: Path) -> str | None:
    try:
        return str(json.loads((run / BEST).read_text(encoding="utf-8"))["checkpoint"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{run / BEST} is damaged ({error}); name a --checkpoint, or evaluate again."
        ) from error
