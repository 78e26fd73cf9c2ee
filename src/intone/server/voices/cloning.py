"""A clip becomes a kept voice: decoded and judged in a thread, encoded by a leased model."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from intone.audio.reference import ReferenceClip, load_reference
from intone.audio.reference_report import ReferenceReport
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.errors import (
    InvalidSettingError,
    MissingReferenceTextError,
    ModelNotFoundError,
    ReferenceAudioError,
    UnknownLanguageError,
    UnsupportedModeError,
)
from intone.core.types import Capabilities, VoiceClonePrompt
from intone.server.background import Turn, background_turn
from intone.server.services import Services
from intone.server.voices.choosing import models_of
from intone.text.languages import find_language
from intone.voices.cloning import CloneForm
from intone.voices.making import FormReason, report_clip
from intone.voices.voice import Reference

PREFERRED_BASES = ("0.6b-base", "1.7b-base")
"""What reads clips where nobody names a model: as the commands do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadClip:
    """A clip as a voice keeps it."""

    reference: Reference
    form: CloneForm
    reason: FormReason


def cloning_model(asked: str | None, services: Services) -> Capabilities:
    """Returns the model that reads clips: the one asked for, a Base model, else any that clones.

    Raises:
        ModelNotFoundError: the one asked for is not here, or none here clones.
        UnsupportedModeError: the one asked for does not clone.
    """
    if asked is not None:
        can = services.source.describe(asked)
        if not can.can_clone:
            raise UnsupportedModeError(
                f"model {asked!r} has no speaker encoder and reads no clips; name a Base model, or "
                "leave the model out."
            )
        return can
    clones = {name: can for name, can in models_of(services.source) if can.can_clone}
    bases = (name for name, can in clones.items() if can.kind == "base")
    found = next((name for name in (*PREFERRED_BASES, *bases, *clones) if name in clones), None)
    if found is None:
        raise ModelNotFoundError(
            "no model of this server reads clips; whoever runs it adds one: "
            "intone models pull 0.6b-base."
        )
    return clones[found]


def checked_language(language: str, can: Capabilities) -> str:
    """Returns a language, given by name or code, as the model spells it.

    Raises:
        UnknownLanguageError: the model does not have it.
    """
    name = find_language(language) or language.strip().lower()
    if name not in can.languages:
        raise UnknownLanguageError(
            f"language is {language!r}; {can.model} has: {', '.join(can.languages)}."
        )
    return name


def judged_clip(
    sound: bytes, words: str | None, language: str, *, limit_s: float, anyway: bool
) -> tuple[ReferenceClip, ReferenceReport]:
    """Returns a clip and what it is good for.

    Raises:
        ReferenceAudioError: it cannot be decoded, is longer than the limit, or its report refuses
            it and nobody said to use it anyway.
    """
    clip = load_reference(sound)
    if clip.duration_s > limit_s:
        raise ReferenceAudioError(
            f"the clip has {clip.duration_s:.1f} s; this server takes {limit_s:g} s. Cut it down: "
            "5 to 10 s serve best."
        )
    report = report_clip(clip, words, language)
    refused = report.of("refuse")
    if refused and not anyway:
        reasons = "; ".join(one.message for one in refused)
        raise ReferenceAudioError(f"the clip is refused: {reasons}. Send anyway=true to go on.")
    return clip, report


async def read_clip(
    clip: ReferenceClip,
    words: str | None,
    asked: CloneForm | None,
    *,
    can: Capabilities,
    services: Services,
    key_id: str,
) -> ReadClip:
    """Returns a clip as a voice keeps it: ICL where its words are given and the model can.

    Raises:
        MissingReferenceTextError: ICL was asked for without words.
        UnsupportedModeError: ICL was asked for, and the model has no codec encoder.
        BusyError: there is no room now.
    """
    if asked == "icl" and words is None:
        raise MissingReferenceTextError(
            "form is 'icl', and ref_text is missing; give the clip's exact words, or leave form."
        )
    turn = background_turn(
        services.admission, services.pool, key_id=key_id, model=can.model, is_background=False
    )
    form: CloneForm = "x_vector" if words is None or asked == "x_vector" else "icl"
    reason: FormReason = "asked" if asked else "no words" if words is None else "words"
    try:
        prompt = await _encoded(turn, clip, words, form)
    except UnsupportedModeError:
        if form == "x_vector" or asked == "icl":
            raise
        form, reason = "x_vector", "no codec encoder"
        prompt = await _encoded(turn, clip, words, form)
    reference = Reference(text=words, codes=prompt.ref_codes, x_vector=prompt.x_vector)
    return ReadClip(reference=reference, form=form, reason=reason)


def checked_words(words: str | None) -> str | None:
    """Returns the words of a clip; raises InvalidSettingError where they are blank."""
    if words is not None and not words.strip():
        raise InvalidSettingError(
            "ref_text is blank; give the clip's exact words, or leave it out."
        )
    return words


async def _encoded(
    turn: Turn, clip: ReferenceClip, words: str | None, form: CloneForm
) -> VoiceClonePrompt:
    async with turn() as model:
        return await asyncio.to_thread(
            model.clone,
            (clip.samples, SAMPLE_RATE_HZ),
            words,
            x_vector_only=form == "x_vector",
        )
