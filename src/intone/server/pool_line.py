"""Requests that wait for a model, in the order in which they came: nobody is starved of room.

A model that is always in use would never give way to another one; so a request that has waited long
enough for room stops those behind it from taking what it needs.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Waiting:
    """A request that has no lease yet; they stand in the order in which they came."""

    key: str
    since_s: float
    needs_room: bool = False
    """Its model is neither loaded nor loading."""
    is_served: bool = False
    """It was here when its model was loaded: it uses that before the model may give way."""


class Line:
    """All requests without a lease."""

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []

    def join(self, key: str, now_s: float) -> Waiting:
        """Adds a request for a model at the end."""
        waiting = Waiting(key, now_s)
        self._waiting.append(waiting)
        return waiting

    def leave(self, waiting: Waiting) -> None:
        """Takes a request out: it has its lease, or gave up."""
        self._waiting.remove(waiting)

    def serve(self, key: str) -> None:
        """Says that a model is being loaded, or is there: for all who wait for it now.

        One by one in their order, requests for two models by turns would load each again and again.
        """
        for one in self._waiting:
            if one.key == key:
                one.needs_room, one.is_served = False, True

    def keys_kept(self, waiting: Waiting) -> set[str]:
        """Returns the models that must not give way to a request: others come first with them."""
        served = {other.key for other in self._waiting if other.is_served}
        return served | {older.key for older in self._before(waiting)}

    def must_stand_back(self, waiting: Waiting, since_s: float) -> bool:
        """Whether an older request has waited for room since `since_s`, and this would take it."""
        return not waiting.is_served and any(
            older.needs_room and older.key != waiting.key and older.since_s <= since_s
            for older in self._before(waiting)
        )

    def _before(self, waiting: Waiting) -> list[Waiting]:
        return self._waiting[: self._waiting.index(waiting)]
