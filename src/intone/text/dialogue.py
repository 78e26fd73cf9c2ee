"""Lines of dialogue: who speaks, alone or not, and whether the next one cuts in.

`Nora: …`, `Nora (Solo): …` and `[Nora - Voice, Mood] (Solo) "…"`. With a cast, its names are the
speakers, and a line that begins like a speech of somebody else is an error: read aloud, it would
say the name in the wrong voice. Without one, every line that begins like a speech is one.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches

from intone.text.writing import folded_name

MAX_NAME_WORDS = 3
_MAX_UNSPACED_NAME = 6
"""Characters of a name in a script without capitals and spaces (Chinese, Japanese, Korean)."""

# Possessive and bounded: a line of 200,000 spaces is read in one pass.
_SOLO = r"\([ \t]*+solo[ \t]*+\)"
_NAMED = re.compile(
    r"[ \t]*+(?P<name>[^\s\[\]()\\:：]++(?:[ \t]++[^\s\[\]()\\:：]++)*+)[ \t]*+"
    rf"(?P<solo>{_SOLO})?+[ \t]*+(?P<colon>[:：])",
    re.IGNORECASE,
)
_CINEMATIC = re.compile(
    r"[ \t]*+\[[ \t]*+(?P<name>[^\[\],\n]{1,80}?)[ \t]++[-–—][ \t]++(?P<voice>[^\[\],\n]{1,80}?)"
    rf"[ \t]*+(?:,[ \t]*+(?P<mood>[^\[\]\n]{{1,200}}?)[ \t]*+)?\][ \t]*+(?P<solo>{_SOLO})?+",
    re.IGNORECASE,
)
SOLO = re.compile(rf"\s*+{_SOLO}", re.IGNORECASE)
_INTERRUPTED = re.compile(r"(?:[—–―]|--)[\"'”’»」』]*$")
_QUOTES = {'"': '"', "“": "”", "«": "»", "「": "」", "『": "』", "„": "“"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """The beginning of a speech: who, and where in the line the words stand."""

    speaker: str
    is_solo: bool
    start: int
    """Where the words begin in the line."""
    stop: int
    """One past the words: before a closing quote of the cinematic form, else the line's end."""
    voice: str | None = None
    mood: str | None = None


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody who seems to speak and is not in the cast."""

    name: str
    start: int
    """Where the name stands in the line."""
    mark: str
    """The character that makes the line a speech."""


class Speakers:
    """Finds labels; `cast` holds the names that may speak, None lets everybody."""

    def __init__(self, cast: Collection[str] | None) -> None:
        self._spelling = None if cast is None else {folded_name(name): name for name in cast}

    def find(self, line: str) -> Label | None:
        """Returns the label that a line begins with, None when it begins with text."""
        if match := _CINEMATIC.match(line):
            return self._cinematic(line, match)
        match = _NAMED.match(line)
        if match is None:
            return None
        speaker = self._speaker(match["name"], is_alike=self._is_alike(line, match))
        if speaker is None:
            return None
        return Label(
            speaker=speaker, is_solo=match["solo"] is not None, start=match.end(), stop=len(line)
        )

    def stranger(self, line: str) -> Stranger | None:
        """Returns who seems to speak in a line without being in the cast."""
        if self._spelling is None or self.find(line) is not None:
            return None
        cinematic = _CINEMATIC.match(line)
        if cinematic is not None and cinematic["mood"] is not None:
            return Stranger(cinematic["name"], cinematic.start("name"), "[")
        match = _NAMED.match(line)
        if match is not None and self._is_alike(line, match):
            return Stranger(match["name"], match.start("name"), match["colon"])
        return None

    def advice(self, stranger: Stranger) -> str:
        """Returns what to do about a stranger: the names that exist, the near one first."""
        spelling = self._spelling or {}
        near = get_close_matches(folded_name(stranger.name), list(spelling), n=1, cutoff=0.7)
        guess = f"did you mean {spelling[near[0]]!r}? " if near else ""
        return (
            f"{guess}The cast has: {', '.join(spelling.values()) or 'nobody'}. Add the name to the "
            f"cast, or write \\{stranger.mark} instead of {stranger.mark} to have the line read as "
            "text."
        )

    def _cinematic(self, line: str, match: re.Match[str]) -> Label | None:
        speaker = self._speaker(match["name"], is_alike=True)
        if speaker is None:
            return None
        start, stop = _unquoted(line, match.end())
        return Label(
            speaker=speaker,
            is_solo=match["solo"] is not None,
            start=start,
            stop=stop,
            voice=match["voice"],
            mood=match["mood"],
        )

    def _speaker(self, name: str, *, is_alike: bool) -> str | None:
        if self._spelling is None:
            return " ".join(name.split()) if is_alike else None
        return self._spelling.get(folded_name(name))

    def _is_alike(self, line: str, match: re.Match[str]) -> bool:
        """Says whether a line begins like a speech: one to three names, a colon, a space."""
        after = line[match.end() :]
        is_spaced = match["colon"] == "：" or not after.strip() or after[0].isspace()
        return is_spaced and (match["solo"] is not None or _is_name(match["name"]))


def is_interrupted(text: str) -> bool:
    """Says whether a speech ends in a dash: the next speaker cuts in."""
    return _INTERRUPTED.search(text.rstrip()) is not None


def _is_name(name: str) -> bool:
    words = name.split()
    if not all(word[0].isalpha() and not word[0].islower() for word in words):
        return False
    has_case = any(word[0].isupper() for word in words)
    return len(words) <= MAX_NAME_WORDS and (has_case or len(name) <= _MAX_UNSPACED_NAME)


def _unquoted(line: str, start: int) -> tuple[int, int]:
    """Returns where the words begin and end inside the quotes that enclose the rest of a line."""
    rest = line[start:].strip()
    if len(rest) < 2 or _QUOTES.get(rest[0]) != rest[-1]:
        return start, len(line)
    return line.index(rest[0], start) + 1, len(line.rstrip()) - 1
