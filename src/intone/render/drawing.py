"""Drawing one segment until it is the right person and ends by itself, a bounded number of times.

The seed of draw n follows from the segment's, so a plan gives the same take whatever was drawn
before it, alone or in a script. The take that was kept has the seed that repeats it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from intone.core.seeds import derived_seed
from intone.core.synthesizer import Synthesizer
from intone.core.types import Audio, Samples, SpeechRequest
from intone.render.ear import Ear, heard_person, similarity
from intone.render.plan import SegmentPlan

MIN_SIMILARITY = 0.75
"""Cosine of x-vectors from which on a take counts as the same person. On the built-in voice the
lowest of 60 takes was 0.88 with its own preset and the highest 0.66 with another one
(`benchmarks/results/similarity-builtin.json`); on released models it has not been measured."""

MAX_REDRAWS = 2
"""A take that fails three times is rare, and a voice that always fails must not triple the work."""

TellAgain = Callable[[int], None]
"""Is told before a take is drawn again, for the n-th time, n >= 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawPolicy:
    """When a take is drawn again."""

    min_similarity: float = MIN_SIMILARITY
    max_redraws: int = MAX_REDRAWS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Anchor:
    """Who a take is compared with."""

    x_vector: Samples
    """[H], of the same ear that hears the takes."""
    origin: str
    """Where it comes from, for the record."""
    ceiling: float = 1.0
    """How near the recording itself is that the take follows; what is asked of the take shrinks
    with it, for a whisper is far from everybody's voice."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawnSegment:
    """The take that was kept, and how it compares."""

    plan: SegmentPlan
    request: SpeechRequest
    """Of this take: the plan's, or the same with the seed of a later draw."""
    audio: Audio
    similarity: float | None
    """With the anchor; None where it was not judged."""
    num_draws: int
    """All of them, those that the guard threw away included."""
    num_takes: int = 1
    """How often it was drawn until it was the right person and ended."""
    note: str | None = None
    """Why it was not judged, or that it is the best of bad ones."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What was not done as asked, of the plan and of the draw."""
        return tuple(note for note in (self.plan.note, self.note) if note is not None)

    @property
    def is_redrawn(self) -> bool:
        return self.request.seed != self.plan.request.seed


class SegmentDrawer:
    """Draws segments with one synthesizer; holds nothing between two calls."""

    def __init__(
        self,
        synthesizer: Synthesizer,
        ear: Ear | None,
        policy: DrawPolicy | None = None,
        tell_again: TellAgain | None = None,
    ) -> None:
        """Takes what speaks and what hears; `ear=None` judges nobody, but ends all the same."""
        self._synthesizer = synthesizer
        self._ear = ear
        self._policy = policy or DrawPolicy()
        self._tell_again = tell_again

    def draw(self, plan: SegmentPlan, anchor: Anchor | None) -> DrawnSegment:
        """Returns the first good take, or the best one when none is.

        Args:
            plan: its request has a seed, else one is taken from the first take.
            anchor: who it should be; None judges nothing.

        Raises:
            IntoneError: as `Synthesizer.synthesize` does.
        """
        kept = self._hear(plan, plan.request, anchor)
        first, num_draws, num_takes = kept.request, kept.num_draws, 1
        for n in range(1, self._policy.max_redraws + 1):
            if self._is_good(kept, anchor) or not _can_differ(first):
                break
            if self._tell_again is not None:
                self._tell_again(n)
            other = self._hear(plan, redrawn(first, n), anchor)
            num_draws, num_takes = num_draws + other.num_draws, num_takes + 1
            kept = max(kept, other, key=_rank)  # of equals the earlier one
        note = self._complaint(kept, anchor) or kept.note
        return replace(kept, num_draws=num_draws, num_takes=num_takes, note=note)

    def _hear(
        self, plan: SegmentPlan, request: SpeechRequest, anchor: Anchor | None
    ) -> DrawnSegment:
        audio = self._synthesizer.synthesize(request)
        likeness, note = self._compare(audio, anchor)
        return DrawnSegment(
            plan=plan,
            request=replace(request, seed=audio.seed),
            audio=audio,
            similarity=likeness,
            num_draws=audio.num_draws,
            note=note,
        )

    def _compare(self, audio: Audio, anchor: Anchor | None) -> tuple[float | None, str | None]:
        """Returns the similarity, or why there is none."""
        if anchor is None or self._ear is None:
            return None, None  # said once for all segments, by who decides it
        vector, note = heard_person(self._ear, audio)
        return (None, note) if vector is None else (similarity(vector, anchor.x_vector), None)

    def _least(self, anchor: Anchor | None) -> float:
        ceiling = 1.0 if anchor is None else min(1.0, max(0.0, anchor.ceiling))
        return self._policy.min_similarity * ceiling

    def _is_good(self, drawn: DrawnSegment, anchor: Anchor | None) -> bool:
        if drawn.audio.finish_reason == "cancelled":
            return True  # nobody wants it any more
        likeness = drawn.similarity
        is_person = likeness is None or likeness >= self._least(anchor)
        return is_person and _has_ended(drawn)

    def _complaint(self, kept: DrawnSegment, anchor: Anchor | None) -> str | None:
        if self._is_good(kept, anchor):
            return None
        if kept.audio.finish_reason == "length":
            return "it did not end in any draw; the best one was cut at the model's frame budget"
        if kept.audio.finish_reason == "guard":
            return "it missed its end in every draw; the best one was cut where speech ended"
        return (
            f"similarity {kept.similarity:.3f} is the best of its draws, but below "
            f"{self._least(anchor):.3f}"
        )


def redrawn(request: SpeechRequest, n: int) -> SpeechRequest:
    """Returns the request of the n-th draw after the first, n >= 1; `request` has a seed."""
    assert request.seed is not None
    return replace(request, seed=derived_seed(request.seed, "similarity", n))


def _can_differ(request: SpeechRequest) -> bool:
    """Whether another seed gives another take."""
    return not (request.sampling.greedy and request.predictor_sampling.greedy)


def _has_ended(drawn: DrawnSegment) -> bool:
    """Whether a take ended by itself, or where the caller wanted it to end."""
    was_wanted = drawn.request.max_frames is not None
    return drawn.audio.finish_reason == "stop" or (
        drawn.audio.finish_reason == "length" and was_wanted
    )


def _rank(drawn: DrawnSegment) -> tuple[bool, float]:
    """Returns how good a take is: one that ended by itself first, then the likeness."""
    likeness = -1.0 if drawn.similarity is None else drawn.similarity
    return _has_ended(drawn), likeness
