"""The stages of every job as command lines of `intone`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from intone.cli.studio_training.chain import Stage
from intone.studio.training.desk import RunWish

MAX_SAVE_EVERY = 100
_CHECKPOINTS = 5
"""Of a short run, so that there is something to choose from."""

_EVAL_TEXTS = 4


def check_stages(source: Path, data: Path, speaker: str, language: str) -> list[Stage]:
    """Returns the check; how much was refused is for a person to judge, so only "all" fails."""
    argv = ["train", "check", str(source), "--out", str(data), "--speaker", speaker]
    argv += ["--language", language, "--max-rejected", "100%", "--no-report"]
    return [Stage(name="check", argv=argv)]


def num_steps(train_rows: int, rows_per_step: int, epochs: int) -> int:
    """Returns the optimiser steps of a run."""
    return epochs * math.ceil(train_rows / rows_per_step)


def save_every(steps: int) -> int:
    """Returns the steps between checkpoints: a short run gets several, too."""
    return max(1, min(MAX_SAVE_EVERY, math.ceil(steps / _CHECKPOINTS)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlaces:
    """What a run reads and writes."""

    data: Path
    run: Path
    base: Path
    speaker_encoder: Path | None
    """A Base's, where the base has none."""


def run_stages(wish: RunWish, places: RunPlaces, steps: int, *, evaluates: bool) -> list[Stage]:
    """Returns encode, run and, where rows are held out, eval."""
    encoder = [] if places.speaker_encoder is None else ["--speaker-encoder"]
    encoder += [] if places.speaker_encoder is None else [str(places.speaker_encoder)]
    encode = ["train", "encode", str(places.data), "--model", str(places.base), *encoder]
    # Some rows fail where all others are good; the run goes without them, and the log names them.
    encode += ["--max-failed", "5%"]
    train = ["train", "run", str(places.data), "--model", str(places.base), "--out"]
    train += [str(places.run), "--preset", wish.preset, "--epochs", str(wish.epochs)]
    train += ["--learning-rate-scale", repr(wish.learning_rate_scale)]
    train += ["--save-every", str(save_every(steps))]
    stages = [Stage(name="encode", argv=encode), Stage(name="run", argv=train)]
    if evaluates:
        measure = ["train", "eval", str(places.run), "--texts", str(_EVAL_TEXTS), "--takes", "1"]
        stages.append(Stage(name="eval", argv=[*measure, *encoder]))
    return stages


def listen_stages(
    run: Path, directory: Path, checkpoints: Sequence[str], speaker: str, seed: int
) -> list[Stage]:
    """Returns, for each checkpoint, writing it as a model and speaking `text.txt` with it.

    The model is gone afterwards, as `eval` does it: only its sound stays.
    """
    stages = []
    model = directory / "model"
    for name in checkpoints:
        export = ["train", "export", str(run), "--checkpoint", name, "--out", str(model)]
        say = ["say", "--file", str(directory / "text.txt"), "--model", str(model)]
        say += ["--voice", speaker, "--seed", str(seed), "--out", str(sample_path(directory, name))]
        stages.append(Stage(name=f"open {name}", argv=export, clears=str(model)))
        stages.append(Stage(name=f"speak {name}", argv=say, removes=str(model)))
    return stages


def sample_path(directory: Path, checkpoint: str) -> Path:
    """Returns where a checkpoint's take of a listening is."""
    return directory / f"{checkpoint}.wav"


def promote_stages(
    run: Path, checkpoint: str, model: Path, voice: str, speaker: str, consent: str
) -> list[Stage]:
    """Returns writing a checkpoint as a model, and keeping its speaker as a voice."""
    export = ["train", "export", str(run), "--checkpoint", checkpoint, "--out", str(model)]
    keep = ["voices", "add", voice, "--speaker", speaker, "--model", str(model)]
    keep += ["--consent", consent]
    return [
        Stage(name="export", argv=export, clears=str(model)),
        Stage(name="keep the voice", argv=keep),
    ]
