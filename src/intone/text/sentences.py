"""Text cut into sentences, and sentences packed into pieces that one take can hold.

Nothing is lost or changed: a sentence and a piece are stretches of the text, with only white space
between them. Sentences are found by `sentencex` (Wikimedia), which knows all ten languages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import sentencex

from intone.text.cutting import Budget, cut
from intone.text.guessing import guess_language
from intone.text.languages import CODE_OF_NAME, find_language

PieceEnd = Literal["paragraph", "sentence", "clause", "forced"]
"""What a piece ends with; gaps depend on it. forced: between two words, or inside a long one."""

_BLANK_LINE = re.compile(r"\n[^\S\n]*\n\s*")
_NUMBER_ALONE = re.compile(r"\(?\w{1,3}[.)]\s*")
_FRENCH_TITLE = re.compile(
    r"(?:^|[\s(«“\"'’])(?:M|MM|Mme|Mmes|Mlle|Mlles|Mgr|Me|Pr|Dr|St|Ste)\.\s*$"
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A stretch of a text, without white space around it."""

    text: str
    start: int
    stop: int
    """`source[start:stop]` is the sentence."""
    ends_paragraph: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """What one take speaks: sentences of one paragraph, or a part of a long one."""

    text: str
    start: int
    stop: int
    """`source[start:stop]` is the piece, but for the white space between its sentences."""
    end: PieceEnd


def split_sentences(text: str, language: str = "auto") -> tuple[Sentence, ...]:
    """Returns the sentences of a text, in order; a blank line ends a paragraph.

    Args:
        language: a name or a code of the ten; "auto" and others are guessed from the text.
    """
    code = _code(text, language)
    sentences: list[Sentence] = []
    start = 0
    for border in (*_BLANK_LINE.finditer(text), None):
        stop = len(text) if border is None else border.start()
        spans = list(_stripped(text, _spans(text, start, stop, code)))
        for first, last in spans:
            is_end = last == spans[-1][1]
            sentences.append(Sentence(text[first:last], first, last, is_end))
        start = stop if border is None else border.end()
    return tuple(sentences)


def pack(sentences: Sequence[Sentence], budget: Budget) -> tuple[Piece, ...]:
    """Returns pieces that fit a budget, each as long as it may be within its paragraph.

    A sentence that does not fit is cut behind a comma or its kind, else between two words, and
    inside a word only where one alone does not fit.
    """
    pieces: list[Piece] = []
    waiting: list[Sentence] = []
    for sentence in sentences:
        if waiting and not budget.holds(_joined([*waiting, sentence])):
            pieces.append(_piece(waiting))
            waiting = []
        if budget.holds(sentence.text):
            waiting.append(sentence)
        else:
            pieces += _parts(sentence, budget)
        if sentence.ends_paragraph and waiting:
            pieces.append(_piece(waiting))
            waiting = []
    return tuple([*pieces, _piece(waiting)] if waiting else pieces)


def _code(text: str, language: str) -> str:
    name = find_language(language)
    if name is None or name == "auto":
        name = guess_language(text) or "english"
    return CODE_OF_NAME[name]


def _spans(text: str, start: int, stop: int, code: str) -> Iterator[tuple[int, int]]:
    """Yields the sentences of a paragraph as they touch each other, joined where wrongly cut."""
    first = last = start
    for part in sentencex.segment(code, text[start:stop]):
        last += len(part)
        so_far = text[first:last]
        if _NUMBER_ALONE.fullmatch(so_far) or (code == "fr" and _FRENCH_TITLE.search(so_far)):
            continue
        yield first, last
        first = last
    if first < stop:
        yield first, stop


def _stripped(text: str, spans: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yields the spans without the white space around them; what is left of none is dropped."""
    for start, stop in spans:
        words = text[start:stop].strip()
        if words:
            first = text.index(words[0], start)
            yield first, first + len(words)


def _joined(sentences: Sequence[Sentence]) -> str:
    """Returns sentences with one space where the text had any white space."""
    parts = [sentences[0].text]
    for before, after in pairwise(sentences):
        parts += [" " if before.stop < after.start else "", after.text]
    return "".join(parts)


def _piece(sentences: Sequence[Sentence]) -> Piece:
    first, last = sentences[0], sentences[-1]
    end: PieceEnd = "paragraph" if last.ends_paragraph else "sentence"
    return Piece(_joined(sentences), first.start, last.stop, end)


def _parts(sentence: Sentence, budget: Budget) -> Iterator[Piece]:
    """Yields a sentence that does not fit in parts that do."""
    for part in cut(sentence.text, budget):
        start, stop = sentence.start + part.start, sentence.start + part.stop
        end: PieceEnd = "clause" if part.is_clause else "forced"
        if part.is_last:
            end = "paragraph" if sentence.ends_paragraph else "sentence"
        yield Piece(sentence.text[part.start : part.stop], start, stop, end)
