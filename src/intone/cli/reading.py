"""From a text as it was written to the requests of a command: tags, seeds, spoken forms."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count, repeat
from typing import TYPE_CHECKING

from intone.cli.options import speak_options
from intone.cli.reading_aloud import read_aloud
from intone.core.errors import ModelError
from intone.core.seeds import derived_seed
from intone.core.speak_options import speech_request
from intone.core.types import SpeechRequest, VoiceClonePrompt
from intone.text.languages import language_to_read
from intone.text.markup import parse_script
from intone.text.script import Script, Segment, Silence

if TYPE_CHECKING:
    from intone.cli.take import Piece
    from intone.remote import RemoteTTS
    from intone.render.planning import ReadAloud
    from intone.tts import TTS


@dataclass(frozen=True, slots=True)
class Reading:
    """A text with its known tags read; what else stands in brackets is read out."""

    script: Script
    language: str
    read_aloud: ReadAloud
    seed: int
    """Of the text: a take of its own has it, several have theirs from it."""

    @classmethod
    def of(cls, text: str, args: argparse.Namespace) -> Reading:
        """Reads tags, and the lexicon that the options name; raises RequestError."""
        from intone.runtime.rng import fresh_seed

        return cls(
            script=parse_script(text, mode="say"),
            language=args.language,
            read_aloud=read_aloud(args),
            seed=fresh_seed() if args.seed is None else args.seed,
        )

    def said_by(self, tts: TTS | RemoteTTS) -> Reading:
        """Returns the same for a model: one with a single language needs no guess of the text's.

        A model that is not here changes nothing; who speaks with it is told.
        """
        try:
            of_model = tts.capabilities().languages
        except ModelError:
            return self
        return replace(self, language=language_to_read(self.language, of_model))

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
                print(" ".join(self._spoken(piece).split()))

    def pieces(
        self,
        args: argparse.Namespace,
        *,
        voice: str | VoiceClonePrompt | None,
        instruct: str | None,
    ) -> list[Piece]:
        """Returns the requests and silences, in order; raises InvalidSettingError.

        A text without tags is one take with the text's seed; others derive theirs.
        """
        options = speak_options(args, voice=voice, instruct=instruct)
        base = speech_request("-", options)
        seeds: Iterator[int] = repeat(self.seed)
        if self.num_takes > 1:
            seeds = map(derived_seed, repeat(self.seed), count())
        return [
            piece.duration_s if isinstance(piece, Silence) else self._request(piece, base, seeds)
            for piece in self.script.pieces
        ]

    def _request(
        self, segment: Segment, base: SpeechRequest, seeds: Iterator[int]
    ) -> SpeechRequest:
        return replace(
            base,
            text=self._spoken(segment),
            voice=segment.voice or base.voice,
            language=segment.language or base.language,
            speed=base.speed * segment.rate,
            seed=next(seeds),
        )

    def _spoken(self, segment: Segment) -> str:
        return self.read_aloud(segment.text, segment.language or self.language, segment.fixed)
