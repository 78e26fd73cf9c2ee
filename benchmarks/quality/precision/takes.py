"""The same sentences and seeds in two precisions: what a listener gets of the difference.

Draws depend on the seed alone, so takes of two precisions go together until a draw falls on the
other side of a boundary; from there on they differ as much as takes of two seeds do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from benchmarks.quality.ear import Ear, Take
from benchmarks.quality.precision.agreement import Floats, interval, ratio

from intone import TTS
from intone.core.types import Audio
from intone.voices.encoders import Encoders

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """One take with its two speaker vectors."""

    take: Take
    x_vector: Vectors
    """The package's own speaker encoder's, unit length."""
    timbre: Vectors | None
    """The judge's; None where it is not installed."""


def speak(
    tts: TTS, ear: Ear, encoders: Encoders, texts: Sequence[str], seeds: Sequence[int]
) -> list[Heard]:
    """Speaks every sentence, presets in turn."""
    voices, out = tts.capabilities().voices, []
    for n, (text, seed) in enumerate(zip(texts, seeds, strict=True)):
        voice = voices[n % len(voices)]
        audio = tts.speak(text, voice=voice, seed=seed, language="english")
        out.append(_heard(ear, encoders, text, voice, audio))
    return out


def _heard(ear: Ear, encoders: Encoders, text: str, voice: str, audio: Audio) -> Heard:
    take = ear.hear(text, voice, audio.samples, audio.sample_rate_hz)
    x_vector = encoders.x_vector(audio.samples)
    return Heard(
        take=replace(take, finish_reason=audio.finish_reason),
        x_vector=x_vector / np.linalg.norm(x_vector),
        timbre=ear.vector(audio.samples, audio.sample_rate_hz),
    )


def own_figures(takes: Sequence[Heard]) -> dict[str, object]:
    """Returns what takes are like by themselves."""
    errors = sum(heard.take.word_errors for heard in takes)
    return {
        "takes": len(takes),
        "word_error_rate": round(errors / sum(heard.take.words for heard in takes), 4),
        "ended_by_themselves": sum(heard.take.finish_reason == "stop" for heard in takes),
    }


def paired_figures(reference: Sequence[Heard], other: Sequence[Heard]) -> dict[str, object]:
    """Returns differences and ratios, other to reference, with 95 % intervals over sentences.

    Args:
        reference: takes in fp32.
        other: takes of the same sentences in the same order; a sentence may come several times.
    """
    sentence = _sentence_numbers(reference)
    pairs = [(r.take, o.take) for r, o in zip(reference, other, strict=True)]
    errors = [(o.word_errors - r.word_errors, r.words) for r, o in pairs]
    lengths = [(o.audio_s, r.audio_s) for r, o in pairs]
    same = [r.heard == o.heard for r, o in pairs]
    return {
        "word_error_rate_change": _with_interval(_grouped(errors, sentence)),
        "duration_ratio": _with_interval(_grouped(lengths, sentence)),
        "same_words_heard": round(float(np.mean(same)), 3),
        **_likeness(reference, other, sentence),
    }


def _sentence_numbers(takes: Sequence[Heard]) -> npt.NDArray[np.intp]:
    texts = [heard.take.text for heard in takes]
    order = {text: n for n, text in enumerate(dict.fromkeys(texts))}
    return np.array([order[text] for text in texts])


def _grouped(rows: Sequence[Sequence[float]], sentence: npt.NDArray[np.intp]) -> Floats:
    """Returns rows [takes, 2] summed by sentence: what is resampled are sentences."""
    sums = np.zeros((sentence.max() + 1, 2))
    np.add.at(sums, sentence, np.array(rows, dtype=np.float64))
    return sums


def _with_interval(sums: Floats) -> dict[str, object]:
    return {"mean": round(ratio(sums), 4), "interval": interval(ratio, sums)}


def _likeness(
    reference: Sequence[Heard], other: Sequence[Heard], sentence: npt.NDArray[np.intp]
) -> dict[str, object]:
    """Returns how near the takes are to their preset, and by how much less than fp32's."""
    out: dict[str, object] = {}
    for name, theirs, ours in (
        ("x_vector", _x_vectors(reference), _x_vectors(other)),
        ("timbre", _timbres(reference), _timbres(other)),
    ):
        if theirs is None or ours is None:
            continue
        centres = _centres(theirs, [heard.take.speaker for heard in reference], sentence)
        before, after = (theirs * centres).sum(axis=1), (ours * centres).sum(axis=1)
        rows = np.stack([after - before, np.ones(len(after))], axis=1)
        out[f"{name}_cosine"] = round(float(after.mean()), 4)
        out[f"{name}_cosine_fp32"] = round(float(before.mean()), 4)
        out[f"{name}_cosine_change"] = _with_interval(_grouped(rows.tolist(), sentence))
    return out


def _x_vectors(takes: Sequence[Heard]) -> Vectors:
    return np.stack([heard.x_vector for heard in takes])


def _timbres(takes: Sequence[Heard]) -> Vectors | None:
    found = [heard.timbre for heard in takes if heard.timbre is not None]
    return np.stack(found) if len(found) == len(takes) else None


def _centres(vectors: Vectors, speakers: Sequence[str], sentence: npt.NDArray[np.intp]) -> Vectors:
    """Returns, for each take, the direction of its preset's fp32 takes of other sentences."""
    names = np.array(speakers)
    means = [
        vectors[(names == name) & (sentence != number)].mean(axis=0)
        for name, number in zip(names, sentence, strict=True)
    ]
    stacked = np.stack(means)
    return stacked / np.linalg.norm(stacked, axis=1, keepdims=True)
