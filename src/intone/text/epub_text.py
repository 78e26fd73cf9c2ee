"""The words of one document of an epub: paragraphs in reading order, with what they are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from intone.text.xml_tree import Element

_LEFT_OUT = frozenset(("head", "script", "style", "svg", "math", "rt", "rp", "template"))
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code data dfn em font i ins kbd label mark q ruby rb s samp "
    "small span strike strong sub sup time tt u var wbr".split()
)
"""Everything else begins and ends a paragraph."""
_NOTE_MARKS = frozenset(("noteref", "doc-noteref"))


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph."""

    text: str
    is_heading: bool
    anchors: tuple[str, ...]
    """Ids that the document puts before or in the paragraph, for links to it."""


def read_blocks(root: Element, left_out: Counter[str]) -> list[Block]:
    """Returns the paragraphs of a document; counts what it leaves out into `left_out`."""
    reader = _Reader(left_out)
    reader.walk(root.find("body") or root, is_heading=False)
    reader.end_block(is_heading=False)
    return reader.blocks


class _Reader:
    """Collects text until a paragraph ends."""

    def __init__(self, left_out: Counter[str]) -> None:
        self.blocks: list[Block] = []
        self._left_out = left_out
        self._texts: list[str] = []
        self._anchors: list[str] = []

    def walk(self, element: Element, *, is_heading: bool) -> None:
        """Takes an element and all below it; the depth is bounded by the parser."""
        if self._is_left_out(element):
            return
        is_block = element.name not in _INLINE
        is_heading = is_heading or element.name in _HEADINGS
        if element.name == "br":
            self._texts.append("\n")
        elif is_block:
            self.end_block(is_heading=False)
        if anchor := element.attributes.get("id"):
            self._anchors.append(anchor)
        for child in element.children:
            if isinstance(child, str):
                self._texts.append(child)
            else:
                self.walk(child, is_heading=is_heading)
        if is_block and element.name != "br":
            self.end_block(is_heading=is_heading)

    def end_block(self, *, is_heading: bool) -> None:
        """Ends a paragraph, if there is one; anchors wait for the next words."""
        text = " ".join("".join(self._texts).split())
        self._texts.clear()
        if text:
            self.blocks.append(Block(text, is_heading, tuple(self._anchors)))
            self._anchors.clear()

    def _is_left_out(self, element: Element) -> bool:
        kinds = element.attributes.get("type", "").split()
        role = element.attributes.get("role", "")
        if element.name == "a" and (_NOTE_MARKS & {*kinds, role}):
            self._left_out["footnote mark"] += 1
            return True
        if element.name in ("img", "svg"):
            self._left_out["picture"] += 1
        elif element.name == "math":
            self._left_out["formula"] += 1
        return element.name in _LEFT_OUT or "hidden" in element.attributes
