"""From a body to what is drawn: one take, or the takes of a long text, all with one voice."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace

from intone.core.errors import EmptyTextError
from intone.core.seeds import derived_seed
from intone.core.types import (
    Capabilities,
    SamplingOverrides,
    SpeechRequest,
)
from intone.render.text_takes import TextReading, cut_text
from intone.server.limits import check_text
from intone.server.sections import LimitsSection, SpeechSection
from intone.server.speech.body import Sampling, SpeechBody
from intone.server.speech.choosing import chosen_voice
from intone.text.languages import find_language

_SEED_BITS = 32
"""Of a seed that is drawn: small enough to read aloud, and exact in every JSON reader."""


@dataclass(frozen=True, slots=True)
class PlannedTake:
    """One take and the silence behind it, before the next one."""

    request: SpeechRequest
    gap_after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechPlan:
    """What one request has spoken."""

    model: str
    voice: str | None
    """By name; None is a clip's, or the model's own choice."""
    seed: int
    takes: tuple[PlannedTake, ...]
    lead_silence_s: float
    """Before the first take, where a tag asks for it; and after the last one:"""
    end_silence_s: float
    max_frames: int | None
    """Of all takes together."""
    num_characters: int


def plan_speech(
    body: SpeechBody,
    can: Capabilities,
    kept: Collection[str],
    settings: SpeechSection,
    limits: LimitsSection,
) -> SpeechPlan:
    """Returns the plan of a body for a model.

    A text of more than 20 s of typical speech becomes several takes, sentence by sentence. On a
    VoiceDesign model it stays one: each take would draw another person.

    Args:
        kept: the names of kept voices.

    Raises:
        ApiError: the text is longer than the limit.
        RequestError: a value does not fit the model.
    """
    request = speech_request_of(body, can, kept, settings, limits)
    assert request.seed is not None
    reading = TextReading(
        markup=body.markup,
        spelling=body.normalise,
        stays_whole=can.kind == "design",
        voice=lambda name: chosen_voice(name, can, kept, settings),
    )
    cut = cut_text(request, reading)
    takes = tuple(
        PlannedTake(
            replace(part.request, seed=_seed_of_take(request.seed, index)), part.gap_after_s
        )
        for index, part in enumerate(cut.parts)
    )
    return SpeechPlan(
        model=can.model,
        voice=request.voice if isinstance(request.voice, str) else None,
        seed=request.seed,
        takes=takes,
        lead_silence_s=cut.lead_silence_s,
        end_silence_s=cut.end_silence_s,
        max_frames=request.max_frames,
        num_characters=len(request.text),
    )


def speech_request_of(
    body: SpeechBody,
    can: Capabilities,
    kept: Collection[str],
    settings: SpeechSection,
    limits: LimitsSection,
) -> SpeechRequest:
    """Returns the whole of a body as one request, its seed chosen; a clip's voice is not in it yet.

    Raises:
        ApiError: the text is longer than the limit.
        RequestError: a value does not fit the model.
    """
    text = body.said
    if not any(character.isalnum() for character in text):
        raise EmptyTextError("the text holds no word to speak; give at least one.")
    check_text(text, limits.text_characters)
    voice = chosen_voice(
        body.voice_name, can, kept, settings, has_reference=body.ref_audio is not None
    )
    manner = body.manner
    if manner is None and can.follows_instruct:
        manner = settings.instruct or None
    return sampled(body, settings, text=text, voice=voice, instruct=manner)


def sampled(
    body: Sampling,
    settings: SpeechSection,
    *,
    text: str,
    voice: str | None,
    instruct: str | None,
) -> SpeechRequest:
    """Returns a request with the seed, sampling, language and speed that a body asks for."""
    language = body.language or settings.language
    frames = body.max_frames if body.max_frames is not None else body.max_new_tokens
    return SpeechRequest(
        text=text,
        voice=voice,
        instruct=instruct,
        language=find_language(language) or language,
        seed=secrets.randbits(_SEED_BITS) if body.seed is None else body.seed,
        sampling=SamplingOverrides(
            temperature=body.temperature,
            top_k=body.top_k,
            top_p=body.top_p,
            repetition_penalty=body.repetition_penalty,
        ),
        max_frames=frames,
        chunk_frames=body.chunk_frames,
        speed=body.speed,
    )


def _seed_of_take(seed: int, index: int) -> int:
    """The first take has the seed itself: a short text is the take that `intone say` makes."""
    return seed if index == 0 else derived_seed(seed, "take", index)
