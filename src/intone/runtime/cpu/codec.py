"""The codec decoder as a session: streams of codes to samples, several at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

from intone.core.types import Codes, Samples
from intone.models.codec.config import CodecDecoderConfig
from intone.models.raw_tensors import Array
from intone.runtime.cpu.sessions import open_session
from intone.runtime.cpu.winograd import DILATIONS, tile_steps
from intone.runtime.stage_times import StageTimes

_MAX_FRAMES = 8
"""Frames of all streams in one run: more are no cheaper each, and need memory for all at once."""


@dataclass(slots=True, eq=False)
class CodecStream:
    """What the decoder remembers of one stream."""

    histories: list[Array]
    """[1, P, C] each."""
    position: int = 0
    """Frames heard, those of a reference included."""
    num_frames: int = 0
    """Frames of the take that are audio."""


class CpuDecoder:
    """Implements the engine's `AudioDecoder`."""

    max_call_frames = 32
    """More are no cheaper each, and all streams wait for the last."""
    max_joined_frames = 0
    """A call costs its arithmetic, and the same request shall give the same bytes in company."""

    def __init__(
        self,
        graph: Path,
        config: CodecDecoderConfig,
        history_shapes: Sequence[tuple[int, int]],
        num_threads: int,
        times: StageTimes,
    ) -> None:
        """Opens the graph; `times` is where `codec_s` is counted."""
        self._times = times
        self._session = open_session(graph, num_threads)
        self._config = config
        self._history_shapes = history_shapes
        self._kept_tilings: dict[int, dict[str, np.ndarray]] = {}
        self._outputs = ["samples", *(f"next_history_{i}" for i in range(len(history_shapes)))]

    def open(self, ref_codes: Codes | None) -> CodecStream:
        """Returns a stream that has heard the ICL reference [F, K], if there is one."""
        stream = CodecStream([np.zeros((1, *shape), np.float32) for shape in self._history_shapes])
        if ref_codes is not None:
            self._advance([stream], [ref_codes])
        return stream

    def decode(self, streams: Sequence[CodecStream], codes: Sequence[Codes]) -> list[Samples]:
        """Returns the samples [F * 1920] of each stream's next frames [F, K], one F for all."""
        started = perf_counter()
        # One frame alone is a product with a vector, which rounds otherwise than one with a matrix.
        together = 1 if len(codes[0]) == 1 else max(1, _MAX_FRAMES // len(codes[0]))
        samples: list[Samples] = []
        for i in range(0, len(streams), together):
            samples += self._advance(streams[i : i + together], codes[i : i + together])
        for stream in streams:
            stream.num_frames += len(codes[0])
        self._times.codec_s += perf_counter() - started
        return samples

    def _advance(self, streams: Sequence[CodecStream], codes: Sequence[Codes]) -> list[Samples]:
        """Decodes a few frames at a time, whatever their number."""
        parts = [
            self._run(streams, [frames[i : i + _MAX_FRAMES] for frames in codes])
            for i in range(0, len(codes[0]), _MAX_FRAMES)
        ]
        return [np.concatenate(part) for part in zip(*parts, strict=True)]

    def _run(self, streams: Sequence[CodecStream], codes: Sequence[Codes]) -> list[Samples]:
        num_frames = len(codes[0])
        starts = np.array([stream.position for stream in streams])
        books = np.arange(self._config.num_codebooks) * self._config.codebook_size
        feeds = {
            "codes": np.stack(codes) + books,
            **self._positions(starts, num_frames),
            **self._tilings(num_frames),
            **{
                f"history_{i}": np.concatenate([stream.histories[i] for stream in streams])
                for i in range(len(self._history_shapes))
            },
        }
        samples, *histories = self._session.run(self._outputs, feeds)
        for row, stream in enumerate(streams):
            stream.histories = [history[row : row + 1] for history in histories]
            stream.position += num_frames
        return list(samples)

    def _tilings(self, num_frames: int) -> dict[str, np.ndarray]:
        """Returns the tiles of every convolution for chunks of this length; these repeat."""
        if num_frames not in self._kept_tilings:
            self._kept_tilings[num_frames] = dict(_tile_inputs(self._config, num_frames))
        return self._kept_tilings[num_frames]

    def _positions(self, starts: np.ndarray, num_frames: int) -> dict[str, Array]:
        """Returns the rotation of the new frames and who sees whom, for starts [B]."""
        block, window = self._config.transformer, self._config.window_frames
        at = starts[:, None] + np.arange(num_frames)
        exponents = np.arange(0, block.head_dim, 2) / block.head_dim
        angles = at[:, :, None, None] / block.rope_theta**exponents
        cos, sin = np.cos(angles), np.sin(angles)
        seen = starts[:, None] + np.arange(1 - window, num_frames)
        age = at[:, :, None] - seen[:, None, :]
        visible = (age >= 0) & (age < window) & (seen >= 0)[:, None, :]
        return {
            "cos": np.concatenate([cos, cos], axis=-1).astype(np.float32),
            "sin": np.concatenate([-sin, sin], axis=-1).astype(np.float32),
            "mask": np.where(visible, 0.0, -np.inf)[:, None].astype(np.float32),
        }

    def release(self, stream: CodecStream) -> None:
        """Nothing to give back: the histories go with their stream."""

    def close(self) -> None:
        """Frees the session's memory."""
        del self._session


def _tile_inputs(config: CodecDecoderConfig, num_frames: int) -> Iterator[tuple[str, np.ndarray]]:
    rate = math.prod(config.frame_upsampling)
    for upsampling in config.wave_upsampling:
        rate *= upsampling
        for dilation in DILATIONS:
            tiles, steps = tile_steps(num_frames * rate, dilation)
            yield f"tiles_{rate}_{dilation}", tiles
            yield f"steps_{rate}_{dilation}", steps
