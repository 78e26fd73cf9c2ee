"""`intone train segment`: long recordings into clips of a sentence or so, and their rows."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from intone.cli.exit_codes import EXIT_OK
from intone.cli.options import Commands
from intone.cli.progress import Progress
from intone.core.errors import UnknownLanguageError

if TYPE_CHECKING:
    from intone.train.hearing.recognise import Recogniser
    from intone.train.progress import StageProgress
    from intone.train.segmenting.segment import SegmentSettings, SegmentSummary


def add_parser(stages: Commands[argparse.ArgumentParser]) -> None:
    """Adds the stage and its options."""
    parser = stages.add_parser(
        "segment", help="cut long recordings at their pauses into clips and rows"
    )
    parser.add_argument(
        "recordings", type=Path, metavar="RECORDINGS", help="a file, or a folder of any depth"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="CLIPS", help="for the clips")
    parser.add_argument(
        "--recogniser",
        metavar="DIR|moonshine",
        help="who writes the words: a Whisper model's directory (intone[asr]), or moonshine "
        "(intone[segment], English); without one, texts stay empty for you to fill in",
    )
    parser.add_argument(
        "--vad",
        choices=("level", "silero"),
        default="level",
        help="who finds speech: its level, or a small network (intone[segment])",
    )
    parser.add_argument("--speaker", default="speaker", metavar="NAME", help="of all recordings")
    parser.add_argument("--language", default="auto", help="of all recordings (default auto)")
    _add_cutting(parser)
    parser.set_defaults(run=run)


def _add_cutting(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("cutting, in seconds")
    for flag, default, note in (
        ("--min-seconds", 1.5, "shortest clip"),
        ("--max-seconds", 15.0, "longest clip"),
        ("--pause", 0.4, "a pause of this length ends a clip"),
        ("--lead", 0.1, "silence kept before speech"),
        ("--tail", 0.2, "silence kept after it"),
    ):
        group.add_argument(
            flag, type=float, default=default, metavar="S", help=f"{note} (default {default:g})"
        )


def run(args: argparse.Namespace) -> int:
    """Cuts what is not cut yet, and prints the sums; fails where a recording could not be read."""
    from intone.train.segmenting.segment import enforce, segment
    from intone.train.segmenting.voice_activity import open_activity

    settings = _settings(args)
    activity = open_activity(settings.detector)
    recogniser = _recogniser(settings.recogniser)
    with Progress() as progress:

        def show(state: StageProgress) -> None:
            progress.show(f"cutting: {state}")

        summary = segment(settings, activity, recogniser, show)
    _print_summary(summary)
    enforce(summary)
    print(settings.out)
    return EXIT_OK


def _settings(args: argparse.Namespace) -> SegmentSettings:
    from intone.train.data.languages import KNOWN_LANGUAGES, language_name
    from intone.train.segmenting.cutting import CutSettings
    from intone.train.segmenting.segment import SegmentSettings

    language = language_name(args.language)
    if language not in KNOWN_LANGUAGES:
        raise UnknownLanguageError(
            f"--language {args.language!r} is unknown; allowed: {', '.join(KNOWN_LANGUAGES)}."
        )
    return SegmentSettings(
        recordings=args.recordings,
        out=args.out,
        cut=CutSettings(
            min_s=args.min_seconds,
            max_s=args.max_seconds,
            pause_s=args.pause,
            lead_s=args.lead,
            tail_s=args.tail,
        ),
        detector=args.vad,
        recogniser=args.recogniser,
        speaker=args.speaker,
        language=language,
    )


def _recogniser(name: str | None) -> Recogniser | None:
    if name is None:
        return None
    from intone.train.hearing.moonshine import MOONSHINE, Moonshine
    from intone.train.hearing.recognise import open_recogniser

    return Moonshine() if name == MOONSHINE else open_recogniser(Path(name))


def _print_summary(summary: SegmentSummary) -> None:
    from intone.train.progress import clock

    done = f"{summary.done_now} now, {len(summary.failed)} unreadable"
    print(f"recordings {summary.recordings}: {done}")
    print(f"clips      {summary.clips}")
    print(f"seconds    {summary.recorded_s:.1f} recorded ({clock(summary.recorded_s)})")
    print(f"           {summary.kept_s:.1f} kept")
    for reason, seconds in summary.dropped_s.items():
        print(f"           {seconds:.1f} dropped, {reason}")
    if summary.edited:
        print(f"texts      {summary.edited} written or corrected by hand, kept")
    if summary.without_words:
        print(
            f"note       {summary.without_words} clips have no words yet; `intone train check` "
            "rejects them until rows.jsonl has (--recogniser hears them)"
        )
