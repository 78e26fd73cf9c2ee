"""From a text as it was written to the requests of a command: tags, seeds, spoken forms."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from intone.cli.options import speak_options
from intone.core.seeds import derived_seed
from intone.core.types import SpeechRequest, VoiceClonePrompt
from intone.text.markup import parse_script
from intone.text.script import Script, Segment, Silence

if TYPE_CHECKING:
    from intone.cli.take import Piece


@dataclass(frozen=True, slots=True)
class Reading:
    """A text with its known tags read; what else stands in brackets is read out."""

    script: Script

    @classmethod
    def of(cls, text: str, args: argparse.Namespace) -> Reading:
        """Reads tags and spoken forms as the options say; raises RequestError."""
        return cls(parse_script(text, mode="say"))

    @property
    def num_takes(self) -> int:
        return len(self.script.segments)

    @property
    def texts(self) -> list[str]:
        """Of the takes, as they were written."""
        return [segment.written for segment in self.script.segments]

    def show(self) -> None:
        """Prints what will be said, a take or a silence a line."""
        for piece in self.script.pieces:
            if isinstance(piece, Silence):
                print(f"({piece.duration_s:g} s)")
            else:
                print(" ".join(piece.text.split()))

    def pieces(
        self,
        args: argparse.Namespace,
        *,
        voice: str | VoiceClonePrompt | None,
        instruct: str | None,
    ) -> list[Piece]:
        """Returns the requests and silences, in order; raises InvalidSettingError.

        A text without tags is one take with the seed that was given; others derive theirs.
        """
        from intone.runtime.rng import fresh_seed
        from intone.tts import speech_request

        options = speak_options(args, voice=voice, instruct=instruct)
        base = speech_request(self.script.segments[0].text, options)
        seed = fresh_seed() if base.seed is None else base.seed
        segments = self.script.segments
        seeds = (
            [seed] if len(segments) == 1 else [derived_seed(seed, i) for i in range(len(segments))]
        )
        drawn = iter(seeds)
        return [
            piece.duration_s if isinstance(piece, Silence) else _request(piece, base, next(drawn))
            for piece in self.script.pieces
        ]


def _request(segment: Segment, base: SpeechRequest, seed: int) -> SpeechRequest:
    return replace(
        base,
        text=segment.text,
        voice=segment.voice or base.voice,
        language=segment.language or base.language,
        speed=base.speed * segment.rate,
        seed=seed,
    )
