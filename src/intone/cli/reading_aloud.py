"""How written text becomes spoken text, as the options of a command say."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from intone.cli.telling import tell
from intone.text.languages import language_to_read
from intone.text.lexicon import read_lexicon
from intone.text.script import FixedSpan
from intone.text.spoken import spoken_text

if TYPE_CHECKING:
    from intone.render.planning import ReadAloud


def read_aloud(args: argparse.Namespace, of_model: Sequence[str] = ()) -> ReadAloud:
    """Returns what turns a text, its language and its settled spans into what is spoken.

    Why figures are left as they are is said once for each reason.

    Args:
        of_model: the languages of the model that speaks, where it is known.

    Raises:
        TextFileError: the lexicon cannot be read.
    """
    lexicon = None if args.lexicon is None else read_lexicon(Path(args.lexicon))
    told: set[str] = set()

    def spoken(text: str, language: str, fixed: Sequence[FixedSpan]) -> str:
        read_as = language_to_read(language, of_model)
        found = spoken_text(text, read_as, spelling=args.normalise, lexicon=lexicon, fixed=fixed)
        if found.note is not None and found.note not in told:
            told.add(found.note)
            tell(found.note)
        return found.text

    return spoken
