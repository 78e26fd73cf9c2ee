"""Text that is still being written while a take reads it.

The ids of such a text only grow, and equal those of the whole text: what could still become part of
a longer token is held back. Latin words are held until the character after them is known; runs of
letters without spaces (Chinese, Japanese, Thai) are released up to a token's border that lies
`HELD_LETTERS` before their end, since the next characters may still join the last ones.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from typing import Protocol

from intone.core.errors import InvalidSettingError

HELD_LETTERS = 12
"""Longer than the pieces that unspaced words are merged into."""

Encode = Callable[[str], list[int]]
"""From text, white space and all, to ids."""


class GrowingIds(Protocol):
    """Ids of a text that one thread writes and others read."""

    @property
    def ids(self) -> Sequence[int]:
        """All so far, in order; never changed, only appended to."""
        ...

    @property
    def is_finished(self) -> bool:
        """Nothing follows. Read this before `ids`, not after: the last ids come first."""
        ...


class LiveText:
    """A text that grows; fed by one thread at a time, read by any."""

    def __init__(self, encode: Encode, end_id: int) -> None:
        """Begins an empty text.

        Args:
            encode: of a `TextTokenizer`, exact: white space counts.
            end_id: tells the talker that the text is over; becomes the last id.
        """
        self._encode = encode
        self._end_id = end_id
        self._ids: list[int] = []
        self._parts: list[str] = []
        self._waiting = ""
        self._is_finished = False

    @property
    def ids(self) -> Sequence[int]:
        return self._ids

    @property
    def is_finished(self) -> bool:
        return self._is_finished

    @property
    def has_words(self) -> bool:
        """Whether there is anything to speak yet, the end aside."""
        return len(self._ids) > int(self._is_finished)

    @property
    def text(self) -> str:
        """What was fed so far."""
        return "".join(self._parts)

    def feed(self, text: str) -> None:
        """Appends text and releases what cannot change any more.

        Raises:
            InvalidSettingError: the text was finished, or this is not valid Unicode.
        """
        if self._is_finished:
            raise InvalidSettingError(
                f"{len(text)} characters came after the end of the text; begin another take."
            )
        waiting = self._waiting + text
        if not self._parts:
            waiting = waiting.lstrip()
        if not waiting:
            return
        stop = released(waiting, len(self._waiting), self._encode)
        ids = self._encode(waiting[:stop])
        self._parts.append(waiting if not self._parts else text)
        self._waiting = waiting[stop:]
        self._ids.extend(ids)

    def finish(self) -> None:
        """Releases the rest; a second call does nothing."""
        if not self._is_finished:
            self._ids.extend([*self._encode(self._waiting.rstrip()), self._end_id])
            self._waiting = ""
            self._is_finished = True


def released(text: str, num_seen: int, encode: Encode) -> int:
    """Returns how many characters of a text that goes on have tokens that are settled.

    Args:
        num_seen: characters that were asked about before; none of them was settled.
    """
    for place in range(len(text) - 1, max(0, num_seen - 1), -1):
        if _is_border(text[place - 1], text[place]):
            return max(place, _released_letters(text, place, encode))
    return _released_letters(text, 0, encode)


def _is_border(before: str, after: str) -> bool:
    """Whether no token, and no composed character, reaches across: see the word pattern."""
    kind, next_kind = (unicodedata.category(character)[0] for character in (before, after))
    if next_kind == "M":
        return False
    if kind in "LN":
        return kind == "N" or next_kind != "L"
    # Line breaks join the punctuation before them, other white space the word after it.
    return after.isspace() and after not in "\r\n" and not before.isspace()


def _released_letters(text: str, start: int, encode: Encode) -> int:
    """Returns a token's border inside the last run of letters, or its start if it is short."""
    if len(text) - start <= 2 * HELD_LETTERS or text.isascii():
        return start
    run = text[start:]
    whole = encode(run)
    for stop in range(len(run) - HELD_LETTERS, len(run) - 2 * HELD_LETTERS, -1):
        head = encode(run[:stop])
        if whole[: len(head)] == head and encode(run[stop:]) == whole[len(head) :]:
            return start + stop
    return start
