"""Rows are drawn one after the other, and each can be drawn, moved, edited and heard alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.studio.script.script_desk import KEY, TAB, TEXT, ScriptDesk

from intone.core.errors import (
    CheckpointError,
    EmptyTextError,
    InvalidSettingError,
    MarkupError,
    TextTooLongError,
)
from intone.core.seeds import derived_seed
from intone.core.types import SpeechRequest
from intone.render.redo import draw_again, is_same_take
from intone.render.sidecar import read_take_record
from intone.studio.script.editing import RowEdit, apply_edit, check_fresh
from intone.studio.script.project import Project
from intone.studio.script.session import ScriptSession
from intone.studio.script.sheet import Sheet


@pytest.fixture
def desk(tmp_path: Path) -> ScriptDesk:
    return ScriptDesk(tmp_path)


def texts(session: ScriptSession) -> list[str]:
    return [row.planned.plan.text for row in session.view.project.rows]


def states(session: ScriptSession) -> list[str]:
    return [row.state(None) for row in session.view.project.rows]


def takes(desk: ScriptDesk) -> list[str]:
    return sorted(path.name for path in (desk.folder / "takes").glob("*.wav"))


def test_checking_shows_rows_and_loads_nothing(desk: ScriptDesk) -> None:
    session = desk.check(Sheet(text=TEXT))

    rows = session.view.project.rows
    assert [row.planned.plan.mood for row in rows] == ["Serious", "Angry", "Whispering"]
    assert states(session) == ["planned"] * 3
    assert desk.speaker.requests == []
    assert [session.view.project.gap_before_s(row.id) for row in rows] == [0.0, 0.35, 1.5]
    assert all("spoken neutrally" in (row.planned.plan.note or "") for row in rows)


def test_rendering_fills_every_row_and_writes_takes_records_and_the_whole(
    desk: ScriptDesk,
) -> None:
    session = desk.rendered()

    assert states(session) == ["done"] * 3
    whole = session.view.whole
    assert whole is not None
    assert whole.num_missing == 0
    assert takes(desk) == [
        f"{whole.stem}.{end}" for end in ("001.wav", "002.wav", "003.wav", "wav")
    ]
    folder = desk.folder / "takes"
    record = json.loads((folder / f"{whole.stem}.json").read_text())
    assert [part["mood"] for part in record["segments"]] == ["Serious", "Angry", "Whispering"]
    assert [part["take"] for part in record["segments"]] == [
        f"{whole.stem}.00{number}.json" for number in (1, 2, 3)
    ]
    assert record["duration_s"] == pytest.approx(whole.duration_s, abs=0.001)
    assert (folder / f"{whole.stem}.txt").read_text() == TEXT
    heard, _ = soundfile.read(folder / f"{whole.stem}.wav", dtype="float32")
    assert np.allclose(heard, whole.samples, atol=1e-4)


def test_rows_have_the_seeds_of_the_same_script_on_the_command_line(desk: ScriptDesk) -> None:
    session = desk.rendered(seed=5)

    asked = [row.current_takes[0].asked_seed for row in session.view.project.rows]
    assert asked == [derived_seed(5, index) for index in range(3)]


def test_a_kept_take_is_drawn_again_from_its_record(desk: ScriptDesk) -> None:
    session = desk.rendered()
    take = session.view.project.rows[1].take
    assert take is not None
    record = read_take_record(desk.folder / "takes" / f"{take.name}.json")

    assert (record.mode, record.text, record.mood) == ("studio-script", "Two is here!", "Angry")
    assert record.result.similarity == pytest.approx(1.0)
    assert is_same_take(record, draw_again(record, desk.speaker, record.voice.name))


def test_another_take_of_a_row_is_kept_beside_the_first_and_either_is_heard(
    desk: ScriptDesk,
) -> None:
    before = desk.rendered().view.whole
    desk.want("1")
    num_requests = len(desk.speaker.requests)
    session = desk.draw()

    row = session.view.project.row("1")
    first, second = row.current_takes
    assert row.take is second
    assert first.seed != second.seed
    drawn = [request.text for request in desk.speaker.requests[num_requests:]]
    assert drawn == ["Two is here!"]  # neither another row nor what it is compared with
    with_second = session.view.whole
    session.change(lambda project: project.chosen("1", first.name))
    desk.sessions.compile(KEY, TAB)
    with_first = session.view.whole
    assert before is not None
    assert with_first is not None
    assert with_second is not None
    assert np.array_equal(with_first.samples, before.samples)
    assert not np.array_equal(with_second.samples, before.samples)


def test_only_rows_with_new_words_are_drawn_when_the_text_has_changed(desk: ScriptDesk) -> None:
    desk.rendered()
    num_requests = len(desk.speaker.requests)

    session = desk.rendered(f"[Calm] Zero is here. {TEXT}")

    drawn = [request.text for request in desk.speaker.requests[num_requests:]]
    assert [text for text in drawn if "is here" in text] == ["Zero is here."]
    assert texts(session) == ["Zero is here.", "One is here.", "Two is here!", "Three is here."]
    assert states(session) == ["done"] * 4


def test_moved_rows_stand_in_the_text_and_in_the_whole(desk: ScriptDesk) -> None:
    session = desk.rendered()

    source = session.rewrite(lambda project: project.moved("2", -1))
    desk.sessions.compile(KEY, TAB)

    assert texts(session) == ["One is here.", "Three is here.", "Two is here!"]
    whole = session.view.whole
    assert whole is not None
    assert [span.text for span in whole.spans] == texts(session)
    lines = [row.planned.plan.position for row in session.view.project.rows]
    assert [position.line for position in lines if position] == [1, 3, 4]
    desk.check(Sheet(text=source, seed=5))
    assert states(session) == ["done"] * 3  # the text means these very rows


def test_a_removed_row_is_out_of_text_and_whole_and_its_take_stays(desk: ScriptDesk) -> None:
    session = desk.rendered()

    source = session.rewrite(lambda project: project.removed("0"))
    desk.sessions.compile(KEY, TAB)

    assert "One is here" not in source
    whole = session.view.whole
    assert whole is not None
    assert [placed.row.id for placed in whole.rows] == ["1", "2"]
    assert f"{whole.stem}.001.wav" in takes(desk)


def test_an_edited_row_is_drawn_alone_and_its_old_takes_come_back_with_the_words(
    desk: ScriptDesk,
) -> None:
    session = desk.rendered()
    num_requests = len(desk.speaker.requests)

    source = apply_edit(session, "1", RowEdit(text="Two and a half.", mood="Calm", seed=""))
    assert states(session) == ["done", "planned", "done"]
    desk.want("1")
    desk.draw()

    assert [one.text for one in desk.speaker.requests[num_requests:]] == ["Two and a half."]
    assert "[Calm] Two and a half." in source
    assert states(session) == ["done"] * 3
    apply_edit(session, "1", RowEdit(text="Two is here!", mood="Angry", seed=""))
    assert states(session) == ["done"] * 3
    assert len(desk.speaker.requests) == num_requests + 1


def test_words_with_tags_make_several_rows_of_one(desk: ScriptDesk) -> None:
    session = desk.check(Sheet(text=TEXT))

    apply_edit(session, "0", RowEdit(text="One. [Sad] And a half.", mood="Calm", seed=""))

    moods = [row.planned.plan.mood for row in session.view.project.rows]
    assert moods == ["Calm", "Sad", "Angry", "Whispering"]


def test_a_pinned_seed_is_what_the_row_is_drawn_with(desk: ScriptDesk) -> None:
    session = desk.check(Sheet(text=TEXT, seed=5))

    apply_edit(session, "1", RowEdit(text="Two is here!", mood="Angry", seed="77"))
    desk.want()
    desk.draw()

    take = session.view.project.row("1").take
    assert take is not None
    assert take.seed == 77


@pytest.mark.parametrize(
    ("edit", "error"),
    [
        (RowEdit(text="", mood=None, seed=""), EmptyTextError),
        (RowEdit(text="One [", mood=None, seed=""), MarkupError),
        (RowEdit(text="One.", mood="[x]", seed=""), InvalidSettingError),
        (RowEdit(text="One.", mood=None, seed="many"), InvalidSettingError),
    ],
)
def test_an_edit_that_cannot_be_used_changes_nothing(
    desk: ScriptDesk, edit: RowEdit, error: type[Exception]
) -> None:
    session = desk.check(Sheet(text=TEXT))
    before = session.view.project

    with pytest.raises(error):
        apply_edit(session, "0", edit)

    assert session.view.project is before


def test_rows_do_not_change_while_the_text_above_says_something_else(desk: ScriptDesk) -> None:
    session = desk.check(Sheet(text=TEXT))

    check_fresh(session, TEXT)
    with pytest.raises(InvalidSettingError, match="press Check first"):
        check_fresh(session, TEXT + " Four.")


def refusing(error: Exception, text: str) -> Callable[[SpeechRequest], float]:
    def seconds(request: SpeechRequest) -> float:
        if request.text == text:
            raise error
        return 1.5

    return seconds


def test_a_row_that_cannot_be_spoken_says_why_and_the_rest_goes_on(desk: ScriptDesk) -> None:
    desk.speaker.seconds = refusing(TextTooLongError("too long for a take."), "Two is here!")

    session = desk.rendered()

    assert states(session) == ["done", "failed", "done"]
    assert session.view.project.row("1").problem == "too long for a take."
    assert session.view.problem is None
    whole = session.view.whole
    assert whole is not None
    assert whole.num_missing == 1


def test_what_stops_everything_is_told_once_and_what_is_done_stays(desk: ScriptDesk) -> None:
    desk.speaker.seconds = refusing(CheckpointError("the weights are damaged."), "Two is here!")

    session = desk.rendered()

    assert session.view.problem == "the weights are damaged."
    assert states(session) == ["done", "planned", "planned"]
    assert session.view.whole is not None


def test_stopping_keeps_what_is_done(desk: ScriptDesk) -> None:
    session = desk.session()

    def stop_at_two(request: SpeechRequest) -> float:
        if request.text == "Two is here!":
            session.stop()
            desk.speaker.gate()
            raise_stopped(desk)
        return 1.5

    desk.speaker.seconds = stop_at_two
    desk.rendered()

    assert states(session) == ["done", "planned", "planned"]
    assert session.view.run is None
    assert session.view.problem is None


def raise_stopped(desk: ScriptDesk) -> None:
    from intone.core.errors import EngineStoppedError

    assert desk.speaker.is_stopped
    raise EngineStoppedError("this work was stopped.")


def test_a_described_person_is_designed_once_and_locked_for_all_rows(desk: ScriptDesk) -> None:
    sheet = Sheet(text=TEXT, identity="A deep, raspy voice of a tired cowboy.", seed=5)
    session = desk.check(sheet)
    desk.want()
    desk.draw()

    assert session.view.problem is None
    assert states(session) == ["done"] * 3
    designed = desk.models.speakers["fake-design"].requests
    assert designed
    assert any("is now the voice designed-" in words for words in session.view.remarks)
    routes = [row.planned.plan.route for row in session.view.project.rows]
    assert set(routes) == {"bank"}
    num_designed = len(designed)
    again = desk.restarted()
    again.check(sheet, "another-tab")
    assert [row.planned.plan.route for row in again.session("another-tab").view.project.rows] == (
        routes
    )
    assert len(desk.models.speakers["fake-design"].requests) == num_designed


def test_roles_speak_with_their_own_voices(desk: ScriptDesk) -> None:
    text = "Nora: Late again.\nSam: I know.\n\nNobody spoke."
    session = desk.check(Sheet(text=text, identity="ava", cast={"nora": "fenrir"}))

    voices = [row.planned.plan.request.voice for row in session.view.project.rows]
    assert voices == ["fenrir", "ava", "ava"]


def test_a_row_that_was_edited_while_it_was_drawn_keeps_its_new_words(desk: ScriptDesk) -> None:
    session = desk.check(Sheet(text="One is here."))
    row = session.view.project.row("0")
    desk.want()
    desk.draw()
    take = session.view.project.row("0").take
    assert take is not None

    late = replace(take, name="late", key="of other words")
    changed = Project(seed=1, rows=(row,)).drawn("0", late)

    assert changed.row("0").take is None
