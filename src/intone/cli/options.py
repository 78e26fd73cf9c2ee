"""Options that several commands share, and what they become.

Our names and those of the founding command line (faster-qwen3-tts) are spellings of one option:
`--out` and `--output`, `--stream` and `--streaming`, `--voice` and `--speaker`, `--chunk-frames`
and `--chunk-size`, `--max-frames` and `--max-new-tokens`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from intone.core.errors import EmptyTextError, InvalidSettingError
from intone.engine.profile import DEFAULT_PROFILE, PROFILE_NAMES

if TYPE_CHECKING:
    from intone.core.speak_options import SpeakOptions
    from intone.core.types import VoiceClonePrompt
    from intone.tts import TTS

Commands = argparse._SubParsersAction  # argparse has no public name for it


def add_model(parser: argparse.ArgumentParser, default: str | None, note: str) -> None:
    """Adds which model runs where."""
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model", metavar="ID|DIR", default=default, help=f"alias, hub id or directory; {note}"
    )
    group.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N")
    group.add_argument(
        "--dtype",
        default="auto",
        help="auto, fp32, bf16, fp16, int8, int4 (talker and code predictor; int8 and int4: CPU)",
    )
    group.add_argument(
        "--profile",
        choices=PROFILE_NAMES,
        default=None,
        help="latency: the first sample soonest; throughput: most audio per second "
        f"(default: {DEFAULT_PROFILE})",
    )
    group.add_argument(
        "--eager",
        action="store_true",
        help="GPU: without recorded graphs and paged memory; slow, to find faults",
    )
    group.add_argument(
        "--tensor-parallel",
        type=_one_gpu,
        metavar="1",
        default=argparse.SUPPRESS,
        help="refused above 1: every model fits one GPU; more GPUs are more replicas "
        "(docs/scaling.md)",
    )
    group.add_argument("--threads", type=int, metavar="N", help="CPU cores to use (default: all)")
    group.add_argument(
        "--memory-budget",
        metavar="SIZE",
        help="the most memory to keep, as 2GB or 1.5GiB: kept, or refused before loading (CPU)",
    )
    parser.set_defaults(server=None, api_key=None)  # for commands that no server can speak for


def _one_gpu(value: str) -> int:
    """Refuses to split a model: its steps are too small for that."""
    if not value.isdecimal() or value == "0":
        raise argparse.ArgumentTypeError(f"{value!r} is no number of GPUs; allowed: 1")
    if value != "1":
        raise argparse.ArgumentTypeError(
            f"{value} GPUs for one model would make it slower: it fits one, and each of its "
            "hundreds of small steps a frame would wait for the other GPUs; give 1, and run one "
            "replica for each GPU (docs/scaling.md)"
        )
    return 1


def add_text(parser: argparse.ArgumentParser) -> None:
    """Adds where the words come from, besides standard input."""
    parser.add_argument("-f", "--file", metavar="FILE", help="read the text from a UTF-8 file")


def add_output(parser: argparse.ArgumentParser) -> None:
    """Adds where the audio goes."""
    group = parser.add_argument_group("output")
    group.add_argument(
        "-o",
        "--out",
        "--output",
        dest="out",
        metavar="FILE",
        help="wav, flac, mp3, ogg or pcm by its ending; '-' streams to standard output "
        "(default: speech.wav, or the loudspeaker with --stream)",
    )
    group.add_argument(
        "--save-dir",
        metavar="DIR",
        help="keep the take there under its time, with a JSON beside it that repeats it "
        "(`intone redo`)",
    )
    add_loudness(group)
    add_format(group)
    add_stream(group)


def add_loudness(group: argparse._ArgumentGroup) -> None:
    """Adds how loud the whole shall be."""
    group.add_argument(
        "--loudness",
        type=float,
        metavar="LUFS",
        help="bring the whole to this loudness by one gain, -16 for example",
    )


def add_format(group: argparse._ArgumentGroup) -> None:
    """Adds the choice of format."""
    group.add_argument(
        "--format", choices=("wav", "flac", "mp3", "ogg", "pcm"), help="overrides the ending"
    )


def add_stream(group: argparse._ArgumentGroup) -> None:
    """Adds whether audio leaves chunk by chunk, and how large a chunk is."""
    group.add_argument(
        "--stream",
        "--streaming",
        dest="stream",
        action="store_true",
        help="emit audio while it is made: first chunk early",
    )
    group.add_argument(
        "--chunk-frames",
        "--chunk-size",
        dest="chunk_frames",
        type=int,
        metavar="N",
        help="frames of 80 ms per chunk (default when streaming: 1, 2, 4, then 8)",
    )


def add_voice(parser: argparse.ArgumentParser) -> None:
    """Adds who speaks, by name."""
    parser.add_argument(
        "--voice",
        "--speaker",
        dest="voice",
        metavar="NAME",
        help="a preset of the model, or a kept voice (`intone voices list`)",
    )


def add_hearing(group: argparse._ArgumentGroup, what: str) -> None:
    """Adds who hears who speaks; `what` is drawn, compared, and drawn again: segments, pieces."""
    group.add_argument(
        "--ear",
        metavar="ID|DIR|none",
        help=f"whose speaker encoder compares {what} with the person (default: the model that "
        "speaks, else a pulled Base)",
    )
    group.add_argument(
        "--min-similarity",
        type=float,
        metavar="X",
        help=f"draw {what} again below this (default 0.75), at most twice",
    )


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Adds how written words become spoken ones."""
    group = parser.add_argument_group("reading")
    group.add_argument(
        "--normalise",
        choices=("auto", "on", "off"),
        default="auto",
        help="read figures, dates, units out in words (default auto: where intone[spoken] is "
        "installed)",
    )
    group.add_argument(
        "--lexicon", metavar="FILE", help="how words are said: lines 'written = spoken'"
    )
    group.add_argument(
        "--show-spoken", action="store_true", help="print what will be said, and stop"
    )


