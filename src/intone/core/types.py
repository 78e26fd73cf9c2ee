"""Frozen values that cross rooms. No torch, no behaviour beyond validation and arithmetic."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.errors import EmptyTextError, InvalidSettingError

FinishReason = Literal["stop", "length", "guard", "cancelled"]
"""stop: the talker ended the take. length: `max_frames` was reached. guard: the take had missed its
end, and was cut where the noise began. cancelled: the caller left."""

TextLayout = Literal["at_once", "per_frame"]
"""Where the talker reads the text: whole in the prefill, or one token with each frame."""

ModelKind = Literal["base", "custom", "design"]

Samples = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int64]

MAX_SEED = 2**63 - 1

MIN_SPEED, MAX_SPEED = 0.5, 2.0


def _require(ok: bool, name: str, value: object, allowed: str) -> None:
    if not ok:
        raise InvalidSettingError(f"{name} is {value!r}; allowed: {allowed}.")


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How one draw is made, resolved: nothing left to default."""

    temperature: float = 0.9
    """Divides the logits; > 0."""
    top_k: int = 50
    """Keep the k likeliest; 0 keeps all."""
    top_p: float = 1.0
    """Keep the smallest set of this probability mass; 1.0 keeps all."""
    repetition_penalty: float = 1.0
    """Divides (or multiplies, below zero) logits of ids already drawn; 1.0 is none."""
    greedy: bool = False
    """Take the likeliest id; temperature, top-k and top-p are then unused."""

    def __post_init__(self) -> None:
        _require(0.0 < self.temperature <= 10.0, "temperature", self.temperature, "0 < t <= 10")
        _require(self.top_k >= 0, "top_k", self.top_k, "0 (all) or more")
        _require(0.0 < self.top_p <= 1.0, "top_p", self.top_p, "0 < p <= 1")
        _require(
            0.1 <= self.repetition_penalty <= 10.0,
            "repetition_penalty",
            self.repetition_penalty,
            "0.1 to 10 (1.0 is none)",
        )


