"""The codec's graph against the torch decoder: whole, in every cutting, several streams at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.runtime.cpu.conftest import BuiltOf

from intone.core.types import Codes, ModelKind, Samples
from intone.models.checkpoint import Checkpoint
from intone.runtime.cpu.codec import CpuDecoder

NUM_FRAMES = 24
TOLERANCE = 1e-4

Whole = Callable[[Codes], Samples]


@pytest.fixture(scope="module")
def decoder(built: BuiltOf) -> CpuDecoder:
    return built("custom", "int8").decoder()


@pytest.fixture(scope="module")
def whole(tiny_checkpoint: Callable[[ModelKind], Path]) -> Whole:
    """Returns what torch makes of a whole take [F, K]."""
    network = Checkpoint(tiny_checkpoint("custom")).load_codec_decoder(torch.device("cpu"))

    def decode(codes: Codes) -> Samples:
        with torch.inference_mode():
            return network(torch.from_numpy(codes.T[None].copy()))[0].numpy()

    return decode


def random_codes(seed: int, num_frames: int = NUM_FRAMES) -> Codes:
    return np.random.default_rng(seed).integers(0, 64, (num_frames, 16))


def heard(decoder: CpuDecoder, codes: Codes, cuts: list[int]) -> Samples:
    """Returns a take's samples, decoded in chunks that begin at `cuts`."""
    stream = decoder.open(None)
    parts = [decoder.decode([stream], [part])[0] for part in np.split(codes, cuts)]
    assert stream.num_frames == len(codes)
    return np.concatenate(parts)


def test_the_take_is_long_enough_to_leave_the_attentions_window(decoder: CpuDecoder) -> None:
    assert decoder._config.window_frames < NUM_FRAMES


@pytest.mark.parametrize("chunk_frames", [1, 2, 3, 4, 5, 6, 7, 8, 9, 24])
def test_chunks_of_any_size_sound_as_the_whole(
    decoder: CpuDecoder, whole: Whole, chunk_frames: int
) -> None:
    codes = random_codes(seed=1)
    samples = heard(decoder, codes, list(range(chunk_frames, NUM_FRAMES, chunk_frames)))
    np.testing.assert_allclose(samples, whole(codes), atol=TOLERANCE, rtol=0)
    assert samples.std() > 100 * TOLERANCE, "silence would prove nothing"


def test_a_ramp_of_chunks_sounds_as_the_whole(decoder: CpuDecoder, whole: Whole) -> None:
    codes = random_codes(seed=2)
    samples = heard(decoder, codes, [1, 3, 7, 15, 23])
    np.testing.assert_allclose(samples, whole(codes), atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("chunk_frames", [1, 2, 3])
def test_streams_at_different_positions_share_calls(
    decoder: CpuDecoder, whole: Whole, chunk_frames: int
) -> None:
    takes = [random_codes(seed) for seed in range(3)]
    streams = [decoder.open(None) for _ in takes]
    parts: list[list[Samples]] = [[], [], []]
    for chosen in ([0], [0, 1], [2, 0, 1], [0, 2], [1, 2], [2, 1, 0], [0, 1, 2]):
        at = [streams[i].num_frames for i in chosen]
        codes = [takes[i][n : n + chunk_frames] for i, n in zip(chosen, at, strict=True)]
        for i, part in zip(
            chosen, decoder.decode([streams[i] for i in chosen], codes), strict=True
        ):
            parts[i].append(part)
    for stream, codes, part in zip(streams, takes, parts, strict=True):
        expected = whole(codes)[: stream.num_frames * 1920]
        np.testing.assert_allclose(np.concatenate(part), expected, atol=TOLERANCE, rtol=0)


def test_more_streams_than_one_run_holds_are_all_decoded(decoder: CpuDecoder, whole: Whole) -> None:
    takes = [random_codes(seed, num_frames=10) for seed in range(11)]
    streams = [decoder.open(None) for _ in takes]
    for codes, samples in zip(takes, decoder.decode(streams, takes), strict=True):
        np.testing.assert_allclose(samples, whole(codes), atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("num_ref_frames", [1, 5, 8, 17])
def test_a_warmed_stream_goes_on_from_the_reference(
    decoder: CpuDecoder, whole: Whole, num_ref_frames: int
) -> None:
    codes = random_codes(seed=4)
    stream = decoder.open(codes[:num_ref_frames])
    assert stream.num_frames == 0
    (samples,) = decoder.decode([stream], [codes[num_ref_frames:]])
    expected = whole(codes)[num_ref_frames * 1920 :]
    np.testing.assert_allclose(samples, expected, atol=TOLERANCE, rtol=0)


def test_a_stream_knows_nothing_of_the_one_before(decoder: CpuDecoder) -> None:
    codes = random_codes(seed=6)
    fresh = heard(decoder, codes, [8, 16])
    heard(decoder, random_codes(seed=5), [8, 16])
    np.testing.assert_array_equal(heard(decoder, codes, [8, 16]), fresh)


def test_its_time_is_counted(decoder: CpuDecoder) -> None:
    before = decoder._times.codec_s
    heard(decoder, random_codes(seed=7), [])
    assert decoder._times.codec_s > before


@pytest.mark.parametrize("chunk_frames", [1, 2, 3, 8])
@pytest.mark.parametrize("num_streams", [2, 5])
def test_company_changes_no_bit(decoder: CpuDecoder, chunk_frames: int, num_streams: int) -> None:
    """A request gives the same bytes whatever else the server speaks."""
    takes = [random_codes(seed, chunk_frames) for seed in range(num_streams)]
    alone = [decoder.decode([decoder.open(None)], [take])[0] for take in takes]
    together = decoder.decode([decoder.open(None) for _ in takes], takes)
    np.testing.assert_array_equal(np.stack(together), np.stack(alone))
