"""What an evaluation leaves in a run, and reads again: one directory per checkpoint, one summary.

RUN/eval/step-000100/eval.json      figures, takes, and how they were made
RUN/eval/step-000100/takes/         01-1.flac: first text, first take
RUN/eval/base/                      the same for the untouched base, cloning
RUN/eval/summary.json, curves.png   all of them side by side
RUN/best.json                       what `intone train export` takes unless told otherwise
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from intone.audio.durable import atomic_write_text
from intone.core.errors import RunError
from intone.train.evaluation.scores import Figures, Take, score, shared_terms
from intone.train.tuning.choice import BEST, EVAL_FILE, eval_directory
from intone.train.tuning.run_files import complete_checkpoints

BASE, RECORDINGS = "base", "recordings"
"""Names of the untouched base and of the recordings among the checkpoints."""

Protocol = Mapping[str, Any]
"""How takes are made and measured: figures of equal protocols compare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalSummary:
    """Every evaluated checkpoint of a run, oldest first."""

    figures: Mapping[str, Figures]
    """By checkpoint; first `RECORDINGS` and `BASE`, where they could be measured."""
    terms: tuple[str, ...]
    """Of the score."""

    @property
    def scores(self) -> dict[str, float]:
        """Returns the score of every checkpoint of the run; nothing else has one."""
        tuned = tuned_only(self.figures)
        return {name: score(figures, self.terms) for name, figures in tuned.items()}

    @property
    def best(self) -> str:
        """Returns the checkpoint with the highest score; of equals, the earliest."""
        scores = self.scores
        return max(scores, key=lambda name: scores[name])

    @property
    def close_to_best(self) -> list[str]:
        """Returns the checkpoints that these takes cannot tell from the best."""
        scores, best = self.scores, self.best
        return [
            name
            for name in scores
            if name != best and scores[best] - scores[name] < self._noise(best) + self._noise(name)
        ]

    def _noise(self, name: str) -> float:
        return self.figures[name].noise or 0.0


def tuned_only(figures: Mapping[str, Figures]) -> dict[str, Figures]:
    """Returns the figures of the run's own checkpoints."""
    return {name: each for name, each in figures.items() if name not in (RECORDINGS, BASE)}


def write_eval(
    directory: Path,
    figures: Figures,
    takes: Sequence[Take],
    drift: Mapping[str, float] | None,
    protocol: Protocol,
) -> None:
    """Writes one checkpoint's eval.json."""
    data = {
        "protocol": protocol,
        "figures": figures.to_json(),
        "preset_drift": drift,
        "takes": [asdict(take) for take in takes],
    }
    text = json.dumps(data, indent=1, ensure_ascii=False) + "\n"
    atomic_write_text(directory / EVAL_FILE, text)


def read_figures(run: Path, name: str, protocol: Protocol) -> Figures | None:
    """Returns one checkpoint's figures; None where there are none of this protocol.

    Raises:
        RunError: the file is damaged.
    """
    path = eval_directory(run, name) / EVAL_FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["protocol"] != protocol:
            return None
        return Figures.from_json(data["figures"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path} is damaged ({error}); remove it and evaluate again.") from error


def summarise(run: Path, protocol: Protocol) -> EvalSummary:
    """Returns all evaluations of this protocol, and writes summary.json and best.json.

    Raises:
        RunError: there is none.
    """
    names = [RECORDINGS, BASE, *(path.name for path in complete_checkpoints(run))]
    found = {name: read_figures(run, name, protocol) for name in names}
    figures = {name: each for name, each in found.items() if each is not None}
    tuned = tuned_only(figures)
    if not tuned:
        raise RunError(f"{run} has no checkpoint to evaluate yet; train further first.")
    summary = EvalSummary(figures=figures, terms=shared_terms(list(tuned.values())))
    scored = {"terms": summary.terms, "scores": summary.scores}
    told = {name: each.to_json() for name, each in figures.items()}
    _write(run / "eval" / "summary.json", {**scored, "figures": told})
    _write(run / BEST, {"checkpoint": summary.best, **scored, "protocol": protocol})
    return summary


def _write(path: Path, data: object) -> None:
    atomic_write_text(path, json.dumps(data, indent=1) + "\n")
