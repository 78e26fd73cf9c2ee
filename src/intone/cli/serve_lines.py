"""`intone serve --stdin`: the model stays hot, each line of standard input becomes a take."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from intone.cli import modes, options
from intone.cli.exit_codes import EXIT_OK, exit_code
from intone.cli.reading import Reading
from intone.cli.take import Output, Speaker
from intone.cli.telling import tell
from intone.core.errors import IntoneError, OutputError

END_WORD = "exit"
_NUMBERED = re.compile(r"(\d{4,})\.\w+")


def run(args: argparse.Namespace) -> int:
    """Speaks until the end of the input; returns the code of the last line that failed, or 0."""
    args.mode = args.mode or "custom"
    if args.model is None:
        args.model = modes.DEFAULT_MODELS[args.mode]
    outputs = _loudspeaker() if args.play else _numbered_files(args)
    code = EXIT_OK
    with options.open_tts(args) as tts:
        tts.load()
        voice, instruct, clip = modes.voice_of(args, tts)
        speaker = Speaker(tts=tts, model=args.model, mode=args.mode, clip=clip)
        tell(f"ready; one text per line, {END_WORD!r} ends")
        for line in _lines():
            output = next(outputs)
            try:
                reading = Reading.of(line, args).said_by(tts)
                pieces = reading.pieces(args, voice=voice, instruct=instruct)
                speaker.say(pieces, reading.texts, output, seed=reading.seed)
            except IntoneError as error:  # one bad line must not end the session
                code = exit_code(error)
                tell(str(error))
    return code


def _lines() -> Iterator[str]:
    for line in sys.stdin:
        text = line.strip()
        if text == END_WORD:
            return
        if text:
            yield text


def _loudspeaker() -> Iterator[Output]:
    while True:
        yield Output(target=None, streams=True)


def _numbered_files(args: argparse.Namespace) -> Iterator[Output]:
    """Yields 0001.wav and so on, after the highest number that is there: nothing is overwritten."""
    folder = Path(args.output_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = [_NUMBERED.fullmatch(path.name) for path in folder.iterdir()]
    except OSError as error:
        raise OutputError(f"cannot write into {folder}: {error.strerror}.") from error
    number = max((int(match[1]) for match in taken if match), default=0)
    while True:
        number += 1
        target = str(folder / f"{number:04d}.{args.format or 'wav'}")
        yield Output(target=target, streams=args.stream)
