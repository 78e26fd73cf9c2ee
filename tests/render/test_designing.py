"""A description gives several people; a seed gives the same ones again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest

from intone.core.errors import InvalidSettingError, UnsupportedModeError
from intone.core.types import (
    Audio,
    AudioChunk,
    Capabilities,
    ModelKind,
    Samples,
    SpeechRequest,
    SpeechTiming,
)
from intone.render.designing import (
    candidate_seed,
    draw_candidate,
    iter_candidates,
    next_seed,
)


@dataclass
class Designer:
    """A synthesizer that remembers what it was asked for."""

    kind: ModelKind = "design"
    requests: list[SpeechRequest] = field(default_factory=list)

    def capabilities(self) -> Capabilities:
        return Capabilities(
            model="fake", kind=self.kind, size="tiny", voices=(), languages=("auto",),
            hidden_size=64, num_codebooks=16, can_clone=False, follows_instruct=True,
        )  # fmt: skip

    def synthesize(self, request: SpeechRequest) -> Audio:
        self.requests.append(request)
        return Audio(
            samples=np.zeros(1_920, np.float32), sample_rate_hz=24_000, finish_reason="stop",
            seed=request.seed or 0, timing=SpeechTiming(ttfa_s=0.1, wall_s=0.1, audio_s=0.08),
        )  # fmt: skip

    def stream_request(self, request: SpeechRequest) -> Iterator[AudioChunk]:
        raise NotImplementedError

    def astream_request(self, request: SpeechRequest) -> AsyncIterator[AudioChunk]:
        raise NotImplementedError

    def x_vector(self, samples: Samples) -> Samples:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


def test_candidates_differ_by_seed_alone_and_come_again() -> None:
    designer = Designer()
    first = list(iter_candidates(designer, "A calm voice.", "Hello.", count=3, seed=7))
    again = list(iter_candidates(designer, "A calm voice.", "Hello.", count=5, seed=7))

    assert [one.number for one in first] == [1, 2, 3]
    assert len({one.seed for one in again}) == 5
    assert [one.seed for one in first] == [one.seed for one in again[:3]]
    assert {(one.instruct, one.text) for one in designer.requests} == {("A calm voice.", "Hello.")}
    assert [one.seed for one in first] == [one.seed for one in designer.requests[:3]]


def test_each_candidate_is_there_before_the_next_is_drawn() -> None:
    designer = Designer()
    drawn = iter_candidates(designer, "A voice.", "Hello.", count=4, seed=0)

    assert len(designer.requests) == 0
    next(drawn)
    assert len(designer.requests) == 1


def test_a_model_that_designs_no_voices_is_refused_at_once() -> None:
    with pytest.raises(UnsupportedModeError, match="custom model; .*1.7b-design"):
        iter_candidates(Designer(kind="custom"), "A voice.", "Hello.", count=1, seed=0)


@pytest.mark.parametrize(
    ("description", "count", "message"),
    [("A voice.", 0, "count is 0; allowed: 1 to 20"), ("A voice.", 21, "21"), (" ", 1, "empty")],
)
def test_what_cannot_be_drawn_is_refused_at_once(
    description: str, count: int, message: str
) -> None:
    with pytest.raises(InvalidSettingError, match=message):
        iter_candidates(Designer(), description, "Hello.", count=count, seed=0)


def test_a_place_is_drawn_again_with_a_seed_of_its_own_and_always_the_same_ones() -> None:
    designer = Designer()
    first = next(iter_candidates(designer, "A calm voice.", "Hello.", count=1, seed=7))
    again = next_seed(7, 1, first.seed)
    drawn = draw_candidate(designer, "A calm voice.", "Hello.", number=1, seed=again)

    assert (first.seed, drawn.number, drawn.audio.seed) == (candidate_seed(7, 1), 1, again)
    assert len({first.seed, again, next_seed(7, 1, again), candidate_seed(7, 2)}) == 4
    assert next_seed(7, 1, first.seed) == again
    assert next_seed(7, 3, None) == candidate_seed(7, 3)
    assert designer.requests[-1].instruct == "A calm voice."
