"""What characters tell: whether a script has spaces, whether there is a word, whose name it is."""

from __future__ import annotations

_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x2E80, 0x9FFF),  # radicals, kana, ideographs and their punctuation
    (0xF900, 0xFAFF),
    (0xFF00, 0xFFEF),  # full and half width forms
    (0x20000, 0x3FFFF),
)
_HANGUL = ((0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7AF))


def is_unspaced(character: str) -> bool:
    """Says whether a character belongs to a script without spaces between words."""
    return _is_in(ord(character), _UNSPACED)


def is_hangul(character: str) -> bool:
    """Says whether a character is Korean; particles follow a word without a space."""
    return _is_in(ord(character), _HANGUL)


def is_speakable(text: str) -> bool:
    """Says whether there is a letter or a digit, of any language, to speak."""
    return any(character.isalnum() for character in text)


def folded_name(name: str) -> str:
    """Returns a name as names are compared: any case of letters, any white space between words."""
    return " ".join(name.split()).casefold()


def _is_in(point: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= point <= last for first, last in ranges)
