"""How a voice comes to be: from a clip, from a take of a design, from one more clip in a mood.

Surfaces call these; they ask no question and print nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Literal

from intone.audio.reference import ReferenceClip
from intone.audio.reference_report import ReferenceReport, SpokenRange, report_reference
from intone.core.errors import (
    InvalidSettingError,
    MissingReferenceTextError,
    UnsupportedModeError,
)
from intone.text.duration import expected_duration
from intone.voices.cloning import DEFAULT_FORM_WITH_WORDS, CloneForm, Cloner
from intone.voices.names import BUILTIN_NAMES, PRESET_NAMES, checked_name
from intone.voices.voice import Making, Reference, Voice, mood_key

FormReason = Literal["asked", "words", "no words", "no codec encoder"]


@dataclass(frozen=True, slots=True)
class ChosenForm:
    """ICL or x-vector, and why."""

    form: CloneForm
    reason: FormReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What is known of a clip, its sound and words apart."""

    language: str = "auto"
    model: str | None = None
    """Whose encoders read it, as it is asked for."""
    licence: str | None = None
    consent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What the take of a designed voice was drawn from."""

    description: str
    seed: int
    model: str
    """That drew it."""


def choose_form(
    words: str | None, asked: CloneForm | None, *, has_codec_encoder: bool
) -> ChosenForm:
    """Returns what becomes of a clip: what was asked for, else the default.

    Raises:
        MissingReferenceTextError: ICL was asked for without words.
        UnsupportedModeError: ICL was asked for, and the model has no codec encoder.
    """
    if asked is None:
        if words is None:
            return ChosenForm("x_vector", "no words")
        if DEFAULT_FORM_WITH_WORDS == "icl" and not has_codec_encoder:
            return ChosenForm("x_vector", "no codec encoder")
        return ChosenForm(DEFAULT_FORM_WITH_WORDS, "words")
    if asked == "icl" and words is None:
        raise MissingReferenceTextError(
            "ICL was asked for without the clip's words; give them (--text WORDS), or clone from "
            "the x-vector alone (--xvec-only)."
        )
    if asked == "icl" and not has_codec_encoder:
        raise UnsupportedModeError(
            "ICL was asked for, but this model has no codec encoder; use a Base model "
            "(--model 0.6b-base), or clone from the x-vector alone (--xvec-only)."
        )
    return ChosenForm(asked, "asked")


def report_clip(
    clip: ReferenceClip, words: str | None = None, language: str = "auto"
) -> ReferenceReport:
    """Returns what a clip is good for, with its words where they are given; no model runs."""
    if words is None:
        return report_reference(clip)
    duration = expected_duration(words, language)
    spoken = SpokenRange(shortest_s=duration.shortest_s, longest_s=duration.longest_s)
    return report_reference(clip, spoken)


def read_clip(
    cloner: Cloner,
    clip: ReferenceClip,
    words: str | None,
    form: CloneForm,
    *,
    mood: str | None = None,
    append_silence: bool = True,
) -> Reference:
    """Returns a clip as a voice keeps it; the encoders run here, and never again for it.

    Args:
        words: what the clip says; kept for an x-vector too.
        mood: None is the neutral clip.

    Raises:
        UnsupportedModeError: the checkpoint cannot clone, or lacks the codec encoder for ICL.
        MissingReferenceTextError: ICL without words.
    """
    if form == "icl" and words is None:
        raise MissingReferenceTextError("ICL needs the words of the clip; give them.")
    prompt = cloner.clone(
        clip, words, x_vector_only=form == "x_vector", append_silence=append_silence
    )
    return Reference(
        mood=None if mood is None else mood_key(mood),
        text=words,
        codes=prompt.ref_codes,
        x_vector=prompt.x_vector,
    )


def cloned_voice(name: str, reference: Reference, clip: ReferenceClip, origin: Origin) -> Voice:
    """Returns the voice of one neutral clip.

    Raises:
        InvalidSettingError: the name cannot be used.
    """
    return Voice(
        name=checked_name(name),
        kind="cloned",
        language=origin.language,
        hidden_size=len(reference.x_vector),
        x_vector=reference.x_vector,
        references=(reference,),
        making=Making(source_sha256=clip_sha256(clip), model=origin.model),
        licence=origin.licence,
        consent=origin.consent,
    )


def designed_voice(
    name: str, reference: Reference, clip: ReferenceClip, origin: Origin, design: Design
) -> Voice:
    """Returns the voice whose anchor is a take of a design: later takes are that person.

    Raises:
        InvalidSettingError: the name cannot be used.
    """
    cloned = cloned_voice(name, reference, clip, origin)
    making = replace(
        cloned.making,
        description=design.description,
        seed=design.seed,
        design_model=design.model,
    )
    return replace(cloned, kind="designed", making=making)


def speaker_voice(
    name: str, speaker: str, *, model: str, hidden_size: int, language: str = "auto"
) -> Voice:
    """Returns a speaker of a checkpoint as a voice: a name for the two together.

    Args:
        model: alias, hub id or directory, as it will be asked for.
        hidden_size: of its talker.

    Raises:
        InvalidSettingError: the name cannot be used.
    """
    is_preset = speaker.lower() in PRESET_NAMES | BUILTIN_NAMES
    return Voice(
        name=checked_name(name),
        kind="preset" if is_preset else "finetuned",
        language=language,
        hidden_size=hidden_size,
        model=model,
        speaker=speaker,
    )


def with_mood(voice: Voice, reference: Reference, *, can_replace: bool = False) -> Voice:
    """Returns the voice with one more clip in its emotion bank.

    Raises:
        InvalidSettingError: the bank has that mood, or the clip is the neutral one.
        UnsupportedModeError: models of different sizes made the two.
    """
    if reference.mood is None:
        raise InvalidSettingError("the clip has no mood; name one, for example angry.")
    if len(reference.x_vector) != voice.hidden_size:
        raise UnsupportedModeError(
            f"voice {voice.name!r} is of width {voice.hidden_size:,}, the clip was read at "
            f"{len(reference.x_vector):,}; read it with the model of the voice"
            f"{f': --model {voice.making.model}' if voice.making.model else ''}."
        )
    if voice.reference(reference.mood) is not None and not can_replace:
        raise InvalidSettingError(
            f"voice {voice.name!r} has the mood {reference.mood!r} already; add --force to replace "
            "that clip, or name another mood."
        )
    others = (one for one in voice.references if one.mood != reference.mood)
    return replace(voice, references=(*others, reference))


def without_mood(voice: Voice, mood: str) -> Voice:
    """Returns the voice without one clip of its emotion bank; raises InvalidSettingError."""
    key = mood_key(mood)
    if voice.reference(key) is None:
        raise InvalidSettingError(
            f"voice {voice.name!r} has no mood {mood!r}; it has: "
            f"{', '.join(voice.moods) or 'the neutral one alone'}."
        )
    return replace(voice, references=tuple(one for one in voice.references if one.mood != key))


def clip_sha256(clip: ReferenceClip) -> str:
    """Returns the SHA-256 of a clip's samples: mono fp32 at 24 kHz."""
    return hashlib.sha256(clip.samples.astype("<f4").tobytes()).hexdigest()
