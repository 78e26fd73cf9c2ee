"""`intone voices clone`: a clip is judged, read once, and kept."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from intone.cli.exit_codes import EXIT_OK
from intone.cli.models_here import short_name
from intone.cli.options import Commands
from intone.cli.telling import tell
from intone.cli.voices.common import (
    DEFAULT_BASE,
    add_encoder,
    add_form,
    add_notes,
    base_directory,
    check_language,
    check_usable,
    chosen_form,
    library,
    print_report,
    tell_form,
)
from intone.cli.voices.showing import print_kept
from intone.core.errors import InvalidSettingError, MissingReferenceTextError, UnsupportedModeError
from intone.voices.names import checked_name

if TYPE_CHECKING:
    from intone.audio.reference import ReferenceClip
    from intone.core.types import Samples
    from intone.voices.cloning import Cloner
    from intone.voices.library import VoiceLibrary
    from intone.voices.making import ChosenForm
    from intone.voices.voice import Reference


def add_parsers(actions: Commands[argparse.ArgumentParser]) -> None:
    """Adds the action."""
    parser = actions.add_parser(
        "clone",
        help="keep the voice of a clip",
        description="Keeps the voice of a clip: its x-vector always, its codes where its words "
        "are given. With --mood the clip joins the emotion bank of a voice that is kept already.",
    )
    parser.add_argument("name", metavar="NAME", help="what to call the voice")
    parser.add_argument(
        "--audio",
        "--ref-audio",
        dest="audio",
        metavar="FILE",
        required=True,
        help="1 to 60 s of one person",
    )
    parser.add_argument(
        "--text", "--ref-text", dest="text", metavar="WORDS", help="what the clip says, exactly"
    )
    parser.add_argument("--mood", metavar="WORD", help="add the clip to NAME's emotion bank")
    add_form(parser)
    add_notes(parser)
    parser.add_argument(
        "--no-append-silence",
        action="store_true",
        help="do not end an ICL clip with 0.5 s of silence",
    )
    parser.add_argument("--anyway", action="store_true", help="use a clip that the report refuses")
    parser.add_argument("--force", action="store_true", help="replace a voice, or a mood, of NAME")
    add_encoder(parser, None, f"default: {DEFAULT_BASE}; with --mood, the voice's own")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Keeps the voice; what can be refused is refused before a model is loaded."""
    if args.text is not None and not args.text.strip():
        raise MissingReferenceTextError(
            "--text is empty; give the clip's exact words, or leave it."
        )
    if args.mood is None:
        _clone(args, library())
    else:
        _add_mood(args, library())
    return EXIT_OK


def _clone(args: argparse.Namespace, voices: VoiceLibrary) -> None:
    from intone.audio.reference import load_reference
    from intone.voices.making import Origin, cloned_voice

    checked_name(args.name)
    if args.name in voices and not args.force:
        raise InvalidSettingError(
            f"a voice {args.name!r} is kept already; choose another name, replace it (--force), or "
            "give --mood WORD to add the clip to its emotion bank."
        )
    model, clip = args.model or DEFAULT_BASE, load_reference(args.audio)
    language = check_language(args.language, base_directory(model))
    reference = _read(args, clip, model)
    origin = Origin(
        language=language,
        model=short_name(model),
        licence=args.licence,
        consent=args.consent,
    )
    voice = cloned_voice(args.name, reference, clip, origin)
    print_kept(voice, voices.put(voice, replace=args.force), model)


def _add_mood(args: argparse.Namespace, voices: VoiceLibrary) -> None:
    from intone.audio.reference import load_reference
    from intone.voices.making import with_mood

    voice = voices.get(args.name)
    if voice.x_vector is None:
        raise UnsupportedModeError(
            f"voice {voice.name!r} is the speaker {voice.speaker!r} of {voice.model}, which has no "
            "clips; an emotion bank belongs to a cloned or designed voice."
        )
    _check_notes(args)
    model = args.model or voice.making.model or DEFAULT_BASE
    reference = _read(args, load_reference(args.audio), model)
    grown = voices.change(
        voice.name, lambda kept: with_mood(kept, reference, can_replace=args.force)
    )
    _tell_similarity(voice.name, voice.x_vector, reference.x_vector)
    print_kept(grown, voices.path(voice.name), model)


def _tell_similarity(name: str, person: Samples, clip: Samples) -> None:
    from intone.render.drawing import MIN_SIMILARITY
    from intone.render.ear import similarity

    likeness = similarity(person, clip)
    print(f"similarity of this clip and {name}: {likeness:.2f}")
    if likeness < MIN_SIMILARITY:
        tell(
            f"below {MIN_SIMILARITY:.2f}: this may be another person, or a mood that changes the "
            "voice much; listen to both"
        )


def _check_notes(args: argparse.Namespace) -> None:
    given = [f"--{key}" for key in ("licence", "consent") if vars(args)[key] is not None]
    if given:
        raise InvalidSettingError(
            f"{' and '.join(given)} belong to the whole voice, and were given with --mood; leave "
            "them out, or clone the voice anew with them (--force)."
        )


def _read(args: argparse.Namespace, clip: ReferenceClip, model: str) -> Reference:
    """Prints the report of the clip and returns it as a voice keeps it."""
    from intone.engine.plan import resolve_device
    from intone.voices.cloning import Cloner
    from intone.voices.making import read_clip, report_clip

    words = None if args.form == "x_vector" else args.text
    report = report_clip(clip, words, args.language)
    print_report(clip, report)
    check_usable(report, anyway=args.anyway)
    cloner = Cloner(base_directory(model), resolve_device(args.device))
    chosen = _form(args, cloner)
    return read_clip(
        cloner,
        clip,
        args.text,
        chosen.form,
        mood=args.mood,
        append_silence=not args.no_append_silence,
    )


def _form(args: argparse.Namespace, cloner: Cloner) -> ChosenForm:
    """Returns the form, and tells where it is less than the words would allow."""
    from intone.voices.making import choose_form

    has_codec_encoder = args.text is not None and cloner.can_make_codes
    chosen = choose_form(args.text, chosen_form(args), has_codec_encoder=has_codec_encoder)
    tell_form(chosen)
    return chosen
