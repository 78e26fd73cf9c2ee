"""The codec decoder in slots: each row hears what it would hear alone, whatever else happens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from intone.core.constants import SAMPLES_PER_FRAME
from intone.core.errors import CapacityError
from intone.core.types import Codes, ModelKind, Samples
from intone.models.checkpoint import Checkpoint
from intone.models.codec.decoder import CodecDecoder
from intone.runtime.codec_slots.sizes import WorkSizes
from intone.runtime.graphs import GraphPool
from intone.runtime.slot_codec import SlotDecoder, SlotStream

NEAR = 1e-4
"""What another order of sums makes of samples in [-1, 1]."""
WINDOWS = 4
"""Takes of so many attention windows: what is kept of the oldest frames is long overwritten."""
SMALL = WorkSizes(batch=(1, 2, 4), max_call_frames=32)


@pytest.fixture(scope="module")
def network(tiny_checkpoint: Callable[[ModelKind], Path]) -> CodecDecoder:
    return Checkpoint(tiny_checkpoint("custom")).load_codec_decoder(torch.device("cpu"))


def slots(
    network: CodecDecoder,
    num_streams: int = 4,
    num_voices: int = 0,
    sizes: WorkSizes | None = SMALL,
) -> SlotDecoder:
    return SlotDecoder(
        network,
        num_streams=num_streams,
        graphs=GraphPool(torch.device("cpu")),
        voice_cache_bytes=num_voices * SlotDecoder.row_bytes(network),
        sizes=sizes,
    )


def random_codes(network: CodecDecoder, seed: int, num_frames: int) -> Codes:
    shape = (num_frames, network.config.num_codebooks)
    return np.random.default_rng(seed).integers(0, network.config.codebook_size, shape)


def whole(network: CodecDecoder, codes: Codes) -> Samples:
    with torch.inference_mode():
        return network(torch.from_numpy(codes.T[None].copy()))[0].numpy()


def heard(decoder: SlotDecoder, stream: SlotStream, codes: Codes, cuts: Sequence[int]) -> Samples:
    """Returns a take's audio, decoded alone in chunks of these sizes."""
    edges = np.cumsum(cuts)[:-1]
    return np.concatenate([decoder.decode([stream], [part])[0] for part in np.split(codes, edges)])


def frame_errors(samples: Samples, expected: Samples) -> Samples:
    return np.abs(samples - expected).reshape(-1, SAMPLES_PER_FRAME).max(axis=1)


@dataclass
class Company:
    """Takes that come, go on by any number of frames, share calls and leave."""

    network: CodecDecoder
    decoder: SlotDecoder
    takes: dict[int, Codes] = field(default_factory=dict)
    streams: dict[int, SlotStream] = field(default_factory=dict)
    num_reference: dict[int, int] = field(default_factory=dict)
    samples: dict[int, list[Samples]] = field(default_factory=dict)

    def come(self, seed: int, num_reference: int) -> None:
        codes = random_codes(self.network, seed, WINDOWS * self.network.config.window_frames)
        self.takes[seed] = codes
        self.num_reference[seed] = num_reference
        self.streams[seed] = self.decoder.open(codes[:num_reference] if num_reference else None)
        self.samples[seed] = []

    def at(self, seed: int) -> int:
        return self.num_reference[seed] + self.streams[seed].num_frames

    def go_on(self, num_frames: int, seeds: Iterable[int]) -> None:
        able = [s for s in seeds if self.at(s) + num_frames <= len(self.takes[s])]
        if not able:
            return
        codes = [self.takes[s][self.at(s) : self.at(s) + num_frames] for s in able]
        parts = self.decoder.decode([self.streams[s] for s in able], codes)
        for seed, samples in zip(able, parts, strict=True):
            self.samples[seed].append(samples)

    def leave(self, seed: int) -> None:
        self.decoder.release(self.streams.pop(seed))

    def check(self, tolerance: float = NEAR) -> None:
        for seed, parts in self.samples.items():
            if parts:
                samples, start = np.concatenate(parts), self.num_reference[seed]
                end = start * SAMPLES_PER_FRAME + len(samples)
                expected = whole(self.network, self.takes[seed])[start * SAMPLES_PER_FRAME : end]
                np.testing.assert_allclose(samples, expected, atol=tolerance)


