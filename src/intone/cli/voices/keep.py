"""`intone voices keep`: one candidate becomes a voice; later takes are that person."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from intone.cli.exit_codes import EXIT_OK
from intone.cli.models_here import short_name
from intone.cli.options import Commands
from intone.cli.voices.common import (
    DEFAULT_BASE,
    add_encoder,
    add_form,
    base_directory,
    candidates,
    chosen_form,
    library,
    print_report,
    tell_form,
)
from intone.cli.voices.showing import print_kept
from intone.core.errors import InvalidSettingError
from intone.voices.names import checked_name

if TYPE_CHECKING:
    from intone.voices.candidates import CandidateRound
    from intone.voices.voice import Voice


def add_parsers(actions: Commands[argparse.ArgumentParser]) -> None:
    """Adds the action."""
    parser = actions.add_parser(
        "keep",
        help="keep a candidate of `design` as a voice",
        description="Keeps a candidate: its take becomes the clip that a Base model clones from, "
        "so that every later take is that person.",
    )
    parser.add_argument("number", metavar="NUMBER", type=int, help="as `design` printed it")
    parser.add_argument(
        "--as", dest="name", metavar="NAME", required=True, help="what to call the voice"
    )
    parser.add_argument("--round", metavar="NAME", help="default: the newest")
    add_form(parser)
    parser.add_argument("--licence", metavar="WORDS", help="under which the voice may be used")
    parser.add_argument("--force", action="store_true", help="replace a voice of that name")
    add_encoder(parser, DEFAULT_BASE, f"default: {DEFAULT_BASE}")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Keeps the voice."""
    voices = library()
    checked_name(args.name)
    if args.name in voices and not args.force:
        raise InvalidSettingError(
            f"a voice {args.name!r} is kept already; choose another name, or replace it (--force)."
        )
    voice = _voice(args, candidates(voices).get(args.round))
    print_kept(voice, voices.put(voice, replace=args.force), args.model)
    return EXIT_OK


def _voice(args: argparse.Namespace, drawn: CandidateRound) -> Voice:
    """Returns the take as a voice; its report is told, and refuses nothing: it was listened to."""
    from intone.audio.reference import load_reference
    from intone.engine.plan import resolve_device
    from intone.voices.cloning import Cloner
    from intone.voices.making import (
        Design,
        Origin,
        choose_form,
        designed_voice,
        read_clip,
        report_clip,
    )

    take = drawn.take(args.number)
    clip = load_reference(drawn.path(take.number))
    report = report_clip(clip, drawn.text, drawn.language)
    print_report(clip, report, can_refuse=False)
    cloner = Cloner(base_directory(args.model), resolve_device(args.device))
    chosen = choose_form(drawn.text, chosen_form(args), has_codec_encoder=cloner.can_make_codes)
    tell_form(chosen)
    origin = Origin(language=drawn.language, model=short_name(args.model), licence=args.licence)
    design = Design(description=drawn.description, seed=take.seed, model=drawn.model)
    reference = read_clip(cloner, clip, drawn.text, chosen.form)
    return designed_voice(args.name, reference, clip, origin, design)
