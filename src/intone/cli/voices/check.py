"""`intone voices check`: is a voice whole, plausible, and of use on this machine?"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from intone.cli.exit_codes import EXIT_OK
from intone.cli.models_here import ModelHere, models_here
from intone.cli.options import Commands
from intone.cli.table import print_table
from intone.cli.voices.common import library
from intone.cli.voices.showing import NEUTRAL, clip_words

if TYPE_CHECKING:
    from intone.voices.voice import Reference, Voice


@dataclass(frozen=True, slots=True)
class _Findings:
    voice: Voice
    sha256: str
    models: dict[str, str]
    """Name of a model here to its verdict."""
    clips: tuple[tuple[str, str, str], ...]
    """Mood, clip in words, verdict."""
    likeness: tuple[tuple[str, str, float], ...]
    """Mood, other mood, cosine similarity of their x-vectors."""

    def rows(self) -> list[tuple[str, str]]:
        rows = [("voice", f"{self.voice.name}, {self.voice.kind}, whole"), ("sha256", self.sha256)]
        rows += [(f"model {name}", verdict) for name, verdict in self.models.items()]
        rows += [(f"clip {mood}", f"{words} ({verdict})") for mood, words, verdict in self.clips]
        rows += [
            (f"{one} and {two}", f"similarity {value:.2f}") for one, two, value in self.likeness
        ]
        return rows

    def json(self) -> dict[str, object]:
        return {
            "name": self.voice.name,
            "kind": self.voice.kind,
            "sha256": self.sha256,
            "models": self.models,
            "references": [
                {"mood": mood, "clip": words, "verdict": verdict}
                for mood, words, verdict in self.clips
            ],
            "similarities": [
                {"between": [one, two], "similarity": round(value, 4)}
                for one, two, value in self.likeness
            ],
        }


def add_parsers(actions: Commands[argparse.ArgumentParser]) -> None:
    """Adds the action."""
    action = actions.add_parser("check", help="is a voice whole, and which models here speak it?")
    action.add_argument("voice", metavar="NAME|FILE", help="a kept voice, or a .voice file")
    action.add_argument("--json", action="store_true", help="as JSON")
    action.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints what was found; a damaged file is an error."""
    found = _findings(_asked_for(args.voice))
    if args.json:
        print(json.dumps(found.json(), indent=1))
    else:
        print_table(found.rows())
    return EXIT_OK


def _asked_for(word: str) -> Voice:
    from intone.voices.voice_file import SUFFIX, read_voice

    is_file = word.endswith(SUFFIX) or Path(word).parent != Path()
    return read_voice(Path(word)) if is_file else library().get(word)


def _findings(voice: Voice) -> _Findings:
    from intone.voices.voice_file import content_sha256

    return _Findings(
        voice=voice,
        sha256=content_sha256(voice),
        models={one.name: _verdict(one, voice) for one in models_here()},
        clips=tuple(
            (one.mood or NEUTRAL, clip_words(one), _plausible(one, voice))
            for one in voice.references
        ),
        likeness=tuple(_similarities(voice.references)),
    )


def _verdict(model: ModelHere, voice: Voice) -> str:
    talker = model.config.talker
    if model.fits(voice):
        return "speaks with it"
    if voice.x_vector is None:
        return f"has no speaker {voice.speaker}"
    if not model.can_clone:
        return "does not clone: no speaker encoder"
    return f"another size: width {talker.hidden_size:,}, {talker.num_codebooks} codebooks"


def _plausible(one: Reference, voice: Voice) -> str:
    """Returns whether a clip's words can be those of so long a clip."""
    from intone.text.duration import expected_duration

    if one.duration_s is None or one.text is None:
        return "no clip, no words to compare"
    spoken = expected_duration(one.text, voice.language)
    if one.duration_s < spoken.shortest_s:
        return f"warning: its words take {spoken.shortest_s:.1f} s at least; they are too many"
    if one.duration_s > spoken.longest_s:
        return f"warning: its words take {spoken.longest_s:.1f} s at most; some are missing"
    return "words fit the length"


def _similarities(references: Sequence[Reference]) -> Iterator[tuple[str, str, float]]:
    from intone.render.ear import similarity

    for one, other in combinations(references, 2):
        value = similarity(one.x_vector, other.x_vector)
        yield one.mood or NEUTRAL, other.mood or NEUTRAL, value
