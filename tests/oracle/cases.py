"""What is compared with the public package: the same cases feed it, the goldens and our side."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from intone.core.types import ModelKind, SamplingParams, TextLayout
from intone.prompt.spec import PromptSpec

KINDS: tuple[ModelKind, ...] = ("custom", "design", "base")
NUM_FRAMES = 48
NUM_CODEBOOKS = 16
NUM_SOUNDS = 64
"""Codes per codebook of a tiny checkpoint."""
VOCAB_SIZE = NUM_SOUNDS + 1024
HIDDEN_SIZE = 64

ENGLISH = "Hello world, this is the voice."
CHINESE = "你好，世界。"


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeCase:
    """One greedy take of `NUM_FRAMES` frames."""

    name: str
    kind: ModelKind
    text: str = ENGLISH
    language: str = "auto"
    text_layout: TextLayout = "at_once"
    speaker: str | None = None
    instruct: str | None = None
    ref_text: str | None = None
    num_ref_frames: int = 0
    with_logits: bool = False
    ends_by_itself: bool = False
    """Random weights happen to end this take before `NUM_FRAMES`."""

    @property
    def x_vector(self) -> np.ndarray | None:
        return _noise(self.name, HIDDEN_SIZE) if self.kind == "base" else None

    @property
    def ref_codes(self) -> np.ndarray | None:
        if not self.num_ref_frames:
            return None
        shape = (self.num_ref_frames, NUM_CODEBOOKS)
        return _generator(self.name).integers(0, NUM_SOUNDS, shape)

    def spec(self) -> PromptSpec:
        """Returns what our builder is given."""
        return PromptSpec(
            text=self.text,
            language=self.language,
            speaker=self.speaker,
            instruct=self.instruct,
            x_vector=self.x_vector,
            ref_codes=self.ref_codes,
            ref_text=self.ref_text,
            text_layout=self.text_layout,
        )

    def job(self) -> dict[str, Any]:
        """Returns what upstream is given."""
        x_vector, ref_codes = self.x_vector, self.ref_codes
        return {
            "task": "take",
            "name": self.name,
            "mode": self.kind,
            "text": self.text,
            "language": self.language,
            "text_layout": self.text_layout,
            "speaker": self.speaker,
            "instruct": self.instruct,
            "x_vector": None if x_vector is None else x_vector.tolist(),
            "ref_codes": None if ref_codes is None else ref_codes.tolist(),
            "ref_text": self.ref_text,
            "num_frames": NUM_FRAMES,
            "with_logits": self.with_logits,
        }


TAKES = (
    TakeCase(
        name="custom_at_once", kind="custom", speaker="ryan", language="english", with_logits=True
    ),
    TakeCase(name="custom_auto", kind="custom", speaker="Vivian"),
    TakeCase(name="custom_per_frame", kind="custom", speaker="aiden", text_layout="per_frame"),
    TakeCase(
        name="custom_per_frame_language",
        kind="custom",
        speaker="sohee",
        language="Korean",
        text_layout="per_frame",
    ),
    TakeCase(
        name="custom_instruct",
        kind="custom",
        speaker="serena",
        language="german",
        instruct="Calm and slow.",
    ),
    TakeCase(
        name="custom_instruct_per_frame",
        kind="custom",
        speaker="serena",
        instruct="Calm and slow.",
        text_layout="per_frame",
    ),
    TakeCase(name="custom_dialect_auto", kind="custom", speaker="dylan", text="Hello world"),
    TakeCase(
        name="custom_dialect_chinese",
        kind="custom",
        speaker="eric",
        language="chinese",
        text=CHINESE,
        text_layout="per_frame",
    ),
    TakeCase(
        name="custom_dialect_unused",
        kind="custom",
        speaker="dylan",
        language="english",
        text="Hello world",
    ),
    TakeCase(
        name="custom_ends",
        kind="custom",
        speaker="dylan",
        language="english",
        ends_by_itself=True,
    ),
    TakeCase(name="custom_one_token", kind="custom", speaker="ryan", text="a"),
    TakeCase(
        name="custom_one_token_per_frame",
        kind="custom",
        speaker="ryan",
        text="a",
        text_layout="per_frame",
    ),
    TakeCase(
        name="design_instruct",
        kind="design",
        language="english",
        instruct="A deep voice.",
        with_logits=True,
    ),
    TakeCase(name="design_plain", kind="design"),
    TakeCase(
        name="design_per_frame", kind="design", instruct="A deep voice.", text_layout="per_frame"
    ),
    TakeCase(name="x_vector", kind="base", text_layout="per_frame"),
    TakeCase(name="x_vector_language", kind="base", language="english", text_layout="per_frame"),
    TakeCase(name="x_vector_at_once", kind="base"),
    TakeCase(
        name="icl_long_text",
        kind="base",
        text_layout="per_frame",
        ref_text="the voice",
        num_ref_frames=7,
        with_logits=True,
    ),
    TakeCase(
        name="icl_short_text",
        kind="base",
        text="Hello",
        language="english",
        text_layout="per_frame",
        ref_text="the voice",
        num_ref_frames=40,
    ),
    TakeCase(name="icl_at_once", kind="base", ref_text="the voice", num_ref_frames=9),
    TakeCase(
        name="icl_at_once_language",
        kind="base",
        language="french",
        ref_text=CHINESE,
        num_ref_frames=9,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionCase:
    """Random logits and a random past, and the settings they are drawn with."""

    name: str
    network: str
    """"talker" or "code_predictor"."""
    sampling: SamplingParams
    num_history: int = 0
    """Codebook 0 ids drawn before this one."""

    @property
    def logits(self) -> np.ndarray:
        return 3.0 * _noise(self.name, VOCAB_SIZE if self.network == "talker" else NUM_SOUNDS)

    @property
    def history(self) -> list[int]:
        ids = _generator(self.name + "/history").integers(0, NUM_SOUNDS, self.num_history)
        return [int(i) for i in ids]

    def job(self) -> dict[str, Any]:
        """Returns what upstream is given."""
        settings: dict[str, Any] = {
            "temperature": self.sampling.temperature,
            "top_k": self.sampling.top_k,
            "top_p": self.sampling.top_p,
        }
        if self.network == "talker":
            settings["repetition_penalty"] = self.sampling.repetition_penalty
        return {
            "task": "distribution",
            "name": self.name,
            "network": self.network,
            "settings": settings,
            "logits": self.logits.tolist(),
            "history": self.history,
        }


DEFAULT = SamplingParams(repetition_penalty=1.05)

DISTRIBUTIONS = (
    DistributionCase(name="first_draw", network="talker", sampling=DEFAULT),
    DistributionCase(name="second_draw", network="talker", sampling=DEFAULT, num_history=1),
    DistributionCase(name="third_draw", network="talker", sampling=DEFAULT, num_history=2),
    DistributionCase(name="later_draw", network="talker", sampling=DEFAULT, num_history=200),
    DistributionCase(
        name="everything",
        network="talker",
        sampling=SamplingParams(0.7, 20, 0.8, 1.3),
        num_history=30,
    ),
    DistributionCase(
        name="top_p_only",
        network="talker",
        sampling=SamplingParams(1.0, 0, 0.5, 1.0),
        num_history=30,
    ),
    DistributionCase(
        name="penalty_below_one",
        network="talker",
        sampling=SamplingParams(1.4, 5, 0.95, 0.8),
        num_history=30,
    ),
    DistributionCase(
        name="top_k_one", network="talker", sampling=SamplingParams(0.9, 1, 1.0), num_history=3
    ),
    DistributionCase(name="predictor", network="code_predictor", sampling=SamplingParams()),
    DistributionCase(
        name="predictor_top_p",
        network="code_predictor",
        sampling=SamplingParams(0.6, 0, 0.7),
    ),
    DistributionCase(
        name="predictor_top_k",
        network="code_predictor",
        sampling=SamplingParams(1.3, 7, 0.9),
    ),
)

REFERENCE_SECONDS = 2.03
"""Not a whole number of frames."""


def reference_clip() -> np.ndarray:
    """Returns float32 samples at 24 kHz: noise under a slow swell, [S]."""
    noise = _noise("reference", round(REFERENCE_SECONDS * 24_000))
    swell = np.sin(np.linspace(0.0, 9.0, len(noise))) ** 2
    return (0.2 * noise * swell).astype(np.float32)


TOKEN_TEXTS = (
    "a",
    "Hello world",
    ENGLISH,
    CHINESE,
    "don't I'LL we'Ve 'tis",
    "iPhone 15 Pro, McDonald's!",
    "Größe, ÄÖÜ, façade, cafe\u0301",
    "¿Qué tal? ¡Bien!",
    "Привет, мир!",
    "こんにちは世界 안녕하세요",
    "3.14 1234567890",
    "a \n\n  b\t\tc\r\nd",
    "non\u00a0breaking\u3000wide\u200bnone",
    "😀👍🏽 — … «quotes»",
    "## # /path/to\\file <html> {}|",
    "\x00\x1b\u2028x",
)


def jobs_of(kind: ModelKind) -> list[dict[str, Any]]:
    """Returns everything that upstream is asked on the checkpoint of one kind."""
    jobs = [case.job() for case in TAKES if case.kind == kind]
    if kind == "custom":
        jobs += [case.job() for case in DISTRIBUTIONS]
        jobs += [
            {"task": "token_ids", "name": f"text{i}", "text": text}
            for i, text in enumerate(TOKEN_TEXTS)
        ]
    if kind == "base":
        samples = reference_clip().tolist()
        clip = {"samples": samples, "sample_rate_hz": 24_000}
        jobs.append({"task": "reference", "name": "reference", **clip})
    return jobs


def _generator(name: str) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=zlib.crc32(name.encode())))


def _noise(name: str, size: int) -> np.ndarray:
    return _generator(name).standard_normal(size, dtype=np.float32)
