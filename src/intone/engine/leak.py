"""Finds an echo of the reference at the start of a take.

With an ICL prompt a talker may first repeat how its reference ends, 1 to 2 s of it (QwenLM/
Qwen3-TTS, issue 341). Such a take begins with frames of the reference, in their order, up to the
end of its speech. Frames are kept back only as long as they are these; a take whose first frame is
not in the reference is not delayed. Where in doubt, nothing is cut.
"""

from __future__ import annotations

import numpy as np

from intone.core.types import Codes

MIN_LEAK_FRAMES = 5
MAX_LEAK_FRAMES = 38
"""Three seconds; seen were up to two."""

_SEARCHED_FRAMES = 4
"""How far behind the echo a quiet frame is looked for, to cut there."""
_FOLLOWING_FRAMES = 6
"""So much must come behind an echo: a take that is nothing else was meant so."""
_QUIET_BELOW_DB = 30.0
_FRAMES_PER_MISS = 5
"""One frame in so many may be another one."""
_MAX_SILENCE_FRAMES = 12
_LEAST_SHARE = 0.25

_SHARED_WORDS = 2
_REFERENCE_WORDS = 12


class LeakWatch:
    """Hears the start of one take; used by one thread."""

    def __init__(self, ref_codes: Codes) -> None:
        """Looks for the end of these frames [F, K]."""
        end = len(ref_codes) - _num_silent(ref_codes)
        first = max(0, end - MAX_LEAK_FRAMES)
        self._tail = ref_codes[first:]
        self._num_spoken = end - first
        """Frames of the tail before its silence."""
        silence = set(ref_codes[end:, 0].tolist())
        starts = range(self._num_spoken - MIN_LEAK_FRAMES + 1)
        self._last_miss = {s: -1 for s in starts if int(self._tail[s, 0]) not in silence}
        """The last frame of the take that was another, by the frame of the tail with which the take
        would have begun."""
        self._start: int | None = None
        """That frame, once the take has come to the end of the speech."""
        self._echo_frames = 0
        self._levels_db: list[float] = []
        self.num_leaked = 0
        """Frames to cut off the start; final once this is decided."""
        self.is_decided = not self._last_miss

    def hear(self, codes: Codes, level_db: float) -> None:
        """Compares the next frame [K]; not to be called any more once this is decided."""
        self._levels_db.append(level_db)
        if self._start is None:
            self._compare(codes)
            self.is_decided = not self._last_miss
            return
        num_heard = len(self._levels_db)
        if self._echo_frames == num_heard - 1 and self._is_in_tail(self._start, codes):
            self._echo_frames = num_heard  # it goes on in what looked like silence
        if num_heard >= self._echo_frames + _FOLLOWING_FRAMES:
            self.num_leaked = self._cut()
            self.is_decided = True

    def _compare(self, codes: Codes) -> None:
        frame = len(self._levels_db) - 1
        for start, last_miss in list(self._last_miss.items()):
            is_miss = not self._is_in_tail(start, codes)
            if is_miss and frame - last_miss < _FRAMES_PER_MISS:
                del self._last_miss[start]
            elif start + frame + 1 == self._num_spoken and self._start is None:
                self._start, self._echo_frames = start, frame + (not is_miss)
            elif is_miss:
                self._last_miss[start] = frame

    def _is_in_tail(self, start: int, codes: Codes) -> bool:
        """Whether the frame heard last is, nearly, the tail's: codebook 0 and some others."""
        index = start + len(self._levels_db) - 1
        if index >= len(self._tail):
            return False
        same = codes == self._tail[index]
        return bool(same[0]) and bool(np.mean(same) >= _LEAST_SHARE)

    def _cut(self) -> int:
        """Returns the first quiet frame behind the echo, else the echo's end."""
        end = self._echo_frames
        quiet_db = max(self._levels_db[:end]) - _QUIET_BELOW_DB
        searched = range(end, end + _SEARCHED_FRAMES)
        return next((f for f in searched if self._levels_db[f] < quiet_db), end)


def repeats_reference(text: str, ref_text: str) -> bool:
    """Returns whether a text begins with words from the end of the reference's.

    Its take may then well sound like the reference's end, and is not to be watched for leaks.
    """
    words, ref_words = _words(text)[:_SHARED_WORDS], _words(ref_text)[-_REFERENCE_WORDS:]
    starts = range(len(ref_words) - len(words) + 1)
    return any(ref_words[s : s + len(words)] == words for s in starts)


def _words(text: str) -> list[str]:
    """Returns words in small letters; characters of scripts without case, and spaces, alone."""
    return "".join(map(_spaced, text.casefold())).split()


def _spaced(character: str) -> str:
    if not character.isalnum():
        return " "
    is_letter_of_a_word = character.lower() != character.upper() or character.isdigit()
    return character if is_letter_of_a_word else f" {character} "


def _num_silent(ref_codes: Codes) -> int:
    """Returns how many frames at the end are of one sound: silence, appended or recorded."""
    last = set(ref_codes[-3:, 0].tolist())
    for count in range(min(len(ref_codes), _MAX_SILENCE_FRAMES)):
        if int(ref_codes[-1 - count, 0]) not in last:
            return count
    return min(len(ref_codes), _MAX_SILENCE_FRAMES)
