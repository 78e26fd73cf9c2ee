"""A user's lexicon: words by how they are written, and how they are said.

    # one entry a line; a name in brackets begins the entries of one language
    Intone = in tone
    SQL    = sequel
    [fr]
    SNCF   = èsse ènne cé effe

Whole words only, the longest written form first (in Chinese, Japanese and Korean, which put no
space behind a word, any place). A written form in lower case is found in any
case of letters; any other is found as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from intone.core.errors import TextFileError
from intone.text.languages import find_language, known_languages
from intone.text.reading import read_text
from intone.text.rewriting import Rewriting
from intone.text.writing import is_hangul, is_unspaced

_FORM = "write WRITTEN = SPOKEN"


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Spoken forms by written form: for every language under "", else by the language's name."""

    entries: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def apply(self, rewriting: Rewriting, language: str) -> Rewriting:
        """Returns a text with its words replaced; what was settled before is left alone.

        An entry of the language wins over one for every language.
        """
        words = {**self.entries.get("", {}), **self.entries.get(language, {})}
        if not words:
            return rewriting
        # A word that was found in other letters than its own is written all in lower case.
        return rewriting.replace(
            _pattern(words), lambda match: words.get(match[0], words.get(match[0].lower()))
        )


def read_lexicon(path: Path) -> Lexicon:
    """Returns the lexicon of a file.

    Raises:
        TextFileError: see `parse_lexicon`; or the file cannot be read as UTF-8.
    """
    return parse_lexicon(read_text(path), name=str(path))


def parse_lexicon(source: str, *, name: str) -> Lexicon:
    """Returns the lexicon that a text holds; `name` is the file's, for messages.

    Raises:
        TextFileError: with the line: no "=", an empty side, a word that is there twice in one
            section, an unknown language.
    """
    entries: dict[str, dict[str, str]] = {"": {}}
    section = ""
    for number, line in enumerate(source.split("\n"), start=1):
        place = f"{name}, line {number}"
        words = line.strip()
        if not words or words.startswith("#"):
            continue
        if words.startswith("[") and words.endswith("]"):
            section = _section(words[1:-1], place)
            entries.setdefault(section, {})
        else:
            _add(entries[section], words, place)
    return Lexicon(entries)


def _section(given: str, place: str) -> str:
    language = find_language(given)
    if language is None or language == "auto":
        raise TextFileError(
            f"{place}: the language {given!r} is unknown; allowed: {known_languages()} "
            "(entries above the first section are for every language)."
        )
    return language


def _add(entries: dict[str, str], words: str, place: str) -> None:
    written, equals, spoken = (part.strip() for part in words.partition("="))
    if not equals or not written or not spoken:
        raise TextFileError(f"{place}: {words!r} is no entry; {_FORM}.")
    if written in entries:
        raise TextFileError(f"{place}: {written!r} is there twice; keep one of them.")
    entries[written] = spoken


def _pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Returns a pattern of whole words, the longest first.

    Where a written form begins or ends with a sign, or in a script without spaces, there is no
    border of a word to ask for.
    """
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    return re.compile("|".join(map(_whole_word, longest_first)))


def _whole_word(word: str) -> str:
    before = r"(?<!\w)" if _has_border(word[0]) else ""
    after = r"(?!\w)" if _has_border(word[-1]) else ""
    body = re.escape(word)
    return f"{before}(?i:{body}){after}" if word == word.lower() else f"{before}{body}{after}"


def _has_border(character: str) -> bool:
    is_glued = is_unspaced(character) or is_hangul(character)
    return character.isalnum() and not is_glued
