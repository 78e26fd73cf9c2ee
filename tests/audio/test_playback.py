"""Playback through a stand-in for `sounddevice`: this suite needs no loudspeaker."""

from __future__ import annotations

import builtins
import sys
from types import ModuleType

import numpy as np
import pytest

from intone.audio.playback import Player
from intone.core.errors import MissingDependencyError, OutputError


class FakePortAudioError(Exception):
    pass


class FakeStream:
    """Records what a PortAudio stream would be told."""

    def __init__(self, samplerate: int, channels: int, dtype: str) -> None:
        if samplerate == 1:
            raise FakePortAudioError("no default output device")
        self.calls: list[str] = []
        self.heard = 0
        self.closed = False

    def start(self) -> None:
        self.calls.append("start")

    def write(self, samples: np.ndarray) -> None:
        if len(samples) == 13:
            raise FakePortAudioError("device unplugged")
        self.heard += len(samples)

    def stop(self) -> None:
        self.calls.append("stop")

    def abort(self) -> None:
        self.calls.append("abort")

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def _device(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("sounddevice")
    module.OutputStream = FakeStream  # type: ignore[attr-defined]
    module.PortAudioError = FakePortAudioError  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sounddevice", module)


@pytest.mark.usefixtures("_device")
def test_a_take_is_heard_to_its_end() -> None:
    with Player(24_000) as player:
        player.write(np.zeros(1_920, np.float32))
        player.write(np.zeros(100, np.float32))
    player.abort()

    assert (player._stream.heard, player._stream.calls) == (2_020, ["start", "stop"])
    assert player._stream.closed


@pytest.mark.usefixtures("_device")
def test_a_cancelled_take_falls_silent_at_once() -> None:
    player = Player(24_000)
    player.abort()
    player.close()

    assert player._stream.calls == ["start", "abort"]


@pytest.mark.usefixtures("_device")
def test_a_machine_without_a_device_says_what_to_do() -> None:
    with pytest.raises(OutputError, match="no default output device; write a file with --out"):
        Player(1)


@pytest.mark.usefixtures("_device")
def test_a_device_that_vanishes_is_reported() -> None:
    player = Player(24_000)
    with pytest.raises(OutputError, match="playing stopped: device unplugged"):
        player.write(np.zeros(13, np.float32))


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'intone\[play\]'"):
        Player(24_000)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def refuse(name: str, *args: object, **kwargs: object) -> ModuleType:
        if name == "sounddevice":
            raise OSError("PortAudio library not found")
        return original(name, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingDependencyError, match="libportaudio2"):
        Player(24_000)
