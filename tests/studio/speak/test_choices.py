"""The voices of the list: who can speak comes first, who cannot says what is needed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.studio.speak.speaking_desk import BUILTIN, LARGE, make_desk
from tests.studio.voices.people_desk import kept_voice

from intone.studio.speak.choices import all_voices, first_voice, instruct_info, voice_groups
from intone.studio.speak.shelf import dropdown_choices, shelf


def test_the_nine_are_shown_with_what_they_need(tmp_path: Path) -> None:
    groups = voice_groups(make_desk(tmp_path))
    assert [group.title for group in groups] == ["In the box", "Nine voices in ten languages"]
    nine = groups[1].voices
    assert len(nine) == 9
    assert all("0.6b-custom" in (voice.missing or "") for voice in nine)
    html = shelf(groups, "ava")
    assert "pull it under System" in html
    assert 'data-do="use" data-id="ryan"' not in html


def test_presets_of_a_model_that_is_here_can_be_chosen(tmp_path: Path) -> None:
    groups = voice_groups(make_desk(tmp_path, BUILTIN, LARGE))
    html = shelf(groups, "ryan")
    assert 'data-do="use" data-id="ryan" aria-pressed="true"' in html
    assert 'data-do="sample" data-id="ryan"' in html


def test_kept_voices_come_first_and_damaged_files_stand_in_nobodys_way(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    desk.library.put(kept_voice("nora", moods=("angry",)))
    (desk.library.directory / "broken.voice").write_bytes(b"nothing")
    groups = voice_groups(desk)
    assert [voice.name for voice in groups[0].voices] == ["nora"]
    assert groups[0].voices[0].description == "cloned, English, 1 moods"
    assert first_voice(groups) == "ava"


def test_speakers_of_tuned_models_have_a_group(tmp_path: Path) -> None:
    tuned = replace(LARGE, model="my-nora", voices=("nora",))
    groups = voice_groups(make_desk(tmp_path, BUILTIN, tuned))
    voice = next(one for one in all_voices(groups) if one.name == "nora")
    assert voice.description == "speaker of my-nora"


def test_where_nobody_can_speak_it_says_what_to_do(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, replace(LARGE, kind="design", voices=(), model="1.7b-design"))
    assert first_voice(voice_groups(desk)) is None
    assert "System" in shelf((), None)


def test_instruct_is_open_where_the_model_follows_it(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, BUILTIN, LARGE)
    assert instruct_info(desk, "ryan").can_follow
    info = instruct_info(desk, "ava")
    assert not info.can_follow
    assert "builtin does not follow" in info.words
    assert "unknown" in instruct_info(desk, "nobody").words


def test_names_are_escaped(tmp_path: Path) -> None:
    tuned = replace(LARGE, model="m", voices=("<img src=x>",))
    groups = voice_groups(make_desk(tmp_path, tuned))
    assert "<img" not in shelf(groups, None)
    assert ("<img src=x> · speaker of m", "<img src=x>") in dropdown_choices(groups)
