"""A candidate becomes a voice: a Base model clones it from its take, and it stays that person."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from intone.audio.reference import load_reference
from intone.core.errors import ReferenceAudioError
from intone.studio.desk import Desk
from intone.studio.parts.aside import held
from intone.studio.voices.naming import free_name
from intone.voices.candidates import CandidateFolder
from intone.voices.making import Design, FormReason, Origin, designed_voice
from intone.voices.reading import read_with
from intone.voices.voice import Voice


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCandidate:
    """A voice that was made of a candidate."""

    voice: Voice
    model: str
    """That read the take."""
    reason: FormReason


async def keep_candidate(
    desk: Desk, key_id: str, round_name: str, number: int, name: str | None
) -> KeptCandidate:
    """Returns the voice, kept in the library. Its take was listened to, so no report refuses it.

    Raises:
        InvalidSettingError: the name cannot be used, or there is no such candidate.
        ModelNotFoundError: no model here clones; the message says which to pull.
        IntoneError: it cannot be read or kept.
    """
    word = free_name(desk.library, name)
    drawn = CandidateFolder(desk.library.directory).get(round_name)
    take, path = drawn.take(number), drawn.path(number)
    model = desk.models.for_kind("base")
    try:
        sound = await asyncio.to_thread(path.read_bytes)
    except OSError as error:
        raise ReferenceAudioError("the sound of this voice is gone; draw it again.") from error
    clip = await asyncio.to_thread(load_reference, sound)
    async with desk.models.lease(key_id, model) as reader:
        read = await held(lambda: read_with(reader, clip, drawn.text, None))
    voice = designed_voice(
        word,
        read.reference,
        clip,
        Origin(language=drawn.language, model=model),
        Design(description=drawn.description, seed=take.seed, model=drawn.model),
    )
    await asyncio.to_thread(desk.library.put, voice)
    return KeptCandidate(voice=voice, model=model, reason=read.reason)


def told(kept: KeptCandidate) -> str:
    """Returns what was made, in words."""
    how = (
        "with its sound and words (ICL)"
        if kept.voice.is_icl
        else f"as who speaks (x-vector) alone, since {kept.model} cannot keep the sound itself"
    )
    name = kept.voice.name
    return f"The voice {name} is kept, {how}. Every take with it is this person from now on."
