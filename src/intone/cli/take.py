"""One take from request to output: the part that `say`, its sisters and `serve` share."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from intone.audio.files import STDOUT, AudioFormat, create_writer
from intone.audio.writer import AudioWriter
from intone.cli.progress import Progress
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.types import AudioChunk

if TYPE_CHECKING:
    from intone.tts import TTS, SpeakOptions

DEFAULT_OUT = "speech.wav"


@dataclass(frozen=True, slots=True)
class Output:
    """Where one take goes."""

    target: str | None
    """A path, "-" for standard output, or None for the loudspeaker."""
    format: AudioFormat | None = None

    @classmethod
    def from_args(cls, args: argparse.Namespace) -> Output:
        """Without `--out`, a streamed take is played and another one becomes `speech.wav`."""
        if args.out is None and not args.stream:
            return cls(DEFAULT_OUT, args.format)
        return cls(args.out, args.format)

    @property
    def name(self) -> str:
        if self.target is None:
            return "loudspeaker"
        return "standard output" if self.target == STDOUT else self.target

    def open(self) -> AudioWriter:
        """Returns the writer; raises OutputError or MissingDependencyError."""
        if self.target is None:
            from intone.audio.playback import Player

            return Player(SAMPLE_RATE_HZ)
        return create_writer(self.target, SAMPLE_RATE_HZ, self.format)

    def report(self, last: AudioChunk) -> None:
        """Prints the line of figures, out of the audio's way."""
        stream = sys.stderr if self.target == STDOUT else sys.stdout
        print(
            f"{self.name}: {last.timing}, seed {last.seed}, finished: {last.finish_reason}",
            file=stream,
            flush=True,
        )


def speak_into(writer: AudioWriter, tts: TTS, text: str, options: SpeakOptions) -> AudioChunk:
    """Speaks chunk by chunk into an open writer; returns the last chunk, which has the figures.

    Raises:
        IntoneError: anything that can go wrong while speaking.
    """
    with Progress() as progress:
        progress.show("loading the model")
        tts.load()
        with tts.stream(text, **options) as chunks:
            for chunk in chunks:
                writer.write(chunk.samples)
                progress.chunk(chunk)
    return chunk
