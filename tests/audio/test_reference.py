"""Reference clips: every accepted form gives the same clip, every bad one its own message."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from intone.audio.reference import ReferenceSource, load_reference
from intone.core.errors import ReferenceAudioError
from intone.core.types import Samples

RATE_HZ = 24_000


def tone(rate_hz: int = RATE_HZ, duration_s: float = 1.5, gain: float = 0.5) -> Samples:
    time_s = np.arange(int(duration_s * rate_hz), dtype=np.float32) / rate_hz
    return (gain * np.sin(2 * np.pi * 220 * time_s)).astype(np.float32)


def wav_bytes(samples: Samples, rate_hz: int = RATE_HZ, subtype: str = "PCM_16") -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate_hz, format="WAV", subtype=subtype)
    return buffer.getvalue()


def test_a_clip_at_the_codec_rate_is_untouched() -> None:
    clip = load_reference((tone(), RATE_HZ))

    np.testing.assert_array_equal(clip.samples, tone())
    assert (clip.source_rate_hz, clip.source_channels, clip.duration_s) == (RATE_HZ, 1, 1.5)
    assert clip.source_peak == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 44_100, 48_000])
def test_any_rate_becomes_24_khz(rate_hz: int) -> None:
    clip = load_reference((tone(rate_hz), rate_hz))

    assert clip.samples.dtype == np.float32
    assert abs(len(clip.samples) - 36_000) <= 1
    middle = slice(2_000, 34_000)
    assert np.abs(clip.samples[middle] - tone()[middle]).max() < 5e-3


@pytest.mark.parametrize(
    ("dtype", "scale", "offset"),
    [
        (np.int8, 127, 0),
        (np.uint8, 127, 128),
        (np.int16, 32_767, 0),
        (np.int32, 2**31 - 1, 0),
        (np.float16, 1, 0),
        (np.float64, 1, 0),
    ],
)
def test_integers_and_floats_give_the_same_clip(
    dtype: type[np.generic], scale: int, offset: int
) -> None:
    samples = (tone().astype(np.float64) * scale + offset).astype(dtype)

    clip = load_reference((samples, RATE_HZ))

    np.testing.assert_allclose(clip.samples, tone(), atol=1.6e-2)


def test_stereo_is_averaged() -> None:
    stereo = np.stack([tone(gain=0.6), tone(gain=0.2)], axis=1)

    clip = load_reference((stereo, RATE_HZ))

    np.testing.assert_allclose(clip.samples, tone(gain=0.4), atol=1e-6)
    assert clip.source_channels == 2


def test_a_peak_above_one_is_scaled_down() -> None:
    clip = load_reference((tone(gain=4.0), RATE_HZ))

    np.testing.assert_allclose(clip.samples, tone(gain=1.0), atol=1e-3)
    assert clip.source_peak == pytest.approx(4.0, abs=0.02)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3", "a.aiff"])
def test_files_and_their_bytes_give_the_same_clip(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    soundfile.write(path, tone(), RATE_HZ)

    clips = [load_reference(source) for source in (path, str(path), path.read_bytes())]

    for clip in clips[1:]:
        np.testing.assert_array_equal(clip.samples, clips[0].samples)
    assert clips[0].duration_s == pytest.approx(1.5, abs=0.1)


def test_sixty_seconds_are_allowed() -> None:
    assert load_reference((tone(8_000, 60.0), 8_000)).duration_s == pytest.approx(60.0)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param("none.wav", "none.wav does not exist; check the path", id="missing"),
        pytest.param(".", "is a directory; give one audio file", id="directory"),
        pytest.param("https://a.b/c.wav", "is an address; download it", id="address"),
        pytest.param(b"", r"\(0 bytes\) is empty; give 1 to 60 s of speech", id="no bytes"),
        pytest.param(b"words", "cannot be decoded; give a wav, flac, mp3", id="undecodable"),
        pytest.param(wav_bytes(tone())[:40], "cannot be decoded", id="truncated header"),
        pytest.param(wav_bytes(tone()[:0]), "holds no samples", id="empty file"),
        pytest.param((tone()[:0], RATE_HZ), "holds no samples", id="empty array"),
        pytest.param((tone(duration_s=0.5), RATE_HZ), r"too short \(0.50 s\)", id="short"),
        pytest.param((tone(8_000, 60.1), 8_000), "longer than 60 s; cut it", id="long"),
        pytest.param(wav_bytes(tone(8_000, 61), 8_000), "longer than 60 s", id="long file"),
        pytest.param((np.zeros(48_000), RATE_HZ), "is silent; give 1 to 60 s", id="silent"),
        pytest.param((tone(gain=1e-4), RATE_HZ), "is silent", id="nearly silent"),
        pytest.param((np.full(48_000, np.nan), RATE_HZ), "not finite numbers", id="nan"),
        pytest.param((np.full(48_000, np.inf), RATE_HZ), "not finite numbers", id="infinite"),
        pytest.param(
            wav_bytes(np.full(48_000, np.nan, np.float32), subtype="FLOAT"),
            "not finite numbers",
            id="nan file",
        ),
        pytest.param((np.zeros((2, 48_000)), RATE_HZ), r"shape \(2, 48000\)", id="turned"),
        pytest.param((np.zeros((2, 2, 2)), RATE_HZ), "give .samples. or", id="three axes"),
        pytest.param((np.array(1.0), RATE_HZ), r"shape \(\)", id="scalar"),
        pytest.param((np.zeros(48_000, complex), RATE_HZ), "holds complex128", id="complex"),
        pytest.param((np.zeros(48_000, np.int64), RATE_HZ), "holds int64", id="wide integers"),
        pytest.param((tone(), 0), "sample rate of 0 Hz; allowed: 4000 to 384000", id="rate"),
        pytest.param((tone(), -24_000), "sample rate of -24000 Hz", id="negative rate"),
    ],
)
def test_a_bad_clip_is_refused_with_its_reason(source: ReferenceSource, message: str) -> None:
    with pytest.raises(ReferenceAudioError, match=message):
        load_reference(source)


def test_channels_that_cancel_out_are_silent() -> None:
    with pytest.raises(ReferenceAudioError, match="is silent"):
        load_reference((np.stack([tone(), -tone()], axis=1), RATE_HZ))


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    with pytest.raises(ReferenceAudioError, match=r"a\.wav is empty"):
        load_reference(tmp_path / "a.wav")


def test_an_unreadable_file_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, mode: str) -> None:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ReferenceAudioError, match="cannot be read: Permission denied"):
        load_reference(tmp_path / "a.wav")


def test_a_file_that_claims_a_huge_length_is_read_only_past_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "bomb.flac"
    soundfile.write(path, np.zeros(RATE_HZ * 600, np.int16), RATE_HZ)
    assert path.stat().st_size < 200_000
    with pytest.raises(ReferenceAudioError, match="longer than 60 s"):
        load_reference(path)


def test_what_decodes_to_too_much_is_refused_before_it_is_in_memory() -> None:
    bomb = io.BytesIO()  # 25 kB
    soundfile.write(bomb, np.zeros((8 * 192_000, 8), np.int16), 192_000, format="FLAC")

    with pytest.raises(ReferenceAudioError, match="8 channels at 192000 Hz"):
        load_reference(bomb.getvalue())


def test_a_file_of_many_channels_is_refused() -> None:
    many = io.BytesIO()
    soundfile.write(many, np.full((24_000, 9), 0.1), 12_000, format="WAV")

    with pytest.raises(ReferenceAudioError, match="9 channels"):
        load_reference(many.getvalue())
