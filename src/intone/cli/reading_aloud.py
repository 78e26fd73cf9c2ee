"""How written text becomes spoken text, as the options of a command say."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from intone.cli.telling import tell
from intone.render.planning import ReadAloud
from intone.text.lexicon import read_lexicon
from intone.text.script import FixedSpan
from intone.text.spoken import spoken_text


def read_aloud(args: argparse.Namespace) -> ReadAloud:
    """Returns what turns a text, its language and its settled spans into what is spoken.

    Why figures are left as they are is said once for each reason.

    Raises:
        TextFileError: the lexicon cannot be read.
    """
    lexicon = None if args.lexicon is None else read_lexicon(Path(args.lexicon))
    told: set[str] = set()

    def spoken(text: str, language: str, fixed: Sequence[FixedSpan]) -> str:
        found = spoken_text(text, language, spelling=args.normalise, lexicon=lexicon, fixed=fixed)
        if found.note is not None and found.note not in told:
            told.add(found.note)
            tell(found.note)
        return found.text

    return spoken
