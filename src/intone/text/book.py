"""What a document is after reading: chapters of paragraphs, all of it to be spoken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from intone.core.errors import EmptyTextError
from intone.text.writing import is_speakable


@dataclass(frozen=True, slots=True)
class Chapter:
    """A part of a book."""

    title: str | None
    """For names of files and lists. A heading is a paragraph too, where the text has one."""
    paragraphs: tuple[str, ...]
    """Not empty, in reading order, none of them blank."""

    @property
    def text(self) -> str:
        """The paragraphs with a blank line between them."""
        return "\n\n".join(self.paragraphs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """A document."""

    title: str
    language: str | None
    """A name of `text.languages`, where the document says it; None where it does not."""
    chapters: tuple[Chapter, ...]
    """At least one, each with at least one word."""
    notes: tuple[str, ...] = ()
    """What was left out, and why: a sentence each."""


def make_book(
    *,
    name: str,
    title: str,
    language: str | None,
    chapters: Sequence[Chapter],
    notes: Sequence[str],
) -> Book:
    """Returns the book without the chapters that hold no word; a note tells of each.

    A chapter that holds nothing but its heading stays, with a note.

    Raises:
        EmptyTextError: no chapter holds a word; `name` is the file's.
    """
    kept: list[Chapter] = []
    all_notes = list(notes)
    for number, chapter in enumerate(chapters, start=1):
        called = f"chapter {number} ({chapter.title})" if chapter.title else f"chapter {number}"
        if not any(map(is_speakable, chapter.paragraphs)):
            all_notes.append(f"{called} holds no word and was left out.")
            continue
        if chapter.paragraphs == (chapter.title,):
            all_notes.append(f"{called} holds nothing but its heading.")
        kept.append(chapter)
    if not kept:
        raise EmptyTextError(f"{name} holds no word to speak; give a document with text.")
    return Book(title=title, language=language, chapters=tuple(kept), notes=tuple(all_notes))
