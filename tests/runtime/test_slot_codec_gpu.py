"""The codec in slots on CUDA: what is recorded is what the plain code computes, and as on a CPU."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.runtime.test_slot_codec import SMALL, Company, random_codes, whole

from intone.core.types import ModelKind
from intone.models.checkpoint import Checkpoint
from intone.models.codec.decoder import CodecDecoder
from intone.runtime.graphs import GraphPool
from intone.runtime.slot_codec import SlotDecoder
from intone.runtime.torch_codec import TorchDecoder

pytestmark = pytest.mark.gpu

CUDA = torch.device("cuda")
PARITY = 1e-3
"""Between a CPU and CUDA, in fp32."""


@pytest.fixture(scope="module")
def checkpoint(tiny_checkpoint: Callable[[ModelKind], Path]) -> Checkpoint:
    return Checkpoint(tiny_checkpoint("custom"))


@pytest.fixture(scope="module")
def network(checkpoint: Checkpoint) -> CodecDecoder:
    return checkpoint.load_codec_decoder(CUDA)


@pytest.fixture(scope="module")
def on_cpu(checkpoint: Checkpoint) -> CodecDecoder:
    return checkpoint.load_codec_decoder(torch.device("cpu"))


def slots(network: CodecDecoder, *, eager: bool = False, num_voices: int = 1) -> SlotDecoder:
    return SlotDecoder(
        network,
        num_streams=5,
        graphs=GraphPool(CUDA, eager=eager),
        voice_cache_bytes=num_voices * SlotDecoder.row_bytes(network),
        sizes=SMALL,
    )


def speak(decoder: SlotDecoder, network: CodecDecoder) -> list[np.ndarray]:
    """Returns what three takes sound like, one of them after a reference, in a few shared calls."""
    takes = [random_codes(network, seed, 24) for seed in range(3)]
    streams = [decoder.open(None), decoder.open(random_codes(network, 9, 19)), decoder.open(None)]
    heard: list[list[np.ndarray]] = [[], [], []]
    for start, end in ((0, 1), (1, 3), (3, 7), (7, 24)):
        parts = decoder.decode(streams, [codes[start:end] for codes in takes])
        for mine, samples in zip(heard, parts, strict=True):
            mine.append(samples)
    for stream in streams:
        decoder.release(stream)
    return [np.concatenate(parts) for parts in heard]


def test_every_size_is_recorded_before_the_first_call(network: CodecDecoder) -> None:
    graphs = GraphPool(CUDA)
    SlotDecoder(network, num_streams=2, graphs=graphs, voice_cache_bytes=0, sizes=SMALL)
    assert graphs.num_graphs == len(list(SMALL.pairs()))


def test_recorded_work_sounds_as_the_plain_code_does(network: CodecDecoder) -> None:
    recorded, plain = slots(network), slots(network, eager=True)
    for _ in range(2):  # the second time from rows that were used, and a voice that is kept
        for a, b in zip(speak(recorded, network), speak(plain, network), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)


def test_cuda_sounds_as_a_cpu_does(network: CodecDecoder, on_cpu: CodecDecoder) -> None:
    on_device = speak(slots(network), network)
    for seed, samples in enumerate(on_device):
        codes = random_codes(network, seed, 24)
        if seed == 1:
            codes = np.concatenate([random_codes(network, 9, 19), codes])
        expected = whole(on_cpu, codes)[-len(samples) :]
        np.testing.assert_allclose(samples, expected, atol=PARITY)


def test_the_plain_decoder_on_cuda_sounds_as_a_cpu_does(
    network: CodecDecoder, on_cpu: CodecDecoder
) -> None:
    decoder, codes = TorchDecoder(network), random_codes(network, 4, 24)
    (samples,) = decoder.decode([decoder.open(None)], [codes])
    np.testing.assert_allclose(samples, whole(on_cpu, codes), atol=PARITY)


def test_company_on_cuda_changes_nothing(network: CodecDecoder, on_cpu: CodecDecoder) -> None:
    draw = np.random.default_rng(1)
    company = Company(on_cpu, slots(network))
    for take in range(12):
        if company.decoder.num_free == 0:
            company.leave(int(draw.choice(list(company.streams))))
        company.come(take, num_reference=int(draw.choice([0, 5])))
        company.go_on(int(draw.integers(1, 12)), draw.permutation(list(company.streams))[:4])
    company.check(PARITY)


def test_other_work_on_the_device_does_not_disturb_it(network: CodecDecoder) -> None:
    """A frame loop runs on another stream, from another thread, all the while."""
    decoder = slots(network)
    alone = speak(decoder, network)
    stop = threading.Event()

    def work() -> None:
        x = torch.randn(512, 512, device=CUDA)
        while not stop.is_set():
            x = torch.tanh(x @ x)
        torch.cuda.synchronize()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(5):
            for a, b in zip(speak(decoder, network), alone, strict=True):
                np.testing.assert_allclose(a, b, atol=1e-6)
    finally:
        stop.set()
        thread.join()
