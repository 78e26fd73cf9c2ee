"""Workers for tests of the cluster itself; imported where they work."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from intone.core.errors import CheckpointError


class Doubling:
    """Doubles numbers; dies of one of them, and is at a loss over another."""

    def __init__(self, deadly: int | None) -> None:
        self._deadly = deadly

    def work(self, items: Sequence[int]) -> list[int]:
        for item in items:
            if item == self._deadly:
                os._exit(1)
            if item < 0:
                raise ValueError("a bug")
        return [2 * item for item in items]


@dataclass(frozen=True)
class DoublingOpening:
    deadly: int | None = None
    refuses: bool = False

    def open(self) -> Doubling:
        if self.refuses:
            raise CheckpointError("it holds other weights.")
        return Doubling(self.deadly)
