"""Whether the guard leaves normal takes alone: the same takes with and without it, by the sample.

python -m benchmarks.quality.guard
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue

import numpy as np

import intone
from intone import TTS
from intone.core.constants import CHUNK_RAMP_FRAMES, FRAME_RATE_HZ, SAMPLES_PER_FRAME
from intone.core.types import Audio, AudioChunk, Codes, SpeechRequest, join_chunks
from intone.engine.guard import GuardPlan, TakeGuard
from intone.engine.heard_frame import frame_levels_db
from intone.engine.loading import LoadedModel
from intone.engine.request import job_of, max_frames_of, prompt_of
from intone.engine.take import Take
from intone.text.duration import expected_duration

_DATA = Path(__file__).parents[1]


class CountingGuard(TakeGuard):
    """Counts what it keeps back, and its own time."""

    def __init__(self, plan: GuardPlan) -> None:
        super().__init__(plan)
        self.num_frames = 0
        self.num_held = 0
        """Frames that waited for a later one."""
        self.most_held = 0
        self.spent_s = 0.0

    def hear(self, codes: Codes, level_db: float) -> None:
        before, began = self.num_suspect, time.perf_counter()
        super().hear(codes, level_db)
        self.spent_s += time.perf_counter() - began
        self.num_frames += 1
        self.num_held += self.num_suspect > before
        self.most_held = max(self.most_held, self.num_suspect)


@dataclass(frozen=True, slots=True)
class Pair:
    """One text, twice."""

    guarded: Audio
    free: Audio
    guard: CountingGuard
    budget_frames: int

    @property
    def is_equal(self) -> bool:
        same = np.array_equal(self.guarded.samples, self.free.samples)
        return same and self.guarded.finish_reason == self.free.finish_reason

    @property
    def lost_frames(self) -> int:
        return round((self.free.duration_s - self.guarded.duration_s) * FRAME_RATE_HZ)

    @property
    def story(self) -> dict[str, object]:
        """What was stopped, and how loud it was that went."""
        kept = len(self.guarded.samples)
        return {
            "rule": self.guard.fired_by,
            "kept_frames": kept // SAMPLES_PER_FRAME,
            "lost_frames": self.lost_frames,
            "loudest_lost_frame_db": round(
                float(frame_levels_db(self.free.samples[kept:]).max()), 1
            ),
            "without_guard_it_ended_as": self.free.finish_reason,
        }

    @property
    def share_of_budget(self) -> float:
        return self.free.duration_s * FRAME_RATE_HZ / self.budget_frames


def play(loaded: LoadedModel, request: SpeechRequest, guard: TakeGuard | None) -> Audio:
    """Streams one take."""
    assert isinstance(request.voice, str)
    assert request.seed is not None
    prompt = prompt_of(request, request.voice, loaded)
    chunks: SimpleQueue[AudioChunk | BaseException] = SimpleQueue()
    loaded.engine.submit(
        Take(
            job=job_of(request, prompt, request.seed, loaded),
            max_frames=max_frames_of(request, prompt, loaded),
            ramp=CHUNK_RAMP_FRAMES,
            emit=chunks.put,
            guard=guard,
        )
    )
    heard: list[AudioChunk] = []
    while not heard or not heard[-1].is_last:
        item = chunks.get()
        if isinstance(item, BaseException):
            raise item
        heard.append(item)
    return join_chunks(heard)


def play_pair(loaded: LoadedModel, request: SpeechRequest, *, guarded_first: bool) -> Pair:
    """Speaks a text with and without a guard."""
    plan = GuardPlan.of(expected_duration(request.text, request.language))
    guard = CountingGuard(plan)
    order = [guard, None] if guarded_first else [None, guard]
    made = {one is None: play(loaded, request, one) for one in order}
    return Pair(made[False], made[True], guard, plan.budget_frames)


def figures(pairs: Sequence[Pair]) -> dict[str, object]:
    """Returns what the guard did, and what it costs."""
    num_frames = sum(pair.guard.num_frames for pair in pairs)
    spent_s = sum(pair.guard.spent_s for pair in pairs)
    ttfa_ms = {
        name: [1000 * audio.timing.ttfa_s for audio in audios]
        for name, audios in (
            ("with_guard", [pair.guarded for pair in pairs]),
            ("without", [pair.free for pair in pairs]),
        )
    }
    return {
        "takes": len(pairs),
        "frames": num_frames,
        "takes_equal_by_the_sample": sum(pair.is_equal for pair in pairs),
        "frames_lost": sum(pair.lost_frames for pair in pairs),
        "fired": [pair.story for pair in pairs if pair.guard.fired_by is not None],
        "frames_that_waited": sum(pair.guard.num_held for pair in pairs),
        "takes_with_frames_that_waited": sum(pair.guard.num_held > 0 for pair in pairs),
        "most_frames_waiting_at_once": max(pair.guard.most_held for pair in pairs),
        "largest_share_of_the_budget_used": round(max(p.share_of_budget for p in pairs), 3),
        "ttfa_ms": {
            name: {
                "median": round(statistics.median(values), 1),
                "p95": round(float(np.quantile(values, 0.95)), 1),
            }
            for name, values in ttfa_ms.items()
        },
        "guard_us_per_frame": round(1e6 * spent_s / num_frames, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=None, help="default: the built-in voice")
    parser.add_argument("--texts", type=Path, default=_DATA / "data" / "heldout_200.txt")
    parser.add_argument("--join", type=int, default=8, help="sentences in a long take")
    parser.add_argument("--out", type=Path, default=_DATA / "results" / "guard-builtin.json")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    sentences = args.texts.read_text(encoding="utf-8").splitlines()
    joined = [" ".join(sentences[n : n + args.join]) for n in range(0, len(sentences), args.join)]
    result: dict[str, object] = {
        "intone": intone.__version__,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "model": args.model or "builtin",
    }
    with TTS(args.model) as tts:
        loaded, voices = tts.load(), tts.capabilities().voices
        for name, texts in (("sentences", sentences), ("paragraphs", joined)):
            requests = [
                SpeechRequest(
                    text=text,
                    voice=voices[n % len(voices)],
                    language="english",
                    seed=args.seed + n,
                )
                for n, text in enumerate(texts)
            ]
            play(loaded, requests[0], None)  # warms up
            result[name] = figures(
                [
                    play_pair(loaded, request, guarded_first=n % 2 == 0)
                    for n, request in enumerate(requests)
                ]
            )
    args.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
