"""Where a clip's sound comes from, and the sound itself, as the codec and the voice are given it.

A clip is named by content: the bytes of its file and its cut. Renaming or moving files encodes
nothing again; a changed byte does. Naming by decoded samples would also see through a change of
container, but a second run would have to decode everything to find that nothing is missing.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from intone.audio.reference import (
    MAX_CHANNELS,
    MAX_RATE_HZ,
    MIN_RATE_HZ,
    load_reference,
    to_codec_rate,
    to_mono,
)
from intone.audio.silence import KEPT_LEAD_S, KEPT_TAIL_S, trim_silence
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.errors import ReferenceAudioError
from intone.core.types import Samples
from intone.train.data.verdicts import Code

DECODING = 1
"""Of how bytes become samples; another number encodes every clip again."""

MIN_CLIP_S = 0.1
MAX_CLIP_S = 300.0
"""The codec encoder attends to the whole past: memory grows with the square of a clip."""

_CUT_TOLERANCE_S = 0.001


@dataclass(frozen=True, slots=True)
class ClipSource:
    """A file or a stretch of it."""

    path: Path
    start_s: float | None = None
    end_s: float | None = None
    is_reference: bool = False
    """Read and judged as inference does a reference clip."""
    is_trimmed: bool = False
    """Silence at its ends is cut down to 0.1 s and 0.2 s."""

    def key(self, file_sha256: str, made: Mapping[str, str | float]) -> str:
        """Returns the name of what is made from the clip.

        Args:
            file_sha256: of the whole file.
            made: what is made, and by what: everything that the result depends on.
        """
        told = {
            "decoding": DECODING,
            "file": file_sha256,
            "start_s": self.start_s,
            "end_s": self.end_s,
            "is_reference": self.is_reference,
            "trimmed_to_s": [KEPT_LEAD_S, KEPT_TAIL_S] if self.is_trimmed else None,
            **made,
        }
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode("utf-8")).hexdigest()


@dataclass(frozen=True, slots=True)
class ClipProblem:
    """Why a clip cannot be encoded."""

    code: Code
    reason: str


def file_sha256(path: Path) -> str | ClipProblem:
    """Returns the hash of a regular file, or why there is none."""
    try:
        if not path.is_file():  # a pipe or a device would keep the reader waiting
            what = "is no regular file" if path.exists() else "does not exist"
            return ClipProblem("missing_audio", f"{path} {what}")
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return ClipProblem("missing_audio", f"{path} cannot be read: {error.strerror or error}")


def about_seconds(source: ClipSource) -> float:
    """Returns what the header tells of a clip's length; 0 where it tells nothing."""
    if source.end_s is not None:
        return source.end_s - (source.start_s or 0.0)
    try:
        return max(0.0, float(soundfile.info(source.path).duration) - (source.start_s or 0.0))
    except (OSError, soundfile.SoundFileError):  # the decoder will say what is wrong
        return 0.0


def read_clip(source: ClipSource) -> Samples | ClipProblem:
    """Returns the clip's samples [S] at 24 kHz, mono, in [-1, 1], or what is wrong with it."""
    try:
        if source.is_reference:
            return load_reference(source.path).samples
        # By name: through a Python file object, libsndfile's callbacks print what they catch.
        with soundfile.SoundFile(source.path) as sound:
            return _read_cut(sound, source)
    except ReferenceAudioError as error:
        return ClipProblem("bad_reference", str(error))
    except OSError as error:
        return ClipProblem("missing_audio", f"{source.path} cannot be read: {error}")
    except soundfile.SoundFileError as error:
        return ClipProblem("undecodable_audio", f"{source.path}: {str(error).strip()}")


def _read_cut(sound: soundfile.SoundFile, source: ClipSource) -> Samples | ClipProblem:
    rate_hz, channels = sound.samplerate, sound.channels
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ or channels > MAX_CHANNELS:
        return _undecodable(
            source,
            f"{rate_hz} Hz, {channels} channels; allowed: {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz, "
            f"up to {MAX_CHANNELS} channels",
        )
    first = round((source.start_s or 0.0) * rate_hz)
    last = sound.frames if source.end_s is None else round(source.end_s * rate_hz)
    if not 0 <= first < min(last, sound.frames):
        return _bad_cut(source, sound.frames / rate_hz)
    if not MIN_CLIP_S <= (last - first) / rate_hz <= MAX_CLIP_S:
        code: Code = "too_short" if last - first < MIN_CLIP_S * rate_hz else "too_long"
        reason = f"{(last - first) / rate_hz:.2f} s; allowed: {MIN_CLIP_S:g} to {MAX_CLIP_S:g} s"
        return ClipProblem(code, f"{source.path}: {reason}")
    sound.seek(first)
    read: Samples = sound.read(last - first, dtype="float32", always_2d=True)
    if len(read) < last - first - math.ceil(_CUT_TOLERANCE_S * rate_hz):
        return _undecodable(source, f"broken off after {len(read)} of {last - first} samples")
    if not np.isfinite(read).all():
        return _undecodable(source, "samples that are not finite numbers")
    samples = to_codec_rate(to_mono(read), rate_hz)
    return _trimmed(samples, source) if source.is_trimmed else samples


def _trimmed(samples: Samples, source: ClipSource) -> Samples | ClipProblem:
    start, end = trim_silence(samples, SAMPLE_RATE_HZ)
    if end - start < MIN_CLIP_S * SAMPLE_RATE_HZ:
        return ClipProblem("silent", f"{source.path}: no sound is left between its silences")
    return samples[start:end]


def _undecodable(source: ClipSource, reason: str) -> ClipProblem:
    return ClipProblem("undecodable_audio", f"{source.path}: {reason}")


def _bad_cut(source: ClipSource, duration_s: float) -> ClipProblem:
    return ClipProblem(
        "bad_cut",
        f"{source.path}: start {source.start_s}, end {source.end_s}; "
        f"allowed: 0 <= start < end <= {duration_s:.3f} s",
    )
