"""Markdown as a book: headings become chapters, and marks that are not spoken go.

One heading of the first level is the book's title, and those of the second begin chapters; several
of the first level begin chapters themselves. Every heading is spoken as a paragraph. Code blocks,
pictures, comments and footnote marks are left out, and notes say so. Emphasis, links and inline
code leave their words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from intone.text.book import Book, Chapter, make_book
from intone.text.languages import find_language
from intone.text.markdown_inline import spoken_words
from intone.text.plain_text import unwrapped

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t](.*))?")
_CLOSING = re.compile(r"(?:^|(?<=\s))#++$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*")
_RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})")
_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?(?=\S)")
_QUOTE = re.compile(r" {0,3}(?:>[ \t]?)+")
_TABLE_RULE = re.compile(r"\s*\|?(?:\s*:?-+:?\s*\|)+(?:\s*:?-+:?\s*)?")
_DEFINITION = re.compile(r" {0,3}\[[^\]\n]+\]:\s*\S+.*")
_FRONT_MATTER = re.compile(r"---\n((?:(?:[\w-]+:|[ \t]|-[ \t]|#).*\n)++)(?:---|\.\.\.)(?:\n|\Z)")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Block:
    """A paragraph, or a heading of a level from 1."""

    text: str
    level: int | None = None


def parse_markdown(source: str, *, name: str, title: str) -> Book:
    """Returns the book that Markdown holds; `title` is for one that names none.

    Raises:
        EmptyTextError: there is no word in it; `name` is the file's.
    """
    left_out: Counter[str] = Counter()
    front = _FRONT_MATTER.match(source)
    fields = _fields(front[1]) if front else {}
    left_out["front matter line"] = len(fields)
    body = source[front.end() :] if front else source
    body, left_out["comment"] = _COMMENT.subn("", body)
    blocks = _spoken(_Reader(left_out).read(body.split("\n")), left_out)
    chapter_level, found_title = _levels(blocks)
    return make_book(
        name=name,
        title=fields.get("title") or found_title or title,
        language=find_language(fields.get("lang") or fields.get("language") or ""),
        chapters=_chapters(blocks, chapter_level),
        notes=[
            f"left out: {count} {_many(what, count)}." for what, count in left_out.items() if count
        ],
    )


class _Reader:
    """Turns lines into blocks whose words still carry their marks."""

    def __init__(self, left_out: Counter[str]) -> None:
        self._left_out = left_out
        self._lines: list[str] = []

    def read(self, lines: Sequence[str]) -> Iterator[_Block]:
        """Yields the blocks in order."""
        fence: str | None = None
        for line in lines:
            opened = _FENCE.match(line)
            if fence is not None:
                is_closed = opened is not None and opened[1].startswith(fence)
                fence = None if is_closed else fence
            elif opened is not None:
                yield from self._paragraph()
                fence = opened[1]
                self._left_out["code block"] += 1
            else:
                quote = _QUOTE.match(line)
                yield from self._line(line[quote.end() :] if quote else line)
        yield from self._paragraph()

    def _line(self, line: str) -> Iterator[_Block]:
        heading = _HEADING.fullmatch(line)
        underline = _UNDERLINE.fullmatch(line)
        if heading is not None:
            yield from self._paragraph()
            yield _Block(_CLOSING.sub("", (heading[2] or "").strip()), len(heading[1]))
        elif underline is not None and self._lines:
            yield _Block(unwrapped(self._lines), 1 if underline[1][0] == "=" else 2)
            self._lines = []
        elif not line.strip() or _RULE.fullmatch(line) or _TABLE_RULE.fullmatch(line):
            yield from self._paragraph()
        elif _DEFINITION.fullmatch(line):
            self._left_out["link definition"] += 1
        elif line.lstrip().startswith("|"):
            yield from self._paragraph()
            yield _Block(", ".join(cell.strip() for cell in line.strip().strip("|").split("|")))
        else:
            item = _ITEM.match(line)
            if item is not None:
                yield from self._paragraph()
            self._lines.append(line[item.end() if item else 0 :].strip())

    def _paragraph(self) -> Iterator[_Block]:
        if self._lines:
            yield _Block(unwrapped(self._lines))
        self._lines = []


def _spoken(blocks: Iterator[_Block], left_out: Counter[str]) -> list[_Block]:
    spoken = [_Block(spoken_words(block.text, left_out), block.level) for block in blocks]
    return [block for block in spoken if block.text]


def _levels(blocks: Sequence[_Block]) -> tuple[int | None, str | None]:
    """Returns the level of headings that begin chapters, and the book's title."""
    headings = [(block.level, block.text) for block in blocks if block.level is not None]
    if not headings:
        return None, None
    top = min(level for level, _ in headings)
    deeper = [level for level, _ in headings if level > top]
    if len(headings) - len(deeper) == 1 and headings[0][0] == top:
        return min(deeper, default=top), headings[0][1]
    return top, None


def _chapters(blocks: Sequence[_Block], chapter_level: int | None) -> list[Chapter]:
    """Returns the chapters; a book's title without words below it is said in the first one."""
    chapters: list[Chapter] = []
    title: str | None = None
    texts: list[str] = []
    for index, block in enumerate(blocks):
        if block.level is not None and block.level == chapter_level:
            is_title_alone = index == 1 and blocks[0].level is not None and not chapters
            if texts and not is_title_alone:
                chapters.append(Chapter(title, tuple(texts)))
                texts = []
            title = block.text
        texts.append(block.text)
    return [*chapters, Chapter(title, tuple(texts))] if texts else chapters


def _fields(front_matter: str) -> dict[str, str]:
    """Returns the `key: value` lines of front matter, keys in lower case."""
    pairs = (line.partition(":") for line in front_matter.split("\n") if ":" in line)
    return {key.strip().lower(): value.strip().strip("\"'") for key, _, value in pairs}


def _many(what: str, count: int) -> str:
    return what if count == 1 else f"{what}s"
