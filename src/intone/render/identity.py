"""Who speaks, apart from how: a preset, a kept voice, or a description until it is designed."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from intone.core.errors import UnknownVoiceError, UnsupportedModeError
from intone.core.types import Capabilities, VoiceClonePrompt
from intone.prompt.spec import preset_key
from intone.voices.voice import Voice

MIN_DESCRIPTION_WORDS = 3
"""Fewer words that name no voice are a name with a slip of the pen, not a description."""


class Library(Protocol):
    """The part of `voices.library.VoiceLibrary` that is needed to find a voice."""

    def get(self, name: str) -> Voice:
        """Returns a kept voice; raises UnknownVoiceError."""
        ...

    def names(self) -> Sequence[str]:
        """Returns the names of the kept voices."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Identity:
    """One person. Either a preset, or a kept voice, or a description, with its voice once made."""

    name: str
    """As it was asked for."""
    preset: str | None = None
    voice: Voice | None = None
    description: str | None = None

    @property
    def spoken_voice(self) -> str | VoiceClonePrompt | None:
        """The neutral voice as a request takes it; None before a description was designed."""
        return self.preset if self.voice is None else self.voice.prompt()


def preset_identity(name: str) -> Identity:
    """Returns the identity of a checkpoint's preset."""
    return Identity(name=name, preset=name)


def voice_identity(voice: Voice) -> Identity:
    """Returns the identity of a kept voice; that of its speaker where it is one of a checkpoint."""
    if voice.x_vector is None and voice.speaker is not None:
        return Identity(name=voice.name, preset=voice.speaker)
    return Identity(name=voice.name, voice=voice)


def is_description(name: str) -> bool:
    """Whether what names no voice describes somebody."""
    return len(name.split()) >= MIN_DESCRIPTION_WORDS


def find_identity(name: str, abilities: Capabilities, library: Library) -> Identity:
    """Returns who a name or a description stands for: a preset, else a kept voice, else words.

    Args:
        name: any case, and a space for an underscore, as presets are asked for elsewhere.
        abilities: of the synthesizer that will speak; it has the presets.

    Raises:
        UnknownVoiceError: neither, and too few words to describe anybody.
    """
    wanted = preset_key(name)
    presets = abilities.voices
    preset = next((preset for preset in presets if preset.lower() == wanted), None)
    if preset is not None:
        return preset_identity(preset)
    if is_description(name):
        return Identity(name=name.strip(), description=" ".join(name.split()))
    return voice_identity(_kept(name, abilities, library))


def _kept(name: str, abilities: Capabilities, library: Library) -> Voice:
    try:
        return library.get(name)
    except UnknownVoiceError as error:
        known = (*abilities.voices, *library.names())
        near = difflib.get_close_matches(name.lower(), known, n=3)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise UnknownVoiceError(
            f"voice {name!r} is unknown; {hint}presets of {abilities.model}: "
            f"{', '.join(abilities.voices) or 'none'}; kept voices: "
            f"{', '.join(library.names()) or 'none'}. A description needs {MIN_DESCRIPTION_WORDS} "
            "words or more."
        ) from error


def check_can_speak(identity: Identity, abilities: Capabilities) -> None:
    """Refuses an identity that a model cannot speak with, before anything is loaded.

    Raises:
        UnsupportedModeError: another size, or another kind of checkpoint.
    """
    can, name = abilities, identity.name
    if identity.preset is not None and identity.preset not in can.voices:
        raise UnsupportedModeError(
            f"{name!r} is a preset of another checkpoint than {can.model}; name that one with "
            "--model, or use one voice of one model throughout."
        )
    if (identity.voice or identity.description) and not can.can_clone and can.kind != "design":
        raise UnsupportedModeError(
            f"{name!r} is no preset, and {can.model} has no speaker encoder: it speaks with "
            "presets alone. Use a Base model (--model 0.6b-base), or a preset."
        )
    if identity.voice is not None:
        if can.kind == "design" and identity.description is None:
            raise UnsupportedModeError(
                f"{name!r} is a kept voice, and {can.model} only draws voices from descriptions; "
                "use a Base model (--model 1.7b-base)."
            )
        identity.voice.check_fits(
            model=can.model, hidden_size=can.hidden_size, num_codebooks=can.num_codebooks
        )
