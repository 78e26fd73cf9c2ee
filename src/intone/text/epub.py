"""E-books (epub 2 and 3) as books: documents in the order of the spine, titles from the contents.

A document begins a chapter where the table of contents points to it (or into it), or where it has
a heading of its own; other documents go on with the chapter before them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from intone.core.errors import TextFileError
from intone.text.book import Book, Chapter, make_book
from intone.text.epub_archive import EpubArchive
from intone.text.epub_text import Block, read_blocks
from intone.text.languages import find_language
from intone.text.xml_tree import Element

_CONTAINER = "META-INF/container.xml"
_DOCUMENT_TYPES = ("application/xhtml+xml", "text/html", "application/xml", "text/xml")

Titles = Mapping[str, Mapping[str, str]]
"""By member, then by fragment ("" for its beginning): what the contents call it."""


def read_epub(path: Path) -> Book:
    """Returns the book of an epub.

    Raises:
        TextFileError: no epub, damaged, protected, broken XML, or unsafe; the message names the
            file inside the epub and the line.
        EmptyTextError: there is no word in it.
    """
    with EpubArchive(path) as archive:
        package = _Package.read(archive)
        titles = package.titles(archive)
        notes = list(package.notes)
        left_out: Counter[str] = Counter()
        chapters = _Chapters()
        for member in package.documents:
            blocks = read_blocks(archive.xml(member), left_out)
            if blocks:
                chapters.add(blocks, titles.get(member, {}))
            else:
                notes.append(f"{_called(member, titles)} holds no word and was left out.")
    notes += [f"left out: {count} {what}{'s' * (count > 1)}." for what, count in left_out.items()]
    return make_book(
        name=str(path),
        title=package.title or path.stem,
        language=package.language,
        chapters=chapters.finished(),
        notes=notes,
    )


@dataclass(frozen=True, slots=True)
class _Package:
    """What the package document says."""

    title: str
    language: str | None
    documents: tuple[str, ...]
    """Members with text, in reading order."""
    contents: str | None
    """The member that holds the table of contents."""
    notes: tuple[str, ...]

    @classmethod
    def read(cls, archive: EpubArchive) -> _Package:
        root_file = archive.xml(_CONTAINER).find("rootfile")
        member = root_file.attributes.get("full-path", "") if root_file else ""
        member, _ = archive.resolve("", member)
        root = archive.xml(member)
        items = {
            item.attributes.get("id", ""): item.attributes
            for item in root.find_all("item")
            if "href" in item.attributes
        }
        notes: list[str] = []
        documents = tuple(_documents(archive, member, root, items, notes))
        language, said = _language(root)
        if said and language is None:
            notes.append(f"the book says it is in {said!r}, which is none of the ten languages.")
        title = root.find("title")
        return cls(
            title=title.words if title else "",
            language=language,
            documents=documents,
            contents=_contents(archive, member, root, items),
            notes=tuple(notes),
        )

    def titles(self, archive: EpubArchive) -> Titles:
        """Returns what the table of contents calls documents and places in them."""
        if self.contents is None:
            return {}
        titles: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for reference, words in _entries(archive.xml(self.contents)):
            if "://" in reference:  # a link into the web is no place in the book
                continue
            member, fragment = archive.resolve(self.contents, reference)
            titles[member].setdefault(fragment, words)
        return titles


@dataclass(slots=True)
class _Chapters:
    """Puts blocks into chapters."""

    _titles: list[str | None] = field(default_factory=list)
    _texts: list[list[str]] = field(default_factory=list)

    def add(self, blocks: list[Block], titles: Mapping[str, str]) -> None:
        """Adds a document with words, and the places in it that the contents name."""
        heading = next((block.text for block in blocks[:3] if block.is_heading), None)
        title = titles.get("") or (None if titles else heading)
        if _named(blocks[0], titles) is None and (title or not self._texts):
            self._begin(title)
        for block in blocks:
            if named := _named(block, titles):
                self._begin(named)
            self._texts[-1].append(block.text)

    def finished(self) -> list[Chapter]:
        """Returns the chapters."""
        pairs = zip(self._titles, self._texts, strict=True)
        return [Chapter(title, tuple(texts)) for title, texts in pairs]

    def _begin(self, title: str | None) -> None:
        self._titles.append(title)
        self._texts.append([])


def _called(member: str, titles: Titles) -> str:
    title = titles.get(member, {}).get("")
    return f"{member} ({title})" if title else member


def _named(block: Block, titles: Mapping[str, str]) -> str | None:
    return next((titles[anchor] for anchor in block.anchors if anchor in titles), None)


def _documents(
    archive: EpubArchive,
    package: str,
    root: Element,
    items: Mapping[str, Mapping[str, str]],
    notes: list[str],
) -> Iterator[str]:
    """Yields the members of the spine that are to be read; tells of the others."""
    for reference in root.find_all("itemref"):
        identity = reference.attributes.get("idref", "")
        item = items.get(identity)
        if item is None:
            raise TextFileError(
                f"{archive.called(package)}: the spine names {identity!r}, which the manifest "
                "lacks; the epub is incomplete."
            )
        member, _ = archive.resolve(package, item["href"])
        if "nav" in item.get("properties", "").split():
            notes.append(f"{member} is the table of contents and was left out.")
        elif reference.attributes.get("linear") == "no":
            notes.append(f"{member} is not part of the reading order and was left out.")
        elif item.get("media-type", _DOCUMENT_TYPES[0]) not in _DOCUMENT_TYPES:
            notes.append(f"{member} is {item['media-type']}, not text, and was left out.")
        else:
            yield member


def _contents(
    archive: EpubArchive, package: str, root: Element, items: Mapping[str, Mapping[str, str]]
) -> str | None:
    """Returns the member of the table of contents: epub 3's, else epub 2's."""
    spine = root.find("spine")
    ncx = items.get(spine.attributes.get("toc", "")) if spine else None
    navs = (item for item in items.values() if "nav" in item.get("properties", "").split())
    item = next(navs, None) or ncx
    return archive.resolve(package, item["href"])[0] if item else None


def _entries(root: Element) -> Iterator[tuple[str, str]]:
    """Yields reference and words of every entry of a table of contents, of either kind."""
    for point in root.find_all("navPoint"):
        label, content = point.find("navLabel"), point.find("content")
        if label and content and content.attributes.get("src"):
            yield content.attributes["src"], label.words
    navs = list(root.find_all("nav"))
    tables = [nav for nav in navs if nav.attributes.get("type", "toc") == "toc"]
    for link in (link for nav in tables[:1] for link in nav.find_all("a")):
        if link.attributes.get("href") and link.words:
            yield link.attributes["href"], link.words


def _language(root: Element) -> tuple[str | None, str]:
    found = root.find("language")
    said = found.words if found else ""
    language = find_language(said)
    return (None if language == "auto" else language), said
