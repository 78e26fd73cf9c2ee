"""From a reference clip to a voice clone prompt: speaker encoder always, codec encoder for ICL.

Encoders are loaded on first use and results kept by content, so a second take with the same clip
runs no encoder.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Lock

import torch

from intone.audio.reference import ReferenceClip
from intone.core.errors import MissingReferenceTextError
from intone.core.types import Codes, Samples, VoiceClonePrompt
from intone.models.checkpoint import Checkpoint
from intone.models.codec.encoder import CodecEncoder
from intone.models.speaker_encoder import SpeakerEncoder
from intone.voices.encoders import codes_of, with_trailing_silence, x_vector_of

MAX_CACHED_VOICES = 32


class Cloner:
    """Makes voice clone prompts for one Base checkpoint; may be shared by threads."""

    def __init__(self, checkpoint: Checkpoint, device: torch.device) -> None:
        self._checkpoint = checkpoint
        self._device = device
        self._speaker_encoder: SpeakerEncoder | None = None
        self._codec_encoder: CodecEncoder | None = None
        self._made: OrderedDict[tuple[str, str | None, bool], VoiceClonePrompt] = OrderedDict()
        self._lock = Lock()

    def clone(
        self,
        clip: ReferenceClip,
        ref_text: str | None,
        *,
        x_vector_only: bool = False,
        append_silence: bool = True,
    ) -> VoiceClonePrompt:
        """Returns the clip's voice: an ICL prompt where its words are given, else an x-vector.

        Raises:
            MissingReferenceTextError: ICL was asked for (`x_vector_only=False`) without words.
            UnsupportedModeError: the checkpoint cannot clone.
        """
        words = None if x_vector_only else ref_text
        if words is not None and not words.strip():
            raise MissingReferenceTextError(
                "the reference text is empty; give the clip's exact words, or ask for the x-vector "
                "alone (x_vector_only)."
            )
        key = (hashlib.sha256(clip.samples.tobytes()).hexdigest(), words, append_silence)
        with self._lock:
            if key not in self._made:
                self._made[key] = self._make(clip.samples, words, append_silence)
                if len(self._made) > MAX_CACHED_VOICES:
                    self._made.popitem(last=False)
            self._made.move_to_end(key)
            return self._made[key]

    def _make(self, samples: Samples, words: str | None, append_silence: bool) -> VoiceClonePrompt:
        return VoiceClonePrompt(
            x_vector=self._x_vector(samples),
            ref_codes=None if words is None else self._codes(samples, append_silence),
            ref_text=words,
        )

    def _x_vector(self, samples: Samples) -> Samples:
        if self._speaker_encoder is None:
            self._speaker_encoder = self._checkpoint.load_speaker_encoder(self._device)
        return x_vector_of(self._speaker_encoder, samples, self._device)

    def _codes(self, samples: Samples, append_silence: bool) -> Codes:
        if self._codec_encoder is None:
            self._codec_encoder = self._checkpoint.load_codec_encoder(self._device)
        clip = with_trailing_silence(samples) if append_silence else samples
        return codes_of(self._codec_encoder, [clip], self._device)[0]
