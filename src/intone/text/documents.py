"""Documents as books: `.txt`, `.md` and `.epub`, by the ending of their name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from intone.core.errors import TextFileError
from intone.text.book import Book
from intone.text.epub import read_epub
from intone.text.markdown import parse_markdown
from intone.text.plain_text import parse_plain_text
from intone.text.reading import read_text


def read_book(path: Path) -> Book:
    """Returns the book that a document holds.

    Raises:
        TextFileError: an ending that is not known; a file that cannot be read; text that is not
            UTF-8; an epub that is damaged, protected or unsafe. The message names the place.
        EmptyTextError: there is no word in it.
    """
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise TextFileError(
            f"cannot tell how to read {path.name!r}; use one of {' '.join(_READERS)}."
        )
    return read(path)


def _read_plain_text(path: Path) -> Book:
    return parse_plain_text(read_text(path), name=str(path), title=path.stem)


def _read_markdown(path: Path) -> Book:
    return parse_markdown(read_text(path), name=str(path), title=path.stem)


_READERS: Mapping[str, Callable[[Path], Book]] = {
    ".txt": _read_plain_text,
    ".md": _read_markdown,
    ".markdown": _read_markdown,
    ".epub": read_epub,
}
