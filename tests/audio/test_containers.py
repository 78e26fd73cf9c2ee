"""What browsers and phones record is a clip like any other; what is no sound is refused."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest

from intone.audio.containers import DecodingLimits, decode_container
from intone.audio.reference import load_reference
from intone.core.errors import MissingDependencyError, ReferenceAudioError
from intone.core.types import Samples

av = pytest.importorskip("av")

LIMITS = DecodingLimits(max_s=60.0, max_samples=12_000_000, max_channels=8)


def tone(rate_hz: int = 48_000, duration_s: float = 2.0) -> Samples:
    time_s = np.arange(int(duration_s * rate_hz), dtype=np.float32) / rate_hz
    return (0.5 * np.sin(2 * np.pi * 220 * time_s)).astype(np.float32)


def encoded(container: str, codec: str, samples: Samples, rate_hz: int = 48_000) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate_hz, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.rate = rate_hz
        resampler = av.AudioResampler(
            format=stream.codec_context.format, layout="mono", rate=rate_hz, frame_size=960
        )
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("container", "codec"),
    [("webm", "libopus"), ("mp4", "aac"), ("adts", "aac"), ("ogg", "libopus")],
)
def test_a_recording_of_a_browser_or_a_phone_is_a_clip(container: str, codec: str) -> None:
    clip = load_reference(encoded(container, codec, tone()))

    assert clip.source_rate_hz == 48_000
    assert clip.duration_s == pytest.approx(2.0, abs=0.06)
    assert float(np.abs(clip.samples[12_000:36_000]).max()) == pytest.approx(0.5, abs=0.05)


def test_a_long_recording_is_read_just_past_the_limit() -> None:
    limits = DecodingLimits(max_s=1.0, max_samples=12_000_000, max_channels=8)
    samples, rate_hz = decode_container(
        "clip", io.BytesIO(encoded("webm", "libopus", tone(duration_s=4.0))), limits
    )
    assert len(samples) == rate_hz + 1


def test_a_recording_of_more_samples_than_allowed_is_refused() -> None:
    limits = DecodingLimits(max_s=60.0, max_samples=10_000, max_channels=8)
    with pytest.raises(ReferenceAudioError, match="more than 10,000 samples"):
        decode_container("clip", io.BytesIO(encoded("webm", "libopus", tone())), limits)


@pytest.mark.parametrize("data", [b"just words\n" * 400, b"\x1aE\xdf\xa3" + bytes(2_000), b"x"])
def test_what_is_no_sound_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(ReferenceAudioError, match="cannot be decoded|no sound"):
        load_reference(data)


def test_a_playlist_opens_no_other_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret.aac"
    secret.write_bytes(encoded("adts", "aac", tone()))
    playlists = (
        f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{secret}\n#EXT-X-ENDLIST\n",
        f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://{secret}\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile '{secret}'\n",
    )
    for playlist in playlists:
        with pytest.raises(ReferenceAudioError, match="cannot be decoded"):
            load_reference(playlist.encode())


def test_a_cut_recording_gives_what_there_is() -> None:
    whole = encoded("webm", "libopus", tone(duration_s=4.0))
    clip = load_reference(whole[: len(whole) * 2 // 3])
    assert 1.0 < clip.duration_s < 4.0


def test_without_pyav_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    webm = encoded("webm", "libopus", tone())
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingDependencyError, match="codecs"):
        decode_container("clip", io.BytesIO(webm), LIMITS)
    with pytest.raises(ReferenceAudioError, match=r"intone\[codecs\]"):
        load_reference(webm)
