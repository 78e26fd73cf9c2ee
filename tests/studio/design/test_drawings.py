"""Rounds go on whoever looks, are stopped, drawn again in one place, and kept as voices."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest
from tests.studio.voices.people_desk import KEY, FakeThreadModel, fakes, kept_voice, make_desk

from intone.core.errors import (
    CapacityError,
    EmptyTextError,
    InvalidSettingError,
    ModelNotFoundError,
    TextTooLongError,
    UnknownLanguageError,
)
from intone.core.types import Capabilities
from intone.render.sidecar import read_take_record
from intone.studio.design.cards import about, cards, round_label
from intone.studio.design.drawings import MAX_AT_ONCE, DrawingNow, Drawings
from intone.studio.design.keeping import keep_candidate, told
from intone.studio.design.order import check_count, check_seed, round_order
from intone.studio.desk import Desk
from intone.voices.candidates import CandidateFolder

TEXT = "We left early, before the town was awake, and followed the river."


def can(desk: Desk) -> Capabilities:
    return desk.models.describe("fake-design")


def begin(desk: Desk, drawings: Drawings, count: int = 3, seed: str = "7") -> DrawingNow:
    order = round_order(
        description="A calm voice.", text=TEXT, language="english", count=count, seed=seed,
        can=can(desk),
    )  # fmt: skip

    async def start() -> DrawingNow:
        return drawings.begin(KEY, "fake-design", order)

    return asyncio.run(start())


def again(drawings: Drawings, name: str, number: int) -> DrawingNow:
    async def start() -> DrawingNow:
        return drawings.again(KEY, name, number)

    return asyncio.run(start())


def over(drawings: Drawings, id: int) -> DrawingNow:
    for _ in range(500):
        now = drawings.get(KEY, id)
        assert now is not None
        if now.state != "drawing":
            return now
        time.sleep(0.01)
    raise AssertionError("the drawing does not end")


def designer(desk: Desk) -> FakeThreadModel:
    return fakes(desk).speakers["fake-design"]


def test_a_round_fills_and_every_voice_is_a_take_that_can_be_made_again(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    drawings = Drawings(desk)
    done = over(drawings, begin(desk, drawings).id)

    assert (done.state, done.error, done.num_filled) == ("done", None, 3)
    assert done.drawn is not None
    assert CandidateFolder(desk.library.directory).get() == done.drawn
    records = [read_take_record(path) for path in desk.takes(KEY).directory.glob("*.json")]
    assert {one.mode for one in records} == {"studio-design"}
    assert {one.request.seed for one in records} == {one.seed for one in done.drawn.takes}
    assert {one.request.instruct for one in records} == {"A calm voice."}


def test_a_page_that_comes_back_finds_its_round_and_nobody_elses(tmp_path: Path) -> None:
    desk, gate = make_desk(tmp_path), threading.Event()
    drawings = Drawings(desk)
    designer(desk).gate = lambda: gate.wait(5) and None
    begun = begin(desk, drawings)
    try:
        assert drawings.running(KEY) == drawings.get(KEY, begun.id)
        assert drawings.running("somebody else") is None
        assert drawings.get("somebody else", begun.id) is None
        assert not drawings.stop("somebody else", begun.id)
    finally:
        gate.set()
    assert over(drawings, begun.id).state == "done"
    assert drawings.running(KEY) is None


def test_a_stopped_round_keeps_what_was_drawn(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    drawings, model = Drawings(desk), designer(desk)
    second, go_on = threading.Event(), threading.Event()

    def gate() -> None:
        if len(model.requests) == 1:
            second.set()
            go_on.wait(5)

    model.gate = gate
    begun = begin(desk, drawings)
    assert second.wait(5)
    assert drawings.stop(KEY, begun.id)
    go_on.set()
    stopped = over(drawings, begun.id)

    assert (stopped.state, stopped.error) == ("stopped", None)
    assert stopped.drawn is not None
    assert [one.number for one in stopped.drawn.takes] == [1]
    assert not drawings.stop(KEY, begun.id)


def test_what_goes_wrong_is_told_and_the_drawing_is_over(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    drawings = Drawings(desk)

    def full() -> None:
        raise CapacityError("too many ask at once; try again in a moment.")

    designer(desk).gate = full
    failed = over(drawings, begin(desk, drawings).id)
    assert (failed.state, str(failed.error)) == (
        "failed",
        "too many ask at once; try again in a moment.",
    )


def test_one_place_becomes_another_person_and_the_same_seed_the_same_ones(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    drawings = Drawings(desk)
    first = over(drawings, begin(desk, drawings).id).drawn
    assert first is not None
    other = over(drawings, again(drawings, first.name, 2).id).drawn
    assert other is not None
    same = over(drawings, begin(desk, drawings).id).drawn
    assert same is not None

    assert other.take(2).seed != first.take(2).seed
    assert [one.seed for one in same.takes] == [one.seed for one in first.takes]
    assert same.name != first.name
    with pytest.raises(InvalidSettingError, match="no candidate 9"):
        again(drawings, first.name, 9)


def test_a_round_that_is_being_drawn_is_not_changed_meanwhile(tmp_path: Path) -> None:
    desk, gate = make_desk(tmp_path), threading.Event()
    drawings = Drawings(desk)
    first = over(drawings, begin(desk, drawings).id).drawn
    assert first is not None
    designer(desk).gate = lambda: gate.wait(5) and None
    begun = again(drawings, first.name, 1)
    try:
        with pytest.raises(InvalidSettingError, match="being drawn just now"):
            again(drawings, first.name, 2)
        with pytest.raises(InvalidSettingError, match="being drawn just now"):
            drawings.remove(first.name)
    finally:
        gate.set()
    assert over(drawings, begun.id).state == "done"
    drawings.remove(first.name)
    assert first.name not in drawings.folder.names()


def test_one_caller_has_a_few_rounds_at_a_time_and_is_told(tmp_path: Path) -> None:
    desk, gate = make_desk(tmp_path), threading.Event()
    drawings = Drawings(desk)
    designer(desk).gate = lambda: gate.wait(5) and None
    begun = [begin(desk, drawings, count=1) for _ in range(MAX_AT_ONCE)]
    try:
        with pytest.raises(CapacityError, match="stop one of them"):
            begin(desk, drawings)
    finally:
        gate.set()
    assert [over(drawings, one.id).state for one in begun] == ["done"] * MAX_AT_ONCE
    assert over(drawings, begin(desk, drawings, count=1).id).state == "done"


def test_the_cards_show_what_is_drawn_what_is_drawn_now_and_what_waits(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    drawings = Drawings(desk)
    begun = begin(desk, drawings, count=1)
    drawn = over(drawings, begun.id).drawn
    assert drawn is not None
    now = DrawingNow(
        id=1, key_id=KEY, model="m", state="drawing", drawn=drawn, places=(1, 2, 3), num_filled=1
    )
    html = cards(drawn, now, lambda number: f"/sound/{number}")

    assert html.count("<article") == 3
    assert 'data-play="/sound/1"' in html
    assert "is being drawn" in html
    assert "waits" in html
    assert '<button disabled type="button" class="intone-button " data-do="again"' in html
    assert "disabled" not in cards(drawn, None, str)
    assert "No voices yet" in cards(None, None, str)
    assert 'data-do="reuse"' in about(drawn)
    assert "A calm voice." in round_label(drawn)


def test_what_is_described_is_never_read_as_html(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    order = round_order(
        description="<script>alert(1)</script> voice", text=TEXT, language="auto", count=1,
        seed="", can=can(desk),
    )  # fmt: skip
    drawings = Drawings(desk)

    async def start() -> DrawingNow:
        return drawings.begin(KEY, "fake-design", order)

    drawn = over(drawings, asyncio.run(start()).id).drawn
    assert drawn is not None
    assert "<script" not in about(drawn)


def test_a_kept_candidate_is_a_voice_that_knows_its_design(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    drawings = Drawings(desk)
    drawn = over(drawings, begin(desk, drawings).id).drawn
    assert drawn is not None
    kept = asyncio.run(keep_candidate(desk, KEY, drawn.name, 2, " nora "))
    voice = desk.library.get("nora")

    assert (voice.kind, voice.is_icl, voice.making.description) == (
        "designed", True, "A calm voice.",
    )  # fmt: skip
    assert (voice.making.seed, voice.making.model) == (drawn.take(2).seed, "fake-base")
    assert voice.making.design_model == "fake-design"
    assert "is this person from now on" in told(kept)
    assert fakes(desk).leased == ["fake-base"]
    for name, number in (("nora", 1), ("", 1), ("other", 9)):
        with pytest.raises(InvalidSettingError):
            asyncio.run(keep_candidate(desk, KEY, drawn.name, number, name))


def test_keeping_needs_a_model_that_clones_and_says_so(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, "design")
    drawings = Drawings(desk)
    drawn = over(drawings, begin(desk, drawings).id).drawn
    assert drawn is not None
    with pytest.raises(ModelNotFoundError, match="under System"):
        asyncio.run(keep_candidate(desk, KEY, drawn.name, 1, "nora"))
    desk.library.put(kept_voice("bob"))
    with pytest.raises(InvalidSettingError, match="kept already"):
        asyncio.run(keep_candidate(desk, KEY, drawn.name, 1, "Bob"))


def test_every_refusal_of_an_order_says_what_is_allowed(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)

    def order(**changes: object) -> object:
        given = {
            "description": "A calm voice.", "text": TEXT, "language": "auto", "count": 4,
            "seed": "", "can": can(desk),
        } | changes  # fmt: skip
        return round_order(**given)  # type: ignore[arg-type]

    with pytest.raises(InvalidSettingError, match="nobody is described"):
        order(description="  ")
    with pytest.raises(EmptyTextError, match="nothing to say"):
        order(text="")
    with pytest.raises(TextTooLongError, match="allowed: up to 2,000"):
        order(text="x" * 2_001)
    with pytest.raises(UnknownLanguageError):
        order(language="klingon")
    for seed in ("-1", "1.5", "٣", str(2**63), "9" * 5_000):
        with pytest.raises(InvalidSettingError, match="a whole number from 0"):
            check_seed(seed)
    for count in (0, 9, 2.5):
        with pytest.raises(InvalidSettingError, match="1 to 8"):
            check_count(count)
    assert check_seed(" 12 ") == 12
    assert check_seed("") != check_seed("")
