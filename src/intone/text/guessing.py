"""Which of the ten languages a text is in: by its script, then by its commonest small words.

A guess is given only where it is plain; splitting and reading out numbers need no more.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

_SAMPLE_CHARACTERS = 4_000
_LETTER = re.compile(r"[^\W\d_]")
_KANA = re.compile(r"[\u3041-\u30fa\u31f0-\u31ff]")
_HANGUL = re.compile(r"[\uac00-\ud7af\u1100-\u11ff\u3130-\u318f]")
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_SCRIPT_SHARE = 0.3
"""A fifth of Latin names in a Chinese text leaves it Chinese; one Chinese name in English does not
change that either."""

_SMALL_WORDS: Mapping[str, frozenset[str]] = {
    name: frozenset(words.split())
    for name, words in {
        "english": "the and of to is was that it with for are this you he she his her they have at",
        "german": "der die das und ist nicht ein eine ich sie er mit für auf dem den im zu wir war",
        "italian": "il che di è un una non gli della per sono con del alla le questo più si ha",
        "portuguese": "o os um uma não que em do da com para mais foi ele ela você é ao dos às",
        "spanish": "el los las un una que y en no es del con por para se su lo más está fue",
        "french": "le les des un une et est dans que qui ne pas pour vous nous sur avec au il du",
    }.items()
}
_WORD = re.compile(r"[^\W\d_]+")


def guess_language(text: str) -> str | None:
    """Returns the name of the language, None where the text does not show it plainly.

    Hebrew, Thai and other scripts of none of the ten languages are None.
    """
    sample = text[:_SAMPLE_CHARACTERS]
    num_letters = len(_LETTER.findall(sample))
    if num_letters == 0:
        return None
    wanted = _SCRIPT_SHARE * num_letters
    num_kana, num_han = len(_KANA.findall(sample)), len(_HAN.findall(sample))
    if num_kana + num_han >= wanted:
        return "japanese" if num_kana >= 0.1 * num_han else "chinese"
    if len(_HANGUL.findall(sample)) >= wanted:
        return "korean"
    if len(_CYRILLIC.findall(sample)) >= wanted:
        return "russian"
    return _by_small_words(sample)


def _by_small_words(sample: str) -> str | None:
    counts = Counter(word.lower() for word in _WORD.findall(sample))
    scores = {name: sum(counts[word] for word in words) for name, words in _SMALL_WORDS.items()}
    (best, score), (_, second) = Counter(scores).most_common(2)
    return best if score > second else None
