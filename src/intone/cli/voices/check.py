"""`intone voices check`: is a voice whole, plausible, and of use on this machine?"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from intone.cli.exit_codes import EXIT_OK
from intone.cli.options import Commands
from intone.cli.table import print_table
from intone.cli.voices.common import ModelHere, library, models_here
from intone.cli.voices.showing import NEUTRAL, clip_words
from intone.voices.voice_file import SUFFIX, content_sha256, read_voice

if TYPE_CHECKING:
    from intone.voices.voice import Reference, Voice


def add_parsers(actions: Commands[argparse.ArgumentParser]) -> None:
    """Adds the action."""
    action = actions.add_parser("check", help="is a voice whole, and which models here speak it?")
    action.add_argument("voice", metavar="NAME|FILE", help=f"a kept voice, or a {SUFFIX} file")
    action.add_argument("--json", action="store_true", help="as JSON")
    action.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints what was found; a damaged file is an error."""
    voice = read_voice(Path(args.voice)) if _is_file(args.voice) else library().get(args.voice)
    models = {one.name: _verdict(one, voice) for one in models_here()}
    clips = [
        (one.mood or NEUTRAL, clip_words(one), _plausible(one, voice)) for one in voice.references
    ]
    likeness = list(_similarities(voice.references))
    if args.json:
        print(json.dumps(_json(voice, models, clips, likeness), indent=1))
        return EXIT_OK
    rows = [("voice", f"{voice.name}, {voice.kind}, whole"), ("sha256", content_sha256(voice))]
    rows += [(f"model {name}", verdict) for name, verdict in models.items()]
    rows += [(f"clip {mood}", f"{words} ({verdict})") for mood, words, verdict in clips]
    rows += [(f"{one} and {other}", f"similarity {value:.2f}") for one, other, value in likeness]
    print_table(rows)
    return EXIT_OK


def _is_file(word: str) -> bool:
    return word.endswith(SUFFIX) or Path(word).parent != Path()


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


def _json(
    voice: Voice,
    models: dict[str, str],
    clips: Sequence[tuple[str, str, str]],
    likeness: Sequence[tuple[str, str, float]],
) -> dict[str, object]:
    return {
        "name": voice.name,
        "kind": voice.kind,
        "sha256": content_sha256(voice),
        "models": models,
        "references": [
            {"mood": mood, "clip": words, "verdict": verdict} for mood, words, verdict in clips
        ],
        "similarities": [
            {"between": [one, other], "similarity": round(value, 4)}
            for one, other, value in likeness
        ],
    }
