"""The sizes that codec work is recorded in, and how any other is made of them. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

FRAME_SIZES = (1, 2, 4, 8, 16)
BATCH_SIZES = (1, 2, 4, 8, 16, 32)

MAX_CALL_FRAMES = 256
"""Frames of all rows in one recorded piece: what a piece holds in memory grows with them."""


@dataclass(frozen=True, slots=True)
class WorkSizes:
    """Recorded sizes, each ascending and beginning with 1."""

    frames: tuple[int, ...] = FRAME_SIZES
    batch: tuple[int, ...] = BATCH_SIZES
    max_call_frames: int = MAX_CALL_FRAMES
    """No piece has more frames than this, those of all its rows together."""

    def __post_init__(self) -> None:
        for sizes in (self.frames, self.batch):
            if sizes[:1] != (1,) or list(sizes) != sorted(set(sizes)):
                raise ValueError(f"sizes are {sizes}; they ascend, and begin with 1")
        if self.max_call_frames < self.batch[-1]:
            raise ValueError(
                f"{self.max_call_frames} frames at most are less than one for each of "
                f"{self.batch[-1]} rows"
            )

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Yields every (frames, batch) that is recorded, the largest first."""
        for batch in reversed(self.batch):
            for frames in reversed(self.frames_for(batch)):
                yield frames, batch

    def frames_for(self, batch: int) -> tuple[int, ...]:
        """Returns the frame sizes of pieces with that many rows."""
        return tuple(frames for frames in self.frames if frames * batch <= self.max_call_frames)

    def batch_for(self, num_streams: int) -> int:
        """Returns the smallest batch with room for so many; at most the largest has."""
        return next(batch for batch in self.batch if batch >= num_streams)

    def pieces(self, num_frames: int, batch: int) -> Iterator[tuple[int, int]]:
        """Yields (start, end) of the recorded pieces that make up a chunk, the largest first."""
        start = 0
        for size in reversed(self.frames_for(batch)):
            while num_frames - start >= size:
                yield start, start + size
                start += size
