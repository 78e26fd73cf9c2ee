"""`intone voices add`: a speaker of a checkpoint, kept under a name of its own."""

from __future__ import annotations

import argparse
from dataclasses import replace

from intone.cli.exit_codes import EXIT_OK
from intone.cli.models_here import directory_of, lasting_name
from intone.cli.options import Commands
from intone.cli.voices.common import library
from intone.core.errors import UnknownVoiceError


def add_parsers(actions: Commands[argparse.ArgumentParser]) -> None:
    """Adds the action."""
    parser = actions.add_parser(
        "add",
        help="keep a speaker of a model, a fine-tuned one too, by a name of its own",
        description="Keeps a speaker of a CustomVoice model or of your own fine-tune; --voice NAME "
        "then finds speaker and model.",
    )
    parser.add_argument("name", metavar="NAME", help="what to call the voice")
    parser.add_argument("--speaker", metavar="SPEAKER", required=True, help="of the model")
    parser.add_argument("--model", metavar="ID|DIR", required=True, help="that has the speaker")
    parser.add_argument("--language", default="auto", help="that it speaks (default auto)")
    parser.add_argument("--consent", metavar="WORDS", help="a note: who agreed to what")
    parser.add_argument("--force", action="store_true", help="replace a voice of that name")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Keeps the speaker and prints the file."""
    from intone.models.description import ModelDescription
    from intone.prompt.spec import preset_key
    from intone.voices.making import speaker_voice

    config = ModelDescription.read(directory_of(args.model)).config
    speaker = preset_key(args.speaker)
    if speaker not in config.speakers:
        raise UnknownVoiceError(
            f"speaker {args.speaker!r} is unknown; {args.model} has: "
            f"{', '.join(config.speakers) or 'none, it is no CustomVoice model'}."
        )
    model = lasting_name(args.model)
    voice = speaker_voice(
        args.name,
        speaker,
        model=model,
        hidden_size=config.talker.hidden_size,
        language=args.language,
    )
    voice = replace(voice, consent=args.consent)
    voices = library()
    path = voices.put(voice, replace=args.force)
    print(f"{voice.name}: {path}, speaker {speaker} of {model} ({voice.kind})")
    return EXIT_OK
