"""A synthesizer without a model: noise of some length, by a person whom it can hear again."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from intone.core.constants import SAMPLE_RATE_HZ, SAMPLES_PER_FRAME
from intone.core.errors import ReferenceAudioError, UnsupportedModeError
from intone.core.types import (
    Audio,
    AudioChunk,
    Capabilities,
    FinishReason,
    ModelKind,
    Samples,
    SpeechRequest,
    SpeechTiming,
    VoiceClonePrompt,
    join_chunks,
)
from intone.text.languages import AUTO, CODE_OF_NAME

HIDDEN_SIZE = 16
NUM_CODEBOOKS = 4


def abilities(
    kind: ModelKind = "custom",
    *,
    voices: tuple[str, ...] = ("ava", "fenrir"),
    can_clone: bool = True,
    follows_instruct: bool = False,
    hidden_size: int = HIDDEN_SIZE,
) -> Capabilities:
    """Returns what a fake checkpoint can do."""
    return Capabilities(
        model=f"fake-{kind}",
        kind=kind,
        size="tiny",
        voices=voices if kind == "custom" else (),
        languages=(AUTO, *CODE_OF_NAME),
        hidden_size=hidden_size,
        num_codebooks=NUM_CODEBOOKS,
        can_clone=can_clone,
        follows_instruct=follows_instruct,
    )


def person(name: str) -> Samples:
    """Returns a unit x-vector that belongs to a name; its last number is 0."""
    vector = np.random.default_rng(list(name.encode())).normal(size=HIDDEN_SIZE)
    vector[-1] = 0.0
    return (vector / np.linalg.norm(vector)).astype(np.float32)


@dataclass
class FakeSynthesizer:
    """Implements `Synthesizer`; a take depends on its request alone."""

    can: Capabilities = field(default_factory=abilities)
    likeness: Callable[[SpeechRequest], float] = lambda request: 1.0
    """Cosine of a take's x-vector with that of the person asked for."""
    finish: Callable[[SpeechRequest], FinishReason] = lambda request: "stop"
    seconds: Callable[[SpeechRequest], float] = lambda request: 1.2 + 0.04 * len(request.text)
    person_of: Callable[[SpeechRequest], Samples] | None = None
    """Who speaks; None is whoever was asked for, and in a design a new person every time."""
    requests: list[SpeechRequest] = field(default_factory=list)
    num_heard: int = 0
    is_closed: bool = False
    _people: dict[bytes, Samples] = field(default_factory=dict)

    def capabilities(self) -> Capabilities:
        return self.can

    def synthesize(self, request: SpeechRequest) -> Audio:
        return join_chunks(self.stream_request(request))

    def stream_request(self, request: SpeechRequest) -> Iterator[AudioChunk]:
        assert not self.is_closed, "spoken after close"
        self.requests.append(request)
        samples = self._samples(request)
        self._people[_key(samples)] = self._heard_person(request)
        yield AudioChunk(
            samples=samples,
            sample_rate_hz=SAMPLE_RATE_HZ,
            start_frame=0,
            num_frames=len(samples) // SAMPLES_PER_FRAME,
            timing=SpeechTiming(ttfa_s=0.1, wall_s=0.5, audio_s=len(samples) / SAMPLE_RATE_HZ),
            seed=7 if request.seed is None else request.seed,
            finish_reason=self.finish(request),
        )

    async def astream_request(self, request: SpeechRequest) -> AsyncIterator[AudioChunk]:
        for chunk in self.stream_request(request):
            yield chunk

    async def astream_live(
        self, request: SpeechRequest, pieces: AsyncIterator[str]
    ) -> AsyncIterator[AudioChunk]:
        text = "".join([request.text, *[piece async for piece in pieces]])
        for chunk in self.stream_request(replace(request, text=text)):
            yield chunk

    def x_vector(self, samples: Samples) -> Samples:
        if not self.can.can_clone:
            raise UnsupportedModeError("this fake has no speaker encoder; use one that has.")
        if not len(samples):
            raise ReferenceAudioError("there is nothing to hear; give a second of speech.")
        self.num_heard += 1
        return self._people[_key(samples)]

    def clone(
        self,
        ref_audio: tuple[Samples, int],
        ref_text: str | None = None,
        *,
        x_vector_only: bool = False,
    ) -> VoiceClonePrompt:
        x_vector = self._people.get(_key(ref_audio[0]), person("somebody"))
        codes = np.ones((5, NUM_CODEBOOKS), dtype=np.int64)
        if x_vector_only or ref_text is None:
            return VoiceClonePrompt(x_vector=x_vector)
        return VoiceClonePrompt(x_vector=x_vector, ref_codes=codes, ref_text=ref_text)

    def close(self) -> None:
        self.is_closed = True

    def _samples(self, request: SpeechRequest) -> Samples:
        who = request.voice
        name = who if not isinstance(who, VoiceClonePrompt) else who.x_vector.tobytes()
        parts = (request.text, request.seed, request.instruct, name)
        number = int.from_bytes(_digest(repr(parts)), "big")
        num_samples = round(self.seconds(request) * SAMPLE_RATE_HZ)
        return np.random.default_rng(number).normal(0, 0.05, num_samples).astype(np.float32)

    def _heard_person(self, request: SpeechRequest) -> Samples:
        voice = request.voice
        if self.person_of is not None:
            who = self.person_of(request)
        elif isinstance(voice, VoiceClonePrompt):
            who = voice.x_vector
        else:
            who = person(voice or f"{request.instruct}{request.seed}")
        other = np.zeros(HIDDEN_SIZE, dtype=np.float32)
        other[-1] = 1.0
        cosine = self.likeness(request)
        return (cosine * who + np.sqrt(1 - cosine**2) * other).astype(np.float32)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:8]


def _key(samples: Samples) -> bytes:
    """Returns what a take is known by: its beginning, as who hears may hear a part."""
    return hashlib.sha256(samples[:SAMPLE_RATE_HZ].tobytes()).digest()
