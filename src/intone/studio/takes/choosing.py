"""Which takes a page shows: filters by kind, day, voice and words, twenty at a time.

Kind and day are in the names. Voice and words are in the records, which are read once each and
then remembered.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from threading import Lock

from intone.studio.takes.index import TakeFiles, TakeIndex
from intone.studio.takes.reading import TakeView, TakeWords, read_view, read_words

PAGE_TAKES = 20
_MAX_REMEMBERED = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeFilter:
    """What is wanted; empty fields want anything."""

    mode: str = ""
    voice: str = ""
    """A part of a name, in any case."""
    words: str = ""
    """All of them, in any order and case."""
    since: str = ""
    """"today", a number of days that today ends, or one day as YYYYMMDD."""

    @property
    def wants_all(self) -> bool:
        return not (self.mode or self.voice.strip() or self.words.strip() or self.since)

    @property
    def reads_records(self) -> bool:
        return bool(self.voice.strip() or self.words.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class TakePage:
    """Some takes of a folder."""

    takes: tuple[TakeView, ...]
    number: int
    """From 1; the nearest one there is."""
    num_pages: int
    """At least 1."""
    num_matching: int
    index: TakeIndex


class TakeReader:
    """Reads pages of folders, and remembers what filters look at; any thread may call."""

    def __init__(self, today: Callable[[], date] = date.today) -> None:
        self._today = today
        self._words: OrderedDict[tuple[Path, TakeFiles], TakeWords] = OrderedDict()
        self._lock = Lock()

    def page(self, directory: Path, wanted: TakeFilter, number: int = 1) -> TakePage:
        """Returns a page of takes, the newest first; only those on it are read whole.

        Raises:
            OutputError: the folder cannot be read.
        """
        index = TakeIndex.read(directory)
        first, last = self._days(wanted.since)
        found = [
            take
            for take in index.takes
            if first <= take.day <= last
            and (not wanted.mode or take.mode == wanted.mode)
            and self._has_words(directory, take, wanted)
        ]
        num_pages = max(1, -(-len(found) // PAGE_TAKES))
        number = min(max(1, number), num_pages)
        shown = found[(number - 1) * PAGE_TAKES : number * PAGE_TAKES]
        return TakePage(
            takes=tuple(read_view(directory, take) for take in shown),
            number=number,
            num_pages=num_pages,
            num_matching=len(found),
            index=index,
        )

    def _has_words(self, directory: Path, take: TakeFiles, wanted: TakeFilter) -> bool:
        if not wanted.reads_records:
            return True
        words = self._words_of(directory, take)
        voice = wanted.voice.strip().casefold()
        has_voice = any(voice in one.casefold() for one in words.voices) if voice else True
        return has_voice and all(one in words.text for one in wanted.words.casefold().split())

    def _days(self, since: str) -> tuple[str, str]:
        """Returns the first and the last day that are wanted, as names of files have them."""
        if not since:
            return "", "9"
        if len(since) == len("20260131"):
            return since, since
        num_days = 1 if since == "today" else int(since)
        first = self._today() - timedelta(days=num_days - 1)
        return f"{first:%Y%m%d}", "9"

    def _words_of(self, directory: Path, take: TakeFiles) -> TakeWords:
        key = (directory, take)
        with self._lock:
            known = self._words.get(key)
        if known is None:
            known = read_words(directory, take)
            with self._lock:
                self._words[key] = known
                if len(self._words) > _MAX_REMEMBERED:
                    self._words.popitem(last=False)
        return known
