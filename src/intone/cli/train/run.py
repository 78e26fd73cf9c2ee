"""`intone train run`: fine-tunes a checkpoint on encoded data, or goes on doing so."""

from __future__ import annotations

import argparse
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING

from intone.cli.exit_codes import EXIT_OK
from intone.cli.models_here import directory_of
from intone.cli.options import Commands
from intone.cli.progress import Progress
from intone.core.errors import InvalidSettingError
from intone.train.progress import StageProgress, clock
from intone.train.tuning.settings import (
    PLAIN_BF16_REASON,
    PRESETS,
    Target,
    TrainSettings,
    VariantRates,
)

if TYPE_CHECKING:
    from intone.train.tuning.run import RunSummary

_COUNTS = {
    "epochs": "passes over the training rows",
    "max_steps": "end after this many steps, schedule included",
    "rows_per_step": "utterances per optimiser step, over all processes",
    "batch_positions": "talker rows per micro-batch, padding included",
    "warmup_steps": "steps of a rising learning rate (at most a fifth of the run)",
    "lora_rank": "rank of LoRA matrices",
    "lora_alpha": "LoRA scale times rank",
    "validation_rows": "held-out rows that are measured",
    "save_every": "steps between checkpoints, each validated",
    "keep": "newest checkpoints kept besides the best; 0 keeps all",
    "patience": "validations without a better loss that end the run; 0 never",
    "seed": "of every draw",
}
_NUMBERS = {
    "learning_rate_scale": "multiplies the preset's learning rates",
    "weight_decay": "of matrices; norms, biases and embeddings have none",
    "max_grad_norm": "gradients are clipped to this norm",
    "predictor_weight": "weight of codebooks 1 to 15 in the loss",
    "predictor_share": "random share of frames for the code predictor",
}
_RATES = {
    "at_once": "how often the text is given at once, else with each frame",
    "language": "how often the row's language is named",
    "instruct": "how often the row's instruct is given",
    "x_vector": "how often the speaker is an x-vector",
    "icl": "how often another clip of the speaker goes before",
}


def add_parser(stages: Commands[argparse.ArgumentParser]) -> None:
    """Adds the stage's sub-command."""
    parser = stages.add_parser("run", help="fine-tune a checkpoint; again to go on")
    parser.add_argument("data", metavar="DATA", help="directory that `intone train encode` wrote")
    parser.add_argument(
        "--model", metavar="ID|DIR", required=True, help="checkpoint to begin with, usually a Base"
    )
    parser.add_argument("--out", metavar="RUN", required=True, help="directory of the run")
    parser.add_argument(
        "--preset", choices=PRESETS, default="voice", help="what is trained, and how fast"
    )
    parser.add_argument(
        "--target",
        choices=("custom", "base", "design"),
        help="what it becomes: new presets (default), a Base that clones, a VoiceDesign",
    )
    parser.add_argument("--device", choices=("auto", "cpu"), default="auto")
    parser.add_argument("--tensorboard", action="store_true", help="also write RUN/tensorboard")
    _add_settings(parser)
    parser.set_defaults(run=run)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("settings (defaults: the survey in docs/train.md)")
    for table, kind in ((_COUNTS, int), (_NUMBERS, float)):
        for name, about in table.items():
            _add(group, name, kind, _default(TrainSettings, name), about)
    for name, about in _RATES.items():
        _add(group, f"{name}_rate", float, _default(VariantRates, name), about)
    group.add_argument("--precision", choices=("bf16", "fp32"), default="bf16", help="arithmetic")
    group.add_argument(
        "--weights", choices=("fp32", "bf16"), default="fp32", help="bf16 is refused: see the docs"
    )
    group.add_argument(
        "--checkpointing", action="store_true", help="less memory, a third more time"
    )


def _default(settings: type[TrainSettings] | type[VariantRates], name: str) -> object:
    default = next(item.default for item in fields(settings) if item.name == name)
    assert default is not MISSING
    return default


def _add(
    group: argparse._ArgumentGroup, name: str, kind: type, default: object, about: str
) -> None:
    flag = "--" + name.replace("_", "-")
    shown = "" if default is None else f" (default {default})"
    group.add_argument(flag, type=kind, default=default, metavar="N", help=about + shown)


def run(args: argparse.Namespace) -> int:
    """Trains, and prints what came of it."""
    settings = settings_of(args)  # a wrong setting is told before anything is loaded
    from intone.train.encoding.dataset import open_dataset
    from intone.train.tuning.run import fine_tune
    from intone.train.tuning.run_setup import RunRequest

    request = RunRequest(
        model=directory_of(args.model),
        data=Path(args.data),
        dataset=open_dataset(Path(args.data)),
        out=Path(args.out),
        settings=settings,
        device=args.device,
        tensorboard=args.tensorboard,
    )
    with Progress() as progress:

        def say(line: str) -> None:
            progress.show("")
            print(line)

        def show(state: StageProgress) -> None:
            progress.show(str(state))

        summary = fine_tune(request, say=say, on_progress=show)
    if summary.is_main:
        print(_told(summary, args.out))
    return EXIT_OK


def settings_of(args: argparse.Namespace) -> TrainSettings:
    """Returns the run's settings.

    Raises:
        InvalidSettingError: a value outside its range, or bf16 weights.
    """
    if args.weights == "bf16":
        raise InvalidSettingError(
            f"weights is 'bf16'; allowed: fp32. {PLAIN_BF16_REASON}. Leave --weights out: "
            "--precision bf16 already computes in bf16; for less memory take --preset lora."
        )
    values = vars(args)
    rates = VariantRates(**{name: values[f"{name}_rate"] for name in _RATES})
    named = {name: values[name] for name in (*_COUNTS, *_NUMBERS)}
    return TrainSettings(
        preset=args.preset,
        target=args.target or _usual_target(args.model),
        rates=rates,
        precision=args.precision,
        checkpointing=args.checkpointing,
        **named,
    )


def _usual_target(model: str) -> Target:
    from intone.models.config import ModelConfig, read_json

    config = ModelConfig.from_dict(read_json(directory_of(model) / "config.json"))
    return "design" if config.kind == "design" else "custom"


def _told(summary: RunSummary, out: str) -> str:
    losses = ""
    if summary.first_loss is not None and summary.best_loss is not None:
        losses = f"; validation loss {summary.first_loss:.3f} -> {summary.best_loss:.3f}"
    pace = f", {summary.frames / summary.wall_s:.0f} frames/s" if summary.frames else ""
    return (
        f"{out}: {summary.steps} of {summary.num_steps} steps, {summary.reason}{losses}; "
        f"{clock(summary.wall_s)}{pace}. Next: intone train eval {out}, or intone train export "
        f"{out} --out DIR"
    )
