"""The codec of several takes at once: each hears what it would hear alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from intone.core.types import Codes, ModelKind, Samples
from intone.models.checkpoint import Checkpoint
from intone.models.codec.decoder import CodecDecoder
from intone.runtime.torch_codec import TorchDecoder

NUM_FRAMES = 8


@pytest.fixture(scope="module")
def network(tiny_checkpoint: Callable[[ModelKind], Path]) -> CodecDecoder:
    return Checkpoint(tiny_checkpoint("custom")).load_codec_decoder(torch.device("cpu"))


def random_codes(network: CodecDecoder, seed: int, num_frames: int = NUM_FRAMES) -> Codes:
    size = network.quantizer.rvq_first.vq.layers[0]._codebook.embedding_sum.shape[0]
    shape = (num_frames, network.config.num_codebooks)
    return np.random.default_rng(seed).integers(0, size, shape)


def whole(network: CodecDecoder, codes: Codes) -> Samples:
    with torch.inference_mode():
        return network(torch.from_numpy(codes.T[None].copy()))[0].numpy()


def test_streams_that_share_calls_hear_what_each_hears_alone(network: CodecDecoder) -> None:
    decoder = TorchDecoder(network)
    takes = [random_codes(network, seed) for seed in range(3)]
    streams = [decoder.open(None) for _ in takes]
    heard: list[list[Samples]] = [[], [], []]
    # The second one falls behind, so that positions in one call differ.
    for chosen in ([0, 1, 2], [0, 2], [2, 1], [1, 0], [0, 1, 2]):
        codes = [takes[i][2 * len(heard[i]) :][:2] for i in chosen]
        for i, samples in zip(
            chosen, decoder.decode([streams[i] for i in chosen], codes), strict=True
        ):
            heard[i].append(samples)
    for i, codes in enumerate(takes):
        assert streams[i].num_frames == 2 * len(heard[i]) == NUM_FRAMES
        np.testing.assert_allclose(np.concatenate(heard[i]), whole(network, codes), atol=1e-4)


def test_a_warmed_stream_goes_on_from_the_reference(network: CodecDecoder) -> None:
    decoder = TorchDecoder(network)
    codes = random_codes(network, seed=4)
    stream = decoder.open(codes[:5])
    assert stream.num_frames == 0
    (samples,) = decoder.decode([stream], [codes[5:]])
    np.testing.assert_allclose(samples, whole(network, codes)[-len(samples) :], atol=1e-4)
    assert len(samples) == 3 * 1920


def test_a_stream_knows_nothing_of_another(network: CodecDecoder) -> None:
    decoder = TorchDecoder(network)
    decoder.decode([decoder.open(None)], [random_codes(network, seed=5)])
    codes = random_codes(network, seed=6)
    (samples,) = decoder.decode([decoder.open(None)], [codes])
    np.testing.assert_allclose(samples, whole(network, codes), atol=1e-4)


def test_its_time_is_counted(network: CodecDecoder) -> None:
    decoder = TorchDecoder(network)
    decoder.decode([decoder.open(None)], [random_codes(network, seed=7)])
    assert decoder.times.codec_s > 0
