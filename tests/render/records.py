"""Records of takes that never were."""

from __future__ import annotations

import numpy as np

from intone.core.types import Audio, Samples, SamplingOverrides, SpeechRequest, SpeechTiming
from intone.render.sidecar import (
    SCHEMA,
    ModelRecord,
    RequestRecord,
    TakeRecord,
    VoiceRecord,
    result_of,
)

MODEL = ModelRecord(
    name="builtin",
    kind="custom",
    size="tiny",
    fingerprint="ab" * 32,
    device="cpu",
    dtype="fp32",
    threads=1,
)
REQUEST = SpeechRequest(
    text='Twenty "words".',
    voice="ava",
    instruct="calm",
    language="english",
    seed=2**63 - 1,
    sampling=SamplingOverrides(temperature=0.1 + 0.2, top_k=7, greedy=False),
    predictor_sampling=SamplingOverrides(top_p=1 / 3),
    min_frames=3,
    max_frames=99,
    text_layout="per_frame",
    chunk_frames=5,
    guard=False,
    speed=1.1,
)


def noise(num_samples: int = 4_800, seed: int = 0) -> Samples:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, num_samples).astype(np.float32)


def take(samples: Samples) -> Audio:
    return Audio(
        samples=samples,
        sample_rate_hz=24_000,
        finish_reason="stop",
        seed=REQUEST.seed or 0,
        timing=SpeechTiming(ttfa_s=0.1, wall_s=1 / 3, audio_s=len(samples) / 24_000),
    )


def record(samples: Samples | None = None, mode: str = "say") -> TakeRecord:
    audio = take(noise() if samples is None else samples)
    return TakeRecord(
        schema=SCHEMA,
        intone_version="9.9",
        created_at="2026-01-31T15:45:00+01:00",
        mode=mode,
        audio_file=None,
        text='20 "words".',
        request=RequestRecord.of(REQUEST, audio.seed),
        is_streamed=False,
        voice=VoiceRecord(kind="preset", name="ava"),
        model=MODEL,
        result=result_of(audio, similarity=0.87654321),
        notes=("a note",),
    )
