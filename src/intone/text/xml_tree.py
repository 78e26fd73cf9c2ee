"""XML from strangers as a small tree: no entities of its own, nothing from outside, bounded depth.

expat reads it, from the standard library. Entities of HTML are characters here, since documents
of e-books use them without a declaration.
"""

from __future__ import annotations

import html.entities
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from intone.core.errors import TextFileError

MAX_DEPTH = 200
_ENTITY = re.compile(rb"&([A-Za-z][A-Za-z0-9]*);")
_OWN_TO_XML = frozenset((b"amp", b"lt", b"gt", b"quot", b"apos"))


@dataclass(slots=True)
class Element:
    """An element; names are without their namespace."""

    name: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)
    """Elements and text, in order."""

    def find_all(self, name: str) -> Iterator[Element]:
        """Yields every element of a name below this one, in order."""
        for child in self.children:
            if isinstance(child, Element):
                if child.name == name:
                    yield child
                yield from child.find_all(name)

    def find(self, name: str) -> Element | None:
        """Returns the first element of a name below this one."""
        return next(self.find_all(name), None)

    @property
    def words(self) -> str:
        """All text below, with single spaces."""
        return " ".join("".join(self._texts()).split())

    def _texts(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            else:
                yield from child._texts()


def parse_xml(data: bytes, *, name: str) -> Element:
    """Returns the root of a document; `name` is the file's, for messages.

    Raises:
        TextFileError: not well-formed (with the line), entities of its own, deeper than 200.
    """
    builder = _Builder(name)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    parser.EntityDeclHandler = builder.refuse_entity
    parser.SkippedEntityHandler = builder.refuse_skipped
    try:
        parser.Parse(_without_html_entities(data), True)
    except expat.ExpatError as error:
        problem = expat.ErrorString(error.code)
        raise TextFileError(
            f"{name}, line {error.lineno}: broken XML ({problem}); repair the file, for example "
            "by converting it anew."
        ) from error
    return builder.root


class _Builder:
    """Puts the tree together while expat reads."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._open: list[Element] = [Element("", {})]

    @property
    def root(self) -> Element:
        """The document's element; expat has made sure that there is one."""
        return next(child for child in self._open[0].children if isinstance(child, Element))

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) > MAX_DEPTH:
            raise TextFileError(f"{self._name}: elements lie deeper than {MAX_DEPTH}; simplify it.")
        element = Element(_local(name), {_local(key): text for key, text in attributes.items()})
        self._open[-1].children.append(element)
        self._open.append(element)

    def end(self, name: str) -> None:
        self._open.pop()

    def text(self, text: str) -> None:
        self._open[-1].children.append(text)

    def refuse_entity(self, entity: str, *details: object) -> None:
        raise TextFileError(
            f"{self._name}: it declares the entity {entity!r}; entities are not read, since they "
            "can grow without bound. Convert the file anew."
        )

    def refuse_skipped(self, entity: str, is_parameter: bool) -> None:
        if not is_parameter:
            raise TextFileError(f"{self._name}: the entity &{entity}; is unknown; repair the file.")


def _local(name: str) -> str:
    return name.rsplit(" ", 1)[-1]


def _without_html_entities(data: bytes) -> bytes:
    """Returns a document with `&nbsp;` and its kind as numbers, which XML knows."""

    def number(match: re.Match[bytes]) -> bytes:
        point = html.entities.name2codepoint.get(match[1].decode("ascii"))
        return match[0] if point is None or match[1] in _OWN_TO_XML else b"&#%d;" % point

    return _ENTITY.sub(number, data)
