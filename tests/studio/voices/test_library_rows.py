"""The library on the page: who is there, what is wrong, what can be done with a kept voice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from tests.render.fake_synthesizer import person
from tests.studio.voices.people_desk import KEY, fakes, kept_voice, make_desk
from tests.train.speech import speech

from intone.audio.reference import load_reference
from intone.core.errors import (
    InvalidSettingError,
    ReferenceAudioError,
    UnsupportedModeError,
    VoiceFileError,
)
from intone.studio.clone.recording import Recording
from intone.studio.voices.bank import add_mood
from intone.studio.voices.importing import import_voice
from intone.studio.voices.listing import kept_rows, preset_rows
from intone.studio.voices.naming import free_name
from intone.studio.voices.rows import bank_html, kept_html, presets_html, voice_html
from intone.voices.making import report_clip, speaker_voice
from intone.voices.voice import Making
from intone.voices.voice_file import voice_bytes

CLIP = load_reference((speech(4.0), 24_000))
RECORDING = Recording(CLIP, report_clip(CLIP))


def test_presets_and_kept_voices_are_listed_with_what_is_known_of_them(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    desk.library.put(kept_voice("nora", moods=("angry",)))
    designed = replace(kept_voice("sam"), kind="designed", making=Making(description="A cowboy."))
    desk.library.put(designed)

    assert [row.name for row in preset_rows(desk)] == ["ava", "fenrir"]
    nora, sam = kept_rows(desk)
    assert (nora.about, nora.moods, nora.language) == (
        "cloned from a recording", ("angry",), "English",
    )  # fmt: skip
    assert sam.about == "designed: “A cowboy.”"
    assert (nora.problem, nora.is_damaged) == (None, False)
    html = kept_html([nora, sam], "sam")
    assert html.count('data-do="play"') == 2
    assert html.count('aria-current="true"') == 1
    assert 'data-id="ava"' in presets_html(preset_rows(desk))


def test_a_damaged_file_is_shown_as_such_without_its_path(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    desk.library.put(kept_voice("nora"))
    desk.library.path("nora").write_bytes(b"no voice")
    (row,) = kept_rows(desk)
    assert row.is_damaged
    assert str(tmp_path) not in (row.problem or "")
    html = kept_html([row], None)
    assert "file is damaged" in html
    assert "foreign or truncated" in (row.problem or "")
    assert 'data-do="play"' not in html
    assert 'data-do="open"' in html


def test_a_voice_that_no_model_here_speaks_with_says_what_to_pull(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, "custom")
    desk.library.put(kept_voice("nora"))
    (row,) = kept_rows(desk)
    assert "pull one under System" in kept_html([row], None)


def test_an_empty_library_says_how_to_begin() -> None:
    assert "clone one from 10 seconds of audio" in kept_html([], None)
    assert "CustomVoice" in presets_html([])
    assert "add a recording" in bank_html(kept_voice("nora"))


def test_what_a_voice_says_of_itself_is_never_read_as_html() -> None:
    bad = "<img src=x onerror=alert(1)>"
    voice = replace(kept_voice("nora", moods=("angry",)), consent=bad)
    assert "<img" not in voice_html(voice, "/sound/a.voice")
    assert 'download="nora.voice"' in voice_html(voice, "/sound/a.voice")
    assert 'data-do="remove" data-id="angry"' in bank_html(voice)


def test_a_name_is_refused_in_words(tmp_path: Path) -> None:
    library = make_desk(tmp_path).library
    library.put(kept_voice("nora"))
    assert free_name(library, " bob ") == "bob"
    for name, told in (
        (None, "no name yet"), ("NORA", "kept already"), ("ava", "a preset's"),
        ("../x", "cannot be"),
    ):  # fmt: skip
        with pytest.raises(InvalidSettingError, match=told):
            free_name(library, name)


def test_a_voice_file_is_taken_in_and_anything_else_refused(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    good, bad = tmp_path / "nora.voice", tmp_path / "words.voice"
    good.write_bytes(voice_bytes(kept_voice("nora")))
    bad.write_text("these are words")
    (tmp_path / "song.mp3").write_bytes(b"x")

    assert import_voice(desk, str(good), "").name == "nora"
    assert import_voice(desk, str(good), " twin ").name == "twin"
    assert desk.library.names() == ("nora", "twin")
    with pytest.raises(InvalidSettingError, match="kept already"):
        import_voice(desk, str(good), "")
    for path, told in ((bad, "foreign"), (tmp_path / "song.mp3", "allowed: .voice")):
        with pytest.raises(VoiceFileError, match=told):
            import_voice(desk, str(path), "")
    with pytest.raises(VoiceFileError, match="no file yet"):
        import_voice(desk, None, "")
    with pytest.raises(VoiceFileError, match="not here any more"):
        import_voice(desk, str(tmp_path / "gone.voice"), "")


def test_a_mood_joins_the_bank_and_is_compared_with_the_voice(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    desk.library.put(kept_voice("somebody"))
    added = asyncio.run(
        add_mood(desk, KEY, "somebody", " Angry ", "Words.", RECORDING, anyway=False)
    )
    kept = desk.library.get("somebody")
    clip = kept.reference("angry")
    assert kept.moods == ("angry",)
    assert clip is not None
    assert clip.codes is not None
    assert (clip.x_vector == person("somebody")).all()
    assert "1.00: the same person to this ear" in added.told()
    assert fakes(desk).leased == ["fake-base"]
    with pytest.raises(InvalidSettingError, match="has the mood 'angry' already"):
        asyncio.run(add_mood(desk, KEY, "somebody", "angry", None, RECORDING, anyway=False))


def test_a_bank_takes_no_empty_mood_no_refused_clip_and_belongs_to_a_person(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    desk.library.put(kept_voice("nora"))
    desk.library.put(speaker_voice("star", "star", model="run", hidden_size=16))
    refused = Recording(CLIP, report_clip(CLIP, "Word. " * 200, "english"))
    with pytest.raises(InvalidSettingError, match="has no mood yet"):
        asyncio.run(add_mood(desk, KEY, "nora", " ", None, RECORDING, anyway=False))
    with pytest.raises(ReferenceAudioError, match="too long"):
        asyncio.run(add_mood(desk, KEY, "nora", "sad", "Words.", refused, anyway=False))
    with pytest.raises(UnsupportedModeError, match="a cloned or designed voice"):
        asyncio.run(add_mood(desk, KEY, "star", "sad", None, RECORDING, anyway=False))
    assert fakes(desk).leased == []
