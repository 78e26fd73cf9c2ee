"""`intone custom`, `clone` and `design`: the founding command line, one command per model kind."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING

from intone.cli import options, server_choice
from intone.cli.exit_codes import EXIT_OK
from intone.cli.telling import tell
from intone.core.errors import InvalidSettingError

if TYPE_CHECKING:
    from intone.core.types import ModelKind, VoiceClonePrompt
    from intone.remote import RemoteTTS
    from intone.render.recording import Clip
    from intone.tts import TTS

DEFAULT_MODELS = {"custom": None, "clone": "0.6b-base", "design": "1.7b-design"}
"""None is the built-in voice, which is of the custom kind."""

_KINDS: Mapping[str, ModelKind | None] = {"custom": None, "clone": None, "design": "design"}
"""That a server's model must be of, where none is named; who can clone, a server knows itself."""

_NOTES = {
    "custom": "default: the built-in voice",
    "clone": "default: 0.6b-base",
    "design": "default: 1.7b-design",
}


def add_parsers(commands: options.Commands[argparse.ArgumentParser]) -> None:
    """Adds the three commands."""
    custom = _add(commands, "custom", "speak with a preset speaker of a CustomVoice model")
    options.add_voice(custom)
    custom.add_argument("--instruct", help="how to say it, in words")
    custom.add_argument("--list-speakers", action="store_true", help="print the names and stop")
    clone = _add(commands, "clone", "speak with the voice of a reference clip (Base model)")
    add_reference(clone, is_required=True)
    design = _add(commands, "design", "speak with a described voice (VoiceDesign model)")
    design.add_argument("--instruct", required=True, help="who speaks, in words")


def _add(
    commands: options.Commands[argparse.ArgumentParser], mode: str, words: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(mode, help=words, description=f"{words[0].upper()}{words[1:]}.")
    parser.add_argument("--text", metavar="WORDS", help="'-', or no --text, reads standard input")
    options.add_text(parser)
    options.add_reading(parser)
    options.add_delivery(parser)
    options.add_output(parser)
    options.add_model(parser, DEFAULT_MODELS[mode], _NOTES[mode])
    server_choice.add_server(parser)
    parser.set_defaults(run=run, mode=mode)
    return parser


def add_reference(parser: argparse.ArgumentParser, *, is_required: bool) -> None:
    """Adds whose voice is cloned, and how."""
    group = parser.add_argument_group("reference clip")
    group.add_argument(
        "--ref-audio", metavar="FILE", required=is_required, help="1 to 60 s of one voice"
    )
    group.add_argument("--ref-text", metavar="WORDS", help="what the clip says, exactly")
    group.add_argument(
        "--xvec-only", action="store_true", help="use the speaker's x-vector, not the clip itself"
    )
    group.add_argument(
        "--no-append-silence",
        action="store_true",
        help="do not end the clip with 0.5 s of silence (upstream's behaviour)",
    )


def run(args: argparse.Namespace) -> int:
    """Speaks, or lists the speakers; returns the exit code."""
    from intone.cli.reading import Reading
    from intone.cli.take import Output, Speaker

    if args.mode == "custom" and args.list_speakers:
        return _list_speakers(args)
    reading = Reading.of(options.read_text(args.text, args.file), args)
    output = Output.from_args(args, reading.num_takes)
    with _speaker(args) as tts:
        reading = reading.said_by(tts)
        if args.show_spoken:
            reading.show()
            return EXIT_OK
        voice, instruct, clip = voice_of(args, tts)
        pieces = reading.pieces(args, voice=voice, instruct=instruct)
        speaker = Speaker(tts=tts, model=args.model, mode=args.mode, clip=clip)
        speaker.say(pieces, reading.texts, output, seed=reading.seed)
    return EXIT_OK


def _speaker(args: argparse.Namespace) -> TTS | RemoteTTS:
    """Returns what speaks; the model that a mode has by default is of this machine."""
    if args.server is not None and args.model == DEFAULT_MODELS[args.mode]:
        args.model = None
    return server_choice.open_speaker(args, kind=_KINDS[args.mode])


def voice_of(
    args: argparse.Namespace, tts: TTS | RemoteTTS
) -> tuple[str | VoiceClonePrompt | None, str | None, Clip | None]:
    """Returns voice and instruct as the mode has them, and the clip that was read and encoded.

    Raises:
        RequestError: the clip cannot be used, or the model cannot clone.
    """
    if args.mode == "custom":
        return args.voice, args.instruct, None
    if args.mode == "design":
        return None, args.instruct, None
    voice, clip = clip_voice(args, tts)
    return voice, None, clip


def clip_voice(
    args: argparse.Namespace, tts: TTS | RemoteTTS
) -> tuple[str | VoiceClonePrompt, Clip]:
    """Returns the voice of the reference clip, and what was asked for; raises as `voice_of`.

    With a server the voice is the name under which the clip is sent along.
    """
    from intone.render.recording import Clip

    if args.ref_audio is None:
        raise InvalidSettingError("mode clone needs --ref-audio FILE.")
    if args.ref_text is None and not args.xvec_only:
        tell(
            "no --ref-text: cloning from the x-vector alone; the clip's exact words bring the "
            "voice closer"
        )
    clip = Clip(
        path=args.ref_audio,
        ref_text=args.ref_text,
        x_vector_only=args.xvec_only,
        append_silence=not args.no_append_silence,
    )
    voice = tts.clone(
        clip.path,
        clip.ref_text,
        x_vector_only=clip.x_vector_only,
        append_silence=clip.append_silence,
    )
    return voice, clip


def _list_speakers(args: argparse.Namespace) -> int:
    from intone.cli.models_here import directory_of
    from intone.models.config import ModelConfig, read_json

    if args.server is not None:
        with _speaker(args) as tts:
            names = tts.capabilities().voices
    else:
        config = ModelConfig.from_dict(read_json(directory_of(args.model) / "config.json"))
        names = config.speakers
    print("\n".join(names))
    return EXIT_OK
