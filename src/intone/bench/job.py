"""What is measured: one checkpoint, one setting. Written as JSON to the contestants' processes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

DEFAULT_TEXT = "The quick brown fox jumps over the lazy dog, and then it rests in the shade."
DTYPES = ("auto", "fp32", "bf16", "fp16", "int8", "int4")


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchJob:
    """One setting; every take of it makes the same number of frames, whatever the text says."""

    model: str
    """Checkpoint directory."""
    device: str = "cpu"
    dtype: str = "auto"
    """Of talker and code predictor, one of `DTYPES`; a contestant says in its figures what it ran.

    qwen-tts runs its codec in it too, the others always in fp32.
    """
    threads: int = 1
    num_frames: int = 48
    """Per stream; the end token is banned before, so random weights run as long."""
    chunk_frames: int | None = None
    """None streams: the ramp 1, 2, 4, 8, or what a peer does. Otherwise whole takes are made."""
    num_streams: int = 1
    """Takes at once."""
    text: str = DEFAULT_TEXT

    def to_json(self) -> str:
        """Returns what `from_json` reads, on one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> BenchJob:
        """Returns the job in a line of JSON."""
        return cls(**json.loads(line))
