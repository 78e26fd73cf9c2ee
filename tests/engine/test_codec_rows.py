"""Loop, queue and codec rows together: two rows for each slot are enough, and all come back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.engine.fakes import FakeDecoder, FakeRunner, InTurns, Sink, make_take
from tests.engine.test_codec_queue import frames_of

from intone.core.types import Codes, ModelKind, Samples
from intone.engine.codec_queue import CodecQueue
from intone.engine.loop import DecodeLoop
from intone.models.checkpoint import Checkpoint
from intone.models.codec.decoder import CodecDecoder
from intone.runtime.codec_slots.sizes import WorkSizes
from intone.runtime.graphs import GraphPool
from intone.runtime.slot_codec import SlotDecoder, SlotStream

NUM_SLOTS = 2
SIZES = WorkSizes(frames=(1, 2, 4, 8), batch=(1, 2, 4), max_call_frames=32)


@pytest.fixture(scope="module")
def network(tiny_checkpoint: Callable[[ModelKind], Path]) -> CodecDecoder:
    return Checkpoint(tiny_checkpoint("custom")).load_codec_decoder(torch.device("cpu"))


def real_codes(fake: Codes, network: CodecDecoder) -> Codes:
    """Returns frames of the real codec for those of a fake runner, each pair its own."""
    books = np.arange(network.config.num_codebooks)
    return (fake[:, :1] * 7 + fake[:, 1:2] * 5 + books * 3) % network.config.codebook_size


@dataclass
class Rows:
    """Hears a fake runner's frames through a real decoder."""

    network: CodecDecoder
    slots: SlotDecoder
    max_call_frames: int = SIZES.max_call_frames
    max_joined_frames: int = SIZES.frames[-1]

    def open(self, ref_codes: Codes | None) -> SlotStream:
        codes = None if ref_codes is None else real_codes(ref_codes, self.network)
        return self.slots.open(codes)

    def decode(self, streams: Sequence[SlotStream], codes: Sequence[Codes]) -> list[Samples]:
        return self.slots.decode(streams, [real_codes(frames, self.network) for frames in codes])

    def release(self, stream: SlotStream) -> None:
        self.slots.release(stream)

    def close(self) -> None:
        self.slots.close()


class RealRows(InTurns):
    """Loop and codec in turns, with as many rows as an engine opens."""

    def __init__(self, network: CodecDecoder) -> None:
        self.runner, self.decoder = FakeRunner(num_slots=NUM_SLOTS), FakeDecoder()
        self.slots = SlotDecoder(
            network,
            num_streams=2 * NUM_SLOTS,
            graphs=GraphPool(torch.device("cpu")),
            voice_cache_bytes=SlotDecoder.row_bytes(network),
            sizes=SIZES,
        )
        self.codec = CodecQueue(Rows(network, self.slots))
        self.loop = DecodeLoop(self.runner, self.codec)


def expected(network: CodecDecoder, seed: int, num_frames: int, reference: Codes | None) -> Samples:
    codes = real_codes(frames_of(seed, 0, num_frames), network)
    if reference is not None:
        codes = np.concatenate([real_codes(reference, network), codes])
    with torch.inference_mode():
        samples: Samples = network(torch.from_numpy(codes.T[None].copy()))[0].numpy()
    return samples[len(samples) - num_frames * 1920 :]


@settings(max_examples=4, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(seed=st.integers(0, 2**32 - 1))
def test_every_row_comes_back_and_every_take_is_whole(network: CodecDecoder, seed: int) -> None:
    draw = np.random.default_rng(seed)
    engine = RealRows(network)
    sinks: dict[int, tuple[Sink, Codes | None]] = {}
    for take_seed in range(9):
        reference = frames_of(int(draw.integers(50, 52)), 0, 3) if draw.random() < 0.4 else None
        take, sink = make_take(take_seed, ref_codes=reference)
        engine.loop.scheduler.add(take)
        sinks[take_seed] = sink, reference
        engine.make_frames(int(draw.integers(0, 5)))
        if draw.random() < 0.3:
            take.cancel()
        engine.make_audio(int(draw.integers(0, 3)))
    engine.run_until_idle()
    assert engine.slots.num_free == 2 * NUM_SLOTS
    for take_seed, (sink, reference) in sinks.items():
        samples = np.concatenate([chunk.samples for chunk in sink.chunks])
        num_frames = len(samples) // 1920
        assert sink.reason == "cancelled" or num_frames == take_seed % 7 + 1
        if num_frames:
            whole = expected(network, take_seed, num_frames, reference)
            np.testing.assert_allclose(samples, whole, atol=1e-4)
