"""What is measured of a clip, and that no bytes whatever raise."""

from __future__ import annotations

import io
import os
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.train.speech import RATE_HZ, save, silence, speech

from intone.audio.pcm import to_pcm16
from intone.train.data.clip_stats import ClipFailure, ClipStats, measure_clip


def stats_of(path: Path, start_s: float | None = None, end_s: float | None = None) -> ClipStats:
    measured = measure_clip(path, start_s, end_s)
    assert isinstance(measured, ClipStats), measured
    return measured


def failure_of(path: Path, start_s: float | None = None, end_s: float | None = None) -> ClipFailure:
    measured = measure_clip(path, start_s, end_s)
    assert isinstance(measured, ClipFailure), measured
    return measured


def test_lengths_levels_and_silence(tmp_path: Path) -> None:
    clip = np.concatenate([silence(0.4), speech(2.0), silence(0.6)])

    stats = stats_of(save(tmp_path / "a.wav", clip))

    assert stats.duration_s == pytest.approx(3.0)
    assert (stats.rate_hz, stats.channels, stats.clipped_share) == (RATE_HZ, 1, 0.0)
    assert stats.peak == pytest.approx(float(np.abs(clip).max()), abs=1e-4)
    assert stats.lead_s == pytest.approx(0.4, abs=0.03)
    assert stats.tail_s == pytest.approx(0.6, abs=0.05)
    assert stats.speech_s == pytest.approx(2.0, abs=0.07)
    assert stats.loud_db > -20
    assert stats.floor_db < -70


def test_a_long_clip_is_measured_in_blocks_as_if_in_one(tmp_path: Path) -> None:
    clip = np.concatenate([silence(0.4), speech(25.0), silence(0.6)])
    whole = stats_of(save(tmp_path / "a.flac", clip))

    cut = stats_of(save(tmp_path / "b.flac", np.concatenate([silence(3), clip])), 3.0, None)

    assert whole.duration_s == pytest.approx(26.0)
    assert cut == whole


def test_the_digest_is_of_the_sound_and_not_of_the_file(tmp_path: Path) -> None:
    clip = to_pcm16(speech(1.0))  # whole steps: the two encoders round in their own ways
    wav = stats_of(save(tmp_path / "a.wav", clip))
    flac = stats_of(save(tmp_path / "b.flac", clip))
    stereo = stats_of(save(tmp_path / "c.wav", np.stack([clip, clip], axis=1)))
    other = stats_of(save(tmp_path / "d.wav", clip // 2))

    assert wav.digest == flac.digest == stereo.digest != other.digest
    assert stereo.channels == 2


def test_clipping_counts_samples_at_full_scale(tmp_path: Path) -> None:
    clip = speech(1.0, gain=0.3)
    clip[1_000:1_240] = 1.0

    assert stats_of(save(tmp_path / "a.wav", clip)).clipped_share == pytest.approx(0.01)


def test_a_silent_clip_is_all_lead(tmp_path: Path) -> None:
    stats = stats_of(save(tmp_path / "a.wav", np.zeros(RATE_HZ, np.float32)))

    assert (stats.lead_s, stats.tail_s, stats.speech_s) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("start_s", "end_s"),
    [(1.0, 3.5), (0.0, 1.002), (1.0, None), (0.7, 0.7), (0.5, 0.2), (0.0, 1e305), (1e305, None)],
)
def test_a_cut_outside_of_the_file_is_named(
    tmp_path: Path, start_s: float, end_s: float | None
) -> None:
    failure = failure_of(save(tmp_path / "a.wav", speech(1.0)), start_s, end_s)

    assert failure.code == "bad_cut"
    assert f"start {start_s}, end {end_s}" in failure.reason
    assert "1.000 s of the file" in failure.reason


def test_what_is_no_file_is_missing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    names = ("absent.wav", "", "pipe.wav", "x" * 300, "nul\0.wav")

    assert {failure_of(tmp_path / name).code for name in names} == {"missing_audio"}


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.write_bytes(b""), "."),
        (lambda path: path.write_bytes(b"not a sound"), "."),
        (lambda path: save(path, np.empty(0, np.float32)), "no samples"),
        (lambda path: save(path, speech(1.0), rate_hz=2_000), "sample rate 2000 Hz"),
        (lambda path: save(path, np.zeros((100, 9), np.float32)), "9 channels"),
        (
            lambda path: soundfile.write(path, np.full(100, np.nan), 24_000, subtype="FLOAT"),
            "not finite",
        ),
    ],
    ids=["empty", "foreign", "no samples", "rate", "channels", "nan"],
)
def test_what_cannot_be_decoded_says_why(tmp_path: Path, make: object, reason: str) -> None:
    path = tmp_path / "a.wav"
    make(path)  # type: ignore[operator]

    failure = failure_of(path)

    assert failure.code in ("undecodable_audio", "bad_cut")
    assert reason in failure.reason


def test_a_flac_that_breaks_off_is_no_clip(tmp_path: Path) -> None:
    path = save(tmp_path / "a.flac", speech(3.0))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    assert failure_of(path).code == "undecodable_audio"


def test_a_flac_from_a_pipe_says_what_is_wrong(tmp_path: Path) -> None:
    path = save(tmp_path / "a.flac", speech(1.0))
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0  # STREAMINFO's count of samples, 36 bits
    data[22:26] = bytes(4)
    path.write_bytes(data)

    assert "does not tell its length" in failure_of(path).reason


def test_any_bytes_get_an_answer(tmp_path: Path) -> None:
    """Headers and bodies of real files with bytes changed, added and cut away."""
    rng, answers = random.Random(7), Counter[str]()
    originals = {name: _encoded(name) for name in ("wav", "flac", "ogg", "aiff")}
    for round_ in range(400):
        name = rng.choice(list(originals))
        data = bytearray(originals[name])
        if rng.random() < 0.3:
            del data[rng.randrange(len(data)) :]
        for _ in range(rng.choice([1, 3, 10, 200])):
            if data:
                data[rng.randrange(min(len(data), rng.choice([44, 100, 10**9])))] = rng.randrange(
                    256
                )
        path = tmp_path / f"{round_}.{name}"
        path.write_bytes(data)
        answers[type(measure_clip(path, *rng.choice([(None, None), (0.1, 0.2)]))).__name__] += 1

    assert answers.total() == 400
    assert min(answers["ClipStats"], answers["ClipFailure"]) > 20


def _encoded(name: str) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, speech(0.3), RATE_HZ, format=name.upper())
    return buffer.getvalue()