@settings(max_examples=4, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(seed=st.integers(0, 2**32 - 1))
def test_takes_that_come_and_go_in_any_company_hear_the_whole_take(
    network: CodecDecoder, seed: int
) -> None:
    draw = np.random.default_rng(seed)
    company = Company(network, slots(network, num_streams=5, num_voices=1))
    for take in range(8):
        if company.decoder.num_free == 0 or (company.streams and draw.random() < 0.3):
            company.leave(int(draw.choice(list(company.streams))))
        company.come(take, num_reference=int(draw.choice([0, 0, 3, 9])))
        for _ in range(2):
            company.go_on(int(draw.integers(1, 12)), draw.permutation(list(company.streams))[:4])
    company.check()


@pytest.mark.parametrize("num_frames", [1, 2, 3, 5, 7, 8, 15, 16, 24, 31, 40])
def test_a_chunk_of_any_size_is_made_of_recorded_pieces(
    network: CodecDecoder, num_frames: int
) -> None:
    codes = random_codes(network, 3, num_frames)
    decoder = slots(network)
    samples = heard(decoder, decoder.open(None), codes, [num_frames])
    np.testing.assert_allclose(samples, whole(network, codes), atol=NEAR)


def test_pieces_are_the_largest_that_there_are() -> None:
    sizes = WorkSizes()
    assert [end - start for start, end in sizes.pieces(24, 1)] == [16, 8]
    assert [end - start for start, end in sizes.pieces(7, 32)] == [4, 2, 1]
    assert [end - start for start, end in sizes.pieces(16, 32)] == [8, 8], "memory has a limit"
    assert [sizes.batch_for(n) for n in (1, 3, 9, 32)] == [1, 4, 16, 32]
    assert max(frames * batch for frames, batch in sizes.pairs()) == sizes.max_call_frames


@pytest.mark.parametrize(
    "sizes", [{"frames": (2, 4)}, {"batch": (1, 4, 2)}, {"max_call_frames": 31}]
)
def test_sizes_that_cannot_make_every_call_are_refused(sizes: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match="sizes are|frames at most"):
        WorkSizes(**sizes)  # type: ignore[arg-type]


def test_more_streams_than_the_largest_batch_are_decoded_in_turns(network: CodecDecoder) -> None:
    decoder = slots(network, num_streams=7)
    takes = [random_codes(network, seed, 2) for seed in range(7)]
    samples = decoder.decode([decoder.open(None) for _ in takes], takes)
    for codes, mine in zip(takes, samples, strict=True):
        np.testing.assert_allclose(mine, whole(network, codes), atol=NEAR)


def test_padding_never_changes_a_real_row(network: CodecDecoder) -> None:
    """Three rows in a batch of four: what the fourth is, nobody hears."""
    takes = [random_codes(network, seed, 8) for seed in range(4)]
    padded, full = slots(network), slots(network)
    streams = [padded.open(None) for _ in range(3)]
    others = [full.open(None) for _ in range(4)]
    for start, end in ((0, 1), (1, 3), (3, 8)):
        mine = padded.decode(streams, [codes[start:end] for codes in takes[:3]])
        theirs = full.decode(others, [codes[start:end] for codes in takes])
        for a, b in zip(mine, theirs, strict=False):
            np.testing.assert_array_equal(a, b)


def test_what_the_scratch_row_holds_is_heard_by_nobody(network: CodecDecoder) -> None:
    clean, dirty = slots(network), slots(network)
    spoil(dirty, dirty._scratch_row)
    takes = [random_codes(network, seed, 8) for seed in range(3)]
    a = clean.decode([clean.open(None) for _ in takes], takes)
    b = dirty.decode([dirty.open(None) for _ in takes], takes)
    np.testing.assert_array_equal(np.stack(a), np.stack(b))


def spoil(decoder: SlotDecoder, row: int) -> None:
    with torch.inference_mode():
        decoder._arena.numbers[row].fill_(torch.nan)
        decoder._arena.positions[row].fill_(77)


def test_a_row_that_is_used_again_starts_afresh(network: CodecDecoder) -> None:
    """Another's voice leaked across requests elsewhere (vllm-omni 4370)."""
    decoder = slots(network, num_streams=1)
    codes = random_codes(network, 1, 9)
    first = decoder.open(codes[:4])
    fresh = heard(decoder, first, codes, [5, 4])
    decoder.release(first)
    spoil(decoder, first.row)
    again = decoder.open(codes[:4])
    assert again.row == first.row
    np.testing.assert_array_equal(heard(decoder, again, codes, [5, 4]), fresh)
    decoder.release(again)
    spoil(decoder, first.row)
    np.testing.assert_allclose(
        heard(decoder, decoder.open(None), codes, [9]), whole(network, codes), atol=NEAR
    )


def test_a_cancelled_takes_frames_do_not_move_the_row_of_the_next(network: CodecDecoder) -> None:
    decoder = slots(network, num_streams=2)
    left, other = decoder.open(None), decoder.open(None)
    decoder.decode([left, other], [random_codes(network, 1, 2), random_codes(network, 2, 2)])
    decoder.release(left)
    codes = random_codes(network, 3, 6)
    new = decoder.open(None)
    decoder.decode([other], [random_codes(network, 2, 5)])
    np.testing.assert_allclose(
        heard(decoder, new, codes, [1, 2, 3]), whole(network, codes), atol=NEAR
    )


def test_without_a_free_row_opening_says_so(network: CodecDecoder) -> None:
    decoder = slots(network, num_streams=2)
    stream = decoder.open(None)
    decoder.open(None)
    with pytest.raises(CapacityError, match="all 2 streams of the codec are in use; release one"):
        decoder.open(None)
    decoder.release(stream)
    assert decoder.num_free == 1
    decoder.open(None)


def test_a_stream_is_released_once_and_not_used_afterwards(network: CodecDecoder) -> None:
    decoder = slots(network)
    stream = decoder.open(None)
    decoder.release(stream)
    with pytest.raises(AssertionError, match="released twice"):
        decoder.release(stream)
    with pytest.raises(AssertionError, match="after its release"):
        decoder.decode([stream], [random_codes(network, 1, 1)])


def test_codes_of_another_number_of_codebooks_are_refused_not_spread(network: CodecDecoder) -> None:
    decoder = slots(network)
    codes = random_codes(network, 1, 4)[:, :1]
    with pytest.raises(ValueError, match=r"codes have shape \[4, 1\]; this codec takes \[F, 16\]"):
        decoder.open(codes)
    with pytest.raises(ValueError, match="codes have shape"):
        decoder.decode([decoder.open(None)], [codes])
    assert decoder.num_free == 3


# A reference: heard once for each voice.


@dataclass
class CountingDecoder:
    """Counts the frames that a network decodes, one count for all rows of a call."""

    network: CodecDecoder
    num_frames: int = 0

    def patch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        step = self.network.step

        def counted(codes: torch.Tensor, state: object) -> torch.Tensor:
            self.num_frames += codes.shape[-1]
            return step(codes, state)  # type: ignore[arg-type]

        monkeypatch.setattr(self.network, "step", counted)


def test_a_voice_is_warmed_once_and_sounds_as_warmed_afresh(
    network: CodecDecoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = CountingDecoder(network)
    counter.patch(monkeypatch)
    decoder = slots(network, num_voices=2)
    reference, codes = random_codes(network, 1, 27), random_codes(network, 2, 8)
    first = heard(decoder, decoder.open(reference), codes, [1, 2, 5])
    assert counter.num_frames == 27 + 8
    second = decoder.open(reference.copy())
    assert counter.num_frames == 27 + 8, "a row is copied"
    assert second.num_frames == 0
    np.testing.assert_array_equal(heard(decoder, second, codes, [1, 2, 5]), first)
    uncached = slots(network)
    np.testing.assert_array_equal(
        heard(uncached, uncached.open(reference), codes, [1, 2, 5]), first
    )


def test_a_kept_voice_is_not_moved_by_the_takes_that_speak_with_it(network: CodecDecoder) -> None:
    decoder = slots(network, num_voices=1)
    reference, codes = random_codes(network, 1, 6), random_codes(network, 2, 6)
    expected = whole(network, np.concatenate([reference, codes]))[6 * SAMPLES_PER_FRAME :]
    for _ in range(3):
        np.testing.assert_allclose(
            heard(decoder, decoder.open(reference), codes, [6]), expected, atol=NEAR
        )


def test_voices_are_kept_up_to_a_bound_the_latest_used(
    network: CodecDecoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = CountingDecoder(network)
    counter.patch(monkeypatch)
    decoder = slots(network, num_streams=1, num_voices=2)

    def warmed(seed: int) -> bool:
        before = counter.num_frames
        decoder.release(decoder.open(random_codes(network, seed, 4)))
        return counter.num_frames > before

    assert [warmed(1), warmed(2), warmed(1), warmed(3)] == [True, True, False, True]
    assert decoder._voices.num_kept == 2
    assert [warmed(1), warmed(3), warmed(2)] == [False, False, True], "2 had waited longest"


def test_memory_for_less_than_a_voice_keeps_none(network: CodecDecoder) -> None:
    decoder = SlotDecoder(
        network,
        num_streams=2,
        graphs=GraphPool(torch.device("cpu")),
        voice_cache_bytes=SlotDecoder.row_bytes(network) - 1,
        sizes=SMALL,
    )
    reference, codes = random_codes(network, 1, 6), random_codes(network, 2, 3)
    expected = whole(network, np.concatenate([reference, codes]))[6 * SAMPLES_PER_FRAME :]
    for _ in range(2):
        stream = decoder.open(reference)
        np.testing.assert_allclose(heard(decoder, stream, codes, [3]), expected, atol=NEAR)
    assert decoder._voices.num_kept == 0


def test_a_rows_bytes_are_those_that_it_takes(network: CodecDecoder) -> None:
    state = network.new_state(1)
    in_state = sum(tensor.numel() * tensor.element_size() for tensor in state.tensors())
    small, large = slots(network, num_streams=2), slots(network, num_streams=6)
    numbers = large._arena.numbers.nbytes - small._arena.numbers.nbytes
    positions = large._arena.positions.nbytes - small._arena.positions.nbytes
    assert SlotDecoder.row_bytes(network) == in_state == (numbers + positions) / 4


# Faults of others, each of which must not be ours.


def test_the_whole_attention_window_is_kept_across_chunks(network: CodecDecoder) -> None:
    """A left context shorter than the window was noise at chunk edges (vllm-omni 2439, 2480)."""
    window = network.config.window_frames
    codes = random_codes(network, 11, WINDOWS * window)
    changed = codes.copy()
    changed[window] = (changed[window] + 1) % network.config.codebook_size
    decoder = slots(network)
    cuts = [window + 1, window - 1, *[1] * (2 * window)]
    mine, other = (heard(decoder, decoder.open(None), c, cuts) for c in (codes, changed))
    next_chunk = slice((window + 1) * SAMPLES_PER_FRAME, 2 * window * SAMPLES_PER_FRAME)
    assert np.abs(mine - other)[next_chunk].reshape(window - 1, -1).max(axis=1).min() > 0
    np.testing.assert_allclose(mine, whole(network, codes), atol=NEAR)


def test_chunks_raise_no_noise_floor(network: CodecDecoder) -> None:
    """Windowed decoding is noisier than whole decoding with any context (vllm-omni 4371)."""
    codes = random_codes(network, 12, 10 * network.config.window_frames)
    decoder = slots(network)
    samples = heard(decoder, decoder.open(None), codes, [1, 2, 4, *[8] * 14, 1])
    errors = frame_errors(samples, whole(network, codes))
    assert errors.max() < 1e-4
    assert errors[-24:].max() < 3 * errors[:24].max() + 1e-6, "nor does it grow"


def test_the_reference_stays_in_context_for_all_chunks(network: CodecDecoder) -> None:
    """It was there for the first chunk only (vllm-omni 1944)."""
    window = network.config.window_frames
    reference, codes = random_codes(network, 13, window), random_codes(network, 14, window - 1)
    decoder = slots(network, num_voices=1)
    for _ in range(2):  # warmed, then copied
        samples = heard(decoder, decoder.open(reference), codes, [1] * (window - 1))
        joined = whole(network, np.concatenate([reference, codes]))
        expected = joined[window * SAMPLES_PER_FRAME :]
        np.testing.assert_allclose(samples, expected, atol=NEAR)
    bare = heard(decoder, decoder.open(None), codes, [1] * (window - 1))
    assert frame_errors(bare, expected)[-1] > NEAR, "the last chunk hears the reference too"


def test_padding_of_a_size_leaks_no_stale_samples(network: CodecDecoder) -> None:
    """A size rounded up brought 46 ms of an earlier call with it (vllm-omni 4525)."""
    decoder = slots(network)
    loud = [random_codes(network, seed, 16) for seed in range(4)]
    streams = [decoder.open(None) for _ in loud]
    decoder.decode(streams, loud)
    for stream in streams:
        decoder.release(stream)
    codes = random_codes(network, 15, 5)
    (samples,) = decoder.decode([decoder.open(None)], [codes])
    assert len(samples) == 5 * SAMPLES_PER_FRAME
    np.testing.assert_allclose(samples, whole(network, codes), atol=NEAR)


def test_what_was_given_out_is_not_overwritten_by_later_calls(network: CodecDecoder) -> None:
    decoder = slots(network)
    stream = decoder.open(None)
    (first,) = decoder.decode([stream], [random_codes(network, 1, 4)])
    kept = first.copy()
    decoder.decode([stream], [random_codes(network, 2, 4)])
    np.testing.assert_array_equal(first, kept)


def test_its_time_is_counted(network: CodecDecoder) -> None:
    decoder = slots(network)
    decoder.open(random_codes(network, 1, 2))
    after_opening = decoder.times.codec_s
    assert after_opening > 0
    decoder.decode([decoder.open(None)], [random_codes(network, 1, 1)])
    assert decoder.times.codec_s > after_opening
