"""Intone: the open Qwen3-TTS speech models, useful on any machine.

    from intone import TTS
    with TTS() as tts:
        tts.speak("Hello").save("hello.wav")

Importing this package loads no torch; names are resolved on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from intone.core.version import __version__

if TYPE_CHECKING:
    from intone.core.errors import IntoneError
    from intone.core.types import (
        Audio,
        AudioChunk,
        SamplingOverrides,
        SpeechRequest,
        VoiceClonePrompt,
    )
    from intone.remote import RemoteTTS
    from intone.tts import TTS
    from intone.voices.library import VoiceLibrary
    from intone.voices.voice import Voice

__all__ = [
    "TTS",
    "Audio",
    "AudioChunk",
    "IntoneError",
    "RemoteTTS",
    "SamplingOverrides",
    "SpeechRequest",
    "Voice",
    "VoiceClonePrompt",
    "VoiceLibrary",
    "__version__",
]

_HOME = {
    "TTS": "intone.tts",
    "Audio": "intone.core.types",
    "AudioChunk": "intone.core.types",
    "IntoneError": "intone.core.errors",
    "RemoteTTS": "intone.remote",
    "SamplingOverrides": "intone.core.types",
    "SpeechRequest": "intone.core.types",
    "Voice": "intone.voices.voice",
    "VoiceClonePrompt": "intone.core.types",
    "VoiceLibrary": "intone.voices.library",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'intone' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
