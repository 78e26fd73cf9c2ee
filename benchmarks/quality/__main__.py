"""Runs the benchmark and prints its figures."""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from benchmarks.quality.clones import clone_figures
from benchmarks.quality.ear import Ear, Take
from benchmarks.quality.measures import speaker_figures
from benchmarks.quality.reference import Reference, references

import intone
from intone import TTS
from intone.core.constants import SAMPLE_RATE_HZ
from intone.voices.builtin_voice import builtin_directory

_DATA = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Spoken:
    """Every take of a voice."""

    takes: list[Take]
    vectors: list[npt.NDArray[np.float32]]


def speak_all(tts: TTS, ear: Ear, texts: Sequence[str], seed: int) -> Spoken:
    """Speaks and hears every sentence, presets in turn."""
    out, voices = Spoken([], []), tts.capabilities().voices
    tts.speak("Hello.", seed=0, language="english", voice=voices[0])  # loads and builds
    for n, text in enumerate(texts):
        speaker = voices[n % len(voices)]
        began = time.perf_counter()
        audio = tts.speak(text, voice=speaker, seed=seed + n, language="english")
        wall_s = round(time.perf_counter() - began, 3)
        take = ear.hear(text, speaker, audio.samples, audio.sample_rate_hz)
        facts = {"finish_reason": audio.finish_reason, "wall_s": wall_s}
        out.takes.append(Take(**{**asdict(take), **facts}))
        vector = ear.vector(audio.samples, audio.sample_rate_hz)
        if vector is not None:
            out.vectors.append(vector)
    return out


def figures(takes: Sequence[Take]) -> dict[str, object]:
    """Returns the figures of some takes."""
    errors, words = sum(t.word_errors for t in takes), sum(t.words for t in takes)
    scores = [t.dnsmos for t in takes if t.dnsmos is not None]
    out: dict[str, object] = {
        "sentences": len(takes),
        "word_error_rate": round(errors / words, 4),
        "audio_s": round(sum(t.audio_s for t in takes), 1),
    }
    if scores:
        out["dnsmos"] = round(sum(scores) / len(scores), 3)
    if wall_s := sum(t.wall_s for t in takes):
        out["ended_by_themselves"] = sum(t.finish_reason == "stop" for t in takes)
        out["times_real_time"] = round(sum(t.audio_s for t in takes) / wall_s, 2)
    return out


def by_speaker(takes: Sequence[Take]) -> dict[str, object]:
    """Returns the figures of all, and of every speaker apart."""
    names = dict.fromkeys(take.speaker for take in takes)
    parts = {name: figures([t for t in takes if t.speaker == name]) for name in names}
    return {**figures(takes), "speakers": parts}


def heard_references(ear: Ear, pairs: Iterable[Reference]) -> dict[str, object]:
    """Returns the figures of the teacher and of the codec alone."""
    made: dict[str, list[Take]] = {"teacher": [], "codec_alone": []}
    for pair in pairs:
        for name, samples in (("teacher", pair.teacher), ("codec_alone", pair.codec)):
            made[name].append(ear.hear(pair.text, pair.speaker, samples, SAMPLE_RATE_HZ))
    return {name: by_speaker(takes) for name, takes in made.items()}


def main() -> None:
    """python -m benchmarks.quality --recogniser DIR"""
    parser = argparse.ArgumentParser(description="How well a voice is understood, and more.")
    parser.add_argument("--recogniser", type=Path, required=True, help="folder of Moonshine tiny")
    parser.add_argument("--model", default=None, help="default: the built-in voice")
    parser.add_argument("--sentences", type=Path, default=_DATA / "data" / "heldout_200.txt")
    parser.add_argument("--out", type=Path, default=_DATA / "results" / "quality-builtin.json")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--teacher", type=Path, default=None, help="folder of the teacher")
    parser.add_argument("--teacher-cache", type=Path, default=None, help="keeps its sound")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    texts = args.sentences.read_text(encoding="utf-8").splitlines()
    ear = Ear(args.recogniser)
    with TTS(args.model) as tts:
        spoken = speak_all(tts, ear, texts, args.seed)
        speakers = [take.speaker for take in spoken.takes]
        told_apart: dict[str, object] = {}
        if spoken.vectors:
            told_apart |= speaker_figures(spoken.vectors, speakers)
            told_apart |= clone_figures(tts, ear.timbre, spoken.vectors, speakers)
    result: dict[str, object] = {
        "intone": intone.__version__,
        "machine": platform.machine(),
        "threads": args.threads,
        **by_speaker(spoken.takes),
        **told_apart,
    }
    if args.teacher is not None:
        pairs = references(texts, args.teacher, builtin_directory(), args.teacher_cache)
        result |= heard_references(ear, pairs)
    shown = json.dumps(result, indent=1)
    result["takes"] = [asdict(take) for take in spoken.takes]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(f"{shown}\n{args.out}")


if __name__ == "__main__":
    main()
