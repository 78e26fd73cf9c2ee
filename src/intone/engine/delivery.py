"""What the caller gets of one request: which draws are thrown away, and how fast it sounds.

A take that missed its end is drawn again as long as nothing of it was heard; the caller sees one
take with one seed. No thread, no clock: whoever holds the chunks asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from intone.audio.silence import levels_db
from intone.audio.tempo import Tempo, change_tempo
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.seeds import derived_seed
from intone.core.types import Audio, AudioChunk, Samples, SpeechRequest
from intone.text.duration import expected_duration

MAX_DRAWS = 3
"""Misses run in families: a text that missed its end three times will mostly miss it again."""

_AUDIBLE_DB = -50.0
"""A take that never was louder has not been heard yet."""


class Draws:
    """Counts the draws of one request and gives each its seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.num = 1

    @property
    def seed(self) -> int:
        """Seed of the draw under way; the first has the request's own."""
        return self._seed if self.num == 1 else derived_seed(self._seed, "guard", self.num)

    def again(self) -> bool:
        """Counts one more draw and returns True; False when there were enough."""
        if self.num >= MAX_DRAWS:
            return False
        self.num += 1
        return True

    def signed(self, chunk: AudioChunk) -> AudioChunk:
        """Returns the chunk as the request's: its seed, and how many draws it took."""
        return replace(chunk, seed=self._seed, num_draws=self.num)

    def chosen(self, takes: Sequence[Audio], request: SpeechRequest) -> Audio:
        """Returns the take to keep of those drawn, at least one, in order, at the speed asked for.

        One that ended by itself, else the one whose length is nearest to what its text takes.
        """
        typical_s = expected_duration(request.text, request.language).typical_s
        ended = [take for take in takes if take.finish_reason != "guard"]
        best = min(ended or takes, key=lambda take: abs(take.duration_s - typical_s))
        samples = change_tempo(best.samples, request.speed, SAMPLE_RATE_HZ)
        timing = replace(takes[-1].timing, audio_s=len(samples) / SAMPLE_RATE_HZ)
        return replace(best, samples=samples, seed=self._seed, num_draws=self.num, timing=timing)


class Delivery:
    """Chunks of one request on their way to a caller who listens along."""

    def __init__(self, seed: int, speed: float) -> None:
        self.draws = Draws(seed)
        self._tempo = Tempo(speed, SAMPLE_RATE_HZ)
        self._is_heard = False
        self._num_samples = 0
        self._end_frame = 0
        self._first_frame = 0
        """Of the draw under way: silence of an earlier one may have gone out."""

    def wants_another(self, chunk: AudioChunk) -> bool:
        """Whether this last chunk is to be dropped and the take drawn again: then `draws` has
        moved on."""
        is_missed = chunk.finish_reason == "guard"
        if not is_missed or self._is_heard or _is_audible(chunk.samples):
            return False
        self._first_frame = self._end_frame
        return self.draws.again()

    def passed_on(self, chunk: AudioChunk) -> AudioChunk:
        """Returns the chunk as the caller gets it."""
        self._is_heard = self._is_heard or _is_audible(chunk.samples)
        samples = self._tempo.feed(chunk.samples)
        if chunk.is_last:
            samples = np.concatenate([samples, self._tempo.flush()])
        start_frame = self._first_frame + chunk.start_frame
        self._end_frame = start_frame + chunk.num_frames
        self._num_samples += len(samples)
        timing = replace(chunk.timing, audio_s=self._num_samples / SAMPLE_RATE_HZ)
        return replace(
            self.draws.signed(chunk), samples=samples, start_frame=start_frame, timing=timing
        )


def _is_audible(samples: Samples) -> bool:
    return bool(len(samples)) and float(levels_db(samples, SAMPLE_RATE_HZ).max()) > _AUDIBLE_DB
