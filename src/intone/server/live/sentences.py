"""Sentences out of a text that is still being written, each as soon as it is surely complete.

A sentence is complete when the next one has begun, a blank line follows, or the text was flushed.
What is cut off does not depend on how the text was cut into pieces, but for flushes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from intone.audio.seams import GAP_S, Ending
from intone.text.cutting import Budget
from intone.text.sentences import Piece, Sentence, pack, split_sentences

MAX_TAKE_S = 20.0
"""Typical speech that one take is given, as elsewhere: voices drift in long takes."""

_MAY_END = re.compile(r"[.!?。！？…؟｡\n]")
_BEGUN_CHARACTERS = 2
"""So much of the next sentence shows that it is one, and no initial such as "J. F."."""
_UNFINISHED_CHARACTERS = 400
"""A sentence this long may have to be cut at a clause before its end is known."""


@dataclass(frozen=True, slots=True)
class LiveSegment:
    """What one take speaks."""

    text: str
    gap_after_s: float
    """Silence between its last sound and the next segment's first."""


class SentenceFeed:
    """Collects pieces of text and gives out segments."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._budget = Budget(MAX_TAKE_S, language)
        self._text = ""
        self._num_checked = 0
        """Characters in which no end was found."""

    @property
    def is_blank(self) -> bool:
        """Whether nothing that could be spoken waits."""
        return not any(character.isalnum() for character in self._text)

    def feed(self, text: str) -> Iterator[LiveSegment]:
        """Takes a piece of text and yields what is complete with it."""
        self._text += text
        if self._may_have_ended():
            yield from self._take(self._complete())
        if len(self._text) > _UNFINISHED_CHARACTERS:
            yield from self._take_long()

    def flush(self, end: Ending = "sentence") -> Iterator[LiveSegment]:
        """Yields everything that is left, complete or not; its last segment ends with `end`."""
        segments = list(self._take(split_sentences(self._text, self._language)))
        self._text, self._num_checked = "", 0
        if segments:
            segments[-1] = replace(segments[-1], gap_after_s=GAP_S[end])
        yield from segments

    def flush_words(self) -> Iterator[LiveSegment]:
        """Yields what is left up to the last white space: a word may go on."""
        kept = re.search(r"\S*\Z", self._text)
        rest = kept[0] if kept is not None else ""
        self._text = self._text[: len(self._text) - len(rest)]
        yield from self.flush("forced")
        self._text = rest

    def _may_have_ended(self) -> bool:
        """Whether splitting again can find anything new; it costs time for long texts."""
        found = _MAY_END.search(self._text, max(0, self._num_checked - 1))
        self._num_checked = len(self._text) if found is None else found.start()
        return found is not None

    def _complete(self) -> tuple[Sentence, ...]:
        """Returns the sentences that no further text can change."""
        sentences = split_sentences(self._text, self._language)
        if not sentences:
            return ()
        last = sentences[-1]
        rest = self._text[last.stop :]
        if "\n" in rest and re.match(r"\s*\n\s*\n", rest):
            return sentences
        begun = sum(character.isalnum() for character in last.text)
        has_begun = begun >= _BEGUN_CHARACTERS or _is_ideographic(last)
        return sentences[: -1 if has_begun else -2]

    def _take(self, sentences: tuple[Sentence, ...]) -> Iterator[LiveSegment]:
        """Yields sentences as segments and forgets their text."""
        if not sentences:
            return
        for sentence in sentences:
            for piece in pack([sentence], self._budget):
                yield from _segment(piece)
        self._text = self._text[sentences[-1].stop :].lstrip()
        self._num_checked = 0

    def _take_long(self) -> Iterator[LiveSegment]:
        """Yields what has to be cut off an unfinished sentence that fits no take."""
        sentences = split_sentences(self._text, self._language)
        pieces = [piece for one in sentences for piece in pack([one], self._budget)]
        for piece in pieces[:-1]:
            yield from _segment(piece)
        if len(pieces) > 1:
            self._text = self._text[pieces[-1].start :]
            self._num_checked = 0


def _segment(piece: Piece) -> Iterator[LiveSegment]:
    end: Ending = piece.end
    if any(character.isalnum() for character in piece.text):
        yield LiveSegment(piece.text, GAP_S[end])


def _is_ideographic(sentence: Sentence) -> bool:
    """Whether a single character is a word already."""
    return any("\u3040" <= character <= "\u9fff" for character in sentence.text)
