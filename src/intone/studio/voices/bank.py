"""The emotion bank: one more recording of a kept person, in a mood."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from intone.core.errors import InvalidSettingError, UnsupportedModeError
from intone.render.ear import similarity
from intone.studio.clone.comparing import likeness_words
from intone.studio.clone.recording import Recording, check_usable
from intone.studio.desk import Desk
from intone.studio.parts.aside import held
from intone.voices.making import with_mood
from intone.voices.reading import read_with
from intone.voices.voice import Voice, mood_key


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedMood:
    """What joined the bank."""

    voice: Voice
    mood: str
    similarity: float
    """Of the recording and the voice."""

    def told(self) -> str:
        """Returns it in words."""
        return (
            f"The mood {self.mood} is in the bank of {self.voice.name}. The recording and the "
            f"voice: {likeness_words(self.similarity)}."
        )


async def add_mood(
    desk: Desk,
    key_id: str,
    name: str,
    mood: str,
    words: str | None,
    recording: Recording,
    *,
    anyway: bool,
) -> AddedMood:
    """Returns the voice with one more mood.

    Raises:
        InvalidSettingError: the mood is empty, or in the bank already.
        ReferenceAudioError: the report refuses the recording.
        UnsupportedModeError: the voice has no recordings.
        UnknownVoiceError, VoiceFileError, ModelNotFoundError: it cannot be read.
        IntoneError: it cannot be kept.
    """
    if not mood.strip():
        raise InvalidSettingError("the recording has no mood yet; name one, for example angry.")
    voice, key = desk.library.get(name), mood_key(mood)
    if voice.x_vector is None:
        raise UnsupportedModeError(
            f"{voice.name} is a speaker of {voice.model} by name; an emotion bank belongs to a "
            "cloned or designed voice."
        )
    if voice.reference(key) is not None:
        raise InvalidSettingError(
            f"{voice.name} has the mood {key!r} already; remove that one first, or name another."
        )
    check_usable(recording, anyway=anyway)
    model = desk.models.for_voice(name)
    async with desk.models.lease(key_id, model) as reader:
        read = await held(lambda: read_with(reader, recording.clip, words, None, mood=key))
    grown = await asyncio.to_thread(
        desk.library.change, name, lambda kept: with_mood(kept, read.reference)
    )
    likeness = similarity(voice.x_vector, read.reference.x_vector)
    return AddedMood(voice=grown, mood=key, similarity=likeness)
