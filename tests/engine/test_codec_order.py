"""Whose turn it is: listeners who run dry first, nobody for ever last, no gap without need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.fakes import FakeDecoder, FakeStream, Sink, make_take
from tests.engine.test_codec_queue import frames_of, opened

from intone.core.constants import CHUNK_RAMP_FRAMES, FRAME_S
from intone.core.types import AudioChunk, Codes, Samples
from intone.engine import codec_queue
from intone.engine.codec_line import Line
from intone.engine.codec_order import DRY_MARGIN_S, in_order
from intone.engine.codec_queue import CROWD_LINES, CodecQueue
from intone.engine.take import Take


@dataclass
class Clock:
    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


def line(dry_at_s: float | None = None, num_passed: int = 0) -> Line:
    take, _ = make_take(1)
    return Line(take, FakeStream(), runs_dry_at_s=dry_at_s, num_passed=num_passed)


def test_who_runs_dry_soon_comes_before_who_hears_nothing_yet_before_who_has_time() -> None:
    soon, sooner = line(10 + DRY_MARGIN_S / 2), line(9.0)
    new, newer = line(), line()
    later, latest = line(12.0), line(13.0)
    lines = [latest, soon, new, later, newer, sooner]
    assert in_order(lines, 10.0) == [sooner, soon, new, newer, later, latest]


def test_who_was_passed_over_by_all_comes_first_the_longest_waiting_before_others() -> None:
    soon, new = line(10.0), line()
    passed, longer = line(99.0, num_passed=5), line(None, num_passed=6)
    assert in_order([soon, passed, new, longer], 10.0) == [longer, passed, soon, new]


def test_a_listener_hears_a_chunk_from_when_it_came_or_after_what_is_still_unheard() -> None:
    mine = line()
    mine.sent(0, now_s=1.0)
    assert mine.runs_dry_at_s is None, "nothing was heard"
    mine.sent(5, now_s=2.0)
    mine.sent(10, now_s=2.1)
    assert mine.runs_dry_at_s == pytest.approx(2.0 + 15 * FRAME_S)
    mine.sent(5, now_s=9.0)
    assert mine.runs_dry_at_s == pytest.approx(9.0 + 5 * FRAME_S), "it had run dry"


def test_a_listener_about_to_run_dry_is_served_before_all_that_others_have_waiting() -> None:
    clock, decoder = Clock(), FakeDecoder()
    queue = CodecQueue(decoder, clock)
    takes, sinks = opened(queue, [1, 2, 3])
    for take, size in zip(takes, (6, 7, 2), strict=True):
        queue.put(take, frames_of(take.job.seed, 0, size), None)
        queue.turn()
    clock.now_s = 2 * FRAME_S - 0.01
    for take, size in zip(takes, (6, 7, 2), strict=True):
        queue.put(take, frames_of(take.job.seed, size, size), None)
    queue.turn()
    assert decoder.calls[-1] == [(3, 2)]


def test_a_new_takes_first_chunk_comes_before_those_of_listeners_with_time() -> None:
    decoder = FakeDecoder()
    queue = CodecQueue(decoder, Clock())
    takes, _ = opened(queue, [1, 2])
    for take, size in zip(takes, (6, 7), strict=True):
        for chunk in range(5):
            queue.put(take, frames_of(take.job.seed, chunk * size, size), None)
    queue.turn()
    queue.turn()
    take, sink = make_take(3)
    queue.open(take)
    queue.put(take, frames_of(3, 0, 1), None)
    queue.turn()
    queue.turn()
    assert sink.heard == [0.003]


def test_a_burst_of_takes_is_opened_in_one_turn_and_heard_in_the_next() -> None:
    decoder = FakeDecoder()
    queue = CodecQueue(decoder, Clock())
    sinks = []
    for seed in range(16):
        take, sink = make_take(seed)
        sinks.append(sink)
        queue.open(take)
        queue.put(take, frames_of(seed, 0, 1), None)
    queue.turn()
    assert decoder.num_open == 16
    queue.turn()
    assert all(len(sink.chunks) == 1 for sink in sinks)


def test_a_reference_is_heard_in_a_turn_of_its_own() -> None:
    decoder = FakeDecoder()
    queue = CodecQueue(decoder, Clock())
    for seed in range(3):
        queue.open(make_take(seed, ref_codes=frames_of(seed, 0, 5) if seed < 2 else None)[0])
    for num_open in (1, 2, 3):
        queue.turn()
        assert decoder.num_open == num_open


# Nobody waits for ever.


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_in_overload_every_take_is_heard_within_a_bounded_number_of_turns(
    data: st.DataObject,
) -> None:
    """Every line always has more waiting, in sizes that cannot share; time flies."""
    num_lines = data.draw(st.integers(2, 7))
    call_s = data.draw(st.sampled_from([0.0, 0.05, 0.7, 3.0]))
    arrivals = sorted(
        data.draw(st.lists(st.integers(0, 40), min_size=num_lines, max_size=num_lines))
    )
    clock, decoder = Clock(), FakeDecoder(max_call_frames=1)
    queue = CodecQueue(decoder, clock)
    takes: list[Take] = []
    waited: dict[int, int] = {}
    made = [0] * num_lines
    for turn in range(100):
        while len(takes) < num_lines and arrivals[len(takes)] <= turn:
            take, _ = make_take(len(takes), ramp=(1,))
            queue.open(take)
            takes.append(take)
        for take in takes:
            seed = take.job.seed
            for _ in range(3 - made[seed] + take.num_decoded):
                queue.put(take, frames_of(seed, made[seed], 1), None)
                made[seed] += 1
            waited[seed] = waited.get(seed, -1) + 1
        before = len(decoder.calls)
        queue.turn()
        clock.now_s += call_s
        for call in decoder.calls[before:]:
            for seed, _ in call:
                waited[seed] = -1
        assert max(waited.values(), default=0) <= 3 * num_lines


# Larger chunks in a crowd.


def crowd(
    decoder: FakeDecoder, ramp: tuple[int, ...] = CHUNK_RAMP_FRAMES, num_lines: int = CROWD_LINES
) -> tuple[CodecQueue, list[Take], list[Sink]]:
    """Returns lines that were heard, each at its third frame."""
    queue = CodecQueue(decoder, Clock())
    takes, sinks = zip(*(make_take(seed, ramp=ramp) for seed in range(num_lines)), strict=True)
    for take in takes:
        queue.open(take)
        queue.put(take, frames_of(take.job.seed, 0, 3), None)
    for _ in range(2 * num_lines):
        queue.turn()
    decoder.calls.clear()
    return queue, list(takes), list(sinks)


def wait_with(queue: CodecQueue, takes: Sequence[Take], sizes: Sequence[int]) -> None:
    for take in takes:
        first = 3
        for size in sizes:
            queue.put(take, frames_of(take.job.seed, first, size), None)
            first += size


def test_where_many_wait_the_chunks_of_a_take_become_one() -> None:
    decoder = FakeDecoder(max_call_frames=64)
    queue, takes, sinks = crowd(decoder)
    wait_with(queue, takes, [8, 8, 8])
    queue.turn()
    assert decoder.calls == [[(seed, 16) for seed in range(CROWD_LINES)]]
    for seed, sink in enumerate(sinks):
        assert sink.heard == [round(f + seed / 1000, 3) for f in range(3 + 16)]
        assert sink.chunks[-1].num_frames == 16


def test_a_decoder_that_gains_nothing_by_it_gets_every_chunk_as_it_was() -> None:
    decoder = FakeDecoder(max_call_frames=64, max_joined_frames=0)
    queue, takes, _ = crowd(decoder)
    wait_with(queue, takes, [8, 8])
    queue.turn()
    assert decoder.calls == [[(seed, 8) for seed in range(CROWD_LINES)]]


def test_joined_chunks_have_sizes_that_others_have_too() -> None:
    decoder = FakeDecoder(max_call_frames=64)
    queue, takes, _ = crowd(decoder)
    wait_with(queue, takes, [2, 4, 2, 3])
    queue.turn()
    assert [frames for _, frames in decoder.calls[0]] == [8] * CROWD_LINES


def test_where_few_wait_chunks_stay_as_they_are() -> None:
    decoder = FakeDecoder(max_call_frames=64)
    queue, takes, _ = crowd(decoder, num_lines=CROWD_LINES - 1)
    wait_with(queue, takes, [8, 8])
    queue.turn()
    assert [frames for _, frames in decoder.calls[0]] == [8] * (CROWD_LINES - 1)


def test_chunks_of_a_size_that_was_asked_for_are_never_joined() -> None:
    decoder = FakeDecoder(max_call_frames=64)
    queue, takes, sinks = crowd(decoder, ramp=(4,))
    wait_with(queue, takes, [4, 4, 4])
    for _ in range(3):
        queue.turn()
    assert [chunk.num_frames for chunk in sinks[0].chunks] == [3, 4, 4, 4]


def test_a_first_chunk_is_never_made_larger() -> None:
    decoder = FakeDecoder(max_call_frames=64)
    queue = CodecQueue(decoder, Clock())
    takes, sinks = opened(queue, list(range(CROWD_LINES)))
    for take in takes:
        for frame in range(4):
            queue.put(take, frames_of(take.job.seed, frame, 1), None)
    queue.turn()
    assert [sink.chunks[0].num_frames for sink in sinks] == [1] * CROWD_LINES


def test_the_last_of_joined_chunks_still_ends_the_take() -> None:
    decoder = FakeDecoder(max_call_frames=64)
    queue, takes, sinks = crowd(decoder)
    for take in takes:
        queue.put(take, frames_of(take.job.seed, 3, 4), None)
        queue.put(take, None, "stop")
    queue.turn()
    assert [sink.reason for sink in sinks] == ["stop"] * CROWD_LINES
    assert [len(sink.heard) for sink in sinks] == [7] * CROWD_LINES
    assert queue.num_takes == decoder.num_open == 0


# Streams are given back.


@pytest.mark.parametrize("how", ["ends", "is cancelled", "fails"])
def test_a_stream_is_given_back_when_its_take(how: str) -> None:
    decoder = FakeDecoder()
    queue = CodecQueue(decoder, Clock())
    (take, _), _ = opened(queue, [1, 2])
    queue.put(take, frames_of(1, 0, 1), "stop" if how == "ends" else None)
    if how == "is cancelled":
        take.cancel()
    elif how == "fails":
        decoder.errors[1] = codec_queue.IntoneError("broken")
    queue.turn()
    assert decoder.num_open == 1


def test_room_is_free_before_the_caller_hears_the_end() -> None:
    decoder = FakeDecoder()
    queue = CodecQueue(decoder, Clock())
    (take,), _ = opened(queue, [1])
    seen: list[int] = []
    take.emit = lambda item: seen.append(decoder.num_open)
    queue.put(take, frames_of(1, 0, 1), "stop")
    queue.turn()
    assert seen == [0]


# Playback.


@dataclass
class SlowDecoder(FakeDecoder):
    """A device: a call takes a while, and a little more for every frame in it."""

    clock: Clock = field(default_factory=Clock)
    call_s: float = 0.01
    frame_s: float = 0.0006
    max_call_frames: int = 256

    def decode(self, streams: Sequence[FakeStream], codes: Sequence[Codes]) -> list[Samples]:
        samples = super().decode(streams, codes)
        self.clock.now_s += self.call_s + self.frame_s * len(codes) * len(codes[0])
        return samples


@dataclass
class Listener:
    """Plays what comes at once; counts how long it had nothing to play."""

    clock: Clock
    dry_at_s: float | None = None
    gaps_s: float = 0.0

    def __call__(self, item: AudioChunk | BaseException) -> None:
        assert isinstance(item, AudioChunk)
        now = self.clock.now_s
        if self.dry_at_s is not None:
            self.gaps_s += max(0.0, now - self.dry_at_s)
        self.dry_at_s = max(now, self.dry_at_s or 0.0) + item.num_frames * FRAME_S


def gaps_of(
    num_streams: int,
    starts_s: Callable[[int], float],
    ramp: tuple[int, ...] = CHUNK_RAMP_FRAMES,
    num_frames: int = 100,
    step_s: float = 0.03,
) -> float:
    """Returns how long all listeners together had nothing to play.

    Frames come every `step_s`, faster than they are heard, also while the codec works.
    """
    clock = Clock()
    decoder = SlowDecoder(clock=clock)
    queue = CodecQueue(decoder, clock)
    takes = [make_take(seed, ramp=ramp)[0] for seed in range(num_streams)]
    listeners = [Listener(clock) for _ in takes]
    for take, listener in zip(takes, listeners, strict=True):
        take.emit = listener

    def catch_up() -> None:
        """Makes the frames that are due by now, and hands over the chunks they make."""
        for seed, take in enumerate(takes):
            due = min(num_frames, int((clock.now_s - starts_s(seed)) / step_s))
            if due > 0 and not take.is_opened:
                take.is_opened = True
                queue.open(take)
            while take.num_frames < due:
                take.add(frames_of(seed, take.num_frames, 1)[0])
                if take.num_frames == num_frames:
                    queue.put(take, take.hand_over(), "stop")
                elif take.is_chunk_due:
                    queue.put(take, take.hand_over(), None)

    while not all(take.is_over for take in takes):
        catch_up()
        if queue.has_work:
            queue.turn()
        else:
            clock.now_s += 0.001
    return sum(listener.gaps_s for listener in listeners)


@pytest.mark.parametrize("spread_s", [0.0, 0.013, 0.04, 0.21])
def test_the_ramp_leaves_no_gap_where_the_device_is_fast_enough(spread_s: float) -> None:
    """A cliff from chunks of 1 to chunks of 25 made gaps from four streams on (vllm-omni 2562,
    4913)."""
    assert gaps_of(24, lambda seed: seed * spread_s) == 0.0


def test_the_cliff_of_others_would_be_heard_here() -> None:
    assert gaps_of(4, lambda seed: 0.0, ramp=(1, 25)) > 0.5


def by_age(lines: Sequence[Line], now_s: float) -> list[Line]:
    return list(lines)


def by_last_turn(lines: Sequence[Line], now_s: float) -> list[Line]:
    return sorted(lines, key=lambda line: -line.num_passed)


@pytest.mark.parametrize("order", [by_age, by_last_turn])
@pytest.mark.parametrize("spread_s", [0.013, 0.04])
def test_in_another_order_the_same_device_would_make_gaps(
    spread_s: float, order: Callable[..., list[Line]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codec_queue, "in_order", order)
    assert gaps_of(24, lambda seed: seed * spread_s) > 0.01


def test_a_turn_costs_the_host_little_with_many_lines() -> None:
    decoder = FakeDecoder(max_call_frames=1)
    queue, takes, _ = crowd(decoder, num_lines=128)
    wait_with(queue, takes, [1] * 16)
    codes_before = len(decoder.calls)
    started = perf_counter()
    for _ in range(50):
        queue.turn()
    assert len(decoder.calls) - codes_before == 50
    assert (perf_counter() - started) / 50 < 0.01
    assert np.all([take.num_decoded >= 3 for take in takes])
