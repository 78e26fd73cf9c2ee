"""Every fault of a clip is told with its number, and a clean one is left in peace."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.train.speech import silence, speech

from intone.audio.reference import load_reference
from intone.audio.reference_report import (
    Finding,
    ReferenceReport,
    Severity,
    SpokenRange,
    report_reference,
)
from intone.audio.resample import resample
from intone.core.types import Samples


def bright(duration_s: float, *, seed: int = 0) -> Samples:
    """Returns speech with s-sounds, a little silence at both ends."""
    sound = speech(duration_s, seed=seed)
    hiss = np.random.default_rng(seed).normal(0, 0.01, len(sound)).astype(np.float32)
    hiss *= np.abs(sound) > 0.02
    return np.concatenate([silence(0.1), sound + hiss, silence(0.2)])


def report(
    samples: Samples, rate_hz: int = 24_000, words: tuple[float, float] | None = None
) -> ReferenceReport:
    spoken = None if words is None else SpokenRange(shortest_s=words[0], longest_s=words[1])
    return report_reference(load_reference((samples, rate_hz)), spoken)


def of(found: ReferenceReport, aspect: str) -> Finding:
    return next(one for one in found.findings if one.aspect == aspect)


def test_a_clean_clip_is_fine_in_every_aspect() -> None:
    found = report(bright(6.0), words=(3.0, 12.0))

    assert (found.severity, found.of("warn"), len(found.findings)) == ("fine", (), 8)
    assert found.lead_s == pytest.approx(0.1, abs=0.03)
    assert found.tail_s == pytest.approx(0.2, abs=0.05)


@pytest.mark.parametrize(
    ("samples", "aspect", "severity", "words"),
    [
        (bright(1.5), "length", "warn", "1.8 s, 1.5 s of it sound: short"),
        (bright(25.0), "length", "warn", "25.3 s.*: long"),
        (np.concatenate([silence(2), speech(0.4), silence(2)]), "length", "refuse", "too little"),
        (np.clip(bright(5) * 9, -0.5, 0.5), "clipping", "refuse", "% of the samples are clipped"),
        (bright(5) * 0.03, "clipping", "warn", "very quiet"),
        (bright(5) + silence(5.3, noise=0.03), "noise", "warn", "noisy; takes keep the noise"),
        (silence(5, noise=0.1), "noise", "refuse", "only 1 dB above the quiet"),
        (np.concatenate([silence(1.5), bright(5)]), "beginning", "warn", "1.6 s of silence"),
        (bright(5)[6_000:], "beginning", "warn", "middle of a word"),
        (np.concatenate([bright(5), silence(1.5)]), "end", "warn", "1.7 s of silence"),
        (bright(5)[:-7_200], "end", "warn", "ends in the middle of a sound, -[0-9]+ dB"),
        (resample(resample(bright(5), 24_000, 8_000), 8_000, 24_000), "band", "warn", "telephone"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_is_told_with_its_number(
    samples: Samples, aspect: str, severity: Severity, words: str
) -> None:
    found = of(report(samples.astype(np.float32)), aspect)

    assert found.severity == severity
    assert re.search(words, found.message), found.message


def test_a_telephones_file_is_known_by_its_rate() -> None:
    found = report(resample(bright(5.0), 24_000, 8_000), 8_000)

    assert of(found, "band").severity == "warn"
    assert "8,000 Hz, mono" in of(found, "source").message


def test_stereo_in_float_above_full_scale_is_told(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.stack([bright(5.0) * 9] * 2, axis=1), 48_000, "FLOAT")
    found = report_reference(load_reference(path))

    assert "48,000 Hz, 2 channels, averaged to one; its peak of" in of(found, "source").message
    assert of(found, "clipping").severity == "fine"


@pytest.mark.parametrize(
    ("words", "severity", "told"),
    [
        ((3.0, 9.0), "fine", "the words take 3.0 to 9.0 s"),
        ((7.0, 20.0), "warn", "transcript is too long"),
        ((20.0, 60.0), "refuse", "transcript is too long"),
        ((0.5, 4.0), "warn", "transcript is too short"),
        ((0.2, 2.0), "refuse", "transcript is too short"),
    ],
)
def test_words_of_another_clip_are_noticed(
    words: tuple[float, float], severity: Severity, told: str
) -> None:
    found = of(report(bright(6.0), words=words), "words")

    assert found.severity == severity
    assert told in found.message


def test_without_words_none_are_missed() -> None:
    assert of(report(bright(6.0)), "words").severity == "fine"
