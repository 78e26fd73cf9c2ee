"""Plain text as a book: chapters by their headings, paragraphs by blank lines.

A chapter begins after a form feed, and at a short line of its own such as "Chapter 3: The Sea",
"Kapitel IV", "Глава 5" or "第三章 海". A text without such lines is one chapter. In a text
without any blank line, a line that ends a sentence ends a paragraph.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from intone.text.book import Book, Chapter, make_book
from intone.text.writing import is_unspaced

_MAX_HEADING_CHARACTERS = 80
_NUMBER = r"(?:[0-9]+|[IVXLC]+|[ivxlc]+|[A-Za-zÀ-ÿА-яё]+)"
_HEADING = re.compile(
    rf"(?:chapter|kapitel|capitolo|cap[ií]tulo|chapitre|глава)\s+{_NUMBER}(?:\s*[.:—–-].*|\s*)"
    r"|(?:prologue|epilogue|prolog|epilog|prologo|epilogo|prólogo|epílogo|épilogue|пролог|эпилог)"
    r"(?:\s*[.:—–-].*|\s*)"
    r"|第\s*[0-9０-９〇零一二三四五六七八九十百千两]+\s*[章回話话](?:\s.*|[:：].*|\s*)"
    r"|제\s*[0-9]+\s*장(?:\s.*|[:：].*|\s*)",
    re.IGNORECASE,
)
_FORM_FEED = "\f"
_ENDS_SENTENCE = re.compile(r"[.!?…。！？:：][\"'”’»」』)\]]*$")


def parse_plain_text(source: str, *, name: str, title: str) -> Book:
    r"""Returns the book that a text with "\n" as line ends holds; its title is the given one.

    Raises:
        EmptyTextError: there is no word in it; `name` is the file's.
    """
    found = [
        Chapter(heading, texts)
        for part in source.split(_FORM_FEED)
        for heading, lines in _chapters(part.split("\n"))
        if (texts := (*(() if heading is None else (heading,)), *paragraphs(lines)))
    ]
    return make_book(name=name, title=title, language=None, chapters=found, notes=())


def paragraphs(lines: list[str]) -> Iterator[str]:
    """Yields the paragraphs of lines, each on one line."""
    has_blank_lines = any(not line.strip() for line in _without_margins(lines))
    waiting: list[str] = []
    for line in (*lines, ""):
        if line.strip():
            waiting.append(line.strip())
        is_end = not line.strip() or (not has_blank_lines and _ENDS_SENTENCE.search(line.rstrip()))
        if is_end and waiting:
            yield unwrapped(waiting)
            waiting = []


def unwrapped(lines: list[str]) -> str:
    """Returns lines as one: with a space between them, or none in scripts that have none."""
    parts = [lines[0]]
    for line in lines[1:]:
        is_glued = is_unspaced(parts[-1][-1]) and is_unspaced(line[0])
        parts += [line if is_glued else f" {line}"]
    return "".join(parts)


def _chapters(lines: list[str]) -> Iterator[tuple[str | None, list[str]]]:
    """Yields heading and lines of every chapter; what stands before the first heading has none."""
    heading: str | None = None
    start = 0
    for index, line in enumerate(lines):
        if _is_heading(lines, index):
            yield heading, lines[start:index]
            heading, start = " ".join(line.split()), index + 1
    yield heading, lines[start:]


def _is_heading(lines: list[str], index: int) -> bool:
    line = lines[index].strip()
    if len(line) > _MAX_HEADING_CHARACTERS or _HEADING.fullmatch(line) is None:
        return False
    before = lines[index - 1] if index > 0 else ""
    after = lines[index + 1] if index + 1 < len(lines) else ""
    return not before.strip() or not after.strip()


def _without_margins(lines: list[str]) -> list[str]:
    """Returns lines from the first to the last that is not blank."""
    filled = [index for index, line in enumerate(lines) if line.strip()]
    return lines[filled[0] : filled[-1] + 1] if filled else []
