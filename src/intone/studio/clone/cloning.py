"""A recording becomes a kept voice: checked first, then read by a Base model."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date

from intone.core.errors import InvalidSettingError
from intone.studio.clone.recording import Recording, check_usable
from intone.studio.desk import Desk
from intone.studio.parts.aside import held
from intone.studio.voices.naming import free_name
from intone.voices.cloning import CloneForm
from intone.voices.making import FormReason, Origin, cloned_voice
from intone.voices.reading import checked_language, read_with
from intone.voices.voice import Voice

CONSENT = "This is my own voice, or the person has agreed that it is cloned."


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneOrder:
    """What the fields say."""

    name: str
    words: str | None
    """What the recording says; None where the field is empty."""
    form: CloneForm | None
    """None leaves it to the words and the model."""
    language: str
    has_consent: bool
    anyway: bool
    """Use a recording that its report refuses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloned:
    """A voice that was kept, and how it was made."""

    voice: Voice
    model: str
    reason: FormReason


def check_consent(has_consent: bool) -> None:
    """Raises InvalidSettingError where nobody agreed."""
    if not has_consent:
        raise InvalidSettingError(
            "a voice is cloned only with its owner's consent; tick the box if you have it."
        )


async def clone_voice(desk: Desk, key_id: str, order: CloneOrder, recording: Recording) -> Cloned:
    """Returns the voice of a recording, kept in the library.

    Raises:
        InvalidSettingError: the name cannot be used, or nobody agreed.
        ReferenceAudioError: the report refuses the recording.
        MissingReferenceTextError: ICL without words.
        UnsupportedModeError, UnknownLanguageError: the model does not have what was asked for.
        ModelNotFoundError: no model here clones; the message says which to pull.
        IntoneError: it cannot be read or kept.
    """
    name = free_name(desk.library, order.name)
    check_consent(order.has_consent)
    check_usable(recording, anyway=order.anyway)
    model = desk.models.for_kind("base")
    language = checked_language(order.language, desk.models.describe(model))
    async with desk.models.lease(key_id, model) as reader:
        read = await held(lambda: read_with(reader, recording.clip, order.words, order.form))
    origin = Origin(language=language, model=model, consent=consent_note(date.today()))
    voice = cloned_voice(name, read.reference, recording.clip, origin)
    await asyncio.to_thread(desk.library.put, voice)
    return Cloned(voice=voice, model=model, reason=read.reason)


def consent_note(day: date) -> str:
    """Returns what the voice keeps of the tick."""
    return f"ticked in the studio on {day.isoformat()}: {CONSENT}"


def told(cloned: Cloned) -> str:
    """Returns what was made, in words."""
    said = {
        "words": "It keeps the recording and its words (ICL).",
        "no words": "It keeps who speaks (x-vector); with the words of the recording it would be "
        "closer.",
        "no codec encoder": f"It keeps who speaks (x-vector): {cloned.model} cannot keep the "
        "recording itself; 0.6b-base, which System pulls, can.",
        "asked": "It keeps the recording and its words (ICL)."
        if cloned.voice.is_icl
        else "It keeps who speaks (x-vector), not the recording.",
    }
    return f"The voice {cloned.voice.name} is kept. {said[cloned.reason]}"
