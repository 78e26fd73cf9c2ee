"""Errors between a text and what was heard: words, or characters where a script has no spaces."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

# Han, kana and half-width kana are written without spaces: each character is a unit of its own,
# so that the rate there is the character error rate, as is usual for these languages.
_UNIT = re.compile(
    r"[\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
    r"|[^\W\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff_"
    r"\U00020000-\U0003ffff]+"
)


def spoken_units(text: str) -> list[str]:
    """Returns the words (or Han and kana characters) of a text, without case and punctuation.

    Numbers are compared as they are written: "15" and "fifteen" differ.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _UNIT.findall(re.sub(r"['\u2019]", "", folded))


def num_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Returns the fewest insertions, deletions and substitutions between two lists of units."""
    row = list(range(len(heard) + 1))
    for i, unit in enumerate(said, 1):
        above, row = row, [i]
        for j, other in enumerate(heard, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (unit != other)))
    return row[-1]
