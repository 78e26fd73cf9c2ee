"""What stands around the list: the pages, and what the filters can choose from."""

from __future__ import annotations

from datetime import date

from intone.studio.parts.rows import button
from intone.studio.takes.choosing import PAGE_TAKES, TakePage
from intone.studio.takes.index import TakeIndex
from intone.studio.takes.rows import day_words, mode_words

_MAX_DAYS = 60
_SPANS = (("Any time", ""), ("Today", "today"), ("Last 7 days", "7"), ("Last 30 days", "30"))

Choice = tuple[str, str]
"""What is shown, and what it means."""


def mode_choices(index: TakeIndex) -> list[Choice]:
    """Returns every kind of take that is there, and how many of it."""
    kinds = [(f"{mode_words(mode)} ({count:,})", mode) for mode, count in index.modes]
    return [("Any", ""), *kinds]


def day_choices(index: TakeIndex, today: date) -> list[Choice]:
    """Returns spans of time, and the latest days with takes."""
    days = [
        (f"{words[:1].upper()}{words[1:]} ({count:,})", f"{day:%Y%m%d}")
        for day, count in index.days[:_MAX_DAYS]
        if (words := day_words(day, today))
    ]
    return [*_SPANS, *days]


def pager(page: TakePage) -> str:
    """Returns where the list is, and buttons to the pages beside; "" where it is empty."""
    foreign = _foreign(page.index.num_foreign)
    if not page.num_matching:
        return f'<p class="take-pages">{foreign}</p>' if foreign else ""
    first = (page.number - 1) * PAGE_TAKES + 1
    last = first + len(page.takes) - 1
    parts = [f"<span>{first:,} to {last:,} of {page.num_matching:,}</span>"]
    if page.number > 1:
        parts.append(button("page", str(page.number - 1), "Newer"))
    if page.number < page.num_pages:
        parts.append(button("page", str(page.number + 1), "Older"))
    return f'<div class="take-pages">{"".join(parts)}<span>{foreign}</span></div>'


def _foreign(num_files: int) -> str:
    if not num_files:
        return ""
    are = "file in the folder is" if num_files == 1 else "files in the folder are"
    return f"{num_files:,} other {are} not shown: only names that Intone gave are."
