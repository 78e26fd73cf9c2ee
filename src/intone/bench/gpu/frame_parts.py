"""Milliseconds of a frame, part by part, each as a graph of its own, beside its floor.

A frame is served as one graph, into which nobody can look: here its parts are recorded one by one,
from the same methods. Together they are more than the whole, by what starting a graph takes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from intone.bench.gpu.floors import DeviceFloors, DeviceWork
from intone.bench.gpu.host import measure_host
from intone.bench.gpu.rates import DeviceRates
from intone.bench.gpu.timing import ms_per_call
from intone.models.checkpoint import Checkpoint, Placement
from intone.runtime.frame.blocks import BlockHalves
from intone.runtime.frame.networks import FrameNetworks
from intone.runtime.frame.step import FrameInputs, FrameStep
from intone.runtime.frame.tables import FoldedTables
from intone.runtime.graph_runner import batch_sizes
from intone.runtime.graphs import GraphPool
from intone.runtime.job import PageLayout
from intone.runtime.slot_codec import SlotDecoder

POSITIONS = 200
"""Rows that each stream's new row looks at: a prompt, and some ten seconds."""
_PAGE_POSITIONS = 64
_CHUNK_FRAMES = 8
"""Of a running stream: the last step of the ramp."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameParts:
    """One number of streams; times are of a step, which makes one frame of each."""

    num_streams: int
    positions: int
    codebook0_ms: float
    code_predictor_ms: float
    code_predictor_floor_ms: float
    talker_ms: float
    talker_floor_ms: float
    codec_ms: float
    """In chunks of 8, their way to the host included; works beside the others."""
    codec_floor_ms: float
    frame_ms: float
    """Without the codec, as one graph."""
    host_ms: float
    """Of the decode loop, during which the device works."""


def measure_frame(
    model: Path,
    place: Placement,
    counts: Sequence[int],
    rounds: int,
) -> list[FrameParts]:
    """Loads a checkpoint by itself and returns figures for each number of streams.

    Raises:
        CheckpointError: the directory does not hold a usable checkpoint.
    """
    rates = DeviceRates.measured(place.device, place.dtype)
    work = DeviceWork.of(model, rates.dtype)
    with torch.inference_mode():
        frames = _Frames(model, place, max(counts))
        codec = _Codec(model, place.device, max(counts))
        return [
            _measure_one(frames, codec, num_streams, rounds, work, rates) for num_streams in counts
        ]


def _measure_one(
    frames: _Frames,
    codec: _Codec,
    num_streams: int,
    rounds: int,
    work: DeviceWork,
    rates: DeviceRates,
) -> FrameParts:
    step, calls = frames.step(num_streams), 4 * rounds
    codebook0 = step.draw_codebook0()
    total = step.complete(codebook0)

    def ms(part: Callable[[], object]) -> float:
        recorded = frames.graphs.capture(lambda: _run(part))
        return ms_per_call(recorded, frames.device, calls=calls, rounds=rounds)

    floors = DeviceFloors.of(work, rates, num_streams=num_streams, positions=POSITIONS)
    return FrameParts(
        num_streams=num_streams,
        positions=POSITIONS,
        codebook0_ms=ms(lambda: step.draw_codebook0()),
        code_predictor_ms=ms(lambda: step.complete(codebook0)),
        code_predictor_floor_ms=floors.code_predictor_ms,
        talker_ms=ms(lambda: step.advance(total)),
        talker_floor_ms=floors.talker_ms,
        codec_ms=codec.frame_ms(num_streams, rounds),
        codec_floor_ms=floors.codec_ms,
        frame_ms=ms(step),
        host_ms=measure_host(num_streams, 20 * rounds).p50_ms,
    )


def _run(part: Callable[[], object]) -> None:
    part()


class _Frames:
    """Networks and memory for steps of up to so many streams."""

    def __init__(self, model: Path, place: Placement, max_streams: int) -> None:
        checkpoint = Checkpoint(model)
        talker = checkpoint.load_talker(place)
        predictor = checkpoint.load_code_predictor(place)
        self.device = place.device
        self.graphs = GraphPool(place.device)
        self._pages_per_stream = POSITIONS // _PAGE_POSITIONS + 1
        self._networks = FrameNetworks.of(
            talker,
            predictor,
            FoldedTables(talker, predictor),
            BlockHalves(place.device, fuse=True),
            num_slots=max_streams,
            max_rows=batch_sizes(max_streams)[-1],
            layout=PageLayout(max_streams * self._pages_per_stream, _PAGE_POSITIONS),
            num_positions=self._pages_per_stream * _PAGE_POSITIONS,
            prompt_positions=_PAGE_POSITIONS,
        )
        self._rng = np.random.default_rng(0)

    def step(self, num_streams: int) -> FrameStep:
        """Returns the step of a full batch, all of whose rows are at the same position."""
        inputs = FrameInputs(self._networks, num_streams, depth=1)
        rows, arrays = np.arange(num_streams), inputs.arrays()
        pages = np.arange(num_streams * self._pages_per_stream)
        arrays.uniforms[:] = self._rng.random(arrays.uniforms.shape)
        arrays.slots[:] = rows
        arrays.positions[:] = POSITIONS
        arrays.text_ids[:] = -1
        arrays.tables[:] = pages.reshape(num_streams, self._pages_per_stream)
        arrays.may_end[:] = False
        inputs.send()
        return FrameStep(self._networks, inputs)


class _Codec:
    """Streams that are under way."""

    def __init__(self, model: Path, device: torch.device, max_streams: int) -> None:
        decoder = Checkpoint(model).load_codec_decoder(device)
        shape = (_CHUNK_FRAMES, decoder.config.num_codebooks)
        self._codes = np.ones(shape, dtype=np.int64)
        self._device = device
        self._decoder = SlotDecoder(decoder, num_streams=max_streams, graphs=GraphPool(device))
        self._streams = [self._decoder.open(None) for _ in range(max_streams)]

    def frame_ms(self, num_streams: int, rounds: int) -> float:
        """Returns the time of a chunk of each stream, in calls of the best size, per frame."""
        most = max(1, self._decoder.max_call_frames // _CHUNK_FRAMES)
        streams = self._streams[:num_streams]

        def chunks() -> None:
            for start in range(0, num_streams, most):
                some = streams[start : start + most]
                self._decoder.decode(some, [self._codes] * len(some))

        return ms_per_call(chunks, self._device, calls=2, rounds=rounds) / _CHUNK_FRAMES
