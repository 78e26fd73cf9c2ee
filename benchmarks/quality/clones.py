"""Whether a voice cloned from a preset's own take sounds like that preset."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from benchmarks.quality.measures import Timbre, Vector

from intone import TTS
from intone.core.errors import UnsupportedModeError

_SENTENCES = (
    "The kettle is boiling, so please turn off the stove.",
    "It will be cloudy tomorrow with a chance of light rain.",
    "Please remember to save your work before you log out.",
)


def clone_figures(
    tts: TTS, timbre: Timbre, vectors: Sequence[Vector], speakers: Sequence[str]
) -> dict[str, object]:
    """Returns how many cloned takes are nearest to the takes of the preset they were cloned from.

    A preset says one sentence, its x-vector says the next one; "nearest" compares with the mean
    vectors of the presets' other takes. Empty where the checkpoint cannot clone.
    """
    names = list(dict.fromkeys(speakers))
    means = np.stack([_mean_of(vectors, speakers, name) for name in names])
    hits: dict[str, int] = {}
    try:
        for name in names:
            hits[name] = sum(
                _nearest(tts, timbre, means, name, n) == names.index(name)
                for n in range(len(_SENTENCES))
            )
    except UnsupportedModeError as error:
        print(f"no cloning: {error}")
        return {}
    return {"clones_nearest_to_their_preset": hits, "clones_each": len(_SENTENCES)}


def _mean_of(vectors: Sequence[Vector], speakers: Sequence[str], name: str) -> Vector:
    own = [v for v, speaker in zip(vectors, speakers, strict=True) if speaker == name]
    mean: Vector = np.mean(own, axis=0)
    return mean / np.linalg.norm(mean)


def _nearest(tts: TTS, timbre: Timbre, means: Vector, name: str, n: int) -> int:
    first, second = _SENTENCES[n], _SENTENCES[(n + 1) % len(_SENTENCES)]
    original = tts.speak(first, voice=name, seed=n, language="english")
    voice = tts.clone((original.samples, original.sample_rate_hz), x_vector_only=True)
    audio = tts.speak(second, voice=voice, seed=100 + n, language="english")
    vector = timbre.vector(audio.samples, audio.sample_rate_hz)
    assert vector is not None
    return int((means @ vector).argmax())
