"""What the host hands to the device for one launch, and what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
import pytest

from intone.core.types import SamplingParams
from intone.prompt.live_text import GrowingIds
from intone.prompt.talker_prompt import TalkerPrompt
from intone.runtime.frame.arrays import FrameArrays
from intone.runtime.frame.takes import RunningTakes
from intone.runtime.job import SlotJob, SlotStart
from intone.runtime.rng import frame_uniforms

K, WIDTH, SCRATCH_PAGE, NUM_SLOTS = 16, 5, 99, 64
PAD = 7


@dataclass
class Growing:
    ids: list[int] = field(default_factory=list)
    is_finished: bool = False


def start(
    slot: int,
    *,
    text: Sequence[int] = (),
    live: GrowingIds | None = None,
    num_rows: int = 10,
    num_frames: int = 0,
    seed: int = 1,
    min_frames: int = 2,
    pages: Sequence[int] = (3,),
) -> SlotStart:
    prompt = TalkerPrompt(
        text_ids=np.zeros(num_rows, dtype=np.int64),
        codec_ids=np.zeros((num_rows, K), dtype=np.int64),
        speaker_row=None,
        x_vector=None,
        trailing_text_ids=np.array(text, dtype=np.int64),
        live=live,
        pad_text_id=PAD,
        ref_codes=None,
        num_text_tokens=1,
    )
    job = SlotJob(
        prompt=prompt,
        sampling=SamplingParams(),
        predictor_sampling=SamplingParams(),
        seed=seed,
        min_frames=min_frames,
    )
    frames = np.zeros((num_frames, K), dtype=np.int64) if num_frames else None
    return SlotStart(slot=slot, job=job, pages=pages, frames=frames)


def takes() -> RunningTakes:
    return RunningTakes(NUM_SLOTS, WIDTH, K, SCRATCH_PAGE)


def arrays(num_rows: int) -> FrameArrays:
    """Returns arrays full of what an earlier launch may have left."""
    old = -12345
    return FrameArrays(
        uniforms=np.full((num_rows, K), np.nan),
        slots=np.full(num_rows, old, dtype=np.int64),
        positions=np.full(num_rows, old, dtype=np.int64),
        text_ids=np.full(num_rows, old, dtype=np.int64),
        tables=np.full((num_rows, WIDTH), old, dtype=np.int32),
        may_end=np.ones(num_rows, dtype=np.bool_),
    )


def launched(running: RunningTakes, slots: Sequence[int], num_rows: int) -> FrameArrays:
    into = arrays(num_rows)
    running.next_frames(slots, into)
    return into


def test_every_row_is_filled_and_padding_points_at_scratch_alone() -> None:
    running = takes()
    running.begin(start(5, text=[11, 12], pages=[3, 4]))
    running.begin(start(2, num_rows=20, num_frames=6, seed=8, pages=[0, 1, 2]))
    frame = launched(running, [5, 2], 4)
    assert frame.slots.tolist() == [5, 2, NUM_SLOTS, NUM_SLOTS]
    assert frame.positions.tolist() == [10, 26, 0, 0]
    assert frame.text_ids.tolist() == [11, PAD, -1, -1]
    assert frame.may_end.tolist() == [False, True, False, False]
    scratch = [SCRATCH_PAGE] * WIDTH
    assert frame.tables.tolist() == [
        [3, 4, *scratch[2:]], [0, 1, 2, *scratch[3:]], scratch, scratch
    ]  # fmt: skip
    np.testing.assert_array_equal(frame.uniforms[0], frame_uniforms(1, 0, K))
    np.testing.assert_array_equal(frame.uniforms[1], frame_uniforms(8, 6, K))
    assert not frame.uniforms[2:].any()


def test_frames_are_counted_by_take_not_by_launch() -> None:
    running = takes()
    running.begin(start(0, text=[21, 22, 23]))
    running.begin(start(1, text=[31]))
    launched(running, [0], 1)
    launched(running, [0, 1], 2)
    frame = launched(running, [1, 0], 2)
    assert frame.text_ids.tolist() == [PAD, 23]
    assert frame.positions.tolist() == [11, 12]
    assert frame.may_end.tolist() == [False, True]
    np.testing.assert_array_equal(frame.uniforms[1], frame_uniforms(1, 2, K))


def test_pages_are_added_after_those_a_slot_has_and_leave_with_its_take() -> None:
    running = takes()
    running.begin(start(0, pages=[8, 9]))
    running.grow(0, [4])
    running.grow(0, [6])
    assert launched(running, [0], 1).tables.tolist() == [[8, 9, 4, 6, SCRATCH_PAGE]]
    running.release(0)
    running.begin(start(0, pages=[1]))
    assert launched(running, [0], 1).tables[0, :2].tolist() == [1, SCRATCH_PAGE]


def test_text_that_is_still_written_is_read_as_it_comes() -> None:
    text = Growing([51])
    running = takes()
    running.begin(start(0, text=[41], live=text))
    assert [launched(running, [0], 1).text_ids[0] for _ in range(2)] == [41, 51]
    text.ids.extend([52, 53])
    assert launched(running, [0], 1).text_ids[0] == 52
    text.is_finished = True
    assert [launched(running, [0], 1).text_ids[0] for _ in range(3)] == [53, PAD, PAD]


def test_a_frame_whose_text_is_not_written_yet_is_refused() -> None:
    running = takes()
    running.begin(start(3, live=Growing()))
    with pytest.raises(LookupError, match="the text of frame 0 is not known yet"):
        launched(running, [3], 1)


def test_a_long_text_makes_room_for_itself() -> None:
    running = takes()
    running.begin(start(0, text=[5]))
    long = list(range(100, 1100))
    running.begin(start(1, text=long, num_frames=999))
    assert launched(running, [0, 1], 2).text_ids.tolist() == [5, 1099]


def test_a_launch_of_64_rows_costs_the_host_less_than_a_millisecond() -> None:
    """The best of many: what others do on this machine meanwhile is not meant."""
    running, into = takes(), arrays(NUM_SLOTS)
    for slot in range(NUM_SLOTS):
        running.begin(start(slot, text=range(200), seed=slot))
    slots, times = list(range(NUM_SLOTS)), []
    for _ in range(100):
        started = perf_counter()
        running.next_frames(slots, into)
        times.append(perf_counter() - started)
    assert min(times) < 0.001
