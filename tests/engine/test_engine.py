"""The two threads around the loop: many callers, capacity, failure, closing."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from tests.engine.fakes import TIMEOUT_S, FakeDecoder, FakeRunner, make_take

from intone.core.errors import CapacityError, CheckpointError, EngineStoppedError
from intone.engine.engine import Engine
from intone.engine.take import MAX_FRAMES_AHEAD
from intone.runtime.job import FrameBatch


@dataclass
class GatedRunner(FakeRunner):
    """Makes no frame before its gate opens; says when a number of frames is reached."""

    gate: threading.Event | None = None
    entered: threading.Event = field(default_factory=threading.Event)
    announce_at: int = 0
    reached: threading.Event = field(default_factory=threading.Event)

    def step(self, slots: Sequence[int]) -> FrameBatch:
        self.entered.set()
        if self.gate is not None:
            assert self.gate.wait(TIMEOUT_S)
        batch = super().step(slots)
        if self.announce_at and max(self.frames.values()) >= self.announce_at:
            self.reached.set()
        return batch


def engine_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("intone-")]


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> object:
    before = engine_threads()
    yield
    assert engine_threads() == before


def test_many_threads_share_one_engine() -> None:
    engine = Engine(FakeRunner(num_slots=4), FakeDecoder())
    sinks = []

    def submit(seed: int) -> None:
        take, sink = make_take(seed)
        sinks.append((seed, sink))
        engine.submit(take)

    threads = [threading.Thread(target=submit, args=(seed,)) for seed in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed, sink in sinks:
        sink.wait()
        assert sink.reason == "stop"
        assert sink.heard == [round(f + seed / 1000, 3) for f in range(seed % 7 + 1)]
    engine.close()


def test_audio_is_made_on_a_thread_of_its_own_while_frames_go_on() -> None:
    gate = threading.Event()
    runner, decoder = GatedRunner(announce_at=7), FakeDecoder(gate=gate)
    engine = Engine(runner, decoder)
    take, sink = make_take(seed=6)
    engine.submit(take)
    assert decoder.entered.wait(TIMEOUT_S)
    assert runner.reached.wait(TIMEOUT_S), "every frame is made while the first is decoded"
    assert not sink.items
    gate.set()
    sink.wait()
    assert len(sink.heard) == 7
    assert decoder.threads == {"intone-codec"}
    engine.close()


def test_a_slow_codec_holds_the_loop_at_the_limit_and_loses_nothing() -> None:
    gate = threading.Event()
    runner = GatedRunner(num_slots=1, is_endless=True, announce_at=MAX_FRAMES_AHEAD)
    ahead: list[int] = []

    class SlowDecoder(FakeDecoder):
        def _hear(self, stream, frames):  # type: ignore[no-untyped-def]
            ahead.append(runner.frames[0] - stream.num_frames)
            return super()._hear(stream, frames)

    engine = Engine(runner, SlowDecoder(gate=gate))
    take, sink = make_take(seed=1, max_frames=500, ramp=(8,))
    engine.submit(take)
    assert runner.reached.wait(TIMEOUT_S)
    gate.set()
    sink.wait()
    assert sink.heard == [round(frame + 0.001, 3) for frame in range(500)]
    assert max(ahead) == MAX_FRAMES_AHEAD
    engine.close()


def test_cancelling_during_a_decode_ends_the_take_after_it() -> None:
    gate = threading.Event()
    decoder = FakeDecoder(gate=gate)
    engine = Engine(FakeRunner(is_endless=True), decoder)
    take, sink = make_take(seed=1, max_frames=10**6)
    engine.submit(take)
    assert decoder.entered.wait(TIMEOUT_S)
    take.cancel()
    gate.set()
    sink.wait()
    assert sink.reason == "cancelled"
    assert len(decoder.calls) == 1, "waiting chunks are dropped"
    engine.close()


def test_cancelling_a_take_whose_frames_are_all_made_ends_it() -> None:
    gate = threading.Event()
    runner, decoder = GatedRunner(num_slots=1, announce_at=7), FakeDecoder(gate=gate)
    engine = Engine(runner, decoder)
    take, sink = make_take(seed=6)
    engine.submit(take)
    assert decoder.entered.wait(TIMEOUT_S)
    assert runner.reached.wait(TIMEOUT_S)
    take.cancel()
    gate.set()
    sink.wait()
    assert sink.reason == "cancelled"
    engine.close()


def test_cancelling_is_heard_while_the_codec_has_nothing_to_do() -> None:
    runner = GatedRunner(is_endless=True, announce_at=50)
    engine = Engine(runner, FakeDecoder())
    take, sink = make_take(seed=1, max_frames=10**6, ramp=(10**6,))
    engine.submit(take)
    assert runner.reached.wait(TIMEOUT_S)
    take.cancel()
    sink.wait()
    assert sink.reason == "cancelled"
    engine.close()


def test_closing_ends_takes_as_cancelled_and_frees_runner_and_decoder() -> None:
    runner, decoder = FakeRunner(is_endless=True), FakeDecoder()
    engine = Engine(runner, decoder)
    take, sink = make_take(seed=6, max_frames=10**9)
    engine.submit(take)
    engine.close()
    assert sink.is_over
    assert sink.reason == "cancelled"
    assert runner.is_closed
    assert decoder.is_closed
    assert engine._codec.queue.num_takes == 0, "no stream is kept"
    with pytest.raises(EngineStoppedError, match="closed"):
        engine.submit(make_take(seed=1)[0])
    engine.close()


def test_closing_with_work_in_flight_tells_every_take_once() -> None:
    step_gate, decode_gate = threading.Event(), threading.Event()
    decoder = FakeDecoder(gate=decode_gate)
    runner = GatedRunner(num_slots=2, is_endless=True)
    engine = Engine(runner, decoder)
    sinks = []
    for seed in range(6):  # two run, four wait
        take, sink = make_take(seed, max_frames=10**6)
        sinks.append(sink)
        engine.submit(take)
    assert decoder.entered.wait(TIMEOUT_S)
    runner.gate = step_gate
    closer = threading.Thread(target=engine.close)
    closer.start()
    step_gate.set()
    decode_gate.set()
    closer.join(TIMEOUT_S)
    assert not closer.is_alive()
    assert [sink.reason for sink in sinks] == ["cancelled"] * 6


def test_an_emit_may_close_the_engine() -> None:
    engine = Engine(FakeRunner(is_endless=True), FakeDecoder())
    take, sink = make_take(seed=1, max_frames=10**6)

    def emit(item: object) -> None:
        engine.close()
        sink(item)

    take.emit = emit
    engine.submit(take)
    sink.wait()
    assert sink.reason == "cancelled"
    engine.close()


@pytest.mark.parametrize("part", ["step", "decode", "open"])
def test_a_failure_reaches_every_caller_and_later_ones(part: str) -> None:
    error = RuntimeError("out of memory")
    runner, decoder = FakeRunner(is_endless=True), FakeDecoder()
    if part == "step":
        runner.fail_on_step = error
    elif part == "open":
        decoder.fail_on_open = error
    else:
        decoder.errors[1] = error
    engine = Engine(runner, decoder)
    sinks = []
    for seed in (1, 2):
        take, sink = make_take(seed, max_frames=10**6)
        sinks.append(sink)
        try:
            engine.submit(take)
        except EngineStoppedError as stopped:  # the first one was faster
            sink(stopped)
    for sink in sinks:
        sink.wait()
        stopped = sink.items[-1]
        assert isinstance(stopped, EngineStoppedError)
        assert "out of memory" in str(stopped)
        assert stopped.__cause__ is error
    with pytest.raises(EngineStoppedError, match="out of memory"):
        engine.submit(make_take(seed=1)[0])
    engine.close()
    assert runner.is_closed
    assert decoder.is_closed


class BrokenDevice(FakeRunner):
    """Whatever it is asked for after its failure fails too, as a GPU's context does."""

    def close(self) -> None:
        super().close()
        raise RuntimeError("illegal address")


