"""Formats while they stream: the same sound, decodable wherever a stream is cut."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest
import soundfile

from intone.audio.stream_encoders import (
    SoundFormat,
    can_stream,
    stream_encoder,
    whole_encoder,
)
from intone.core.errors import MissingDependencyError
from intone.core.types import Samples

av = pytest.importorskip("av")

RATE_HZ = 24_000
STREAMED: tuple[SoundFormat, ...] = ("wav", "pcm", "mp3", "opus", "aac", "flac")


def tone(seconds: float = 1.5) -> Samples:
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (0.4 * np.sin(2 * np.pi * 440 * time_s)).astype(np.float32)


def streamed(format: SoundFormat, samples: Samples, chunk_samples: int = 1_920) -> list[bytes]:
    encoder = stream_encoder(format, RATE_HZ)
    starts = range(0, len(samples), chunk_samples)
    return [*(encoder.feed(samples[s : s + chunk_samples]) for s in starts), encoder.finish()]


def decoded(format: SoundFormat, data: bytes) -> Samples:
    """Returns what a player gets out of it, at 24 kHz."""
    if format == "pcm":
        return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.float32) / 32_768
    found = []
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE_HZ)
    with av.open(io.BytesIO(data)) as container:
        for packet in container.demux(audio=0):
            try:
                frames = packet.decode()
            except av.error.InvalidDataError:
                continue  # the frame that the cut went through
            found += [part.to_ndarray()[0] for f in frames for part in resampler.resample(f)]
    return np.concatenate(found) if found else np.empty(0, np.float32)


def loudest_hz(samples: Samples) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * RATE_HZ / len(samples)


@pytest.mark.parametrize("format", STREAMED)
def test_a_stream_holds_the_sound(format: SoundFormat) -> None:
    samples = tone()
    heard = decoded(format, b"".join(streamed(format, samples)))
    assert len(heard) == pytest.approx(len(samples), abs=2_500)
    assert loudest_hz(heard) == pytest.approx(440, abs=3)
    middle = heard[len(heard) // 4 : -len(heard) // 4]  # aac overshoots where the tone begins
    assert np.abs(middle).max() == pytest.approx(0.4, abs=0.05)


@pytest.mark.parametrize("format", STREAMED)
def test_bytes_leave_while_the_take_is_made(format: SoundFormat) -> None:
    parts = streamed(format, tone(2.0))
    sizes = np.cumsum([len(part) for part in parts])
    assert sizes[4] > 0, "nothing left in the first 400 ms"
    assert sizes[len(parts) // 2] > 0.35 * sizes[-1]


@pytest.mark.parametrize("format", STREAMED)
@pytest.mark.parametrize("share", [0.25, 0.501, 0.83])
def test_a_stream_that_is_cut_anywhere_can_be_decoded(format: SoundFormat, share: float) -> None:
    samples = tone(2.0)
    data = b"".join(streamed(format, samples))
    heard = decoded(format, data[: int(share * len(data))])
    assert len(heard) > (share - 0.2) * len(samples)
    assert loudest_hz(heard) == pytest.approx(440, abs=8)


@pytest.mark.parametrize("format", ["wav", "pcm", "flac"])
def test_lossless_formats_hold_the_same_samples(format: SoundFormat) -> None:
    samples = tone()
    exact = np.rint(samples * 32_767).astype(np.int16)
    heard = decoded(format, b"".join(streamed(format, samples)))
    assert np.array_equal(np.rint(heard * 32_768).astype(np.int16), exact)


@pytest.mark.parametrize("format", ["wav", "mp3", "opus", "flac", "ogg"])
def test_a_whole_sound_says_how_long_it_is(format: SoundFormat) -> None:
    encoder = whole_encoder(format, RATE_HZ)
    assert encoder.feed(tone()) == b""
    with soundfile.SoundFile(io.BytesIO(encoder.finish())) as sound:
        assert sound.frames / sound.samplerate == pytest.approx(1.5, abs=0.1)


@pytest.mark.parametrize("format", STREAMED)
def test_a_take_without_a_sample_is_no_error(format: SoundFormat) -> None:
    encoder = stream_encoder(format, RATE_HZ)
    encoder.feed(np.empty(0, np.float32))
    encoder.finish()
    whole_encoder(format, RATE_HZ).finish()


@pytest.mark.parametrize("format", ["mp3", "opus", "aac", "flac"])
def test_without_pyav_the_extra_is_named(
    format: SoundFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    assert not can_stream(format)
    with pytest.raises(MissingDependencyError, match=r"intone\[codecs\]"):
        stream_encoder(format, RATE_HZ)


def test_without_pyav_whole_files_are_made_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    for format in ("wav", "pcm", "mp3", "opus", "flac", "ogg"):
        encoder = whole_encoder(format, RATE_HZ)  # type: ignore[arg-type]
        assert encoder.feed(tone()) + encoder.finish()
    with pytest.raises(MissingDependencyError, match=r"intone\[codecs\]"):
        whole_encoder("aac", RATE_HZ)


def test_vorbis_is_made_whole_only() -> None:
    assert not can_stream("ogg")
    with pytest.raises(MissingDependencyError, match="ogg cannot be streamed"):
        stream_encoder("ogg", RATE_HZ)
