"""Recorded work: what keeps it alive, and the codec's as a graph would hold it."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from tests.runtime.frame.tape import TapePool

from intone.core.types import ModelKind
from intone.models.checkpoint import Checkpoint
from intone.runtime.codec_slots.sizes import WorkSizes
from intone.runtime.graphs import GraphPool, Work
from intone.runtime.slot_codec import SlotDecoder

CPU = torch.device("cpu")


class AddressesOnly(GraphPool):
    """Records as CUDA does: what it returns keeps nothing of the work."""

    def __init__(self) -> None:
        super().__init__(CPU)
        self.captures = True
        self.num_recording = self.most_recording = 0

    def _record(self, work: Work) -> Work:
        self.num_recording += 1
        self.most_recording = max(self.most_recording, self.num_recording)
        work()
        time.sleep(0.01)
        self.num_recording -= 1
        return lambda: None


class Addition:
    """Work with a tensor of its own."""

    def __init__(self) -> None:
        self.one = torch.ones(1)
        self.total = torch.zeros(1)

    def __call__(self) -> None:
        self.total += self.one


def test_recorded_work_keeps_alive_what_it_reads_for_as_long_as_it_may_be_replayed() -> None:
    addition = Addition()
    one, replay = weakref.ref(addition.one), AddressesOnly().capture(addition)
    del addition
    gc.collect()
    replay()
    assert one() is not None
    del replay
    gc.collect()
    assert one() is None


def test_on_a_cpu_work_is_called_as_it_is() -> None:
    addition, graphs = Addition(), GraphPool(CPU)
    assert graphs.capture(addition) is addition
    assert graphs.num_graphs == 0


def test_models_that_are_loaded_at_the_same_time_record_one_after_the_other() -> None:
    graphs = AddressesOnly()
    threads = [threading.Thread(target=graphs.capture, args=(Addition(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (graphs.num_graphs, graphs.most_recording) == (3, 1)


def test_the_codecs_operations_written_down_on_silence_make_the_audio_of_the_plain_work(
    tiny_checkpoint: Callable[[ModelKind], Path],
) -> None:
    network = Checkpoint(tiny_checkpoint("custom")).load_codec_decoder(CPU)
    config, draw = network.config, np.random.default_rng(1)
    takes = draw.integers(0, config.codebook_size, (2, 11, config.num_codebooks))
    heard = []
    for graphs in (GraphPool(CPU), TapePool()):
        decoder = SlotDecoder(
            network, num_streams=2, graphs=graphs, sizes=WorkSizes(frames=(1, 4), batch=(1, 2))
        )
        streams = [decoder.open(None), decoder.open(takes[0])]
        for start, end in ((0, 5), (5, 11)):
            heard.append(decoder.decode(streams, [take[start:end] for take in takes]))
    for plain, written in zip(heard[:2], heard[2:], strict=True):
        np.testing.assert_array_equal(plain, written)
