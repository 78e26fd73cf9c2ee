"""Whose memory is whose: numbered pages, free or lent. Pure bookkeeping, no tensors.

Invariant, checked by property tests: every page is either free or lent to one holder.
"""

from __future__ import annotations

import heapq

from intone.runtime.job import PageLayout


class PagePool:
    """Lends the pages of a layout."""

    def __init__(self, layout: PageLayout) -> None:
        self.layout = layout
        self._free = list(range(layout.num_pages))
        self._lent: set[int] = set()

    @property
    def num_free(self) -> int:
        return len(self._free)

    def borrow(self, num_pages: int) -> list[int] | None:
        """Returns that many pages, the lowest first; None where fewer are free."""
        if num_pages > len(self._free):
            return None
        pages = [heapq.heappop(self._free) for _ in range(num_pages)]
        self._lent.update(pages)
        return pages

    def give_back(self, pages: list[int]) -> None:
        """Takes back pages that were borrowed; a page comes back once."""
        for page in pages:
            self._lent.remove(page)
            heapq.heappush(self._free, page)
