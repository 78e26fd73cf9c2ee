"""A recording is judged before it is used, and what is wrong with it is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.train.speech import speech

from intone.core.errors import ReferenceAudioError
from intone.core.types import Samples
from intone.studio.clone.recording import audible, check_usable, take_in
from intone.studio.clone.report import report_html
from intone.studio.clone.waveform import silences, waveform_svg

LIMIT = 50_000_000


def with_pause() -> Samples:
    return np.concatenate([speech(2.0), np.zeros(12_000, np.float32), speech(2.0, seed=1)])


def upload(folder: Path, samples: Samples, name: str = "clip.wav") -> str:
    path = folder / name
    soundfile.write(path, samples, 24_000)
    return str(path)


def test_a_file_that_is_no_sound_is_refused_by_its_name_without_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "words.wav"
    for data, told in ((b"these are words\n" * 99, "cannot be decoded"), (b"", "is empty")):
        path.write_bytes(data)
        with pytest.raises(ReferenceAudioError, match=f"^words.wav {told}") as caught:
            take_in(str(path), None, "auto", limit_bytes=LIMIT)
        assert str(tmp_path) not in str(caught.value)


def test_a_file_over_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "big.wav"
    with path.open("wb") as file:
        file.truncate(60_000_000)
    with pytest.raises(ReferenceAudioError, match="has 60 MB; allowed: up to 50 MB"):
        take_in(str(path), None, "auto", limit_bytes=LIMIT)


def test_without_a_recording_the_page_says_what_it_wants(tmp_path: Path) -> None:
    with pytest.raises(ReferenceAudioError, match="5 to 10 seconds of one person"):
        take_in(None, None, "auto", limit_bytes=LIMIT)
    with pytest.raises(ReferenceAudioError, match="upload it again"):
        take_in(str(tmp_path / "gone.wav"), None, "auto", limit_bytes=LIMIT)
    with pytest.raises(ReferenceAudioError, match=r"too short \(0.50 s\)"):
        take_in(upload(tmp_path, speech(0.5)), None, "auto", limit_bytes=LIMIT)


def test_a_refused_recording_is_used_only_when_that_is_ticked(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 96_000).astype(np.float32)
    recording = take_in(upload(tmp_path, noise), None, "auto", limit_bytes=LIMIT)
    assert recording.report.severity == "refuse"
    with pytest.raises(ReferenceAudioError, match="steady noise.*Use it anyway"):
        check_usable(recording, anyway=False)
    check_usable(recording, anyway=True)


def test_the_report_says_what_matters_first_in_words(tmp_path: Path) -> None:
    path = upload(tmp_path, with_pause())
    good = take_in(path, "Some words for four seconds and a half.", "english", limit_bytes=LIMIT)
    foreign = take_in(path, "Word. " * 120, "english", limit_bytes=LIMIT)

    html = report_html(foreign)
    assert html.index('class="refuse"') < html.index('class="fine"')
    assert "the transcript is too long" in html
    assert "This recording is refused" in html
    assert "refused:" not in report_html(good)
    assert "<b>Length</b> 4.5 s" in report_html(good)


def test_the_picture_marks_the_silence_and_tells_it_in_words(tmp_path: Path) -> None:
    recording = take_in(upload(tmp_path, with_pause()), None, "auto", limit_bytes=LIMIT)
    svg = waveform_svg(recording.clip)
    assert svg.count('class="gap"') == 1
    assert "silences: 2.0 to 2.5 s" in svg
    assert 'class="sound"' in svg
    assert "#" not in svg  # its colours are the theme's
    flags = np.array([True] * 30 + [False] * 10 + [True] * 30 + [False] * 30)
    assert silences(flags) == [(0.7, 1.0)]


def test_what_was_uploaded_can_be_heard_whatever_it_was(tmp_path: Path) -> None:
    path = tmp_path / "clip.flac"
    soundfile.write(path, speech(3.0, rate_hz=48_000), 48_000)
    clip = take_in(str(path), None, "auto", limit_bytes=LIMIT).clip
    heard = audible(str(path), clip)
    assert soundfile.info(heard).samplerate == 24_000
    assert audible(str(path), clip) == heard
