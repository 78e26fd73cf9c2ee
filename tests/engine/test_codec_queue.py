"""What becomes audio next: order, sharing of calls, cancelling and errors; on one thread."""

from __future__ import annotations

import numpy as np
from tests.engine.fakes import NUM_CODEBOOKS, FakeDecoder, FakeRunner, InTurns, Sink, make_take

from intone.core.errors import CheckpointError
from intone.core.types import Codes
from intone.engine.codec_queue import CodecQueue
from intone.engine.take import Take


def frames_of(seed: int, first: int, count: int) -> Codes:
    codes = np.arange(first, first + count)[:, None].repeat(NUM_CODEBOOKS, axis=1)
    codes[:, 0] = seed
    return codes


def opened(queue: CodecQueue, seeds: list[int]) -> tuple[list[Take], list[Sink]]:
    takes, sinks = zip(*(make_take(seed) for seed in seeds), strict=True)
    for take in takes:
        queue.open(take)
        queue.turn()
    return list(takes), list(sinks)


def test_the_chunks_of_a_take_stay_in_order() -> None:
    decoder = FakeDecoder()
    queue = CodecQueue(decoder)
    (take,), (sink,) = opened(queue, [1])
    for first, count in ((0, 1), (1, 2), (3, 4)):
        queue.put(take, frames_of(1, first, count), None)
    queue.put(take, None, "stop")
    for _ in range(4):
        queue.turn()
    assert [chunk.start_frame for chunk in sink.chunks] == [0, 1, 3, 7]
    assert decoder.calls == [[(1, 1)], [(1, 2)], [(1, 4)]], "the empty end needs no decoding"
    assert queue.num_takes == 0


def test_first_audio_is_timed_when_it_is_ready() -> None:
    engine = InTurns()
    take, sink = engine.start(seed=3)
    engine.make_frames(turns=2)
    engine.make_audio()  # opening
    assert take.ttfa_s is None
    engine.make_audio()
    assert 0 < take.ttfa_s == sink.chunks[0].timing.ttfa_s == sink.chunks[0].timing.wall_s


def test_chunks_of_one_size_share_a_call() -> None:
    decoder = FakeDecoder()
    queue = CodecQueue(decoder)
    takes, sinks = opened(queue, [1, 2, 3])
    for take, count in zip(takes, (2, 4, 2), strict=True):
        queue.put(take, frames_of(take.job.seed, 0, count), None)
    queue.put(takes[0], frames_of(1, 2, 2), None)
    for _ in range(3):
        queue.turn()
    assert decoder.calls == [[(1, 2), (3, 2)], [(1, 2)], [(2, 4)]], "who was heard runs dry first"
    assert sinks[2].heard == [0.003, 1.003]


def test_a_shared_call_has_a_limit() -> None:
    decoder = FakeDecoder()
    queue = CodecQueue(decoder)
    takes, _ = opened(queue, list(range(6)))
    size = decoder.max_call_frames // 4
    for take in takes:
        queue.put(take, frames_of(take.job.seed, 0, size), None)
    queue.turn()
    queue.turn()
    assert [[seed for seed, _ in call] for call in decoder.calls] == [[0, 1, 2, 3], [4, 5]]


def test_a_new_take_waits_for_one_chunk_of_every_other_only() -> None:
    decoder = FakeDecoder()
    queue = CodecQueue(decoder)
    (first,), _ = opened(queue, [1])
    for chunk in range(8):
        queue.put(first, frames_of(1, 8 * chunk, 8), None)
    (second,), (sink,) = opened(queue, [2])
    queue.put(second, frames_of(2, 0, 1), None)
    queue.turn()
    queue.turn()
    assert sink.heard == [0.002]


def test_opening_hears_the_reference_as_the_first_work() -> None:
    decoder = FakeDecoder()
    queue = CodecQueue(decoder)
    reference = frames_of(0, 0, 5)
    take, _ = make_take(1, ref_codes=reference)
    queue.open(take)
    queue.put(take, frames_of(1, 0, 1), None)
    queue.turn()
    assert decoder.opened == [reference]
    assert decoder.calls == []


def test_waiting_chunks_of_a_cancelled_take_are_dropped() -> None:
    decoder = FakeDecoder()
    queue = CodecQueue(decoder)
    (take, other), (sink, other_sink) = opened(queue, [1, 2])
    queue.put(take, frames_of(1, 0, 1), None)
    queue.put(take, frames_of(1, 1, 1), "stop")
    queue.put(other, frames_of(2, 0, 1), "stop")
    take.cancel()
    queue.turn()
    queue.put(take, frames_of(1, 2, 1), None)  # the loop has not seen it yet
    queue.turn()
    assert (sink.reason, len(sink.items)) == ("cancelled", 1)
    assert other_sink.reason == "stop"
    assert decoder.calls == [[(2, 1)]]


def test_an_error_in_a_shared_call_ends_the_take_at_fault_alone() -> None:
    decoder = FakeDecoder(errors={2: CheckpointError("broken")})
    queue = CodecQueue(decoder)
    takes, sinks = opened(queue, [1, 2, 3])
    for take in takes:
        queue.put(take, frames_of(take.job.seed, 0, 1), "stop")
    queue.turn()
    assert [sink.reason for sink in sinks] == ["stop", None, "stop"]
    assert isinstance(sinks[1].items[-1], CheckpointError)


def test_an_error_frees_the_slot_of_the_running_take() -> None:
    decoder = FakeDecoder(errors={1: CheckpointError("broken")})
    engine = InTurns(FakeRunner(num_slots=2, is_endless=True), decoder)
    _, bad = engine.start(seed=1, max_frames=1000)
    _, good = engine.start(seed=2, max_frames=20)
    engine.run_until_idle()
    assert isinstance(bad.items[-1], CheckpointError)
    assert good.reason == "length"
    assert not engine.runner.jobs


def test_a_reference_that_cannot_be_heard_ends_its_take_alone() -> None:
    engine = InTurns(decoder=FakeDecoder(fail_on_open=CheckpointError("broken")))
    _, bad = engine.start(seed=1)
    engine.make_frames()
    engine.make_audio()
    engine.decoder.fail_on_open = None
    _, good = engine.start(seed=1)
    engine.run_until_idle()
    assert isinstance(bad.items[-1], CheckpointError)
    assert good.reason == "stop"


def test_nothing_is_remembered_of_a_take_that_is_over() -> None:
    engine = InTurns()
    for seed in range(6):
        engine.start(seed)
    engine.run_until_idle()
    assert engine.codec.num_takes == 0
    assert engine.codec.drain() == []
