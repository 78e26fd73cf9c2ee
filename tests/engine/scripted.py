"""Takes that go wrong on purpose: a runner that makes given frames, a codec that sounds as told.

A frame is [cb0, level, n, n]: it sounds `level` dB under full scale, all its samples alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from tests.engine.fakes import FakeDecoder, FakeRunner, FakeStream, InTurns, Sink, make_take

from intone.core.constants import SAMPLES_PER_FRAME
from intone.core.types import Codes, Samples
from intone.engine.engine import Engine
from intone.engine.guard import GuardPlan
from intone.engine.leak import LeakWatch
from intone.engine.take import Take
from intone.runtime.job import FrameBatch

DIGITAL_SILENCE = 120
ENDLESS = 1000
"""So many frames of trouble count as endless here."""

PLAN = GuardPlan(shortest_frames=20, typical_frames=45, budget_frames=150)


def frames(levels: Sequence[float], seed: int = 0) -> Codes:
    """Returns frames of these levels, their other codes drawn."""
    rng = np.random.default_rng([seed, len(levels)])
    codes = rng.integers(0, 2048, (len(levels), 4))
    codes[:, 1] = levels
    return codes


def speech(num_frames: int, seed: int = 0) -> Codes:
    """Returns frames as loud as speech is: from 12 to 40 dB under full scale, up and down."""
    levels = np.random.default_rng(seed).integers(12, 41, num_frames)
    levels[::2] = 12 + levels[::2] % 8
    return frames(levels, seed)


def silence(num_frames: int) -> Codes:
    return frames([62 + n % 9 for n in range(num_frames)], seed=1)


def hum(num_frames: int) -> Codes:
    return frames([39 + n % 2 for n in range(num_frames)], seed=2)


def drone(num_frames: int) -> Codes:
    return frames([20 + n % 3 for n in range(num_frames)], seed=3)


def loop(num_frames: int, period: int) -> Codes:
    return np.resize(speech(period, seed=4), (num_frames, 4))


def first_codebook_loop(num_frames: int, period: int) -> Codes:
    codes = speech(num_frames, seed=5)
    codes[:, 0] = np.resize(np.arange(period), num_frames)
    return codes


@dataclass
class ScriptedRunner(FakeRunner):
    """Makes the frames of a script, found by the take's seed, and then ends the take."""

    scripts: dict[int, Codes] = field(default_factory=dict)

    def step(self, slots: Sequence[int]) -> FrameBatch:
        self.steps.append(list(slots))
        codes = np.zeros((len(slots), 4), dtype=np.int64)
        ended = np.zeros(len(slots), dtype=np.bool_)
        for i, slot in enumerate(slots):
            script, frame = self.scripts[self.jobs[slot].seed], self.frames[slot]
            ended[i] = frame == len(script)
            codes[i] = script[min(frame, len(script) - 1)]
            self.frames[slot] += 1
        return FrameBatch(codes=codes, ended=ended)


@dataclass
class ScriptedDecoder(FakeDecoder):
    """Sounds as loud as the frames say."""

    def decode(self, streams: Sequence[FakeStream], codes: Sequence[Codes]) -> list[Samples]:
        return [sound_of(frames) for frames in codes]


def sound_of(codes: Codes) -> Samples:
    """Returns what frames [F, K] sound like, [F * 1920]."""
    amplitude = 10 ** (-codes[:, 1] / 20)
    amplitude[codes[:, 1] >= DIGITAL_SILENCE] = 0
    return np.repeat(amplitude.astype(np.float32), SAMPLES_PER_FRAME)


def faded(codes: Codes) -> Samples:
    """Returns what frames sound like whose last one fades away."""
    samples = sound_of(codes)
    samples[-SAMPLES_PER_FRAME:] *= np.linspace(1, 0, SAMPLES_PER_FRAME, dtype=np.float32)
    return samples


@dataclass
class Played:
    """A take that is over."""

    take: Take
    sink: Sink
    frames_made: int

    @property
    def reason(self) -> str | None:
        return self.sink.reason

    @property
    def samples(self) -> Samples:
        return np.concatenate([chunk.samples for chunk in self.sink.chunks])

    @property
    def fired_by(self) -> str | None:
        return None if self.take.guard is None else self.take.guard.fired_by


def play(
    script: Codes,
    *,
    ramp: tuple[int, ...] = (1, 2, 4, 8),
    plan: GuardPlan | None = PLAN,
    leak: LeakWatch | None = None,
    beside: Sequence[Codes] = (),
) -> Played:
    """Plays a script on one thread, in company if there is any."""
    scripts = dict(enumerate((script, *beside)))
    runner = ScriptedRunner(num_slots=len(scripts), scripts=scripts)
    engine = InTurns(runner, ScriptedDecoder())
    take, sink = engine.start(0, max_frames=5000, ramp=ramp, plan=plan, leak=leak)
    for seed in range(1, len(scripts)):
        engine.start(seed, max_frames=5000, ramp=(seed,), plan=plan)
    engine.run_until_idle(limit=20_000)
    return Played(take, sink, runner.frames[0])


def play_on_threads(script: Codes, *, ramp: tuple[int, ...], overlap: bool) -> Played:
    """Plays a script through a whole engine."""
    runner = ScriptedRunner(num_slots=1, scripts={0: script})
    engine = Engine(runner, ScriptedDecoder(), overlap=overlap)
    take, sink = make_take(0, max_frames=5000, ramp=ramp, plan=PLAN)
    engine.submit(take)
    sink.wait()
    engine.close()
    return Played(take, sink, runner.frames[0])
