"""`intone redo`: the same take again, from the JSON beside it."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from intone.cli import options, server_choice
from intone.cli.exit_codes import EXIT_OK

if TYPE_CHECKING:
    from intone.core.types import Audio
    from intone.render.redo import Difference
    from intone.render.sidecar import TakeRecord


def add_parser(commands: options.Commands[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "redo",
        help="make a kept take again, sample for sample",
        description="Make a take again from the JSON beside it: same text, voice, seed and model. "
        "On the same machine and version the samples are the same; what differs is said.",
    )
    parser.add_argument("record", metavar="FILE.json", help="the JSON beside a kept take")
    parser.add_argument(
        "--anyway", action="store_true", help="draw it even where voice or model have changed"
    )
    group = parser.add_argument_group("output (default: a new take beside the old one)")
    target = group.add_mutually_exclusive_group()
    target.add_argument("-o", "--out", metavar="FILE", help="wav, flac, mp3, ogg or pcm")
    target.add_argument("--save-dir", metavar="DIR", help="keep it there instead")
    options.add_model(parser, None, "default: the record's, as are the others here")
    server_choice.add_server(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Draws and compares; returns the exit code."""
    from intone.cli.records import model_record
    from intone.core.version import __version__
    from intone.render.recording import voice_again
    from intone.render.redo import (
        check_can_be_redone,
        check_same,
        differences,
        draw_again,
        record_again,
    )
    from intone.render.sidecar import read_take_record
    from intone.voices.library import VoiceLibrary

    path = Path(args.record)
    record = read_take_record(path)
    check_can_be_redone(record, str(path))
    _fill_in(args, record)
    with server_choice.open_speaker(args) as tts:
        model = model_record(tts, args.model)
        voice, found_voice = voice_again(record.voice, tts, VoiceLibrary.from_env(os.environ))
        found = differences(record, model, found_voice, __version__)
        check_same(found, anyway=args.anyway)
        audio = draw_again(record, tts, voice)
    again = record_again(
        record, audio, model=model, voice=found_voice, version=__version__, origin=path.name
    )
    _report(_keep(args, path, again, audio), record, audio, found)
    return EXIT_OK


def _fill_in(args: argparse.Namespace, record: TakeRecord) -> None:
    """Puts the record's model and precision, or its server, where no other was asked for."""
    args.model = record.model.name if args.model is None else args.model
    if args.server is None and record.model.device.startswith("http"):
        args.server = record.model.device
    if args.server is not None:
        return
    args.device = record.model.device if args.device == "auto" else args.device
    args.dtype = record.model.dtype if args.dtype == "auto" else args.dtype
    args.threads = record.model.threads if args.threads is None else args.threads


def _keep(args: argparse.Namespace, path: Path, again: TakeRecord, audio: Audio) -> Path:
    from intone.audio.files import save
    from intone.render.outputs import OutputFolder

    if args.out is not None:
        return save(args.out, audio.samples, audio.sample_rate_hz)
    folder = OutputFolder(path.parent if args.save_dir is None else Path(args.save_dir))
    return folder.save(audio.samples, audio.sample_rate_hz, again).audio


def _report(target: Path, record: TakeRecord, audio: Audio, found: tuple[Difference, ...]) -> None:
    from intone.render.redo import is_same_take

    is_same = is_same_take(record, audio)
    verdict = "the same take, sample for sample" if is_same else "NOT the same samples"
    print(
        f"{target}: {audio.timing}, seed {audio.seed}, finished: {audio.finish_reason}; {verdict}"
    )
    for difference in found:
        print(f"since then: {difference}")
    if not is_same and not found:
        print("since then: nothing that the record knows; another machine rounds otherwise")