class BrokenDecoder(FakeDecoder):
    def close(self) -> None:
        super().close()
        raise RuntimeError("illegal address")


@pytest.mark.parametrize("overlap", [True, False])
def test_a_device_that_fails_once_more_while_it_is_closed_hides_nothing_from_callers(
    overlap: bool,
) -> None:
    runner, decoder = BrokenDevice(fail_on_step=RuntimeError("device assert")), BrokenDecoder()
    engine = Engine(runner, decoder, overlap=overlap)
    take, sink = make_take(1)
    engine.submit(take)
    sink.wait()
    assert "device assert" in str(sink.items[-1])
    engine.close()
    assert runner.is_closed
    assert decoder.is_closed


def test_a_decoder_that_fails_while_it_is_closed_is_told() -> None:
    engine = Engine(FakeRunner(), BrokenDecoder())
    engine.close()
    with pytest.raises(EngineStoppedError, match="illegal address"):
        engine.submit(make_take(2)[0])


def test_a_failed_decode_tells_takes_whose_slot_is_free_already() -> None:
    gate = threading.Event()
    runner = GatedRunner(num_slots=1, announce_at=7)
    decoder = FakeDecoder(gate=gate, errors={6: RuntimeError("out of memory")})
    engine = Engine(runner, decoder)
    take, sink = make_take(seed=6)
    engine.submit(take)
    assert runner.reached.wait(TIMEOUT_S)
    gate.set()
    sink.wait()
    assert isinstance(sink.items[-1], EngineStoppedError)
    engine.close()


def test_an_intone_error_in_a_decode_ends_one_take_and_the_engine_goes_on() -> None:
    decoder = FakeDecoder(errors={1: CheckpointError("broken")})
    engine = Engine(FakeRunner(), decoder)
    (bad, bad_sink), (good, good_sink) = make_take(seed=1), make_take(seed=2)
    engine.submit(bad)
    engine.submit(good)
    bad_sink.wait()
    good_sink.wait()
    assert isinstance(bad_sink.items[-1], CheckpointError)
    assert good_sink.reason == "stop"
    engine.close()


def test_a_full_queue_refuses() -> None:
    gate = threading.Event()
    runner = GatedRunner(num_slots=1, gate=gate)
    engine = Engine(runner, FakeDecoder(), max_waiting=2)
    engine.submit(make_take(0)[0])
    assert runner.entered.wait(TIMEOUT_S)
    for seed in (1, 2):
        engine.submit(make_take(seed)[0])
    with pytest.raises(CapacityError, match="2 requests are waiting"):
        engine.submit(make_take(3)[0])
    gate.set()
    engine.close()
