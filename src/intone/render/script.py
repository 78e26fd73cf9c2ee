"""A script from plan to sound: segment by segment, each heard as soon as it is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from intone.audio.seams import Assembler, Placed
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.seeds import derived_seed
from intone.core.synthesizer import Synthesizer
from intone.render.anchors import Anchors
from intone.render.drawing import Anchor, DrawnSegment, DrawPolicy, SegmentDrawer, TellAgain
from intone.render.ear import Ear
from intone.render.plan import ScriptPlan, SegmentPlan


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RenderedSegment:
    """One segment as it was drawn, and in its place in the whole."""

    drawn: DrawnSegment
    """The take, untouched."""
    placed: Placed
    """What to append to the whole: the gap before it, then its own samples."""

    @property
    def start_s(self) -> float:
        """Where its own sound begins in the whole."""
        return self.placed.start_sample / SAMPLE_RATE_HZ

    @property
    def end_s(self) -> float:
        return self.placed.end_sample / SAMPLE_RATE_HZ


class ScriptRenderer:
    """Draws the segments of one plan; a segment is the same whichever were drawn before it."""

    def __init__(
        self,
        plan: ScriptPlan,
        synthesizer: Synthesizer,
        ear: Ear | None,
        policy: DrawPolicy | None = None,
        *,
        anchors: dict[str, Anchor | None] | None = None,
        tell_again: TellAgain | None = None,
    ) -> None:
        """Takes what is to be said, what speaks, and what hears (None compares nobody).

        Args:
            anchors: what an earlier renderer of the same seed and ear compared with; it grows.
            tell_again: is told when a segment is drawn again.
        """
        self._plan = plan
        self._drawer = SegmentDrawer(synthesizer, ear, policy, tell_again)
        self._anchors = None if ear is None else Anchors(synthesizer, ear, plan.seed, anchors)

    def render(self) -> Iterator[RenderedSegment]:
        """Yields every segment when it is drawn and placed; their joined samples are the whole.

        Raises:
            IntoneError: as `Synthesizer.synthesize` does; what was yielded before stays good.
        """
        assembler = Assembler(SAMPLE_RATE_HZ)
        for segment in self._plan.segments:
            drawn = self._draw(segment)
            placed = assembler.add(
                drawn.audio.samples,
                gap_before_s=segment.gap_before_s,
                cut_end_s=segment.cut_end_s,
                voice=f"{segment.identity}, {segment.mood}",  # a mood has a level of its own
            )
            if segment is self._plan.segments[-1]:
                silence = assembler.silence(self._plan.end_silence_s)
                placed = replace(placed, samples=np.concatenate([placed.samples, silence]))
            yield RenderedSegment(drawn=drawn, placed=placed)

    def render_segment(self, index: int, take: int = 0) -> DrawnSegment:
        """Returns one segment alone: the same take as in the whole, or another one.

        Args:
            take: 0 is that of the whole; each other number is a take of its own, and repeats.

        Raises:
            IndexError: there is no such segment.
            IntoneError: as `Synthesizer.synthesize` does.
        """
        segment = self._plan.segments[index]
        if take:
            seed = derived_seed(segment.request.seed or 0, "take", take)
            segment = replace(segment, request=replace(segment.request, seed=seed))
        return self._draw(segment)

    def _draw(self, segment: SegmentPlan) -> DrawnSegment:
        if self._anchors is None:
            return self._drawer.draw(segment, None)
        identity = self._plan.identities[segment.identity or ""]
        anchor = self._anchors.of(identity, segment)
        drawn = self._drawer.draw(segment, anchor)
        if anchor is None:
            note = f"not judged: a neutral take of {identity.name} says too little to compare with"
            return replace(drawn, note=drawn.note or note)
        return drawn
