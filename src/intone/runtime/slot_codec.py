"""The codec decoder on a GPU: each stream is a row, each call a few recorded pieces of work.

On a CPU the same code runs the same work as plain calls, which is how it is tested.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import torch
from torch import Tensor

from intone.core.constants import SAMPLES_PER_FRAME
from intone.core.errors import CapacityError
from intone.core.types import Codes, Samples
from intone.models.codec.decoder import CodecDecoder
from intone.runtime.codec_slots.arena import StreamArena
from intone.runtime.codec_slots.lane import DeviceLane
from intone.runtime.codec_slots.sizes import WorkSizes
from intone.runtime.codec_slots.steps import ArenaSteps
from intone.runtime.codec_slots.voices import WarmVoices
from intone.runtime.graphs import GraphPool
from intone.runtime.stage_times import StageTimes

VOICE_CACHE_BYTES = 128 * 2**20
"""Device memory for states after ICL references: about 25 voices of the released codec."""


@dataclass(slots=True, eq=False)
class SlotStream:
    """A take's row."""

    row: int
    num_frames: int = 0
    """Frames of the take that are audio; the reference is not counted."""
    is_released: bool = False


class SlotDecoder:
    """Implements the engine's `AudioDecoder`; made by one thread, then used by one."""

    def __init__(
        self,
        decoder: CodecDecoder,
        *,
        num_streams: int,
        graphs: GraphPool,
        times: StageTimes | None = None,
        voice_cache_bytes: int = VOICE_CACHE_BYTES,
        sizes: WorkSizes | None = None,
    ) -> None:
        """Allocates every row and records all work.

        Args:
            decoder: for inference only from here on: what its weights imply is kept, not computed.
            num_streams: takes that may be open at once: two for each slot of the runner.
            graphs: for this decoder alone. Graphs of one pool must not run at the same time, and
                the runner's do run while audio is made.
            times: where `codec_s` is counted; None counts for this decoder alone.
            voice_cache_bytes: memory for states after ICL references; 0 keeps none.
            sizes: what is recorded; None is what a GPU wants.
        """
        decoder.fold()
        self.times = StageTimes() if times is None else times
        self._num_streams = num_streams
        self._num_codebooks = decoder.config.num_codebooks
        self._sizes = WorkSizes() if sizes is None else sizes
        self._free = list(range(num_streams))
        first_voice = num_streams + 1  # after the scratch row
        num_voices = voice_cache_bytes // self.row_bytes(decoder)
        self._voices = WarmVoices(range(first_voice, first_voice + num_voices))
        self._scratch_row = num_streams
        self._device = decoder.pre_conv.conv.weight.device
        self._lane = DeviceLane(self._device)
        with self._lane.entered():
            self._arena = StreamArena(decoder, first_voice + num_voices)
            self._steps = ArenaSteps(decoder, self._arena, self._scratch_row, self._sizes, graphs)
        self._lane.wait()

    @staticmethod
    def row_bytes(decoder: CodecDecoder) -> int:
        """Returns what the state of one stream, or of one kept voice, takes."""
        return StreamArena.row_bytes(decoder)

    @property
    def max_joined_frames(self) -> int:
        """Up to how many frames of one stream are best waited for in a crowd."""
        return self._sizes.frames[-1]

    @property
    def max_call_frames(self) -> int:
        """Frames of all streams that one call is best given."""
        return self._sizes.max_call_frames

    @property
    def num_free(self) -> int:
        """Streams that can be opened."""
        return len(self._free)

    def open(self, ref_codes: Codes | None) -> SlotStream:
        """Returns a stream that has heard the ICL reference [F, K]; its audio is dropped.

        Raises:
            CapacityError: every row is in use.
        """
        if not self._free:
            raise CapacityError(
                f"all {self._num_streams} streams of the codec are in use; release one, or open "
                "the decoder with more."
            )
        if ref_codes is not None:
            self._check(ref_codes)
        started = perf_counter()
        stream = SlotStream(heapq.heappop(self._free))
        with self._lane.entered():
            self._start(stream.row, ref_codes)
        self.times.codec_s += perf_counter() - started
        return stream

    def _start(self, row: int, ref_codes: Codes | None) -> None:
        """Brings a row, whatever it holds, to where a take begins."""
        warm = None if ref_codes is None else self._voices.find(ref_codes)
        if warm is not None:
            self._arena.copy(row, warm)
            return
        self._arena.reset(row)
        if ref_codes is None:
            return
        self._advance([row], ref_codes[None])
        kept = self._voices.keep(ref_codes)
        if kept is not None:
            self._arena.copy(kept, row)

    def decode(self, streams: Sequence[SlotStream], codes: Sequence[Codes]) -> list[Samples]:
        """Returns the samples [F * 1920] of each stream's next frames [F, K]; all of equal F."""
        started = perf_counter()
        for stream, frames in zip(streams, codes, strict=True):
            assert not stream.is_released, "a stream was used after its release"
            self._check(frames)
        stacked, rows = np.stack(codes), [stream.row for stream in streams]
        most = self._sizes.batch[-1]
        with self._lane.entered():
            parts = [
                self._advance(rows[i : i + most], stacked[i : i + most])
                for i in range(0, len(rows), most)
            ]
            samples = self._lane.download(torch.cat(parts))
        for stream in streams:
            stream.num_frames += stacked.shape[1]
        self.times.codec_s += perf_counter() - started
        return list(samples)

    def _check(self, codes: Codes) -> None:
        if codes.ndim != 2 or codes.shape[1] != self._num_codebooks:
            raise ValueError(
                f"codes have shape {list(codes.shape)}; this codec takes [F, {self._num_codebooks}]"
            )

    def _advance(self, rows: Sequence[int], codes: Codes) -> Tensor:
        """Decodes frames [B, F, K] of at most the largest batch; returns samples [B, F * 1920]."""
        num_streams, num_frames, _ = codes.shape
        batch = self._sizes.batch_for(num_streams)
        padded_rows = np.full(batch, self._scratch_row, dtype=np.int64)
        padded_rows[:num_streams] = rows
        padded = np.zeros((batch, self._num_codebooks, num_frames), dtype=np.int64)
        padded[:num_streams] = codes.transpose(0, 2, 1)
        on_device, frames = self._lane.upload(padded_rows), self._lane.upload(padded)
        samples = torch.empty(num_streams, num_frames * SAMPLES_PER_FRAME, device=self._device)
        for start, end in self._sizes.pieces(num_frames, batch):
            made = self._steps.run(on_device, frames[:, :, start:end])[:num_streams]
            samples[:, start * SAMPLES_PER_FRAME : end * SAMPLES_PER_FRAME] = made
        return samples

    def release(self, stream: SlotStream) -> None:
        """Gives a stream's row back; what it holds is cleared when it is next opened."""
        assert not stream.is_released, "a stream was released twice"
        stream.is_released = True
        heapq.heappush(self._free, stream.row)

    def close(self) -> None:
        """Waits for the work under way and frees the rows and what was recorded."""
        self._lane.wait()
        del self._steps, self._arena
