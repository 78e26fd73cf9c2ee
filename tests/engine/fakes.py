"""A runner without a model: it checks every call against the protocol and makes known frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from intone.core.constants import SAMPLES_PER_FRAME
from intone.core.types import AudioChunk, Codes, Samples, SamplingParams
from intone.engine.take import Take
from intone.prompt.talker_prompt import TalkerPrompt
from intone.runtime.job import FrameBatch, SlotJob

NUM_CODEBOOKS = 4


@dataclass
class FakeRunner:
    """Frame f of a take with seed s is [s, f, f, f]; the take ends after s % 7 + 1 frames."""

    num_slots: int = 3
    frames: dict[int, int] = field(default_factory=dict)
    """Frames made, by running slot."""
    jobs: dict[int, SlotJob] = field(default_factory=dict)
    heard: dict[int, int] = field(default_factory=dict)
    """Frames decoded to audio, by running slot."""
    is_closed: bool = False
    fail_on_step: BaseException | None = None
    fail_on_begin: BaseException | None = None
    steps: list[list[int]] = field(default_factory=list)

    def begin(self, slot: int, job: SlotJob) -> None:
        if self.fail_on_begin is not None:
            raise self.fail_on_begin
        assert 0 <= slot < self.num_slots
        assert slot not in self.jobs, "a slot was begun twice"
        self.jobs[slot], self.frames[slot], self.heard[slot] = job, 0, 0

    def step(self, slots: Sequence[int]) -> FrameBatch:
        if self.fail_on_step is not None:
            raise self.fail_on_step
        assert len(set(slots)) == len(slots)
        self.steps.append(list(slots))
        codes = np.zeros((len(slots), NUM_CODEBOOKS), dtype=np.int64)
        ended = np.zeros(len(slots), dtype=np.bool_)
        for i, slot in enumerate(slots):
            seed, frame = self.jobs[slot].seed, self.frames[slot]
            ended[i] = frame >= seed % 7 + 1
            codes[i] = [seed, frame, frame, frame]
            self.frames[slot] += 1
        return FrameBatch(codes=codes, ended=ended)

    def decode_audio(self, slot: int, codes: Codes) -> Samples:
        assert codes[0, 1] == self.heard[slot], "frames reach the codec in order, once"
        self.heard[slot] += len(codes)
        return np.repeat(codes[:, 1].astype(np.float32), SAMPLES_PER_FRAME)

    def release(self, slot: int) -> None:
        self.jobs.pop(slot, None)

    def close(self) -> None:
        self.is_closed = True


@dataclass
class Sink:
    """Collects what a take emits."""

    items: list[AudioChunk | BaseException] = field(default_factory=list)

    def __call__(self, item: AudioChunk | BaseException) -> None:
        assert not self.is_over, "nothing follows the last item"
        self.items.append(item)

    @property
    def is_over(self) -> bool:
        if not self.items:
            return False
        last = self.items[-1]
        return isinstance(last, BaseException) or last.is_last

    @property
    def chunks(self) -> list[AudioChunk]:
        return [item for item in self.items if isinstance(item, AudioChunk)]

    @property
    def reason(self) -> str | None:
        return self.chunks[-1].finish_reason if self.chunks else None


def make_take(
    seed: int, *, max_frames: int = 100, ramp: tuple[int, ...] = (1, 2, 4, 8)
) -> tuple[Take, Sink]:
    sink = Sink()
    empty = np.empty(0, dtype=np.int64)
    prompt = TalkerPrompt(
        text_ids=empty,
        codec_ids=empty.reshape(0, NUM_CODEBOOKS),
        speaker_row=None,
        x_vector=None,
        trailing_text_ids=empty,
        pad_text_id=0,
        ref_codes=None,
        num_text_tokens=0,
    )
    job = SlotJob(
        prompt=prompt, sampling=SamplingParams(), predictor_sampling=SamplingParams(), seed=seed
    )
    return Take(job=job, max_frames=max_frames, ramp=ramp, emit=sink), sink
