"""`intone train check`: a verdict on every row of a dataset, before hours are spent on it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from intone.cli.exit_codes import EXIT_OK
from intone.cli.options import Commands
from intone.cli.progress import Progress
from intone.core.errors import InvalidSettingError, UnknownLanguageError

if TYPE_CHECKING:
    from intone.train.data.check import CheckSettings
    from intone.train.data.check_files import CheckSummary
    from intone.train.data.parse_rows import RowDefaults
    from intone.train.progress import StageProgress


def add_parser(stages: Commands[argparse.ArgumentParser]) -> None:
    """Adds the stage and its options."""
    parser = stages.add_parser(
        "check", help="give every row a verdict: kept, or rejected with a reason"
    )
    parser.add_argument(
        "source",
        type=Path,
        metavar="SOURCE",
        help="a .jsonl, .csv, .tsv or LJSpeech table, or a folder of clips with texts",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DATA", help="for the verdicts")
    _add_reading(parser)
    _add_splitting(parser)
    _add_limits(parser)
    parser.add_argument(
        "--max-rejected",
        type=share,
        default=0.05,
        metavar="SHARE",
        help="fail when more rows are rejected (default 5%%)",
    )
    parser.add_argument(
        "--processes", type=int, default=None, metavar="N", help="default: one per CPU core"
    )
    parser.add_argument("--no-report", action="store_true", help="no page, no histograms")
    parser.set_defaults(run=run)


def _add_reading(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("reading")
    group.add_argument(
        "--audio-root", type=Path, metavar="DIR", help="start of relative paths (default: SOURCE's)"
    )
    group.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="KEY=NAME",
        help="read NAME of the source as KEY, for example text=caption",
    )
    group.add_argument(
        "--ignore", action="append", default=[], metavar="NAME", help="a column without meaning"
    )
    group.add_argument("--speaker", metavar="NAME", help="of rows that name none")
    group.add_argument("--language", default="auto", help="of rows that name none (default auto)")
    group.add_argument(
        "--model", metavar="ID|DIR", help="allow the languages of this checkpoint alone"
    )


def _add_splitting(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("validation")
    group.add_argument(
        "--validation",
        type=share,
        default=0.05,
        metavar="SHARE",
        help="of the sentences, where the source names no validation rows (default 5%%; 0: none)",
    )
    group.add_argument(
        "--validation-source", type=Path, metavar="SOURCE", help="further rows, which validate"
    )
    group.add_argument(
        "--allow-repeats",
        action="store_true",
        help="keep several recordings of one sentence by one speaker",
    )


def _add_limits(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("limits of a clip")
    for flag, default, note in (
        ("--min-seconds", 0.5, "shortest"),
        ("--max-seconds", 30.0, "longest"),
        ("--silence-peak", 0.01, "a peak below it is silence"),
        ("--min-range-db", 6.0, "from quiet to loud parts; noise and hum have little"),
        ("--min-chars-per-second", 2.0, "Latin letters; a Han character counts 3"),
        ("--max-chars-per-second", 30.0, "more: text and clip do not belong together"),
    ):
        group.add_argument(
            flag, type=float, default=default, metavar="X", help=f"{note} (default {default:g})"
        )
    group.add_argument(
        "--max-clipped",
        type=share,
        default=0.001,
        metavar="SHARE",
        help="of samples at full scale (default 0.1%%)",
    )
    group.add_argument(
        "--min-rate-hz", type=int, default=16_000, metavar="HZ", help="sample rate (default 16000)"
    )


def share(given: str) -> float:
    """Returns a share from "5%" or "0.05"; an `argparse` type."""
    number = float(given.removesuffix("%"))
    return number / 100 if given.endswith("%") else number


def run(args: argparse.Namespace) -> int:
    """Checks, writes, prints the sums; fails when too much was rejected."""
    from intone.train.data.check import check
    from intone.train.data.check_files import enforce, summarise, write_verdicts
    from intone.train.data.histograms import require_matplotlib
    from intone.train.data.report import write_report

    if not args.no_report:
        require_matplotlib()
    settings = _settings(args)
    with Progress() as progress:

        def show(state: StageProgress) -> None:
            progress.show(f"measuring: {state}")

        result = check(settings, show)
        summary = summarise(result)
        write_verdicts(result, summary, settings)
        page = None if args.no_report else write_report(result, summary, settings)
    print(f"clips      {result.num_clips}, measured now {result.num_measured}")
    _print_summary(summary)
    print(f"report     {page}" if page else "report     none")
    enforce(summary, settings)
    print(settings.out)
    return EXIT_OK


def _settings(args: argparse.Namespace) -> CheckSettings:
    from intone.train.data.check import CheckSettings
    from intone.train.data.limits import ClipLimits
    from intone.train.data.source_keys import SourceOptions

    return CheckSettings(
        source=args.source,
        out=args.out,
        validation_source=args.validation_source,
        options=SourceOptions(
            audio_root=args.audio_root,
            columns=_columns(args.column),
            ignored=frozenset(args.ignore),
        ),
        defaults=_defaults(args),
        limits=ClipLimits(
            min_s=args.min_seconds,
            max_s=args.max_seconds,
            min_rate_hz=args.min_rate_hz,
            silence_peak=args.silence_peak,
            max_clipped_share=args.max_clipped,
            min_range_db=args.min_range_db,
            min_chars_per_s=args.min_chars_per_second,
            max_chars_per_s=args.max_chars_per_second,
        ),
        validation_share=args.validation,
        allow_repeats=args.allow_repeats,
        max_rejected_share=args.max_rejected,
        processes=_processes(args.processes),
    )


def _defaults(args: argparse.Namespace) -> RowDefaults:
    from intone.train.data.languages import KNOWN_LANGUAGES, language_name
    from intone.train.data.parse_rows import RowDefaults
    from intone.train.rows import DEFAULT_SPEAKER

    languages = KNOWN_LANGUAGES if args.model is None else _languages_of(args.model)
    if language_name(args.language) not in languages:
        raise UnknownLanguageError(
            f"--language {args.language!r} is unknown; allowed: {', '.join(languages)}."
        )
    return RowDefaults(
        speaker=args.speaker or DEFAULT_SPEAKER, language=args.language, languages=languages
    )


def _languages_of(model: str) -> tuple[str, ...]:
    from intone.cli.models_here import directory_of
    from intone.models.config import ModelConfig, read_json

    config = ModelConfig.from_dict(read_json(directory_of(model) / "config.json"))
    return ("auto", *config.talker.language_ids)


def _columns(given: Sequence[str]) -> Mapping[str, str]:
    """Returns our keys by the source's names.

    Raises:
        InvalidSettingError: not KEY=NAME with a known key.
    """
    from intone.train.data.source_keys import KEYS

    columns = {}
    for each in given:
        key, _, name = each.partition("=")
        if key not in KEYS or not name:
            raise InvalidSettingError(
                f"--column {each!r} is not KEY=NAME; KEY is one of {', '.join(sorted(KEYS))}."
            )
        columns[name] = key
    return columns


def _processes(given: int | None) -> int:
    if given is not None and given < 1:
        raise InvalidSettingError(f"--processes is {given}; allowed: 1 or more.")
    return given or os.cpu_count() or 1


def _print_summary(summary: CheckSummary) -> None:
    from intone.train.progress import clock

    print(f"rows       {summary.read} = {summary.kept} kept + {summary.rejected} rejected")
    for code, count in summary.rejected_by_code.items():
        print(f"rejected   {count} {code}")
    for title, shares in (
        ("split", summary.splits),
        ("speaker", summary.speakers),
        ("language", summary.languages),
    ):
        for name, part in shares.items():
            print(f"{title:<10} {name}: {part.rows} rows, {clock(part.seconds)}")
    for note in summary.notes:
        print(f"note       {note}")
