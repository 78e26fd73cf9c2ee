"""`intone voices rename`, `remove`, `export`, `import` and `extract`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from intone.cli.exit_codes import EXIT_OK
from intone.cli.options import Commands
from intone.cli.voices.common import DEFAULT_BASE, add_encoder, base_directory, library
from intone.core.errors import InvalidSettingError, UnsupportedModeError

if TYPE_CHECKING:
    from intone.core.types import Samples
    from intone.voices.library import VoiceLibrary
    from intone.voices.voice import Voice


def add_parsers(actions: Commands[argparse.ArgumentParser]) -> None:
    """Adds the actions."""
    action = actions.add_parser("rename", help="give a voice another name")
    action.add_argument("name", metavar="NAME")
    action.add_argument("new_name", metavar="NEW")
    action.set_defaults(run=run_rename)

    action = actions.add_parser("remove", help="remove a voice, damaged ones too")
    action.add_argument("name", metavar="NAME")
    action.set_defaults(run=run_remove)

    action = actions.add_parser("export", help="copy a voice's file, to take it elsewhere")
    action.add_argument("name", metavar="NAME")
    action.add_argument(
        "target", metavar="FILE|DIR", nargs="?", default=".", help="default: NAME.voice here"
    )
    action.add_argument("--force", action="store_true", help="write over a file")
    action.set_defaults(run=run_export)

    action = actions.add_parser(
        "import",
        help="take a voice in",
        description="Takes in a .voice file, or the speaker file of another program: an "
        "x-vector in .safetensors or .pt.",
    )
    action.add_argument("file", metavar="FILE")
    action.add_argument("--as", dest="name", metavar="NAME", help="default: the file's own name")
    action.add_argument("--force", action="store_true", help="replace a voice of that name")
    action.set_defaults(run=run_import)

    action = actions.add_parser(
        "extract", help="write the x-vector of a voice or clip for other programs"
    )
    action.add_argument("name", metavar="NAME", nargs="?", help="a kept voice")
    action.add_argument(
        "--audio", "--ref-audio", dest="audio", metavar="FILE", help="or a clip of 1 to 60 s"
    )
    action.add_argument(
        "-o", "--out", "--output", dest="out", metavar="FILE", required=True,
        help=".safetensors (fp32), or .pt (bf16, 4 KB)",
    )  # fmt: skip
    action.add_argument("--force", action="store_true", help="write over a file")
    add_encoder(action, DEFAULT_BASE, f"default: {DEFAULT_BASE}")
    action.set_defaults(run=run_extract)


def run_rename(args: argparse.Namespace) -> int:
    """Renames a voice."""
    print(library().rename(args.name, args.new_name))
    return EXIT_OK


def run_remove(args: argparse.Namespace) -> int:
    """Removes a voice."""
    print(f"removed {library().remove(args.name)}")
    return EXIT_OK


def run_export(args: argparse.Namespace) -> int:
    """Copies a voice out and prints the file."""
    from intone.voices.voice_file import SUFFIX

    target = Path(args.target)
    if not target.is_dir() and target.suffix != SUFFIX:
        raise InvalidSettingError(
            f"{target} is no directory and does not end in {SUFFIX}; name a directory, or a file "
            f"with that ending. For other programs: intone voices extract {args.name} --out FILE."
        )
    print(library().export(args.name, target, replace=args.force))
    return EXIT_OK


def run_import(args: argparse.Namespace) -> int:
    """Takes a voice in and prints what it is called."""
    voices, path = library(), Path(args.file)
    voice = _taken_in(voices, path, args)
    form = "with its clip" if voice.is_icl else "an x-vector"
    print(f"{voice.name}: {voices.path(voice.name)}, width {voice.hidden_size:,}, {form}")
    return EXIT_OK


def _taken_in(voices: VoiceLibrary, path: Path, args: argparse.Namespace) -> Voice:
    from intone.voices.vectors import VECTOR_SUFFIXES, read_speaker

    if path.suffix.lower() not in VECTOR_SUFFIXES:
        return voices.load(path, args.name, replace=args.force)
    voice = read_speaker(path).voice(args.name or path.stem, path)
    voices.put(voice, replace=args.force)
    return voice


def run_extract(args: argparse.Namespace) -> int:
    """Writes an x-vector and prints the file."""
    from intone.voices.vectors import write_vector

    if (args.name is None) == (args.audio is None):
        raise InvalidSettingError("give one source: the NAME of a kept voice, or --audio FILE.")
    x_vector = _of_clip(args) if args.name is None else _of_voice(args.name)
    write_vector(Path(args.out), x_vector, replace=args.force)
    print(f"{args.out}: x-vector of width {len(x_vector):,}")
    return EXIT_OK


def _of_voice(name: str) -> Samples:
    voice = library().get(name)
    if voice.x_vector is None:
        raise UnsupportedModeError(
            f"voice {voice.name!r} is the speaker {voice.speaker!r} of {voice.model}; it has no "
            "x-vector to write."
        )
    return voice.x_vector


def _of_clip(args: argparse.Namespace) -> Samples:
    from intone.audio.reference import load_reference
    from intone.engine.plan import resolve_device
    from intone.voices.cloning import Cloner

    clip = load_reference(args.audio)
    return Cloner(base_directory(args.model), resolve_device(args.device)).x_vector(clip.samples)
