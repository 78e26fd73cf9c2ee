"""Teacher speech on disk: what the teacher planned, and for some of it what was heard.

The teacher plans before it sounds: phonemes with durations, a pitch curve and an energy curve. Its
waveform follows from them, at fifteen times their cost. So the codec learns from clips with sound,
while the talker learns from plans alone, which are plenty.

A plan shard is an npz file: `text` and `ph` str [C] (spelling and phonemes), `dur` int16 with
`ndur` int64 [C] entries per clip (teacher frames of 25 ms per phoneme, silence first and last),
`f0` and `n` float16 (pitch in Hz, log energy; two per teacher frame). A sound shard of the same
name holds `audio` int16 [S], `length` int64 [C], and `start` int64 [C], samples trimmed in front.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from intone.core.constants import SAMPLE_RATE_HZ, SAMPLES_PER_FRAME
from intone.core.types import Codes, Samples
from intone.train.from_scratch.recipe import PRESETS

SAMPLES_PER_TEACHER_FRAME = 600
SAMPLES_PER_CURVE_POINT = 300
SOUNDS_PER_FRAME = 4
SILENCE = " "
STRESS = {"\u02c8": 1, "\u02cc": 2}
ENERGY_STEPS = 24
PITCH_STEPS_PER_OCTAVE, PITCH_STEPS = 48, 150
"""From 60 Hz up; coarser steps than a quarter of a semitone blur the upper harmonics."""
_VOICED_HZ = 60.0

_LEAD_SAMPLES = round(0.095 * SAMPLE_RATE_HZ)
_TAIL_SAMPLES = round(0.174 * SAMPLE_RATE_HZ)
"""The last phoneme's span ends in silence; measured against trimming by energy (medians)."""

