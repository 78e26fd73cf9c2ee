"""A clip is read by a model that is loaded already: for surfaces that lease models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from intone.audio.reference import ReferenceClip
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.errors import (
    MissingReferenceTextError,
    UnknownLanguageError,
    UnsupportedModeError,
)
from intone.core.types import Capabilities, Samples, VoiceClonePrompt
from intone.text.languages import find_language
from intone.voices.cloning import CloneForm
from intone.voices.making import FormReason
from intone.voices.voice import Reference, mood_key


class ClipReader(Protocol):
    """A model with encoders."""

    def clone(
        self,
        ref_audio: tuple[Samples, int] | bytes,
        ref_text: str | None = None,
        *,
        x_vector_only: bool = False,
        append_silence: bool = True,
    ) -> VoiceClonePrompt:
        """Returns the voice of a clip, encoded file or (samples, rate in Hz); raises as `TTS`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadClip:
    """A clip as a voice keeps it."""

    reference: Reference
    form: CloneForm
    reason: FormReason


def read_with(
    model: ClipReader,
    clip: ReferenceClip,
    words: str | None,
    asked: CloneForm | None,
    *,
    mood: str | None = None,
) -> ReadClip:
    """Returns a clip as a voice keeps it: ICL where its words are given and the model can.

    Args:
        words: what the clip says; kept for an x-vector too.
        asked: None leaves it to the words and the model.
        mood: None is the neutral clip.

    Raises:
        MissingReferenceTextError: ICL was asked for without words.
        UnsupportedModeError: the model cannot clone, or ICL was asked for and it has no codec
            encoder.
    """
    if asked == "icl" and words is None:
        raise MissingReferenceTextError(
            "ICL was asked for without the clip's words; give them exactly as they are said, or "
            "leave the form to Intone."
        )
    form: CloneForm = "x_vector" if words is None or asked == "x_vector" else "icl"
    reason: FormReason = "asked" if asked else "no words" if words is None else "words"
    try:
        prompt = _prompt(model, clip, words, form)
    except UnsupportedModeError:
        if form == "x_vector" or asked == "icl":
            raise
        form, reason = "x_vector", "no codec encoder"
        prompt = _prompt(model, clip, words, form)
    reference = Reference(
        mood=None if mood is None else mood_key(mood),
        text=words,
        codes=prompt.ref_codes,
        x_vector=prompt.x_vector,
    )
    return ReadClip(reference=reference, form=form, reason=reason)


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


def _prompt(
    model: ClipReader, clip: ReferenceClip, words: str | None, form: CloneForm
) -> VoiceClonePrompt:
    sound = (clip.samples, SAMPLE_RATE_HZ)
    return model.clone(sound, words, x_vector_only=form == "x_vector")
