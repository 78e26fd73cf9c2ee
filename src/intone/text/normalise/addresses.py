"""Addresses of pages and people: letters stay words, signs are named."""

from __future__ import annotations

import re
from collections.abc import Callable

URL = re.compile(
    r"(?<![\w@])(?:(?:https?|ftp)://|www\.)[A-Za-z0-9._~:/?#@!$&'*+,;=%-]*[A-Za-z0-9/]",
    re.ASCII | re.IGNORECASE,
)
EMAIL = re.compile(
    r"(?<![\w.+-])[A-Za-z0-9][A-Za-z0-9._+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?!\w)",
    re.ASCII,
)
_SCHEME = re.compile(r"^[a-z]+://", re.IGNORECASE)
_TAIL = re.compile(r"[?#].*$")
_SIGN = re.compile(r"([./@])|([-_+]+)|(\d+)")


def spoken_address(
    written: str, *, at: str, dot: str, slash: str, number: Callable[[str], str]
) -> str:
    """Returns an address as it is read out.

    The scheme is left out, and what follows "?" or "#": nobody says them.
    """
    address = _TAIL.sub("", _SCHEME.sub("", written)).rstrip("/")
    names = {".": dot, "/": slash, "@": at}

    def word(match: re.Match[str]) -> str:
        if match[1]:
            return f" {names[match[1]]} "
        return " " if match[2] else f" {number(match[3])} "

    words = _SIGN.sub(word, address.replace("www.", f"w w w {dot} ", 1))
    return " ".join(words.split())
