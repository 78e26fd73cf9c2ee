"""Scripts outlive the page and the process, and two browser tabs do not mix."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from tests.studio.script.script_desk import KEY, TAB, TEXT, ScriptDesk

from intone.core.errors import InvalidSettingError
from intone.studio.script.sessions import ScriptSessions
from intone.studio.script.sheet import Sheet

OTHER = "another-tab-of-it"


@pytest.fixture
def desk(tmp_path: Path) -> ScriptDesk:
    return ScriptDesk(tmp_path)


def test_rows_takes_and_order_are_there_after_a_restart(desk: ScriptDesk) -> None:
    desk.rendered()
    desk.want("1")
    session = desk.draw()
    session.rewrite(lambda project: project.moved("2", -1))
    session.change(lambda project: project.pinned("0", 9))
    desk.sessions.compile(KEY, TAB)
    before = session.view

    after = desk.restarted().session().view

    assert after.sheet == before.sheet
    assert [row.takes for row in after.project.rows] == [row.takes for row in before.project.rows]
    assert [row.id for row in after.project.rows] == ["0", "2", "1"]
    assert after.project.row("0").pinned_seed == 9
    assert [row.state(None) for row in after.project.rows] == ["done"] * 3
    assert after.whole is not None
    assert before.whole is not None
    assert after.whole.stem == before.whole.stem
    assert after.whole.duration_s == before.whole.duration_s


def test_a_take_that_is_gone_from_the_disk_is_drawn_again(desk: ScriptDesk) -> None:
    session = desk.rendered()
    take = session.view.project.row("1").take
    assert take is not None
    (desk.folder / "takes" / f"{take.name}.wav").unlink()

    again = desk.restarted()

    states = [row.state(None) for row in again.session().view.project.rows]
    assert states == ["done", "planned", "done"]
    again.want()
    assert [row.state(None) for row in again.draw().view.project.rows] == ["done"] * 3


def test_rows_that_cannot_be_planned_any_more_are_told(desk: ScriptDesk) -> None:
    desk.check(Sheet(text=TEXT, identity="ava"))
    desk.sessions.keep(KEY, TAB)
    again = desk.restarted()
    again.models.speakers["fake-custom"].can = again.models.speakers["fake-design"].can

    view = again.session().view

    assert view.project.rows == ()
    assert any("cannot be shown" in words for words in view.remarks)


def test_two_tabs_do_not_mix(desk: ScriptDesk) -> None:
    desk.rendered()
    desk.rendered("Something else is here.", tab=OTHER)

    first, second = desk.session().view, desk.session(OTHER).view

    assert len(first.project.rows) == 3
    assert [row.planned.plan.text for row in second.project.rows] == ["Something else is here."]
    assert first.project.stem != second.project.stem


def test_a_new_tab_begins_with_a_copy_that_goes_its_own_way(desk: ScriptDesk) -> None:
    original = desk.rendered()
    copy = desk.sessions.copied(KEY, OTHER, of=TAB)

    assert [row.take for row in copy.view.project.rows] == [
        row.take for row in original.view.project.rows
    ]
    copy.rewrite(lambda project: project.removed("0"))
    desk.sessions.compile(KEY, OTHER)

    assert len(original.view.project.rows) == 3
    assert copy.view.whole is not None
    assert original.view.whole is not None
    assert copy.view.whole.stem != original.view.whole.stem
    assert len(original.view.whole.rows) == 3


def test_an_id_that_is_a_path_is_refused(desk: ScriptDesk) -> None:
    for project_id in ("../../etc/passwd", "", "short"):
        with pytest.raises(InvalidSettingError):
            desk.sessions.get(KEY, project_id)


def test_another_key_finds_nothing_of_it(desk: ScriptDesk) -> None:
    desk.rendered()

    assert desk.sessions.find("somebody", TAB) is None


def test_whoever_looks_for_a_script_does_not_wait_while_another_one_is_read(
    desk: ScriptDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = desk.rendered("One is here.")
    desk.rendered("Two is here.", tab=OTHER)
    again = desk.restarted()
    is_reading, go_on = threading.Event(), threading.Event()

    def for_voice(voice: str | None) -> str:
        is_reading.set()
        assert go_on.wait(5)
        return "fake-custom"

    first = again.session()
    monkeypatch.setattr(again.models, "for_voice", for_voice)
    opening = threading.Thread(target=again.session, args=(OTHER,))
    opening.start()
    try:
        assert is_reading.wait(5)
        assert again.sessions.find(KEY, TAB) is first
        assert again.session() is first
    finally:
        go_on.set()
        opening.join(5)

    assert first.view.project.source == session.view.project.source


def test_sounds_of_idle_scripts_leave_the_memory_and_come_back_from_the_disk(
    desk: ScriptDesk,
) -> None:
    before = desk.rendered().view
    desk.rendered("Something else is here.", tab=OTHER)
    sessions = ScriptSessions(desk.desk, max_sound_bytes=1)

    first = sessions.get(KEY, TAB)
    assert first.sound_bytes > 1
    sessions.get(KEY, OTHER)

    assert sessions.find(KEY, TAB) is None
    assert sessions.find(KEY, OTHER) is not None
    again = sessions.get(KEY, TAB).view.whole
    assert again is not None
    assert before.whole is not None
    assert again.duration_s == before.whole.duration_s
