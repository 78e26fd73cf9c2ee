"""Pieces of a book on a cluster: workers draw and compare them, this process keeps them.

Takes come back over the cluster, so that one process alone writes the book's folder, and workers
need no disk in common.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from intone.deploy.offline.hearing import EarOpening
from intone.deploy.offline.opening import SpeakerOpening
from intone.render.book import DrawnPiece
from intone.render.book_plan import BookPiece
from intone.render.drawing import Anchor, DrawPolicy, SegmentDrawer

if TYPE_CHECKING:
    from intone.deploy.offline.on_ray import RayCluster

_BLOCKS_PER_WORKER = 8
"""At least, so that workers end together."""
_MAX_PIECES = 64
"""Of a block: what is lost where a worker dies."""
_MAX_TRIES = 3
"""Of a block; a third worker that dies of it is no chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PiecesOpening:
    """What a worker that draws pieces needs to know."""

    speaker: SpeakerOpening
    ear: EarOpening | None
    policy: DrawPolicy
    anchor: Anchor | None

    def open(self) -> PiecesWorker:
        """Returns a worker whose model is loaded; raises as `SpeakerOpening.open` does."""
        tts = self.speaker.open()
        ear = None if self.ear is None else self.ear.open(tts)
        drawer = SegmentDrawer(tts, ear, self.policy)
        return PiecesWorker(drawer, self.anchor, num_at_once=tts.load().plan.num_slots)


class PiecesWorker:
    """Draws blocks of pieces, in all slots at once."""

    def __init__(self, drawer: SegmentDrawer, anchor: Anchor | None, *, num_at_once: int) -> None:
        """Takes what draws a piece, and whom it is compared with."""
        self._drawer = drawer
        self._anchor = anchor
        self._num_at_once = num_at_once

    def work(self, items: Sequence[BookPiece]) -> list[DrawnPiece]:
        """Returns the takes that are kept; raises IntoneError as the synthesizer does."""
        with ThreadPoolExecutor(self._num_at_once, thread_name_prefix="intone-piece") as threads:
            return list(threads.map(self._draw, items))

    def _draw(self, piece: BookPiece) -> DrawnPiece:
        return DrawnPiece(piece, self._drawer.draw(piece.plan, self._anchor))


@dataclass(frozen=True, slots=True, kw_only=True)
class PiecesOnRay:
    """The workers of a cluster, as a book's renderer sees them."""

    cluster: RayCluster
    speaker: SpeakerOpening
    ear: EarOpening | None
    policy: DrawPolicy

    def draw(self, pieces: Sequence[BookPiece], anchor: Anchor | None) -> Generator[DrawnPiece]:
        """Yields takes as their blocks are finished, in any order; see `book.PieceHands`."""
        opening = PiecesOpening(
            speaker=self.speaker, ear=self.ear, policy=self.policy, anchor=anchor
        )
        share = -(-len(pieces) // (_BLOCKS_PER_WORKER * self.cluster.num_workers))
        num_per_block = min(_MAX_PIECES, share)
        return self.cluster.map(opening, pieces, num_per_block=num_per_block, max_tries=_MAX_TRIES)
