"""The codec's step for chosen rows of an arena, recorded once for every size."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from intone.core.constants import SAMPLES_PER_FRAME
from intone.models.codec.decoder import CodecDecoder
from intone.runtime.codec_slots.arena import StreamArena
from intone.runtime.codec_slots.lane import exact_convolutions
from intone.runtime.codec_slots.sizes import WorkSizes
from intone.runtime.graphs import GraphPool, Work


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """One size: where its input is put, what runs, where its output is read."""

    rows: Tensor
    """int64 [B]"""
    codes: Tensor
    """int64 [B, K, F]"""
    samples: Tensor
    """fp32 [B, F * 1920]"""
    run: Work


class ArenaSteps:
    """Advances rows of an arena; all calls belong into one lane.

    Recorded work reads and writes tensors that stay where they are. As pieces run one after the
    other, all sizes share the memory of the largest: rows, codes, samples, and the state in work.
    """

    def __init__(
        self,
        decoder: CodecDecoder,
        arena: StreamArena,
        scratch_row: int,
        sizes: WorkSizes,
        graphs: GraphPool,
    ) -> None:
        """Records every size; while it does, the scratch row is what is advanced."""
        most, most_frames = sizes.batch[-1], max(frames * b for frames, b in sizes.pairs())
        device = arena.positions.device
        self._decoder, self._arena = decoder, arena
        self._working = StreamArena(decoder, most)
        self._rows = torch.full((most,), scratch_row, dtype=torch.int64, device=device)
        num_codes = most_frames * decoder.config.num_codebooks
        self._codes = torch.zeros(num_codes, dtype=torch.int64, device=device)
        self._samples = torch.zeros(most_frames * SAMPLES_PER_FRAME, device=device)
        self._steps = {pair: self._recorded(*pair, graphs) for pair in sizes.pairs()}

    def _recorded(self, frames: int, batch: int, graphs: GraphPool) -> _Step:
        decoder, arena, working = self._decoder, self._arena, self._working
        rows, state = self._rows[:batch], working.state(batch)
        shape = (batch, decoder.config.num_codebooks, frames)
        codes = self._codes[: batch * shape[1] * frames].view(shape)
        samples = self._samples[: batch * frames * SAMPLES_PER_FRAME].view(batch, -1)

        def work() -> None:
            arena.gather(rows, working)
            with exact_convolutions(samples.device):
                samples.copy_(decoder.step(codes, state))
            arena.scatter(rows, working)

        return _Step(rows, codes, samples, graphs.capture(work))

    def run(self, rows: Tensor, codes: Tensor) -> Tensor:
        """Advances rows [B] by codes [B, K, F], a recorded size; returns samples [B, F * 1920].

        What it returns is overwritten by the next call.
        """
        step = self._steps[codes.shape[-1], len(rows)]
        step.rows.copy_(rows)
        step.codes.copy_(codes)
        step.run()
        return step.samples
