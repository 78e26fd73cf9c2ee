"""What tags cost in words understood, and whether a long text stays in one voice.

    python -m benchmarks.quality.scripts --recogniser DIR

The sentences are spoken three times with the same seeds: plain; each in a mood; each at a speed of
its own behind a pause. Then a text of about three minutes is spoken in one voice, and its segments
are compared with each other: by the speaker encoder that also decides about drawing again, and by
one that Intone has nothing to do with (PyPI `resemblyzer`). Recogniser and packages: see
`benchmarks/quality/__init__.py`.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from benchmarks.quality.ear import Ear

import intone
from intone import TTS
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.types import SpeechRequest
from intone.render.casting import cast_script
from intone.render.ear import SynthesizerEar, similarity
from intone.render.identity import Identity, preset_identity
from intone.render.planning import PlanSettings, plan_script
from intone.render.script import RenderedSegment, ScriptRenderer
from intone.text.duration import expected_duration
from intone.text.markup import parse_script

_DATA = Path(__file__).parents[1]
_MOODS = ("Happy", "Sad", "Angry", "Whispering", "Excited")
_RATES = (0.85, 1.1, 1.25)
LONG_TEXT_S = 180.0

Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Bench:
    """What speaks and what hears."""

    tts: TTS
    ear: Ear
    voice: str
    seed: int

    def render(self, source: str) -> Iterator[RenderedSegment]:
        """Yields the segments of a script."""
        plan = plan_script(
            parse_script(source),
            cast_script(
                parse_script(source), cast=None, narrator=preset_identity(self.voice), find=_nobody
            ),
            self.tts.capabilities(),
            PlanSettings(
                template=SpeechRequest(text="-", language="english"),
                seed=self.seed,
                read_aloud=lambda text, language, fixed: text,
            ),
        )
        return ScriptRenderer(plan, self.tts, SynthesizerEar(self.tts, "speaker")).render()

    def understood(self, source: str) -> dict[str, object]:
        """Returns the figures of a script whose segments are sentences."""
        errors = words = 0
        takes = []
        for segment in self.render(source):
            audio, text = segment.drawn.audio, segment.drawn.plan.text
            heard = self.ear.hear(text, self.voice, audio.samples, audio.sample_rate_hz)
            errors, words = errors + heard.word_errors, words + heard.words
            takes.append({"text": text, "heard": heard.heard, "errors": heard.word_errors})
        rate = round(errors / words, 4)
        return {"segments": len(takes), "words": words, "word_error_rate": rate, "takes": takes}


def _nobody(name: str) -> Identity:
    raise AssertionError(f"the scripts here name nobody, not {name}")


def plain(texts: Sequence[str]) -> str:
    """Returns the sentences, each a segment of its own."""
    return "\n".join(f"[reset] {text}" for text in texts)


def with_moods(texts: Sequence[str]) -> str:
    """Returns the sentences, each in a mood."""
    return "\n".join(f"[{_MOODS[i % len(_MOODS)]}] {text}" for i, text in enumerate(texts))


def with_rates(texts: Sequence[str]) -> str:
    """Returns the sentences, each at a speed and behind a pause."""
    rates = (_RATES[i % len(_RATES)] for i in range(len(texts)))
    return "\n".join(
        f"[pause:0.3] [rate:{rate}] {text}" for rate, text in zip(rates, texts, strict=True)
    )


def long_text(texts: Sequence[str]) -> str:
    """Returns paragraphs of five sentences that take about three minutes."""
    kept, seconds = [], 0.0
    for text in texts:
        if seconds >= LONG_TEXT_S:
            break
        kept.append(text)
        seconds += expected_duration(text, "english").typical_s
    return "\n\n".join(" ".join(kept[i : i + 5]) for i in range(0, len(kept), 5))


def one_voice(bench: Bench, texts: Sequence[str]) -> dict[str, object]:
    """Returns how alike the segments of a long text are."""
    own, other, redrawn, audio_s = list[Vector](), list[Vector](), 0, 0.0
    with_anchor = []
    for segment in bench.render(long_text(texts)):
        audio = segment.drawn.audio
        own.append(bench.tts.x_vector(audio.samples))
        vector = bench.ear.vector(audio.samples, SAMPLE_RATE_HZ)
        if vector is not None:
            other.append(vector)
        redrawn += segment.drawn.is_redrawn
        audio_s += audio.duration_s
        if segment.drawn.similarity is not None:
            with_anchor.append(segment.drawn.similarity)
    return {
        "audio_s": round(audio_s, 1),
        "segments": len(own),
        "drawn_again": redrawn,
        "with_the_identity": _summary(with_anchor),
        "between_segments": _summary(_pairs(own)),
        "between_segments_resemblyzer": _summary(_pairs(other)),
    }


def _pairs(vectors: Sequence[Vector]) -> list[float]:
    return [similarity(a, b) for i, a in enumerate(vectors) for b in vectors[:i]]


def _summary(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    return {"lowest": round(min(values), 3), "mean": round(sum(values) / len(values), 3)}


def main() -> None:
    """python -m benchmarks.quality.scripts --recogniser DIR"""
    parser = argparse.ArgumentParser(description="What tags cost, and one voice over a long text.")
    parser.add_argument("--recogniser", type=Path, required=True, help="folder of Moonshine tiny")
    parser.add_argument("--voice", default="ava")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=_DATA / "results" / "scripts-builtin.json")
    args = parser.parse_args()
    texts = (_DATA / "data" / "heldout_50.txt").read_text(encoding="utf-8").splitlines()
    more = (_DATA / "data" / "heldout_200.txt").read_text(encoding="utf-8").splitlines()
    with TTS(threads=1) as tts:
        bench = Bench(tts, Ear(args.recogniser, judges_naturalness=False), args.voice, args.seed)
        result = {
            "intone": intone.__version__,
            "machine": platform.machine(),
            "voice": args.voice,
            "plain": bench.understood(plain(texts)),
            "with_moods": bench.understood(with_moods(texts)),
            "with_rates_and_pauses": bench.understood(with_rates(texts)),
            "long_text": one_voice(bench, more),
        }
    args.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for part in ("plain", "with_moods", "with_rates_and_pauses"):
        print(part, {k: v for k, v in result[part].items() if k != "takes"})
    print("long_text", result["long_text"])


if __name__ == "__main__":
    main()
