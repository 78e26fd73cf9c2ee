"""Hearing a take while it is made, through the optional `sounddevice` package."""

from __future__ import annotations

from types import ModuleType

from intone.audio.writer import AudioWriter
from intone.core.errors import MissingDependencyError, OutputError
from intone.core.types import Samples


class Player(AudioWriter):
    """Plays what is written to it; `write` waits while the device is more than a moment behind."""

    def __init__(self, sample_rate_hz: int) -> None:
        """Opens the default output device.

        Raises:
            MissingDependencyError: `sounddevice` or its PortAudio library is absent.
            OutputError: there is no usable output device.
        """
        device = _sounddevice()
        self._device_error = device.PortAudioError
        try:
            self._stream = device.OutputStream(
                samplerate=sample_rate_hz, channels=1, dtype="float32"
            )
            self._stream.start()
        except self._device_error as error:
            raise OutputError(
                f"cannot play: {error}; write a file with --out instead of playing."
            ) from error

    def write(self, samples: Samples) -> None:
        try:
            self._stream.write(samples)
        except self._device_error as error:
            raise OutputError(f"playing stopped: {error}.") from error

    def close(self) -> None:
        """Waits until all is heard."""
        if self._stream.closed:
            return
        self._stream.stop()
        self._stream.close()

    def abort(self) -> None:
        """Falls silent at once."""
        if self._stream.closed:
            return
        self._stream.abort()
        self._stream.close()


def _sounddevice() -> ModuleType:
    try:
        import sounddevice
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "playing needs the sounddevice package; run: pip install 'intone[play]'"
        ) from error
    except OSError as error:  # the package is there, the PortAudio library is not
        raise MissingDependencyError(
            "playing needs the PortAudio library; install it (Debian: libportaudio2)."
        ) from error
    module: ModuleType = sounddevice
    return module
