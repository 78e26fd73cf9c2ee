"""The words of one Markdown paragraph, without the marks around them."""

from __future__ import annotations

import html
import re
from collections import Counter

_CODE = re.compile(r"(`+)(.{1,500}?)(?<!`)\1(?!`)")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_KEPT = re.compile(r"\ue000(\d+)\ue001")
_PICTURE = re.compile(r"!\[[^\[\]]*\](?:\([^()\s]*(?:\s+\"[^\"]*\")?\)|\[[^\[\]]*\])")
_FOOTNOTE = re.compile(r"\[\^[^\[\]]+\]:?")
_LINK = re.compile(
    r"\[([^\[\]]*)\](?:\([^()\s]*(?:\([^()\s]*\)[^()\s]*)?(?:\s+\"[^\"]*\")?\)|\[[^\[\]]*\])"
)
_ADDRESS = re.compile(r"<((?:https?://|mailto:)[^<>\s]+|[^<>\s@]+@[^<>\s]+)>")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_STARS = re.compile(r"(\*{1,3})(?=\S)(.{1,500}?)(?<=\S)\1")
_UNDERSCORES = re.compile(r"(?<!\w)(_{1,3})(?=\S)(.{1,500}?)(?<=\S)\1(?!\w)")
_STRUCK = re.compile(r"~~(?=\S)(.{1,500}?)(?<=\S)~~")


def spoken_words(text: str, left_out: Counter[str]) -> str:
    """Returns the words of a paragraph on one line; counts what it leaves out into `left_out`."""
    kept: list[str] = []

    def keep(words: str) -> str:
        kept.append(words)
        return f"\ue000{len(kept) - 1}\ue001"

    text = text.replace("\ue000", "").replace("\ue001", "")
    text = _CODE.sub(lambda match: keep(match[2].strip()), text)
    text = _ESCAPED.sub(lambda match: keep(match[1]), text)
    text, num_pictures = _PICTURE.subn("", text)
    text, num_footnotes = _FOOTNOTE.subn("", text)
    left_out["picture"] += num_pictures
    left_out["footnote mark"] += num_footnotes
    text = _LINK.sub(r"\1", text)
    text = _ADDRESS.sub(lambda match: keep(match[1].removeprefix("mailto:")), text)
    text = _TAG.sub(" ", text)
    for pattern, group in ((_STARS, 2), (_UNDERSCORES, 2), (_STARS, 2), (_STRUCK, 1)):
        text = pattern.sub(rf"\{group}", text)
    text = html.unescape(text)
    return " ".join(_KEPT.sub(lambda match: kept[int(match[1])], text).split())
