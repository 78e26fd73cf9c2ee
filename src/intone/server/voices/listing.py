"""Every voice that can be asked for: presets of the models of this machine, and kept voices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from intone.core.types import Capabilities
from intone.prompt.spec import preset_key
from intone.server.models import ModelSource
from intone.server.voices.choosing import models_of, speaks
from intone.server.voices.kept import kept_voice
from intone.voices.library import LibraryEntry, VoiceLibrary
from intone.voices.voice import Voice

Models = Sequence[tuple[str, Capabilities]]


@dataclass(slots=True)
class _Preset:
    name: str
    models: list[str] = field(default_factory=list)
    languages: dict[str, None] = field(default_factory=dict)


def list_voices(library: VoiceLibrary, source: ModelSource) -> list[dict[str, object]]:
    """Returns all voices as clients see them: presets first, then kept ones by name."""
    models = tuple(models_of(source))
    presets = [_preset_body(preset) for preset in _presets(models)]
    return presets + [_entry_body(entry, models, source) for entry in library.entries()]


def find_voice(id: str, library: VoiceLibrary, source: ModelSource) -> dict[str, object]:
    """Returns one voice, a preset before a kept one; raises ApiError (404, 409)."""
    models = tuple(models_of(source))
    key = preset_key(id)
    found = next((one for one in _presets(models) if preset_key(one.name) == key), None)
    if found is not None:
        return _preset_body(found)
    return voice_body(kept_voice(id, library, source), models, source)


def voice_body(voice: Voice, models: Models, source: ModelSource) -> dict[str, object]:
    """Returns a kept voice as clients see it."""
    neutral = voice.reference(None)
    return {
        "id": voice.name,
        "object": "audio.voice",
        "name": voice.name,
        "kind": voice.kind,
        "is_kept": True,
        "language": voice.language,
        "models": [name for name, can in models if speaks(voice, can, source)],
        "moods": list(voice.moods),
        "form": None if voice.x_vector is None else "icl" if voice.is_icl else "x_vector",
        "ref_text": None if neutral is None else neutral.text,
        "description": voice.making.description,
        "licence": voice.licence,
        "consent": voice.consent,
        "problem": None,
    }


def _presets(models: Models) -> list[_Preset]:
    found: dict[str, _Preset] = {}
    for model, can in models:
        for name in can.voices:
            preset = found.setdefault(name, _Preset(name))
            preset.models.append(model)
            preset.languages |= dict.fromkeys(can.languages)
    return list(found.values())


def _preset_body(preset: _Preset) -> dict[str, object]:
    return {
        "id": preset.name,
        "object": "audio.voice",
        "name": preset.name,
        "kind": "preset",
        "is_kept": False,
        "language": "auto",
        "languages": list(preset.languages),
        "models": preset.models,
        "moods": [],
        "problem": None,
    }


def _entry_body(entry: LibraryEntry, models: Models, source: ModelSource) -> dict[str, object]:
    if entry.voice is not None:
        return voice_body(entry.voice, models, source)
    return {
        "id": entry.name,
        "object": "audio.voice",
        "name": entry.name,
        "kind": "damaged",
        "is_kept": True,
        "language": "auto",
        "models": [],
        "moods": [],
        "problem": "its file is damaged; remove it, and make or import it again.",
    }
