"""`intone models`: what is here, what to pull, what a checkpoint holds; random ones for tests."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from intone.cli.exit_codes import EXIT_OK
from intone.cli.models_here import directory_of
from intone.cli.options import Commands
from intone.cli.progress import Progress
from intone.cli.table import print_table
from intone.core.byte_sizes import format_bytes
from intone.core.errors import ModelNotFoundError
from intone.models.hub import (
    ALIASES,
    DOWNLOAD_BYTES,
    HubSettings,
    InstalledModel,
    directory_bytes,
    list_installed,
)
from intone.voices.builtin_voice import BUILTIN_MODEL, builtin_directory

if TYPE_CHECKING:
    from intone.models.pull import PullProgress
    from intone.models.summary import CheckpointSummary


def add_parser(commands: Commands[argparse.ArgumentParser]) -> None:
    """Adds the command and its four sub-commands."""
    parser = commands.add_parser("models", help="list, pull, inspect and make checkpoints")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    action = actions.add_parser("list", help="what is on this machine, and what can be pulled")
    action.set_defaults(run=run_list)

    action = actions.add_parser("pull", help="download a checkpoint, or finish a broken download")
    action.add_argument("model", metavar="MODEL", help=f"{', '.join(ALIASES)}, or owner/name")
    action.add_argument("--source", choices=("hf", "modelscope"), default="hf", help="which hub")
    action.add_argument("--revision", help="branch, tag or commit")
    action.add_argument(
        "--offline", action="store_true", help="only check that it is here (also INTONE_OFFLINE=1)"
    )
    action.set_defaults(run=run_pull)

    action = actions.add_parser("inspect", help="kind, voices, languages, memory; checks the files")
    action.add_argument("model", metavar="DIR|MODEL", help="directory, alias, hub id, or builtin")
    action.set_defaults(run=run_inspect)

    action = actions.add_parser("random", help="write a checkpoint with random weights")
    action.add_argument("--size", choices=("tiny", "0.6b", "1.7b"), default="tiny")
    action.add_argument("--kind", choices=("base", "custom", "design"), default="custom")
    action.add_argument("--out", metavar="DIR", required=True)
    action.add_argument("--seed", type=int, default=0)
    action.set_defaults(run=run_random)


def run_list(args: argparse.Namespace) -> int:
    """Prints one line per checkpoint."""
    installed = list_installed(HubSettings.from_env(os.environ))
    print_table([("MODEL", "SIZE", "WHERE"), *_list_rows(installed)])
    return EXIT_OK


def run_pull(args: argparse.Namespace) -> int:
    """Downloads what is missing and prints the directory."""
    from intone.models.pull import pull

    settings = HubSettings.from_env(os.environ)
    if args.offline:
        settings = replace(settings, is_offline=True)
    with Progress() as progress:

        def show(state: PullProgress) -> None:
            share = f"{format_bytes(state.done_bytes)} of {format_bytes(state.total_bytes)}"
            progress.show(f"{share}: {state.file}")

        path = pull(
            args.model,
            settings,
            source=args.source,
            revision=args.revision,
            on_progress=show,
        )
    print(path)
    return EXIT_OK


def run_inspect(args: argparse.Namespace) -> int:
    """Prints what a checkpoint holds and what it takes."""
    from intone.models.summary import summarize

    directory = directory_of(args.model)
    rows = [*_summary_rows(summarize(directory)), *_cpu_rows(directory)]
    print_table([("directory", str(directory)), *rows])
    return EXIT_OK


def run_random(args: argparse.Namespace) -> int:
    """Writes a checkpoint with random weights and prints its directory."""
    from intone.models.random_checkpoint import write_random_checkpoint

    print(write_random_checkpoint(Path(args.out), kind=args.kind, size=args.size, seed=args.seed))
    return EXIT_OK


def _list_rows(installed: list[InstalledModel]) -> Iterator[tuple[str, ...]]:
    yield _builtin_row()
    for model in installed:
        where = str(model.path)
        if not model.is_complete:
            where += f"  (incomplete: intone models pull {model.alias or model.repo_id})"
        yield model.alias or model.repo_id, format_bytes(model.size_bytes), where
    here = {model.alias for model in installed}
    for alias, num_bytes in DOWNLOAD_BYTES.items():
        if alias not in here:
            yield alias, format_bytes(num_bytes), f"not here: intone models pull {alias}"


def _builtin_row() -> tuple[str, str, str]:
    try:
        directory = builtin_directory()
    except ModelNotFoundError:
        return BUILTIN_MODEL, "", "not in this installation"
    return BUILTIN_MODEL, format_bytes(directory_bytes(directory)), str(directory)


def _summary_rows(summary: CheckpointSummary) -> Iterator[tuple[str, ...]]:
    yield "kind", summary.kind
    yield "size", summary.size
    yield "speakers", ", ".join(summary.speakers) or "none"
    yield "languages", ", ".join(summary.languages)
    yield "codebooks", str(summary.num_codebooks)
    for name, count in (
        ("talker", summary.talker),
        ("text embedding", summary.text_embedding),
        ("code predictor", summary.code_predictor),
        ("speaker encoder", summary.speaker_encoder),
        ("codec decoder", summary.codec_decoder),
        ("codec encoder", summary.codec_encoder),
    ):
        yield name, f"{count / 1e6:.1f} M parameters" if count else "none"
    for dtype in ("bf16", "fp16"):
        yield f"weights {dtype}", format_bytes(summary.memory_bytes(dtype))


def _cpu_rows(directory: Path) -> Iterator[tuple[str, ...]]:
    """Yields what a CPU keeps in memory, at most, while it speaks up to a minute, one take."""
    from intone.cli.diagnosis import MINUTE_POSITIONS, built_graphs_of
    from intone.engine.footprint import CLONED_S, Footprint
    from intone.engine.settings import GRAPH_DTYPES
    from intone.models.description import ModelDescription

    description = ModelDescription.read(directory)
    built = {graphs.dtype: graphs for graphs in built_graphs_of(str(directory), directory)}
    for dtype in GRAPH_DTYPES:
        footprint = Footprint.of(description, dtype)
        yield f"memory {dtype}", format_bytes(footprint.speaking_bytes(1, MINUTE_POSITIONS))
    if footprint.encoder_bytes:
        yield "cloning adds", f"{format_bytes(footprint.cloning_bytes())} (a clip of {CLONED_S} s)"
    for dtype in GRAPH_DTYPES:
        graphs = built.get(dtype)
        size = "not built" if graphs is None else format_bytes(graphs.num_bytes)
        yield f"graphs {dtype}", size
