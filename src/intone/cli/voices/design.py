"""`intone voices design` and `play`: a description becomes several people; one is kept later."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from intone.cli import options
from intone.cli.exit_codes import EXIT_OK
from intone.cli.models_here import short_name
from intone.cli.progress import Progress
from intone.cli.voices.common import DEFAULT_BASE, candidates, library
from intone.core.errors import OutputError

if TYPE_CHECKING:
    from intone.voices.candidates import CandidateFolder, CandidateRound

DEFAULT_DESIGN = "1.7b-design"
DEFAULT_CANDIDATES = 4


def add_parsers(actions: options.Commands[argparse.ArgumentParser]) -> None:
    """Adds both actions."""
    parser = actions.add_parser(
        "design",
        help="draw candidates of a described voice",
        description="Draws several voices of one description, each another person; "
        "`intone voices keep` makes one of them a voice that stays.",
    )
    parser.add_argument("description", metavar="DESCRIPTION", help="who speaks, in a sentence")
    parser.add_argument(
        "--text", metavar="WORDS", required=True, help="what they say; 5 to 10 s serve best"
    )
    parser.add_argument(
        "--candidates", type=int, default=DEFAULT_CANDIDATES, metavar="N", help="default: 4"
    )
    parser.add_argument("--language", default="auto", help="a language of the model (default auto)")
    parser.add_argument("--seed", type=int, help="repeat a round; one is drawn otherwise")
    options.add_model(parser, DEFAULT_DESIGN, f"default: {DEFAULT_DESIGN}")
    parser.set_defaults(run=run_design)

    action = actions.add_parser("play", help="play a candidate (needs intone[play])")
    action.add_argument("number", metavar="NUMBER", type=int)
    action.add_argument("--round", metavar="NAME", help="default: the newest")
    action.set_defaults(run=run_play)


def run_design(args: argparse.Namespace) -> int:
    """Draws, writes and prints candidate after candidate."""
    from intone.render.designing import iter_candidates
    from intone.runtime.rng import fresh_seed

    folder = candidates(library())
    seed = fresh_seed() if args.seed is None else args.seed
    with options.open_tts(args) as tts, Progress() as progress:
        progress.show("loading the model")
        drawn = iter_candidates(
            tts,
            args.description,
            args.text,
            count=args.candidates,
            seed=seed,
            language=args.language,
        )
        round_: CandidateRound | None = None
        for one in drawn:
            round_ = round_ or _new_round(folder, args, seed)
            round_ = round_.with_take(one.number, one.audio)
            progress.show("")
            _print_take(round_, one.number)
            if one.number < args.candidates:
                progress.show(f"candidate {one.number + 1} of {args.candidates}")
    if round_ is not None:
        _print_next(round_)
    return EXIT_OK


def run_play(args: argparse.Namespace) -> int:
    """Plays one candidate to its end."""
    import soundfile

    from intone.audio.playback import Player

    found = candidates(library()).get(args.round)
    path = found.path(found.take(args.number).number)
    try:
        samples, rate_hz = soundfile.read(path, dtype="float32")
    except soundfile.SoundFileError as error:
        raise OutputError(f"{path} cannot be played: {error}; draw it again.") from error
    with Player(rate_hz) as player:
        player.write(samples)
    return EXIT_OK


def _new_round(folder: CandidateFolder, args: argparse.Namespace, seed: int) -> CandidateRound:
    from datetime import datetime

    from intone.voices.candidates import CandidateRound

    return CandidateRound(
        directory=folder.new_directory(datetime.now()),
        description=args.description,
        text=args.text,
        language=args.language,
        model=short_name(args.model),
        seed=seed,
    )


def _print_take(round_: CandidateRound, number: int) -> None:
    take = round_.take(number)
    note = "" if take.finish_reason == "stop" else f", ended by {take.finish_reason}"
    print(
        f"{number}: seed {take.seed}, {take.duration_s:.1f} s{note}, {_shown(round_.path(number))}",
        flush=True,
    )


def _shown(path: Path) -> str:
    """Returns a path as short as it can be typed."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _print_next(round_: CandidateRound) -> None:
    first = round_.takes[0].number
    print(f"round {round_.name}, seed {round_.seed}: the same seed draws the same voices again")
    print(f"hear one:  intone voices play {first}   (or open its file)")
    print(f"keep one:  intone voices keep {first} --as NAME   (with {DEFAULT_BASE})")
