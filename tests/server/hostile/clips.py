"""Files that a decoder should fear: headers that lie, bombs, and what is no sound at all.

Each is made here, from its format's own specification; none is a voice.
"""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import zipfile

import numpy as np
import soundfile

_SECOND = 24_000


def _chunk(name: bytes, data: bytes, size: int | None = None) -> bytes:
    return name + struct.pack("<I", len(data) if size is None else size) + data


def wav(
    data: bytes,
    *,
    tag: int = 1,
    channels: int = 1,
    rate_hz: int = _SECOND,
    bits: int = 16,
    align: int | None = None,
    data_size: int | None = None,
) -> bytes:
    """Returns a RIFF file whose header says whatever it is told."""
    frame = channels * bits // 8 if align is None else align
    byte_rate = rate_hz * frame & 0xFFFFFFFF
    form = struct.pack("<HHIIHH", tag, channels, rate_hz, byte_rate, frame & 0xFFFF, bits)
    body = b"WAVE" + _chunk(b"fmt ", form) + _chunk(b"data", data, data_size)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tone(seconds: float, rate_hz: int = _SECOND) -> np.ndarray:
    """Returns a tone [S], float64."""
    return 0.3 * np.sin(np.arange(int(seconds * rate_hz)) * 0.05)


def encoded(samples: np.ndarray, rate_hz: int, format: str, subtype: str | None = None) -> bytes:
    """Returns samples as a file of a format that libsndfile writes."""
    out = io.BytesIO()
    soundfile.write(out, samples, rate_hz, format=format, subtype=subtype)
    return out.getvalue()


def _pcm(seconds: float) -> bytes:
    return (tone(seconds) * 32767).astype("<i2").tobytes()


def _floats(value: float) -> bytes:
    return np.full(2 * _SECOND, value, dtype="<f4").tobytes()


def _zip(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../clip.wav", content)
    return out.getvalue()


def _ogg_page(data: bytes, *, granule: int = 0, flags: int = 2, version: int = 0) -> bytes:
    lacing = bytes([255] * (len(data) // 255) + [len(data) % 255])
    head = struct.pack("<4sBBqIII", b"OggS", version, flags, granule, 1, 0, 0)
    return head + bytes([len(lacing)]) + lacing + data


def _flac_head(*, rate_hz: int, channels: int = 1, num_samples: int = 0) -> bytes:
    packed = (rate_hz << 44) | ((channels - 1) << 41) | (15 << 36) | num_samples
    info = struct.pack(">HH6x", 4096, 4096) + packed.to_bytes(8, "big") + bytes(16)
    return b"fLaC" + bytes([0x80]) + len(info).to_bytes(3, "big") + info


def _broken(data: bytes, start: int) -> bytes:
    """Returns a file whose bytes from `start` on are noise."""
    noise = np.random.default_rng(1).integers(0, 256, len(data) - start, dtype=np.uint8)
    return data[:start] + noise.tobytes()


def corpus() -> dict[str, bytes]:
    """Returns every file by what is wrong with it."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, 4096, dtype=np.uint8).tobytes()
    flac = encoded(tone(2.0), _SECOND, "FLAC")
    vorbis = encoded(tone(2.0), _SECOND, "OGG", "VORBIS")
    mp3 = encoded(tone(2.0), _SECOND, "MP3")
    laughs = '<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">' * 9
    return {
        "nothing": b"",
        "one byte": b"R",
        "riff alone": b"RIFF",
        "wav without data": wav(b""),
        "wav of no channels": wav(_pcm(2), channels=0),
        "wav of 65535 channels": wav(_pcm(2), channels=65_535),
        "wav of 200 channels": wav(_pcm(2), channels=200),
        "wav at 0 Hz": wav(_pcm(2), rate_hz=0),
        "wav at 1 Hz": wav(_pcm(2), rate_hz=1),
        "wav at 4 GHz": wav(_pcm(2), rate_hz=2**32 - 1),
        "wav of 0 bits": wav(_pcm(2), bits=0),
        "wav of 65535 bits": wav(_pcm(2), bits=65_535),
        "wav that says 4 GB and is short": wav(_pcm(0.1), data_size=2**32 - 1),
        "wav cut in a sample": wav(_pcm(0.5))[:-1],
        "wav of an unknown coding": wav(_pcm(2), tag=0x4242),
        "wav of ADPCM without blocks": wav(_pcm(2), tag=2, align=0, bits=4),
        "wav of NaN": wav(_floats(float("nan")), tag=3, bits=32),
        "wav of infinity": wav(_floats(float("inf")), tag=3, bits=32),
        "wav of silence": wav(bytes(2 * 2 * _SECOND)),
        "wav of a minute and more": wav(bytes(8_000) + _pcm(20), rate_hz=4_000),
        "wav that holds a zip": wav(_zip(_pcm(0.2))),
        "wav64 that lies": b"RF64\xff\xff\xff\xffWAVEds64" + bytes([28, 0, 0, 0] + [255] * 28),
        "zip under the name of a wav": _zip(wav(_pcm(2))),
        "zip bomb": _zip(bytes(20_000_000)),
        "gzip bomb": gzip.compress(bytes(20_000_000)),
        "flac magic alone": b"fLaC",
        "flac at 0 Hz": _flac_head(rate_hz=0) + noise,
        "flac that says 2**36 samples": _flac_head(rate_hz=_SECOND, num_samples=2**36 - 1),
        "flac of noise": _broken(flac, 42),
        "flac bomb of ten minutes": encoded(np.zeros(600 * 8_000, np.int16), 8_000, "FLAC"),
        "flac bomb of eight channels": encoded(
            np.zeros((8 * 192_000, 8), np.int16), 192_000, "FLAC"
        ),
        "ogg magic alone": b"OggS",
        "ogg of a later version": _ogg_page(b"\x01vorbis" + bytes(23), version=9),
        "ogg vorbis of no channels": _ogg_page(b"\x01vorbis" + bytes(23)),
        "ogg vorbis cut after its head": vorbis[:58],
        "ogg vorbis of noise": _broken(vorbis, 200),
        "ogg opus of no channels": _ogg_page(b"OpusHead\x01\x00" + bytes(9)),
        "ogg that ends before it begins": _ogg_page(b"\x01vorbis" + bytes(23), granule=-1),
        "mp3 tag of 256 MB": b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f" + noise,
        "mp3 tags in tags": b"ID3\x04\x00\x00\x00\x00\x00\x0a" * 400,
        "mp3 of one frame": mp3[:200],
        "mp3 heads without frames": b"\xff\xfb\x90\x00" * 500,
        "aiff of no channels": b"FORM\x00\x00\x00\x2eAIFFCOMM\x00\x00\x00\x12" + bytes(18) + noise,
        "au that begins at 4 GB": b".snd" + struct.pack(">IIIII", 2**32 - 1, 2**32 - 1, 3, 8000, 1),
        "mp4 with a huge atom": b"\x00\x00\x00\x14ftypM4A " + bytes(4) + b"\xff" * 4 + b"moov",
        "webm without an end": b"\x1aE\xdf\xa3\x01\xff\xff\xff\xff\xff\xff\xff" + noise,
        "a picture": b"\x89PNG\r\n\x1a\n" + noise,
        "xml with entities": f'<!DOCTYPE x [<!ENTITY a "ha">{laughs}]><x>&b;</x>'.encode(),
        "a pickle": pickle.dumps({"x_vector": [0.1] * 16}),
        "a program": b"\x7fELF\x02\x01\x01" + noise,
        "text in UTF-16": "not a sound".encode("utf-16"),
        "noise": noise,
    }  # fmt: skip