def add_delivery(
    parser: argparse.ArgumentParser,
    seed_help: str = "repeat a take; one is drawn and printed otherwise",
) -> None:
    """Adds language, and how frames are drawn."""
    parser.add_argument("--language", default="auto", help="a language of the model (default auto)")
    parser.add_argument(
        "--speed",
        type=float,
        default=1.0,
        metavar="X",
        help="0.5 to 2.0, at the same pitch (default 1.0)",
    )
    parser.add_argument(
        "--no-guard",
        dest="guard",
        action="store_false",
        help="let a take that misses its end go on until its frame budget",
    )
    group = parser.add_argument_group("sampling (defaults are the checkpoint's own)")
    group.add_argument("--seed", type=int, help=seed_help)
    group.add_argument("--temperature", type=float)
    group.add_argument("--top-k", type=int)
    group.add_argument("--top-p", type=float)
    group.add_argument("--repetition-penalty", type=float)
    group.add_argument("--greedy", action="store_true", help="always the likeliest code")
    group.add_argument(
        "--max-frames",
        "--max-new-tokens",
        dest="max_frames",
        type=int,
        metavar="N",
        help="stop after N frames of 80 ms",
    )
    layout = group.add_mutually_exclusive_group()
    layout.add_argument(
        "--text-layout",
        choices=("at_once", "per_frame"),
        help="text read whole before the first frame, or one token with each frame",
    )
    layout.add_argument(
        "--non-streaming-mode",
        dest="text_layout",
        action="store_const",
        const="at_once",
        help="upstream's name for --text-layout at_once",
    )
    layout.add_argument(
        "--no-non-streaming-mode",
        dest="text_layout",
        action="store_const",
        const="per_frame",
        help="upstream's name for --text-layout per_frame",
    )


def open_tts(args: argparse.Namespace, *, num_slots: int | None = 1) -> TTS:
    """Returns the synthesizer that the model options name; nothing is loaded yet.

    Args:
        num_slots: takes that run at once; None: as many as fit the device and the profile.
    """
    from intone.tts import TTS

    return TTS(
        args.model,
        device=args.device,
        dtype=args.dtype,
        threads=args.threads,
        num_slots=num_slots,
        profile=args.profile or DEFAULT_PROFILE,
        eager=args.eager,
        memory_budget=args.memory_budget,
    )


def speak_options(
    args: argparse.Namespace, *, voice: str | VoiceClonePrompt | None, instruct: str | None
) -> SpeakOptions:
    """Returns the keywords of `TTS.speak` that the options stand for."""
    from intone.tts import WHOLE_TAKE_CHUNK_FRAMES

    chunk_frames = args.chunk_frames
    if chunk_frames is None and not args.stream and args.server is None:
        chunk_frames = WHOLE_TAKE_CHUNK_FRAMES
    return {
        "voice": voice,
        "instruct": instruct or None,
        "language": args.language,
        "seed": args.seed,
        "temperature": args.temperature,
        "top_k": args.top_k,
        "top_p": args.top_p,
        "repetition_penalty": args.repetition_penalty,
        "greedy": args.greedy or None,
        "max_frames": args.max_frames,
        "text_layout": args.text_layout,
        "chunk_frames": chunk_frames,
        "guard": args.guard,
        "speed": args.speed,
    }


def read_text(given: str | None, file: str | None) -> str:
    """Returns the words from the command line, a file, or standard input.

    Raises:
        InvalidSettingError: none or several sources.
        TextFileError: a file that cannot be read, or is no text.
        EmptyTextError: there is nothing in it; found here, before a model is loaded for it.
    """
    from intone.text import reading

    if given is not None and file is not None:
        raise InvalidSettingError("text was given twice; give either words or --file.")
    if file is not None:
        text = reading.read_text(Path(file))
    elif given is not None and given != "-":
        text = given
    elif given is None and sys.stdin.isatty():
        raise InvalidSettingError("no text; give words, --file FILE, or pipe text in.")
    else:
        text = sys.stdin.read()
    if not text.strip():
        raise EmptyTextError("text is empty; give at least one word to speak.")
    return text
