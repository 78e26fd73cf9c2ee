"""From requests to where they are heard: the part that `say`, its sisters and `serve` share."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from intone.audio.files import STDOUT, AudioFormat, create_writer
from intone.audio.writer import AudioWriter, Nowhere
from intone.cli.progress import Progress
from intone.cli.spoken import Spoken
from intone.cli.telling import tell
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.errors import InvalidSettingError
from intone.core.types import Audio, SpeechRequest, join_chunks

if TYPE_CHECKING:
    from intone.remote import RemoteTTS
    from intone.render.recording import Clip
    from intone.tts import TTS

DEFAULT_OUT = "speech.wav"

Piece = SpeechRequest | float
"""A take to be made, or seconds of silence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where what is said goes."""

    target: str | None
    """A path, "-" for standard output, or None for the loudspeaker, or for the folder alone."""
    format: AudioFormat | None = None
    folder: str | None = None
    """Every take is kept there as well."""
    streams: bool = False
    """Whether audio is wanted while it is made; else a take may be drawn again."""
    loudness_lufs: float | None = None
    """Of the whole, by one gain; None leaves it. What a folder keeps is left as it was drawn."""

    def __post_init__(self) -> None:
        if self.loudness_lufs is None:
            return
        from intone.audio.loudness import check_target

        check_target(self.loudness_lufs)
        if self.streams or self.target is None:
            raise InvalidSettingError(
                "loudness is measured over the whole, so it cannot be brought to "
                f"{self.loudness_lufs:g} LUFS while it is made or in a kept take; name a file "
                "with --out and leave out --stream."
            )

    @classmethod
    def from_args(cls, args: argparse.Namespace, num_takes: int = 1) -> Output:
        """Returns what the options mean.

        Without `--out`, streamed audio is played; another take becomes `speech.wav`, unless a
        folder keeps it whole.
        """
        is_kept_whole = args.save_dir is not None and num_takes == 1
        target = args.out
        if target is None and not args.stream and not is_kept_whole:
            target = DEFAULT_OUT
        return cls(
            target=target,
            format=args.format,
            folder=args.save_dir,
            streams=args.stream or target == STDOUT,
            loudness_lufs=args.loudness,
        )

    @property
    def is_folder_alone(self) -> bool:
        return self.target is None and self.folder is not None and not self.streams

    def open(self) -> AudioWriter:
        """Returns the writer; raises OutputError or MissingDependencyError."""
        if self.is_folder_alone:
            return Nowhere()
        if self.target is None:
            from intone.audio.playback import Player

            return Player(SAMPLE_RATE_HZ)
        writer = create_writer(self.target, SAMPLE_RATE_HZ, self.format)
        if self.loudness_lufs is None:
            return writer
        from intone.audio.levelled import LoudnessWriter

        return LoudnessWriter(writer, SAMPLE_RATE_HZ, self.loudness_lufs)

    def report(self, spoken: Spoken, kept: Sequence[Path]) -> None:
        """Prints the line of figures, out of the audio's way, and what was remarkable."""
        stream = sys.stderr if self.target == STDOUT else sys.stdout
        for path in kept:
            print(f"kept: {path}", file=stream)
        if self.is_folder_alone:
            print(spoken.figures, file=stream, flush=True)
        else:
            print(f"{self._name}: {spoken.figures}", file=stream, flush=True)
        for remark in spoken.remarks:
            tell(remark)

    @property
    def _name(self) -> str:
        if self.target is None:
            return "loudspeaker"
        return "standard output" if self.target == STDOUT else self.target


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Says pieces with one model, and keeps takes where that is wanted."""

    tts: TTS | RemoteTTS
    model: str | None
    """As it was asked for."""
    mode: str
    """The command."""
    clip: Clip | None = None
    """Where a voice clone prompt of the requests came from."""

    def say(
        self,
        pieces: Sequence[Piece],
        texts: Sequence[str],
        output: Output,
        *,
        seed: int | None = None,
    ) -> None:
        """Says pieces in order into an output, and reports.

        Args:
            texts: the takes' texts as they were written.
            seed: that those of several takes were derived from, to be told in their place.

        Raises:
            IntoneError: anything that can go wrong while speaking; a later piece that cannot be
                said is told before the first is.
        """
        requests = [piece for piece in pieces if isinstance(piece, SpeechRequest)]
        takes, kept = list[Audio](), list[Path]()
        with Progress() as progress:
            progress.show("loading the model")
            for request in requests:
                self.tts.check(request)
            with output.open() as sink:
                for piece in pieces:
                    if not isinstance(piece, SpeechRequest):
                        sink.write(np.zeros(round(piece * SAMPLE_RATE_HZ), np.float32))
                        continue
                    takes.append(self._take(piece, output, sink, progress))
                    if output.folder is not None:
                        kept.append(self._keep(piece, texts[len(takes) - 1], takes[-1], output))
        silence_s = sum(piece for piece in pieces if not isinstance(piece, SpeechRequest))
        output.report(Spoken(tuple(takes), silence_s, seed), kept)

    def _take(
        self,
        request: SpeechRequest,
        output: Output,
        sink: AudioWriter,
        progress: Progress,
    ) -> Audio:
        if not output.streams:
            audio = self.tts.synthesize(request, watch=progress.chunk)
            sink.write(audio.samples)
            return audio
        parts = []
        with self.tts.stream_request(request) as chunks:
            for chunk in chunks:
                sink.write(chunk.samples)
                progress.chunk(chunk)
                parts.append(chunk)
        return join_chunks(parts)

    def _keep(self, request: SpeechRequest, text: str, audio: Audio, output: Output) -> Path:
        from intone.cli.records import model_record, voice_record
        from intone.render.outputs import OutputFolder
        from intone.render.recording import take_record

        record = take_record(
            mode=self.mode,
            text=text,
            request=request,
            audio=audio,
            is_streamed=output.streams,
            voice=voice_record(request.voice, self.tts, os.environ, self.clip),
            model=model_record(self.tts, self.model),
        )
        folder = OutputFolder(Path(output.folder or ""))
        return folder.save(audio.samples, audio.sample_rate_hz, record).audio
