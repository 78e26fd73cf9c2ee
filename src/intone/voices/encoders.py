"""What is read from a clip: an x-vector and codec frames. Inference and training share these."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from intone.core.constants import SAMPLE_RATE_HZ, SAMPLES_PER_FRAME
from intone.core.types import Codes, Samples
from intone.models.checkpoint import Checkpoint
from intone.models.codec.encoder import CodecEncoder
from intone.models.mel import log_mel
from intone.models.speaker_encoder import SpeakerEncoder

TRAILING_SILENCE_S = 0.5
"""Appended to an ICL reference, else its last phoneme bleeds into the first word (as others found:
andimarafioti/faster-qwen3-tts, pull request 9)."""


def with_trailing_silence(samples: Samples) -> Samples:
    """Returns the samples of an ICL reference [S], silence behind them."""
    silence = np.zeros(int(TRAILING_SILENCE_S * SAMPLE_RATE_HZ), dtype=np.float32)
    return np.concatenate([samples, silence])


@torch.inference_mode()
def x_vector_of(encoder: SpeakerEncoder, samples: Samples, device: torch.device) -> Samples:
    """Returns the raw x-vector [H] of a clip [S] at 24 kHz, S > 384."""
    mel = log_mel(torch.from_numpy(samples)[None].to(device))
    vector: Samples = encoder(mel)[0].cpu().numpy()
    return vector


@torch.inference_mode()
def codes_of(encoder: CodecEncoder, clips: Sequence[Samples], device: torch.device) -> list[Codes]:
    """Returns the codes of clips [S] at 24 kHz, S > 0, encoded as one batch: int64 [F, K] each.

    Up to the rounding of sums, which a batch may order otherwise, a clip gets the codes that it
    gets alone.
    """
    lengths = [len(samples) for samples in clips]
    batch = np.zeros((len(clips), max(lengths)), dtype=np.float32)
    for row, samples in zip(batch, clips, strict=True):
        row[: len(samples)] = samples
    is_even = min(lengths) == max(lengths)
    told = None if is_even else torch.tensor(lengths, device=device)
    frames = encoder.encode(torch.from_numpy(batch).to(device), told).transpose(1, 2).cpu().numpy()
    counts = (-(-length // SAMPLES_PER_FRAME) for length in lengths)
    return [found[:count].copy() for found, count in zip(frames, counts, strict=True)]


class Encoders:
    """A checkpoint's two encoders, each loaded when first needed."""

    def __init__(self, directory: Path, device: str) -> None:
        self._checkpoint = Checkpoint(directory)
        self._device = torch.device(device)
        self._speaker: SpeakerEncoder | None = None
        self._codec: CodecEncoder | None = None

    @property
    def has_codec_encoder(self) -> bool:
        """Whether `codes` works."""
        return self._checkpoint.has_codec_encoder

    def x_vector(self, samples: Samples) -> Samples:
        """Returns the raw x-vector [H] of a clip [S]; raises UnsupportedModeError."""
        if self._speaker is None:
            self._speaker = self._checkpoint.load_speaker_encoder(self._device)
        return x_vector_of(self._speaker, samples, self._device)

    def codes(self, samples: Samples, append_silence: bool) -> Codes:
        """Returns the codes [F, K] of a clip [S]; raises UnsupportedModeError."""
        if self._codec is None:
            self._codec = self._checkpoint.load_codec_encoder(self._device)
        clip = with_trailing_silence(samples) if append_silence else samples
        return codes_of(self._codec, [clip], self._device)[0]
