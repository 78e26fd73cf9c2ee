"""Voices of clips that requests bring, made once: the second request with a clip does not wait."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass

from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.types import Samples, VoiceClonePrompt
from intone.server.models import ServedModel

_MAX_KEPT = 64
"""Of up to 100 kB each; the one that was used longest ago goes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A reference clip, decoded and checked."""

    samples: Samples
    """[S] at 24 kHz."""
    text: str | None
    x_vector_only: bool

    @property
    def sha256(self) -> bytes:
        """Of all of it."""
        words = repr((self.text, self.x_vector_only)).encode()
        return hashlib.sha256(words + self.samples.tobytes()).digest()


class CloneCache:
    """Clone prompts in memory alone, found by model and clip."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, bytes], VoiceClonePrompt] = OrderedDict()

    async def prompt(self, name: str, model: ServedModel, clip: Clip) -> VoiceClonePrompt:
        """Returns the voice of a clip; raises as `ServedModel.clone`.

        Args:
            name: of the model, as the pool knows it.
        """
        key = (name, clip.sha256)
        found = self._kept.get(key)
        if found is None:
            found = await asyncio.to_thread(
                model.clone,
                (clip.samples, SAMPLE_RATE_HZ),
                clip.text,
                x_vector_only=clip.x_vector_only,
            )
        self._kept[key] = found
        self._kept.move_to_end(key)
        while len(self._kept) > _MAX_KEPT:
            self._kept.popitem(last=False)
        return found
