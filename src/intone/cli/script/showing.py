"""What `intone script` prints: the plan, a line per segment, and the summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter

from intone.cli.table import print_table
from intone.cli.telling import tell
from intone.render.plan import ScriptPlan, SegmentPlan
from intone.render.script import RenderedSegment
from intone.render.script_record import likeness_of, notes_of, who

_SHOWN_CHARACTERS = 48


def show_plan(plan: ScriptPlan) -> None:
    """Prints what would be spoken, a segment a line."""
    rows = [("", "where", "who", "mood", "route", "gap", "says")]
    for part in plan.segments:
        rows.append(
            (
                str(part.index + 1),
                str(part.position),
                _name(part),
                part.mood or "",
                part.route,
                f"{part.gap_before_s:g} s",
                _shortened(part.request.text),
            )
        )
    print_table(rows)
    total_s = sum(part.expected_s for part in plan.segments) + plan.end_silence_s
    print(f"{len(plan.segments)} segments, about {total_s:.0f} s")
    for note in plan.notes:
        tell(note)


def show_spoken(plan: ScriptPlan) -> None:
    """Prints what will be said, a segment a line."""
    for part in plan.segments:
        print(part.request.text)


@dataclass(slots=True)
class SegmentLines:
    """Tells of every segment as it is finished, and how long the rest will take."""

    plan: ScriptPlan
    began_s: float = field(default_factory=perf_counter)
    done: list[RenderedSegment] = field(default_factory=list)

    def add(self, part: RenderedSegment) -> None:
        """Prints the line of a segment."""
        self.done.append(part)
        audio, left_s = part.drawn.audio, self._left_s()
        facts = [
            f"{audio.duration_s:.1f} s",
            audio.finish_reason,
            *([] if part.drawn.similarity is None else [f"similarity {part.drawn.similarity:.2f}"]),
            *([] if part.drawn.num_draws == 1 else [f"{part.drawn.num_draws} draws"]),
            *([f"{left_s:.0f} s left"] if left_s >= 1 else []),
        ]
        place = f"{len(self.done)}/{len(self.plan.segments)}"
        print(f"{place}  {who(part)}: {', '.join(facts)}", flush=True)
        new = [note for note in notes_of(part) if note not in self.plan.notes]
        for note in new:
            tell(f"{place}: {note}")

    def summary(self) -> str:
        """Returns the last line: seconds, speed, similarities, seed, why segments ended."""
        audio_s = self.done[-1].end_s + self.plan.end_silence_s
        reasons = dict.fromkeys(part.drawn.audio.finish_reason for part in self.done)
        return (
            f"{audio_s:.1f} s of audio, {audio_s / self._spent_s():.1f}x real time, "
            f"{len(self.done)} segments, {likeness_of(self.done)}, seed {self.plan.seed}, "
            f"finished: {', '.join(reasons)}"
        )

    def _left_s(self) -> float:
        done = sum(part.expected_s for part in self.plan.segments[: len(self.done)])
        rest = sum(part.expected_s for part in self.plan.segments[len(self.done) :])
        return self._spent_s() * rest / done if done else 0.0

    def _spent_s(self) -> float:
        return max(perf_counter() - self.began_s, 1e-3)


def tell_kept(folder: str, done: Sequence[RenderedSegment], plan: ScriptPlan) -> None:
    """Says what is left of a script that was stopped."""
    if done:
        tell(f"{len(done)} of {len(plan.segments)} segments are kept in {folder}")


def _name(part: SegmentPlan) -> str:
    if part.speaker is None:
        return _shortened(part.identity or "")
    return f"{part.speaker} ({_shortened(part.identity or '')})"


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"