Curve = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """One utterance as the teacher means to say it; time counts in samples from `start`."""

    speaker: str
    """Our name of the preset."""
    text: str
    phonemes: str
    """One character per span, silence first and last."""
    ends: Codes
    """Sample at which each phoneme ends, [P]."""
    pitch_hz: Curve
    energy: Curve
    start: int
    """Sample of the teacher's own time line at which ours begins."""
    num_frames: int

    def codes(self, symbols: Symbols) -> Codes:
        """Returns the codec frames, [F, K]: four sounds at 20 ms steps, pitch, energy and speaker.

        A frame tells what the teacher plans for the 80 ms after it, so that the causal decoder
        knows the next sound while it makes the present one; the clip's first 80 ms are silence.
        """
        step = SAMPLES_PER_FRAME // SOUNDS_PER_FRAME
        ahead = SAMPLES_PER_FRAME + step // 2
        middles = np.arange(self.num_frames * SOUNDS_PER_FRAME) * step + ahead
        spans = np.searchsorted(self.ends, middles, side="right").clip(max=len(self.ends) - 1)
        sounds = symbols.ids(self.phonemes)[spans].reshape(-1, SOUNDS_PER_FRAME)
        pitch, energy = (self._per_frame(curve) for curve in (self.pitch_hz, self.energy))
        voiced = (pitch > _VOICED_HZ).sum(axis=1)
        mean_hz = np.where(pitch > _VOICED_HZ, pitch, 0.0).sum(axis=1) / voiced.clip(min=1)
        height = PITCH_STEPS_PER_OCTAVE * np.log2(mean_hz.clip(min=_VOICED_HZ) / _VOICED_HZ)
        height = height.round().clip(0, PITCH_STEPS - 1)
        pitch_ids = np.where(voiced > 0, 1 + height, 0)
        energy_ids = (
            ((energy.mean(axis=1) + 10.0) * ((ENERGY_STEPS - 1) / 18))
            .round()
            .clip(0, ENERGY_STEPS - 1)
        )
        timbre = list(PRESETS).index(self.speaker)
        columns = (sounds, pitch_ids[:, None], energy_ids[:, None] + ENERGY_STEPS * timbre)
        return np.concatenate(columns, axis=1).astype(np.int64)

    def warped(self, paces: Curve) -> Plan:
        """Returns the plan with each phoneme `paces` [P] times as long; the curves follow."""
        old = np.concatenate(([0], self.ends + self.start)).astype(np.float64)
        new = np.concatenate(([0.0], np.cumsum(np.diff(old) * paces)))
        step = SAMPLES_PER_CURVE_POINT
        points = (np.arange(int(new[-1]) // step) + 0.5) * step
        at = (np.interp(points, new, old) / step).astype(np.int64)
        at = at.clip(max=len(self.pitch_hz) - 1)
        close = self.start + self.num_frames * SAMPLES_PER_FRAME
        start, end = np.interp((self.start, close), old, new)
        return replace(
            self,
            ends=(new[1:] - start).round().astype(np.int64),
            pitch_hz=self.pitch_hz[at],
            energy=self.energy[at],
            start=round(start),
            num_frames=max(4, -(-round(end - start) // SAMPLES_PER_FRAME)),
        )

    def _per_frame(self, curve: Curve) -> Curve:
        """Returns the curve at 8 points of the 80 ms after each frame, [F, 8]."""
        step = SAMPLES_PER_FRAME // 8
        middles = np.arange(self.num_frames * 8) * step + SAMPLES_PER_FRAME + step // 2
        at = (middles + self.start) // SAMPLES_PER_CURVE_POINT
        points: Curve = curve[at.clip(max=len(curve) - 1)].reshape(-1, 8)
        return points


class Symbols:
    """Numbers the sounds: a phoneme, or a phoneme under primary or secondary stress."""

    def __init__(self, names: str) -> None:
        """Takes every phoneme in order, silence first; at most 128."""
        self._index = {name: i for i, name in enumerate(names)}

    def ids(self, phonemes: str) -> Codes:
        """Returns one id per character; a stress mark sounds as the stressed phoneme after it."""
        out, stress = np.zeros(len(phonemes), dtype=np.int64), 0
        for i, name in enumerate(phonemes):
            if name in STRESS:
                stress = STRESS[name]
                following = phonemes[i + 1] if i + 1 < len(phonemes) else SILENCE
                out[i] = self._index.get(following, 0) + 128 * stress
            else:
                out[i] = self._index.get(name, 0) + 128 * stress
                stress = 0
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A plan and its sound."""

    plan: Plan
    samples: Samples
    """float32 [S], a whole number of codec frames, silence behind."""


def shard_paths(directory: Path, split: str) -> list[Path]:
    """Returns every preset's finished shards of a split ("train", "text", "val") in order."""
    return sorted(
        (path for voice in PRESETS.values() for path in directory.glob(f"{voice}/{split}_*.npz")),
        key=lambda path: (path.stem.split("_")[-1], path.parent.name),
    )


def speaker_of(path: Path) -> str:
    """Returns our name of the teacher's voice whose folder a shard lies in."""
    (name,) = (name for name, voice in PRESETS.items() if voice == path.parent.name)
    return name


def read_plans(path: Path) -> Iterator[Plan]:
    """Yields the plans of one shard, trimmed by rule."""
    for text, phonemes, durations, pitch_hz, energy in plan_rows(path):
        ends = durations.cumsum() * SAMPLES_PER_TEACHER_FRAME
        start = max(0, int(ends[0]) - _LEAD_SAMPLES)
        spoken = len(phonemes.rstrip(" .,?!"))
        length = int(ends[spoken]) - _TAIL_SAMPLES - start
        num_frames = max(4, -(-length // SAMPLES_PER_FRAME))
        name, sounds = speaker_of(path), _framed(phonemes)
        yield Plan(name, text, sounds, ends - start, pitch_hz, energy, start, num_frames)


def read_clips(sound_path: Path, plan_path: Path) -> Iterator[Clip]:
    """Yields the clips of one shard, trimmed as their sound was."""
    with np.load(sound_path) as data:
        starts, lengths = data["start"], data["length"]
        parts = np.split(data["audio"], lengths.cumsum()[:-1])
    rows = plan_rows(plan_path)
    for (text, phonemes, durations, pitch_hz, energy), pcm, start in zip(
        rows, parts, starts, strict=True
    ):
        missing = -len(pcm) % SAMPLES_PER_FRAME
        samples = np.pad(pcm, (0, missing)).astype(np.float32) / 32768.0
        ends = durations.cumsum() * SAMPLES_PER_TEACHER_FRAME - int(start)
        frames = len(samples) // SAMPLES_PER_FRAME
        name, sounds = speaker_of(plan_path), _framed(phonemes)
        plan = Plan(name, text, sounds, ends, pitch_hz, energy, int(start), frames)
        yield Clip(plan, samples)


def _framed(phonemes: str) -> str:
    return f"{SILENCE}{phonemes}{SILENCE}"


def plan_rows(path: Path) -> Iterator[tuple[str, str, Codes, Curve, Curve]]:
    with np.load(path) as data:
        cuts = data["ndur"].cumsum()
        durations = np.split(data["dur"].astype(np.int64), cuts[:-1])
        points = np.cumsum([2 * int(spans.sum()) for spans in durations])[:-1]
        pitch = np.split(data["f0"].astype(np.float32), points)
        energy = np.split(data["n"].astype(np.float32), points)
        texts, phonemes = data["text"], data["ph"]
    for i, (text, ph) in enumerate(zip(texts, phonemes, strict=True)):
        yield str(text), str(ph), durations[i], pitch[i], energy[i]
