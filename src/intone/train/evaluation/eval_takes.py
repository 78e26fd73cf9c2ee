"""Takes of one checkpoint: made several at a time, measured and kept as they come."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.synthesizer import Synthesizer
from intone.core.types import Audio, Samples, SpeechTiming
from intone.models.speaker_encoder import SpeakerEncoder
from intone.train.encoding.clip_source import ClipProblem, ClipSource, read_clip
from intone.train.evaluation.eval_items import EvalItem, request_of
from intone.train.evaluation.scores import Take
from intone.train.hearing.recognise import Recogniser
from intone.train.hearing.word_errors import num_errors, spoken_units
from intone.voices.encoders import x_vector_of

_MIN_SIMILARITY_S = 0.5
"""Of shorter takes an x-vector says little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ears:
    """What takes are measured with; what is None leaves its figure None."""

    speaker_encoder: SpeakerEncoder | None
    device: torch.device
    """Of the speaker encoder."""
    speakers: Mapping[str, Samples]
    """Mean x-vector of each speaker's training rows."""
    recogniser: Recogniser | None

    def measure(self, item: EvalItem, audio: Audio) -> Take:
        """Returns one take's figures."""
        heard = errors = units = None
        if self.recogniser is not None:
            heard = self.recogniser.hear(audio.samples, audio.sample_rate_hz, item.row.language)
            said = spoken_units(item.row.text)
            errors, units = num_errors(said, spoken_units(heard)), len(said)
        return Take(
            item=item.row.id,
            seed=audio.seed,
            finish_reason=audio.finish_reason,
            duration_s=audio.duration_s,
            ref_s=item.ref_s,
            similarity=self._similarity(item, audio),
            heard=heard,
            num_errors=errors,
            num_units=units,
        )

    def _similarity(self, item: EvalItem, audio: Audio) -> float | None:
        speaker = self.speakers.get(item.row.speaker)
        if self.speaker_encoder is None or speaker is None or audio.duration_s < _MIN_SIMILARITY_S:
            return None
        return cosine(x_vector_of(self.speaker_encoder, audio.samples, self.device), speaker)


def cosine(a: Samples, b: Samples) -> float:
    """Returns the cosine of two vectors."""
    return float(np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b)))


def measure_recordings(items: Sequence[EvalItem], ears: Ears) -> list[Take]:
    """Returns the recordings as if they were takes: what a take can reach, and what a recogniser
    gets wrong by itself. Those that are not there any more are left out.
    """
    takes = []
    for item in items:
        row = item.row
        samples = read_clip(ClipSource(row.audio, row.start_s, row.end_s))
        if not isinstance(samples, ClipProblem):
            timing = SpeechTiming(ttfa_s=0.0, wall_s=0.0, audio_s=item.ref_s)
            audio = Audio(
                samples=samples,
                sample_rate_hz=SAMPLE_RATE_HZ,
                finish_reason="stop",
                seed=0,
                timing=timing,
            )
            takes.append(ears.measure(item, audio))
    return takes


@dataclass(frozen=True, slots=True, kw_only=True)
class TakePlan:
    """Which takes are made, and how many at a time."""

    items: Sequence[EvalItem]
    takes_per_item: int
    seed: int
    concurrency: int

    @property
    def num_takes(self) -> int:
        """Returns how many takes there are."""
        return len(self.items) * self.takes_per_item

    def seed_of(self, item: int, take: int) -> int:
        """Returns a take's own seed; the same for every checkpoint."""
        return self.seed + item * self.takes_per_item + take


def make_takes(
    synthesizer: Synthesizer,
    plan: TakePlan,
    ears: Ears,
    directory: Path,
    on_take: Callable[[Take], None],
) -> list[Take]:
    """Returns the takes in the order of the plan, and leaves their sound in `directory`.

    Args:
        on_take: called for each, in the order in which they become ready.

    Raises:
        IntoneError: a take cannot be made; the others are given up.
    """
    abilities = synthesizer.capabilities()
    requests = {
        (i, k): request_of(item, abilities, plan.seed_of(i, k))
        for i, item in enumerate(plan.items)
        for k in range(plan.takes_per_item)
    }
    takes: dict[tuple[int, int], Take] = {}
    pool = ThreadPoolExecutor(plan.concurrency)
    try:
        futures = {pool.submit(synthesizer.synthesize, r): at for at, r in requests.items()}
        for future in as_completed(futures):
            i, k = futures[future]
            audio = future.result()
            audio.save(directory / f"{i + 1:02}-{k + 1}.flac")
            takes[i, k] = ears.measure(plan.items[i], audio)
            on_take(takes[i, k])
    except BaseException:
        synthesizer.close()  # running takes end; their threads can be waited for
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    return [takes[at] for at in requests]
