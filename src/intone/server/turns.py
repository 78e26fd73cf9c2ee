"""Who waits, and whose turn is next: keys take turns, however many requests each has waiting."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

Waiter = asyncio.Future[None]
"""Done when its turn has come; an exception, where it was sent away."""


class Turns:
    """Waiting requests by key; `pop` goes round the keys, each in the order of its requests."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[Waiter]] = {}
        """The key whose turn is next comes first."""

    def __len__(self) -> int:
        return sum(len(queue) for queue in self._queues.values())

    def push(self, key_id: str, waiter: Waiter) -> None:
        """Adds a request behind those of its key; a new key comes last."""
        self._queues.setdefault(key_id, deque()).append(waiter)

    def pop(self) -> tuple[str, Waiter] | None:
        """Returns the request whose turn it is; its key goes to the end of the round."""
        while self._queues:
            key_id = next(iter(self._queues))
            queue = self._queues.pop(key_id)
            waiter = queue.popleft()
            if queue:
                self._queues[key_id] = queue
            if not waiter.done():
                return key_id, waiter
        return None

    def remove(self, key_id: str, waiter: Waiter) -> None:
        """Takes a request out that waits no longer; one that is not there is fine."""
        queue = self._queues.get(key_id)
        if queue is None or waiter not in queue:
            return
        queue.remove(waiter)
        if not queue:
            del self._queues[key_id]

    def num_of(self, key_id: str) -> int:
        """Returns how many requests of a key wait."""
        return len(self._queues.get(key_id, ()))

    def push_out(self, key_id: str, error: Callable[[], Exception]) -> bool:
        """Sends the newest request of the key with most away, where `key_id` has fewer by two.

        Returns whether there was one: a full queue is shared between keys.
        """
        if not self._queues:
            return False
        greediest = max(self._queues, key=self.num_of)
        if self.num_of(greediest) <= self.num_of(key_id) + 1:
            return False
        waiter = self._queues[greediest][-1]
        self.remove(greediest, waiter)
        if not waiter.done():
            waiter.set_exception(error())
        return True
