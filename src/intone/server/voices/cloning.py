"""A clip becomes a kept voice: decoded and judged in a thread, encoded by a leased model."""

from __future__ import annotations

import asyncio

from intone.audio.reference import ReferenceClip, load_reference
from intone.audio.reference_report import ReferenceReport
from intone.core.errors import (
    InvalidSettingError,
    MissingReferenceTextError,
    ModelNotFoundError,
    ReferenceAudioError,
    UnsupportedModeError,
)
from intone.core.types import Capabilities
from intone.server.background import background_turn
from intone.server.services import Services
from intone.server.voices.choosing import models_of
from intone.voices.cloning import CloneForm
from intone.voices.making import report_clip
from intone.voices.reading import ReadClip, read_with

PREFERRED_BASES = ("0.6b-base", "1.7b-base")
"""What reads clips where nobody names a model: as the commands do."""


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
    async with turn() as model:
        return await asyncio.to_thread(read_with, model, clip, words, asked)


def checked_words(words: str | None) -> str | None:
    """Returns the words of a clip; raises InvalidSettingError where they are blank."""
    if words is not None and not words.strip():
        raise InvalidSettingError(
            "ref_text is blank; give the clip's exact words, or leave it out."
        )
    return words
