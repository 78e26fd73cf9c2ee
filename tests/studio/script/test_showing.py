"""What the page shows of rows, tags, cast and whole, as HTML."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.studio.script.script_desk import TEXT, ScriptDesk

from intone.core.errors import InvalidSettingError, MarkupError
from intone.studio.script.palette import (
    bank_of,
    cast_html,
    found_in,
    moods_for,
    palette_html,
    problem_html,
)
from intone.studio.script.rows import Take
from intone.studio.script.sheet import Sheet, cast_of, seed_of
from intone.studio.script.showing import NO_ROWS, rows_html, status_html
from intone.studio.script.view import Run
from intone.studio.script.whole_panel import whole_html
from intone.voices.library import VoiceLibrary


@pytest.fixture
def desk(tmp_path: Path) -> ScriptDesk:
    return ScriptDesk(tmp_path)


def sound_of(take: Take) -> str:
    return f"/sound/{take.name}"


def test_rows_before_there_are_any_say_what_to_do(desk: ScriptDesk) -> None:
    assert NO_ROWS in rows_html(desk.session().view, sound_of)


def test_a_row_shows_state_similarity_seed_and_what_cannot_be_performed(desk: ScriptDesk) -> None:
    view = desk.rendered().view
    take = view.project.rows[1].take
    assert take is not None

    html = rows_html(view, sound_of)

    assert html.count('class="script-row done"') == 3
    assert f"seed {take.seed}" in html
    assert "<b>1.00</b> similar" in html
    assert f'data-take="/sound/{take.name}"' in html
    assert "Line 1: ava: &#x27;Angry&#x27; is spoken neutrally" in html


def test_words_of_a_script_are_no_html(desk: ScriptDesk) -> None:
    text = '<img src=x onerror="alert(1)"> said: [<b>Loud</b>] hello.'
    view = desk.check(Sheet(text=text, is_dialogue=False)).view

    html = rows_html(view, sound_of) + cast_html(['<i data-x="'], {}, [("<b>", "<u>")])

    assert not any(tag in html for tag in ("<img", "<b>", "<i ", "<u>"))


def test_a_run_says_which_segment_of_how_many_and_how_long_the_rest_takes(
    desk: ScriptDesk,
) -> None:
    session = desk.check(Sheet(text=TEXT))
    desk.want()
    project = session.view.project.begun("0").begun("1")
    expected_s = project.row("0").planned.plan.expected_s
    run = Run(began_s=100.0, doing="", row_id="1", num_done=1, expected_done_s=expected_s)
    view = replace(session.view, project=project, run=run)

    html = status_html(view, now_s=100.0 + 4 * expected_s)

    assert "Segment 2 of 3" in html
    rest_s = sum(project.row(row).planned.plan.expected_s for row in ("1", "2"))
    assert f"about {4 * rest_s:.0f} s left" in html
    again = rows_html(replace(view, run=replace(run, again=2)), sound_of)
    assert "again 2" in again
    assert 'class="script-row drawing"' in again
    assert 'class="script-row waiting"' in again


def test_takes_of_a_row_stand_side_by_side(desk: ScriptDesk) -> None:
    desk.rendered()
    desk.want("0")
    view = desk.draw().view
    first, second = view.project.row("0").current_takes

    html = rows_html(view, sound_of)

    assert f'data-do="use" data-id="0:{first.name}"' in html
    assert f'data-do="use" data-id="0:{second.name}"' not in html
    assert "Play take 2 of row 1" in html


def test_the_whole_can_be_played_and_saved_in_every_format(desk: ScriptDesk) -> None:
    view = desk.rendered().view
    assert view.whole is not None

    html = whole_html(view, "/studio/script/x", "/sound/whole.wav")

    for ending in ("wav", "mp3", "flac", "ogg", "srt", "vtt"):
        assert f'download="{view.whole.stem}.{ending}"' in html
    assert "similarity lowest 1.00, mean 1.00" in html
    assert 'data-play="/sound/whole.wav?v=' in html


def test_moods_that_a_voice_has_recordings_of_come_first_and_are_marked() -> None:
    assert moods_for(("tired", "angry"))[:3] == ("Tired", "Angry", "Neutral")

    html = palette_html(("tired",))

    assert html.index("[Tired]") < html.index("[Neutral]")
    assert 'class="intone-button tag recorded" data-tag="[Tired] "' in html
    for tag in ("[Pause]", "[pause:1.5s]", "[rate:1.1]", "[voice:NAME]", "[lang:fr]", "[reset]"):
        assert f'data-tag="{tag} "' in html
    assert 'data-tag="[say:GIF|jiff]"' in html


def test_a_preset_or_a_damaged_voice_has_no_bank(tmp_path: Path) -> None:
    (tmp_path / "broken.voice").write_bytes(b"no voice")

    assert bank_of("ava", VoiceLibrary(tmp_path)) == ()
    assert bank_of("broken", VoiceLibrary(tmp_path)) == ()
    assert bank_of(None, VoiceLibrary(tmp_path)) == ()


def test_speakers_of_a_text_are_found_and_keep_their_voices() -> None:
    speakers, words = found_in(Sheet(text="Nora: Hello.\nSam (Solo): Yes."))

    html = cast_html(speakers, {"nora": "fenrir"}, [("Fenrir", "fenrir")])

    assert (speakers, words) == (("Nora", "Sam"), "2 segments")
    assert 'data-speaker="Nora" value="fenrir"' in html
    assert 'data-speaker="Sam" value=""' in html


def test_an_error_with_a_place_has_a_button_that_leads_there() -> None:
    error = MarkupError("the bracket is open.", line=3, column=7)

    assert 'data-goto="3,7"' in problem_html(error)
    assert "Line 3, column 7: the bracket is open." in problem_html(error)


def test_what_the_page_sends_may_be_anything() -> None:
    assert cast_of("[]") == {}
    assert cast_of("no json") == {}
    assert cast_of('{"Nora": 3, "Sam": "ava"}') == {"Sam": "ava"}
    assert seed_of(" 12 ") == 12
    assert seed_of("") is None
    for sent in ("-1", "x", "1.5", str(2**63)):
        with pytest.raises(InvalidSettingError, match="seed is"):
            seed_of(sent)
