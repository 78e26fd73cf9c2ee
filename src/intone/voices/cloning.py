"""From a reference clip to a voice clone prompt: speaker encoder always, codec encoder for ICL.

Encoders are loaded on first use and results kept by content, so a second take with the same clip
runs no encoder.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Literal

from intone.audio.reference import ReferenceClip
from intone.core.errors import MissingReferenceTextError
from intone.core.types import Samples, VoiceClonePrompt

if TYPE_CHECKING:
    from intone.voices.encoders import Encoders

MAX_CACHED_VOICES = 32

CloneForm = Literal["icl", "x_vector"]
"""icl: the talker reads the clip's codec frames and words, and goes on as that person. x_vector: it
is told who speaks by one vector, and nothing of how the clip was said."""

DEFAULT_FORM_WITH_WORDS: CloneForm = "icl"
"""What becomes of a clip whose words are given, unless a flag says otherwise: nearer to the person.
Without its words a clip gives an x-vector; there is no choice."""


class Cloner:
    """Makes voice clone prompts for one checkpoint; may be shared by threads."""

    def __init__(self, directory: Path, device: str) -> None:
        """Loads nothing yet, torch included.

        Args:
            device: where the encoders run: cpu, cuda, cuda:N.
        """
        self._directory = directory
        self._device = device
        self._encoders: Encoders | None = None
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

    @property
    def can_make_codes(self) -> bool:
        """Whether the checkpoint has the codec encoder that an ICL prompt needs."""
        with self._lock:
            return self._opened().has_codec_encoder

    def x_vector(self, samples: Samples) -> Samples:
        """Returns the x-vector [H] of samples [S] at 24 kHz, S > 384; nothing is kept.

        Raises:
            UnsupportedModeError: the checkpoint has no speaker encoder.
        """
        with self._lock:
            return self._opened().x_vector(samples)

    def _make(self, samples: Samples, words: str | None, append_silence: bool) -> VoiceClonePrompt:
        encoders = self._opened()
        return VoiceClonePrompt(
            x_vector=encoders.x_vector(samples),
            ref_codes=None if words is None else encoders.codes(samples, append_silence),
            ref_text=words,
        )

    def _opened(self) -> Encoders:
        if self._encoders is None:
            from intone.voices.encoders import Encoders  # torch, which a preset take never needs

            self._encoders = Encoders(self._directory, self._device)
        return self._encoders
