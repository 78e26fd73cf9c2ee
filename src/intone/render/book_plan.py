"""From a document to the pieces that takes are drawn for, each complete in itself.

The seed of a piece follows from the book's, the chapter and its place in it, so that a piece is the
same take whatever was drawn before it, in one run or in several.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from intone.audio.seams import Ending
from intone.core.errors import EmptyTextError, InvalidSettingError
from intone.core.seeds import derived_seed
from intone.core.types import SpeechRequest, VoiceClonePrompt
from intone.render.plan import SegmentPlan
from intone.render.planning import MAX_PIECE_S, ReadAloud
from intone.text.book import Book, Chapter
from intone.text.cutting import Budget
from intone.text.sentences import pack, split_sentences
from intone.text.writing import is_speakable


@dataclass(frozen=True, slots=True, kw_only=True)
class BookSettings:
    """What holds for every piece."""

    template: SpeechRequest
    """Voice, delivery, sampling and guard; its text is not spoken and its seed not used."""
    seed: int
    read_aloud: ReadAloud
    max_piece_s: float = MAX_PIECE_S


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BookPiece:
    """What one take speaks."""

    chapter: int
    """From 1."""
    plan: SegmentPlan
    """Its index counts from 0 within the chapter."""
    ending: Ending
    """What the gap behind it depends on."""

    @property
    def place(self) -> tuple[int, int]:
        return self.chapter, self.plan.index

    @property
    def key(self) -> str:
        """What it says and with which seed, hashed: a kept take of another key is not its own."""
        said = (self.plan.text, self.plan.request.text, self.plan.request.seed)
        return hashlib.sha256(repr(said).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChapterPlan:
    """A chapter in pieces, at least one."""

    number: int
    """From 1, as the document's chapters with words are counted."""
    title: str | None
    pieces: tuple[BookPiece, ...]

    @property
    def expected_s(self) -> float:
        return sum(piece.plan.expected_s for piece in self.pieces)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BookPlan:
    """All chapters, and what was left out of them."""

    title: str
    chapters: tuple[ChapterPlan, ...]
    notes: tuple[str, ...]

    @property
    def pieces(self) -> Iterator[BookPiece]:
        return (piece for chapter in self.chapters for piece in chapter.pieces)

    def spoken_by(self, voice: str | VoiceClonePrompt | None) -> BookPlan:
        """Returns the same plan with another voice in every request."""
        return replace(self, chapters=tuple(_spoken_by(one, voice) for one in self.chapters))

    @property
    def written_sha256(self) -> str:
        """Of the words as they were written, and how they are cut."""
        return _sha256(piece.plan.text for piece in self.pieces)

    @property
    def spoken_sha256(self) -> str:
        """Of the words as they are spoken."""
        return _sha256(piece.plan.request.text for piece in self.pieces)


def plan_book(book: Book, settings: BookSettings) -> BookPlan:
    """Returns the plan of a document; no model is needed.

    Raises:
        EmptyTextError: there is no word to speak.
        InvalidSettingError: a value of the template is outside its range.
    """
    notes = list(book.notes)
    chapters = [
        _plan_chapter(chapter, number, settings, notes)
        for number, chapter in enumerate(book.chapters, start=1)
    ]
    if not any(chapter.pieces for chapter in chapters):
        raise EmptyTextError(f"{book.title!r} holds no word to speak; give a document with text.")
    kept = tuple(chapter for chapter in chapters if chapter.pieces)
    return BookPlan(title=book.title, chapters=kept, notes=tuple(notes))


def chosen_chapters(plan: BookPlan, wanted: str | None) -> tuple[ChapterPlan, ...]:
    """Returns the chapters that a user names, such as "3", "2-4", "5-" or "1,4-6"; None is all.

    Raises:
        InvalidSettingError: no numbers, or none of this book.
    """
    if wanted is None:
        return plan.chapters
    last = plan.chapters[-1].number
    numbers = {n for part in wanted.split(",") for n in _numbers(part.strip(), wanted, last)}
    found = tuple(chapter for chapter in plan.chapters if chapter.number in numbers)
    if not found:
        raise InvalidSettingError(f"chapters are {wanted!r}; this book has 1 to {last}.")
    return found


def _plan_chapter(
    chapter: Chapter, number: int, settings: BookSettings, notes: list[str]
) -> ChapterPlan:
    language = settings.template.language
    text = chapter.text
    pieces: list[BookPiece] = []
    for part in pack(split_sentences(text, language), Budget(settings.max_piece_s, language)):
        written = text[part.start : part.stop]
        if is_speakable(written):
            pieces.append(_plan_piece(written, number, len(pieces), part.end, settings))
            continue
        notes.append(f"chapter {number}: {written!r:.40} has no word; a longer pause stands for it")
        if pieces:  # "* * *": a break between scenes
            pieces[-1] = replace(pieces[-1], ending="chapter")
    if pieces:
        pieces[-1] = replace(pieces[-1], ending="chapter")
    return ChapterPlan(number=number, title=chapter.title, pieces=tuple(pieces))


def _spoken_by(chapter: ChapterPlan, voice: str | VoiceClonePrompt | None) -> ChapterPlan:
    pieces = []
    for piece in chapter.pieces:
        request = replace(piece.plan.request, voice=voice)
        pieces.append(replace(piece, plan=replace(piece.plan, request=request)))
    return replace(chapter, pieces=tuple(pieces))


def _plan_piece(
    written: str, chapter: int, index: int, ending: Ending, settings: BookSettings
) -> BookPiece:
    template = settings.template
    spoken = settings.read_aloud(written, template.language, ())
    request = replace(
        template,
        text=" ".join(spoken.split()),
        seed=derived_seed(settings.seed, chapter, index),
    )
    plan = SegmentPlan(index=index, text=" ".join(written.split()), request=request)
    return BookPiece(chapter=chapter, plan=plan, ending=ending)


def _numbers(part: str, wanted: str, last: int) -> range:
    start, dash, stop = (word.strip() for word in part.partition("-"))
    is_number = start.isdecimal() and (stop.isdecimal() or not stop) and start != "0"
    if not is_number or (dash and stop and int(stop) < int(start)):
        raise InvalidSettingError(
            f"chapters are {wanted!r}; allowed: numbers from 1 and ranges, such as 3, 2-4 or 5-."
        )
    if not dash:
        return range(int(start), int(start) + 1)
    return range(int(start), min(int(stop), last) + 1 if stop else last + 1)


def _sha256(texts: Iterator[str]) -> str:
    sha = hashlib.sha256()
    for text in texts:
        sha.update(f"{len(text)} {text}\n".encode())
    return sha.hexdigest()
