"""Pieces of a book that others draw: the same book, whatever comes back in which order."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.render.book_run import book, record, settings
from tests.render.fake_synthesizer import FakeSynthesizer, person

from intone.core.errors import EngineStoppedError
from intone.core.types import SpeechRequest
from intone.deploy.offline.ray_pieces import PiecesWorker
from intone.render.book import BookRenderer, DrawnPiece, PieceHands
from intone.render.book_plan import BookPiece, plan_book
from intone.render.book_store import open_store
from intone.render.drawing import Anchor, DrawPolicy, SegmentDrawer
from intone.render.ear import SynthesizerEar
from intone.render.identity import preset_identity


@dataclass
class Elsewhere:
    """A worker that gives its pieces back in the other order, the first one twice."""

    fake: FakeSynthesizer = field(default_factory=FakeSynthesizer)
    anchors: list[Anchor | None] = field(default_factory=list)

    def draw(self, pieces: Sequence[BookPiece], anchor: Anchor | None) -> Generator[DrawnPiece]:
        self.anchors.append(anchor)
        drawer = SegmentDrawer(self.fake, SynthesizerEar(self.fake, "fake"), DrawPolicy())
        made = PiecesWorker(drawer, anchor, num_at_once=3).work(pieces)
        yield from [*reversed(made), made[0]]


def finished(
    out: Path, fake: FakeSynthesizer, hands: PieceHands | None
) -> dict[tuple[int, int], str]:
    """Returns the hash of every piece of a book that was drawn by somebody."""
    chosen = settings()
    plan = plan_book(book(), chosen)
    with open_store(out, record(plan, chosen)) as store:
        drawing = BookRenderer(
            plan.chapters,
            store,
            fake,
            preset_identity("ava"),
            ear=SynthesizerEar(fake, "fake"),
            hands=hands,
        )
        steps = list(drawing.draw(plan.chapters))
        assert [step.num_done for step in steps] == list(range(1, len(steps) + 1))
        found = {piece.place: store.get(piece) for piece in plan.pieces}
    return {place: one.pcm16_sha256 for place, one in found.items() if one is not None}


def test_pieces_from_elsewhere_make_the_same_book(tmp_path: Path) -> None:
    here, elsewhere = FakeSynthesizer(), Elsewhere()
    ours = finished(tmp_path / "here", FakeSynthesizer(), None)
    theirs = finished(tmp_path / "far", here, elsewhere)
    assert theirs == ours
    assert len(here.requests) == 1  # the person they are compared with


def test_they_are_compared_where_they_are_drawn(tmp_path: Path) -> None:
    elsewhere = Elsewhere()
    elsewhere.fake.likeness = lambda request: 0.5
    finished(tmp_path / "far", FakeSynthesizer(), elsewhere)
    (anchor,) = elsewhere.anchors
    assert anchor is not None
    assert anchor.x_vector == pytest.approx(person("ava"), abs=1e-6)
    num_pieces = len(list(plan_book(book(), settings()).pieces))
    assert len(elsewhere.fake.requests) == 3 * num_pieces  # unlike her: each is drawn three times


def test_an_engine_that_stops_elsewhere_ends_the_book(tmp_path: Path) -> None:
    def cancelled(request: SpeechRequest) -> str:
        return "cancelled"

    elsewhere = Elsewhere(FakeSynthesizer(finish=cancelled))  # type: ignore[arg-type]
    with pytest.raises(EngineStoppedError, match="start again"):
        finished(tmp_path / "far", FakeSynthesizer(), elsewhere)
