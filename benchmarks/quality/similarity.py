"""How alike takes of one voice are, and of different ones: what the threshold of scripts rests on.

    python -m benchmarks.quality.similarity [--model NAME] [--takes N] [--out FILE]

Every preset says N sentences of the held-out list, each with its own seed, and one anchor sentence;
every take is compared with its own preset's anchor and with the other presets', by the x-vector of
the model's own speaker encoder. Then each preset is cloned from its anchor, and the clone's takes
are compared with the recording that they were cloned from.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

import intone
from intone import TTS
from intone.core.types import Audio, Samples
from intone.render.anchors import anchor_text
from intone.render.drawing import MIN_SIMILARITY
from intone.render.ear import MIN_SPEECH_S, similarity, speech_s

_ROOT = Path(__file__).parents[1]
_LANGUAGE = "english"
_CLONED_TAKES = 5
"""Per preset."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One take and its cosine with every preset's anchor."""

    voice: str
    speech_s: float
    finish_reason: str
    cosines: dict[str, float]


def distribution(values: Sequence[float]) -> dict[str, float | int]:
    """Returns what a distribution looks like."""
    x = np.sort(np.array(values))
    return {
        "takes": len(x),
        "lowest": round(float(x[0]), 3),
        "percentile_5": round(float(np.percentile(x, 5)), 3),
        "median": round(float(np.median(x)), 3),
        "mean": round(float(x.mean()), 3),
        "highest": round(float(x[-1]), 3),
    }


def heard(tts: TTS, voice: str, audio: Audio, anchors: dict[str, Samples]) -> Heard:
    """Returns a take as it compares."""
    vector = tts.x_vector(audio.samples)
    return Heard(
        voice,
        round(speech_s(audio.samples, audio.sample_rate_hz), 2),
        audio.finish_reason,
        {name: round(similarity(vector, anchor), 4) for name, anchor in anchors.items()},
    )


def cloned(tts: TTS, anchor: Audio, texts: Sequence[str]) -> list[float]:
    """Returns the cosines of takes of a clone with the recording it was cloned from."""
    clip = (anchor.samples, anchor.sample_rate_hz)
    prompt = tts.clone(clip, x_vector_only=True)
    takes = (
        tts.speak(text, voice=prompt, seed=500 + n, language=_LANGUAGE)
        for n, text in enumerate(texts)
    )
    return [similarity(tts.x_vector(take.samples), prompt.x_vector) for take in takes]


def main() -> None:
    """python -m benchmarks.quality.similarity"""
    parser = argparse.ArgumentParser(description="How alike takes of one voice are.")
    parser.add_argument("--model", default=None, help="default: the built-in voice")
    parser.add_argument("--takes", type=int, default=15, help="per preset")
    parser.add_argument("--sentences", type=Path, default=_ROOT / "data" / "heldout_200.txt")
    parser.add_argument("--out", type=Path, default=_ROOT / "results" / "similarity-builtin.json")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    texts = args.sentences.read_text(encoding="utf-8").splitlines()
    with TTS(args.model, threads=args.threads) as tts:
        voices = tts.capabilities().voices
        spoken = {
            voice: tts.speak(anchor_text(_LANGUAGE), voice=voice, seed=0, language=_LANGUAGE)
            for voice in voices
        }
        anchors = {voice: tts.x_vector(audio.samples) for voice, audio in spoken.items()}
        takes = [
            heard(
                tts,
                voice,
                tts.speak(texts[n * len(voices) + i], voice=voice, seed=n, language=_LANGUAGE),
                anchors,
            )
            for i, voice in enumerate(voices)
            for n in range(args.takes)
        ]
        clones = [
            cosine
            for voice in voices
            for cosine in cloned(tts, spoken[voice], texts[-_CLONED_TAKES:])
        ]
    judged = [take for take in takes if take.speech_s >= MIN_SPEECH_S]
    same = [take.cosines[take.voice] for take in judged]
    other = [take.cosines[name] for take in judged for name in voices if name != take.voice]
    result = {
        "intone": intone.__version__,
        "date": date.today().isoformat(),
        "machine": platform.machine(),
        "model": args.model or "builtin",
        "presets": list(voices),
        "threshold": MIN_SIMILARITY,
        "too_short_to_judge": len(takes) - len(judged),
        "same_preset": distribution(same),
        "another_preset": distribution(other),
        "clone_with_its_recording": distribution(clones),
        "same_below_threshold": sum(cosine < MIN_SIMILARITY for cosine in same),
        "others_above_threshold": sum(cosine >= MIN_SIMILARITY for cosine in other),
    }
    print(json.dumps(result, indent=1))
    result["takes"] = [
        {"voice": t.voice, "speech_s": t.speech_s, "finish_reason": t.finish_reason, **t.cosines}
        for t in takes
    ]
    args.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
