"""One line that tells how far a command is: redrawn on a terminal, absent everywhere else.

A program that watches a command names a file in INTONE_PROGRESS_FILE: the line is kept there.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from intone.core.types import AudioChunk

PROGRESS_VARIABLE = "INTONE_PROGRESS_FILE"

_CLEAR_LINE = "\r\x1b[2K"
_KEPT_EVERY_S = 0.25


class Progress:
    """Draws on standard error while it is a terminal. As a context manager it clears its line."""

    def __init__(self) -> None:
        self._is_visible = sys.stderr.isatty()
        kept_in = os.environ.get(PROGRESS_VARIABLE)
        self._kept_in = Path(kept_in) if kept_in else None
        self._kept_at_s = 0.0

    def show(self, text: str) -> None:
        """Replaces the line."""
        if text and self._kept_in is not None:
            self._keep(self._kept_in, text)
        if self._is_visible:
            print(f"{_CLEAR_LINE}{text}", end="", file=sys.stderr, flush=True)

    def _keep(self, path: Path, text: str) -> None:
        """Replaces the file as a whole, four times a second at most."""
        now_s = time.monotonic()
        if now_s - self._kept_at_s < _KEPT_EVERY_S:
            return
        self._kept_at_s = now_s
        part = path.with_name(f".{path.name}.part")
        try:
            part.write_text(f"{text}\n", encoding="utf-8")
            part.replace(path)
        except OSError:  # nobody's work ends because nobody can watch it
            self._kept_in = None

    def chunk(self, chunk: AudioChunk) -> None:
        """Shows frames, seconds of audio and speed so far."""
        timing = chunk.timing
        num_frames = chunk.start_frame + chunk.num_frames
        self.show(f"{num_frames} frames, {timing.audio_s:.1f} s, {timing.rtf:.1f}x real time")

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.show("")


class LogLines(logging.Handler):
    """Prints what the library logs to standard error, a line each, over a progress line."""

    def emit(self, record: logging.LogRecord) -> None:
        clear = _CLEAR_LINE if sys.stderr.isatty() else ""
        print(f"{clear}intone: {record.getMessage()}", file=sys.stderr, flush=True)


@contextmanager
def log_lines() -> Iterator[None]:
    """Shows what the library announces, such as a first start that builds, during a command."""
    logger, lines = logging.getLogger("intone"), LogLines()
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(lines)
    try:
        yield
    finally:
        logger.removeHandler(lines)
        logger.setLevel(level)
