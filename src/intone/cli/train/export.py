"""`intone train export`: a run's checkpoint as a model that Intone and the public package load."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from intone.cli.exit_codes import EXIT_OK
from intone.cli.options import Commands
from intone.models.hub import HubSettings, resolve
from intone.train.tuning.settings import EXPORT_FORMS

if TYPE_CHECKING:
    from intone.train.exporting.export import ExportReport


def add_parser(stages: Commands[argparse.ArgumentParser]) -> None:
    """Adds the stage."""
    parser = stages.add_parser(
        "export",
        help="write a run as a model directory",
        description="Writes one checkpoint of a run as a whole model, in the official layout.",
    )
    parser.add_argument("training", metavar="RUN", help="directory of `intone train run`")
    parser.add_argument("--out", metavar="DIR", required=True, help="new directory")
    parser.add_argument(
        "--as",
        dest="form",
        choices=EXPORT_FORMS,
        help="custom: new presets; base: clones; adapter: LoRA alone (default: the run's target)",
    )
    parser.add_argument(
        "--checkpoint",
        metavar="NAME",
        help="step-000100 (default: the best by `eval`, else by validation loss)",
    )
    parser.add_argument(
        "--model", metavar="ID|DIR", help="the run's base, where it has moved since"
    )
    parser.add_argument(
        "--keep-cloning",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="a custom export of a Base keeps its speaker encoder, so it clones as well; "
        "the public package ignores it with a warning (default: keep)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Writes the directory and prints what is in it."""
    from intone.train.exporting.export import ExportOptions, export

    base = None if args.model is None else resolve(args.model, HubSettings.from_env(os.environ))
    options = ExportOptions(
        form=args.form, checkpoint=args.checkpoint, base=base, keep_cloning=args.keep_cloning
    )
    for line in _summary(export(Path(args.training), Path(args.out), options)):
        print(line)
    return EXIT_OK


def _summary(report: ExportReport) -> list[str]:
    lines = [f"{report.directory}: {report.form} of {report.checkpoint}"]
    if report.presets:
        rows = ", ".join(f"{name} (row {row})" for name, row in report.presets.items())
        lines.append(f"voices: {rows}")
    if report.left_out:
        lines.append(f"left out, no presets in a {report.form}: {', '.join(report.left_out)}")
    if report.changed_share is not None:
        lines.append(
            f"changed: {report.num_changed} tensors, {100 * report.changed_share:.1f} % of their "
            "values after rounding to the base's type"
        )
    if report.form != "adapter":
        lines.append(f"clones: {'yes' if report.can_clone else 'no'}")
        lines.append(f"shared with the base: {report.files.linked} files")
    return lines
