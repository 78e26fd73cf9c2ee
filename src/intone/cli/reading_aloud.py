"""How written text becomes spoken text, as the options of a command say."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from intone.render.planning import ReadAloud
from intone.text.lexicon import Lexicon, read_lexicon
from intone.text.rewriting import Rewriting
from intone.text.script import FixedSpan


def read_aloud(args: argparse.Namespace) -> ReadAloud:
    """Returns what turns a text, its language and its settled spans into what is spoken.

    Raises:
        TextFileError: the lexicon cannot be read.
    """
    lexicon = Lexicon() if args.lexicon is None else read_lexicon(Path(args.lexicon))

    def spoken(text: str, language: str, fixed: Sequence[FixedSpan]) -> str:
        return lexicon.apply(Rewriting(text, tuple(fixed)), language).text

    return spoken
