"""The names a user may rely on."""

from __future__ import annotations

import pytest

import intone


def test_the_exported_names_are_these() -> None:
    assert intone.__all__ == [
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


@pytest.mark.parametrize("name", intone.__all__)
def test_every_exported_name_is_there_and_documented(name: str) -> None:
    value = getattr(intone, name)

    assert name in dir(intone)
    assert isinstance(value, str) or value.__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'intone' has no attribute 'nothing'"):
        _ = intone.nothing
