"""The codec decoder on any torch device: a state per take, several takes in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import torch
from torch import Tensor

from intone.core.types import Codes, Samples
from intone.models.codec.decoder import CodecDecoder
from intone.models.codec.state import CodecState
from intone.runtime.codec_slots.lane import exact_convolutions
from intone.runtime.stage_times import StageTimes


@dataclass(slots=True)
class TorchStream:
    """What the codec remembers of one take."""

    state: CodecState
    num_frames: int = 0
    """Frames of the take that are audio; the reference is not counted."""


class TorchDecoder:
    """Implements the engine's `AudioDecoder`; used by one thread."""

    max_call_frames = 32
    """More are hardly cheaper each, and all streams wait for the last."""
    max_joined_frames = 0
    """A call costs its arithmetic, and the same request shall give the same bytes in company."""

    def __init__(self, decoder: CodecDecoder, times: StageTimes | None = None) -> None:
        """Allocates nothing yet.

        Args:
            times: where `codec_s` is counted; None counts for this decoder alone.
        """
        self.times = StageTimes() if times is None else times
        self._decoder = decoder
        self._device = decoder.pre_conv.conv.weight.device

    @torch.inference_mode()
    def open(self, ref_codes: Codes | None) -> TorchStream:
        """Returns a stream that has heard the ICL reference [F, K]; its audio is dropped."""
        started = perf_counter()
        state = self._decoder.new_state(1)
        if ref_codes is not None:
            with exact_convolutions(self._device):
                self._decoder.step(self._frames([ref_codes]), state)
        self.times.codec_s += perf_counter() - started
        return TorchStream(state)

    @torch.inference_mode()
    def decode(self, streams: Sequence[TorchStream], codes: Sequence[Codes]) -> list[Samples]:
        """Returns the samples [F * 1920] of each stream's next frames [F, K]; all of equal F."""
        started = perf_counter()
        with exact_convolutions(self._device):
            samples = self._step(self._frames(codes), [stream.state for stream in streams])
        for stream, frames in zip(streams, codes, strict=True):
            stream.num_frames += len(frames)
        self.times.codec_s += perf_counter() - started
        return list(samples)

    def _frames(self, codes: Sequence[Codes]) -> Tensor:
        """Returns int64 [B, K, F]."""
        stacked = np.ascontiguousarray(np.stack(codes).transpose(0, 2, 1))
        return torch.from_numpy(stacked).to(self._device)

    def _step(self, frames: Tensor, states: Sequence[CodecState]) -> Samples:
        """Returns samples [B, F * 1920]; a lone stream is advanced in place, without copies."""
        if len(states) == 1:
            return self._decoder.step(frames, states[0]).float().cpu().numpy()
        joined = self._decoder.new_state(len(states))
        for row, state in enumerate(states):
            joined.copy_row(row, state)
        samples = self._decoder.step(frames, joined).float().cpu().numpy()
        for row, state in enumerate(states):
            state.copy_row(0, joined, row)
        return samples

    def release(self, stream: TorchStream) -> None:
        """Nothing to give back: the state goes with its stream."""

    def close(self) -> None:
        """Nothing is held but the networks; the states go with their streams."""
