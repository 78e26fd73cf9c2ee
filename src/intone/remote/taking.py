"""One take as it comes from a server: samples become chunks with frames, times and an end."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from intone.audio.tempo import Tempo
from intone.core.constants import SAMPLE_RATE_HZ, SAMPLES_PER_FRAME
from intone.core.types import AudioChunk, FinishReason, Samples, SpeechRequest, SpeechTiming
from intone.remote.decoding import AnswerDecoder
from intone.remote.dialects import Dialect

NO_SEED = -1
"""Of takes of a server whose API has no seeds: no request may have it, nothing repeats them."""

Clock = Callable[[], float]


class IncomingTake:
    """Turns what an answer brings into chunks, in order."""

    def __init__(
        self, request: SpeechRequest, dialect: Dialect, decoder: AnswerDecoder, clock: Clock
    ) -> None:
        """Begins with the request.

        Args:
            request: its seed is the one that was sent; None: the server has no seeds.
            clock: in seconds; the request was accepted now.
        """
        self._seed = NO_SEED if request.seed is None else request.seed
        self._max_frames = request.max_frames
        self._decoder = decoder
        self._tempo = Tempo(1.0 if dialect.has_speed else request.speed, SAMPLE_RATE_HZ)
        self._frame_samples = SAMPLES_PER_FRAME / (request.speed if dialect.has_speed else 1.0)
        self._clock = clock
        self._accepted_at = clock()
        self._ttfa_s: float | None = None
        self._num_received = 0
        self._num_samples = 0
        self._num_frames = 0

    @property
    def heard_s(self) -> float:
        """Seconds of audio that went out."""
        return self._num_samples / SAMPLE_RATE_HZ

    def feed(self, data: bytes) -> AudioChunk | None:
        """Returns the chunk that bytes complete, or None; raises an IntoneError."""
        received = self._decoder.feed(data)
        self._num_received += len(received)
        samples = self._tempo.feed(received)
        if not len(samples):
            return None
        return self._chunk(samples, int(self._num_received / self._frame_samples), None)

    def finish(self) -> AudioChunk:
        """Returns the last chunk; raises RemoteError where the answer is not whole."""
        end = self._decoder.finish()
        counted = round(-(-self._num_received // self._frame_samples))
        num_frames = counted if end.num_frames is None else end.num_frames
        reason = end.finish_reason
        if reason is None:  # a budget that was used up is all that plain PCM shows of its end
            is_used_up = self._max_frames is not None and num_frames >= self._max_frames
            reason = "length" if is_used_up else "stop"
        return self._chunk(self._tempo.flush(), num_frames, reason)

    def cancelled(self) -> AudioChunk:
        """Returns the last chunk of a take whose caller left."""
        return self._chunk(np.empty(0, np.float32), self._num_frames, "cancelled")

    def _chunk(self, samples: Samples, end_frame: int, reason: FinishReason | None) -> AudioChunk:
        start_frame, self._num_frames = self._num_frames, max(self._num_frames, end_frame)
        self._num_samples += len(samples)
        wall_s = self._clock() - self._accepted_at
        if self._ttfa_s is None:
            self._ttfa_s = wall_s
        return AudioChunk(
            samples=samples,
            sample_rate_hz=SAMPLE_RATE_HZ,
            start_frame=start_frame,
            num_frames=self._num_frames - start_frame,
            timing=SpeechTiming(ttfa_s=self._ttfa_s, wall_s=wall_s, audio_s=self.heard_s),
            seed=self._seed,
            finish_reason=reason,
        )
