"""A set as it will be spoken: read, checked and planned without loading a model."""

from __future__ import annotations

import argparse
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from intone.cli import clusters, options, server_choice
from intone.cli.batch import DEFAULT_SEED
from intone.cli.model_choice import chosen_model
from intone.cli.models_here import lasting_name
from intone.cli.reading_aloud import read_aloud
from intone.cli.telling import tell
from intone.core.errors import InvalidSettingError, TextFileError
from intone.deploy.offline.checking import ModelChecker, RequestChecker, ServerChecker
from intone.deploy.offline.planned import Cast, PlannedRow, SpeakerModel, plan_rows
from intone.deploy.offline.rows import BadLine, RowReader
from intone.remote import RemoteTTS
from intone.render.outputs import DEFAULT_FOLDER

_MAX_TOLD = 100
"""Bad lines that are told one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What is to be spoken, and into which directory."""

    source: Path
    out: Path
    model: SpeakerModel
    cast: Cast
    rows: tuple[PlannedRow, ...]

    @classmethod
    def of(cls, args: argparse.Namespace) -> Session:
        """Reads, checks and plans; every bad line is told.

        Raises:
            TextFileError: the file cannot be read, or has bad lines.
            InvalidSettingError: an option is wrong.
            ModelNotFoundError: the model is not on this machine.
        """
        clusters.check_ray(args)
        _check_options(args)
        source = Path(args.file)
        if not source.is_file():
            raise TextFileError(f"{source} is no file; give a .jsonl file.")
        with _checker(args) as checker:
            rows = _reader(args, checker).read(source)
            model, cast = checker.model(args.dtype), checker.cast
        if rows.bad:
            _tell_bad(rows.bad)
            raise TextFileError(
                f"{len(rows.bad)} of {len(rows.bad) + len(rows.rows)} rows of {source} cannot be "
                "spoken as they are written; nothing was spoken. Mend them, then start again."
            )
        return cls(
            source=source,
            out=Path(DEFAULT_FOLDER, source.stem) if args.out is None else Path(args.out),
            model=model,
            cast=cast,
            rows=plan_rows(rows.rows, cast, model, args.format),
        )

    @property
    def model_name(self) -> str | None:
        """The model as another process on another machine asks for it; None is the built-in."""
        name = lasting_name(self.model.name)
        return None if name == lasting_name(None) else name


@contextmanager
def _checker(args: argparse.Namespace) -> Generator[RequestChecker]:
    if args.server is None:
        args.model = chosen_model(args.model, args.voice, os.environ)
        yield ModelChecker.of(args.model)
        return
    with server_choice.open_speaker(args) as remote:
        assert isinstance(remote, RemoteTTS)
        yield ServerChecker(remote)


def _reader(args: argparse.Namespace, checker: RequestChecker) -> RowReader:
    spoken = read_aloud(args, checker.languages)
    return RowReader(
        defaults=options.speak_options(args, voice=args.voice, instruct=args.instruct),
        seed=DEFAULT_SEED if args.seed is None else args.seed,
        read_aloud=lambda text, language: spoken(text, language, ()),
        check=checker.check,
    )


def _check_options(args: argparse.Namespace) -> None:
    if args.out == "-":
        raise InvalidSettingError("--out is '-'; a set is a directory of files: name one.")
    for option, value, least in (
        ("--limit-failures", args.limit_failures, 0),
        ("--slots", args.slots, 1),
        ("--seed", args.seed, 0),
    ):
        if value is not None and value < least:
            raise InvalidSettingError(f"{option} is {value}; allowed: {least} or more.")


def _tell_bad(bad: tuple[BadLine, ...]) -> None:
    for line in bad[:_MAX_TOLD]:
        tell(str(line))
    if len(bad) > _MAX_TOLD:
        tell(f"and {len(bad) - _MAX_TOLD} more, the last one in line {bad[-1].line}")
