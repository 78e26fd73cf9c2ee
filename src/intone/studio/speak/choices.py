"""The voices one can speak with, in groups: those of the models here, the nine, and kept ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from intone.core.errors import IntoneError
from intone.core.types import Capabilities
from intone.prompt.spec import preset_key
from intone.studio.desk import Desk
from intone.studio.parts.words import BUILTIN, PRESETS
from intone.voices.library import LibraryEntry
from intone.voices.names import BUILTIN_NAMES, PRESET_NAMES

NINE_MODEL = "0.6b-custom"
"""The smaller of the models that have the nine."""

FIRST = "ryan"
"""Who speaks before anybody was chosen, where he is here; as in founding document 004."""

_KINDS: Mapping[str, str] = {
    "preset": "speaker of a model",
    "cloned": "cloned",
    "designed": "designed",
    "finetuned": "fine-tuned",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceChoice:
    """One voice of the list."""

    name: str
    """As a request has it."""
    title: str
    description: str
    missing: str | None = None
    """What is needed before it can speak; None where it can."""


@dataclass(frozen=True, slots=True)
class VoiceGroup:
    """Voices under one heading."""

    title: str
    voices: tuple[VoiceChoice, ...]


def voice_groups(desk: Desk) -> tuple[VoiceGroup, ...]:
    """Returns all voices, those that can speak first; empty groups are left out.

    Damaged files of the library are not among them: the Voices tab tells of these. May read files.
    """
    abilities = _abilities(desk)
    kept = [_kept(entry) for entry in desk.library.entries() if entry.voice is not None]
    nine = tuple(_nine(abilities))
    groups = [
        VoiceGroup("Your voices", tuple(kept)),
        VoiceGroup("Nine voices in ten languages", nine),
        VoiceGroup("In the box", tuple(_others(abilities, BUILTIN_NAMES))),
        VoiceGroup("Of fine-tuned models", tuple(_tuned(abilities))),
    ]
    can_speak = [group for group in groups if any(one.missing is None for one in group.voices)]
    cannot = [group for group in groups if group.voices and group not in can_speak]
    return (*can_speak, *cannot)


def all_voices(groups: Sequence[VoiceGroup]) -> tuple[VoiceChoice, ...]:
    """Returns the voices of all groups, in order."""
    return tuple(voice for group in groups for voice in group.voices)


def first_voice(groups: Sequence[VoiceGroup]) -> str | None:
    """Returns a voice to begin with: a preset before a kept one; None where nobody can speak."""
    presets = [one for group in groups if group.title != "Your voices" for one in group.voices]
    here = [one.name for one in (*presets, *all_voices(groups)) if one.missing is None]
    return FIRST if FIRST in here else next(iter(here), None)


@dataclass(frozen=True, slots=True)
class InstructInfo:
    """Whether how it is said can be given, and what to know about it."""

    can_follow: bool
    words: str


def instruct_info(desk: Desk, voice: str | None) -> InstructInfo:
    """Returns whether how it is said can be given for a voice, else why not. May read files."""
    try:
        model = desk.models.for_voice(voice)
        can = desk.models.describe(model)
    except IntoneError as error:
        return InstructInfo(False, str(error))
    if can.follows_instruct:
        return InstructInfo(True, "A few words, such as: slowly, as if telling a secret.")
    words = f"{model} does not follow such words; 1.7b-custom and its nine voices do."
    return InstructInfo(False, words)


def _abilities(desk: Desk) -> tuple[Capabilities, ...]:
    found = []
    for name in desk.models.names():
        try:
            found.append(desk.models.describe(name))
        except IntoneError:
            continue  # a damaged checkpoint: the System tab tells of it
    return tuple(found)


def _nine(abilities: Sequence[Capabilities]) -> Iterator[VoiceChoice]:
    here = {preset_key(voice) for can in abilities for voice in can.voices}
    for name, description in PRESETS.items():
        missing = None if name in here else f"needs {NINE_MODEL}: pull it under System"
        yield VoiceChoice(name=name, title=_title(name), description=description, missing=missing)


def _others(abilities: Sequence[Capabilities], names: frozenset[str]) -> Iterator[VoiceChoice]:
    here = dict.fromkeys(preset_key(voice) for can in abilities for voice in can.voices)
    for name in here:
        if name in names:
            yield VoiceChoice(
                name=name, title=_title(name), description=BUILTIN.get(name, "English")
            )


def _tuned(abilities: Sequence[Capabilities]) -> Iterator[VoiceChoice]:
    known = PRESET_NAMES | BUILTIN_NAMES
    for can in abilities:
        for name in can.voices:
            if preset_key(name) not in known:
                yield VoiceChoice(
                    name=name, title=_title(name), description=f"speaker of {can.model}"
                )


def _kept(entry: LibraryEntry) -> VoiceChoice:
    voice = entry.voice
    assert voice is not None
    words = [_KINDS[voice.kind]]
    if voice.language != "auto":
        words.append(voice.language.capitalize())
    if voice.moods:
        words.append(f"{len(voice.moods)} moods")
    return VoiceChoice(name=entry.name, title=entry.name, description=", ".join(words))


def _title(name: str) -> str:
    """Returns a preset's name as it is written: "Uncle Fu"."""
    return " ".join(word.capitalize() for word in name.split("_"))
