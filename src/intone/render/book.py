"""Draws the pieces of a book, each kept as soon as it is finished, none of them twice."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol

from intone.core.errors import EngineStoppedError
from intone.core.synthesizer import Synthesizer
from intone.render.anchors import Anchors
from intone.render.book_plan import BookPiece, ChapterPlan
from intone.render.book_store import BookStore, FinishedPiece
from intone.render.drawing import Anchor, DrawnSegment, DrawPolicy, SegmentDrawer
from intone.render.ear import Ear
from intone.render.identity import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a book is, after one more piece."""

    piece: BookPiece
    finished: FinishedPiece
    num_done: int
    num_pieces: int
    remaining_s: float | None
    """Seconds that the rest will take, at the speed of this run so far."""


@dataclass(frozen=True, slots=True, eq=False)
class DrawnPiece:
    """A piece, and the take of it that is to be kept."""

    piece: BookPiece
    drawn: DrawnSegment


class PieceHands(Protocol):
    """Whoever draws pieces, where it is not this process."""

    def draw(self, pieces: Sequence[BookPiece], anchor: Anchor | None) -> Generator[DrawnPiece]:
        """Yields a take of every piece, in any order; closing it stops the work.

        Raises:
            IntoneError: as a synthesizer does.
        """
        ...


class _HandsHere:
    """This process: one piece after the other."""

    def __init__(self, drawer: SegmentDrawer) -> None:
        self._drawer = drawer

    def draw(self, pieces: Sequence[BookPiece], anchor: Anchor | None) -> Generator[DrawnPiece]:
        for piece in pieces:
            yield DrawnPiece(piece, self._drawer.draw(piece.plan, anchor))


class BookRenderer:
    """Draws what a store does not hold yet of some chapters of a book."""

    def __init__(
        self,
        chapters: Sequence[ChapterPlan],
        store: BookStore,
        synthesizer: Synthesizer,
        identity: Identity,
        *,
        ear: Ear | None,
        policy: DrawPolicy | None = None,
        hands: PieceHands | None = None,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        """Takes what shall be drawn, where it is kept, what speaks, who it is, and what hears.

        Args:
            chapters: all that this run is about; `draw` takes them in any order.
            identity: whom takes are compared with: the kept voice, else a neutral take.
            ear: None compares nobody.
            hands: whoever draws; they hear with this ear, by this policy. None: this process.
        """
        seed = store.record.request.seed
        self._store = store
        self._hands = hands or _HandsHere(SegmentDrawer(synthesizer, ear, policy))
        self._anchors = None if ear is None else Anchors(synthesizer, ear, seed)
        self._identity = identity
        self._anchor: Anchor | None = None
        self._clock = clock
        missing = self.missing(chapters)
        self.num_pieces = sum(len(chapter.pieces) for chapter in chapters)
        self.num_done = self.num_pieces - len(missing)
        self._pace = _Pace(left_s=sum(piece.plan.expected_s for piece in missing))

    def missing(self, chapters: Sequence[ChapterPlan]) -> tuple[BookPiece, ...]:
        """Returns the pieces that are still to be drawn, in order."""
        pieces = (piece for chapter in chapters for piece in chapter.pieces)
        return tuple(piece for piece in pieces if self._store.get(piece) is None)

    def draw(self, chapters: Sequence[ChapterPlan]) -> Iterator[Progress]:
        """Draws and keeps what is missing, and tells of each piece when it is on the disk.

        Raises:
            IntoneError: as the synthesizer or the disk do; what was told before stays kept.
        """
        missing = self.missing(chapters)
        if not missing:
            return
        started = self._clock()
        with closing(self._hands.draw(missing, self._anchor_of(missing[0]))) as made:
            for one in made:
                if self._store.get(one.piece) is not None:
                    continue  # two workers drew it, one of them thought to be dead
                finished = self._put(one)
                self._pace.add(one.piece.plan.expected_s, self._clock() - started)
                yield Progress(
                    piece=one.piece,
                    finished=finished,
                    num_done=self.num_done,
                    num_pieces=self.num_pieces,
                    remaining_s=self._pace.remaining_s,
                )
                started = self._clock()

    def _put(self, one: DrawnPiece) -> FinishedPiece:
        if one.drawn.audio.finish_reason == "cancelled":
            raise EngineStoppedError("the engine was stopped; start again to go on from here.")
        finished = self._store.put(one.piece, one.drawn)
        self.num_done += 1
        return finished

    def _anchor_of(self, piece: BookPiece) -> Anchor | None:
        """Returns the person of the whole book; found once, also for later runs."""
        if self._anchors is None:
            return None
        if self._anchor is None:
            kept = self._store.anchor()
            if kept is not None:
                self._anchor = Anchor(x_vector=kept, origin="the book's beginning")
                return self._anchor
            self._anchor = self._anchors.of(self._identity, piece.plan)
            if self._anchor is not None:
                self._store.put_anchor(self._anchor.x_vector)
        return self._anchor


@dataclass(slots=True)
class _Pace:
    """Tells the time left, from the time that was needed per second of expected audio."""

    left_s: float
    """Audio that is still expected."""
    done_s: float = 0.0
    wall_s: float = 0.0

    def add(self, expected_s: float, wall_s: float) -> None:
        self.left_s -= expected_s
        self.done_s += expected_s
        self.wall_s += wall_s

    @property
    def remaining_s(self) -> float | None:
        if self.done_s <= 0:
            return None
        return max(0.0, self.left_s) * self.wall_s / self.done_s
