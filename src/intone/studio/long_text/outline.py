"""What a document holds before anybody reads it out: chapters, their length, the minutes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory

from intone.audio.seams import GAP_S
from intone.core.errors import EmptyTextError, IntoneError, RequestError, TextFileError
from intone.render.book_files import safe_name
from intone.text.book import Book, Chapter
from intone.text.documents import read_book
from intone.text.duration import expected_duration
from intone.text.guessing import guess_language
from intone.text.languages import AUTO

DOCUMENTS = (".txt", ".md", ".markdown", ".epub")

_HEADING = re.compile(r"^#{1,6} \S", re.MULTILINE)
_MAX_TITLE_CHARACTERS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A text as it was given."""

    source: bytes
    suffix: str
    """Says how it is read; one of `DOCUMENTS`."""
    title: str
    """Names the files."""

    @property
    def file_name(self) -> str:
        """Letters, digits and hyphens, whatever the title holds."""
        return f"{safe_name(self.title, 'text')}{self.suffix}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChapterLine:
    """A chapter of the outline."""

    number: int
    """From 1."""
    title: str
    num_characters: int
    expected_s: float
    """At normal speed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A document before it is spoken."""

    title: str
    language: str | None
    """As the document says, or as its words show; None where neither is plain."""
    chapters: tuple[ChapterLine, ...]
    notes: tuple[str, ...]
    """What was left out, and why."""

    @property
    def num_characters(self) -> int:
        return sum(chapter.num_characters for chapter in self.chapters)

    @property
    def expected_s(self) -> float:
        return sum(chapter.expected_s for chapter in self.chapters)


def pasted(text: str) -> Document:
    """Returns what was pasted: Markdown where it has headings with "#", else plain text.

    Raises:
        EmptyTextError: there is no word in it.
        TextFileError: half of a character.
    """
    if not any(character.isalnum() for character in text):
        raise EmptyTextError("there is no text yet; choose a file, or paste some words.")
    try:
        source = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise TextFileError(
            f"character {error.start + 1} of the text is half of one (a lone surrogate); paste it "
            "again."
        ) from error
    suffix = ".md" if _HEADING.search(text) else ".txt"
    return Document(source=source, suffix=suffix, title=_first_words(text))


def uploaded(path: Path, *, name: str | None = None) -> Document:
    """Returns a file that was uploaded.

    Args:
        name: as the user calls it; None is the path's.

    Raises:
        TextFileError: an ending that is not read, or the file is gone.
    """
    called = PurePath(name or path.name).name
    suffix = PurePath(called).suffix.lower()
    if suffix not in DOCUMENTS:
        raise TextFileError(
            f"{called!r:.90} is not read; give a text (.txt), Markdown (.md) or an e-book (.epub), "
            "without a seller's protection."
        )
    try:
        source = path.read_bytes()
    except OSError as error:
        raise TextFileError(
            f"{called} cannot be read ({error.strerror}); choose it again."
        ) from error
    return Document(source=source, suffix=suffix, title=PurePath(called).stem[:200] or "text")


def outline_of(document: Document, language: str = AUTO) -> Outline:
    """Returns the outline of a document; a long book takes a second or two.

    Args:
        language: a name, or "auto": what the document says, else English lengths.

    Raises:
        TextFileError, EmptyTextError: it cannot be read; messages name it as the user does.
    """
    book = _read(document)
    heard = book.language or guess_language(book.chapters[0].text)
    spoken = heard or AUTO if language == AUTO else language
    return Outline(
        title=book.title if document.suffix == ".epub" else document.title,
        language=heard,
        chapters=tuple(_lines(book, spoken)),
        notes=book.notes,
    )


def _read(document: Document) -> Book:
    with TemporaryDirectory(prefix="intone-") as folder:
        path = Path(folder) / document.file_name
        path.write_bytes(document.source)
        try:
            return read_book(path)
        except IntoneError as error:
            message = str(error).replace(str(path), f"{document.title}{document.suffix}")
            raise (EmptyTextError if isinstance(error, EmptyTextError) else RequestError)(
                message
            ) from error


def _lines(book: Book, language: str) -> Iterator[ChapterLine]:
    for number, chapter in enumerate(book.chapters, start=1):
        text = chapter.text
        yield ChapterLine(
            number=number,
            title=chapter.title or _first_words(text),
            num_characters=len(text),
            expected_s=_expected_s(chapter, language),
        )


def _expected_s(chapter: Chapter, language: str) -> float:
    said_s = sum(expected_duration(text, language).typical_s for text in chapter.paragraphs)
    return said_s + GAP_S["paragraph"] * (len(chapter.paragraphs) - 1) + GAP_S["chapter"]


def _first_words(text: str) -> str:
    """Returns how a text begins, for lists and names."""
    line = " ".join(text.lstrip("#\ufeff \n\t").partition("\n")[0].split())
    if len(line) <= _MAX_TITLE_CHARACTERS:
        return line
    return line[:_MAX_TITLE_CHARACTERS].rsplit(" ", 1)[0] + "…"