@dataclass(frozen=True, slots=True)
class SamplingOverrides:
    """What a caller asks for; None means the checkpoint's own default."""

    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    repetition_penalty: float | None = None
    greedy: bool | None = None

    def over(self, base: SamplingParams) -> SamplingParams:
        """Returns `base` with every value that was given here; raises InvalidSettingError."""
        return SamplingParams(
            temperature=base.temperature if self.temperature is None else self.temperature,
            top_k=base.top_k if self.top_k is None else self.top_k,
            top_p=base.top_p if self.top_p is None else self.top_p,
            repetition_penalty=(
                base.repetition_penalty
                if self.repetition_penalty is None
                else self.repetition_penalty
            ),
            greedy=base.greedy if self.greedy is None else self.greedy,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceClonePrompt:
    """A cloned voice as the talker reads it; weight-free, made once per reference clip."""

    x_vector: Samples
    """Speaker encoder output, raw, [H]."""
    ref_codes: Codes | None = None
    """Codec frames of the reference, [F, K]; None makes it an x-vector prompt."""
    ref_text: str | None = None
    """The words of the reference; needed with `ref_codes`."""

    @property
    def is_icl(self) -> bool:
        return self.ref_codes is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechRequest:
    """One take to be made. Validated here, once; trusted inside."""

    text: str
    voice: str | VoiceClonePrompt | None = None
    """A preset of the checkpoint, else a kept voice, by name; or a voice clone prompt. None takes
    the checkpoint's first preset (custom only)."""
    instruct: str | None = None
    """How to say it (custom) or who says it (design)."""
    language: str = "auto"
    seed: int | None = None
    """None draws one; the one used is always reported."""
    sampling: SamplingOverrides = field(default_factory=SamplingOverrides)
    """For codebook 0."""
    predictor_sampling: SamplingOverrides = field(default_factory=SamplingOverrides)
    """For codebooks 1 to 15."""
    min_frames: int | None = None
    """No end before this many frames; None is the model's own two. For measurements."""
    max_frames: int | None = None
    """Stop after this many frames (80 ms each); None is the checkpoint's default."""
    text_layout: TextLayout | None = None
    """None takes the default of the kind."""
    chunk_frames: int | None = None
    """Frames per chunk; None is the ramp 1, 2, 4, 8."""
    guard: bool = True
    """Stop a take that misses its end, and draw it again where nothing of it was heard."""
    speed: float = 1.0
    """0.5 to 2.0, at the same pitch; also while streaming."""

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise EmptyTextError("text is empty; give at least one word to speak.")
        if self.seed is not None:
            _require(0 <= self.seed <= MAX_SEED, "seed", self.seed, f"0 to {MAX_SEED}")
        if self.max_frames is not None:
            _require(self.max_frames >= 1, "max_frames", self.max_frames, "1 or more")
        if self.min_frames is not None:
            _require(self.min_frames >= 1, "min_frames", self.min_frames, "1 or more")
        if self.chunk_frames is not None:
            _require(1 <= self.chunk_frames <= 300, "chunk_frames", self.chunk_frames, "1 to 300")
        ok = MIN_SPEED <= self.speed <= MAX_SPEED
        _require(ok, "speed", self.speed, f"{MIN_SPEED} to {MAX_SPEED}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechTiming:
    """When things happened, seconds since the request was accepted."""

    ttfa_s: float
    """First playable sample ready."""
    wall_s: float
    """This chunk (or the whole take) ready."""
    audio_s: float
    """Audio made so far."""

    @property
    def rtf(self) -> float:
        """Audio seconds per wall second: higher is faster, 1.0 is real time."""
        return self.audio_s / self.wall_s if self.wall_s > 0 else 0.0

    def __str__(self) -> str:
        return f"{self.audio_s:.2f} s of audio, {self.rtf:.1f}x real time, TTFA {self.ttfa_s:.2f} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioChunk:
    """A piece of a take, in order; joined they are the take."""

    samples: Samples
    """Mono, [-1, 1], [S]; may be empty in the last chunk."""
    sample_rate_hz: int
    start_frame: int
    """Index of the first codec frame in here."""
    num_frames: int
    timing: SpeechTiming
    seed: int
    """The request's; it repeats the take, draws that the guard threw away included."""
    finish_reason: FinishReason | None = None
    """Set on the last chunk only."""
    num_draws: int = 1
    """How often the take was begun: the guard draws again what missed its end."""
    num_leaked_frames: int = 0
    """Frames that were cut off the start: an echo of the reference clip."""

    @property
    def is_last(self) -> bool:
        return self.finish_reason is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio:
    """A whole take."""

    samples: Samples
    """Mono, [-1, 1], [S]."""
    sample_rate_hz: int
    finish_reason: FinishReason
    seed: int
    timing: SpeechTiming
    num_draws: int = 1
    """How often the take was begun; see `AudioChunk`."""
    num_leaked_frames: int = 0

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.sample_rate_hz

    def save(self, path: str | Path) -> Path:
        """Writes wav, flac, mp3 or ogg by the ending and returns the path.

        Raises:
            OutputError: unknown ending, or the file cannot be written; nothing is left behind.
        """
        from intone.audio.files import save  # encoders load libsndfile: not at import time

        return save(path, self.samples, self.sample_rate_hz)


def join_chunks(chunks: Iterable[AudioChunk]) -> Audio:
    """Returns the take that the chunks of one request make together.

    Raises:
        ValueError: no chunk, or the last one lacks its finish reason.
    """
    parts = list(chunks)
    if not parts or parts[-1].finish_reason is None:
        raise ValueError("a take needs its last chunk")
    last = parts[-1]
    return Audio(
        samples=np.concatenate([part.samples for part in parts]),
        sample_rate_hz=last.sample_rate_hz,
        finish_reason=parts[-1].finish_reason,
        seed=last.seed,
        timing=last.timing,
        num_draws=last.num_draws,
        num_leaked_frames=last.num_leaked_frames,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a synthesizer can be asked for."""

    model: str
    kind: ModelKind
    size: str
    voices: tuple[str, ...]
    languages: tuple[str, ...]
    hidden_size: int
    """Of the talker; an x-vector has as many numbers."""
    num_codebooks: int
    can_clone: bool
    """From an x-vector; there is a speaker encoder."""
    follows_instruct: bool
    sample_rate_hz: int = SAMPLE_RATE_HZ
