"""What a checkpoint holds and what it will cost, read from its configuration and tensor headers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from intone.core.types import ModelKind
from intone.models.checkpoint import (
    DECODER,
    ENCODER,
    PREDICTOR,
    SPEAKER,
    TALKER,
    Checkpoint,
)
from intone.models.weights import TEXT_EMBEDDING, TensorFiles

BYTES_PER_VALUE: Mapping[str, int] = {"fp32": 4, "bf16": 2, "fp16": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointSummary:
    """One checkpoint; counts are parameters."""

    kind: ModelKind
    size: str
    speakers: tuple[str, ...]
    languages: tuple[str, ...]
    num_codebooks: int
    text_embedding: int
    talker: int
    """Without its text embedding."""
    code_predictor: int
    speaker_encoder: int
    codec_decoder: int
    codec_encoder: int

    def memory_bytes(self, dtype: str) -> int:
        """Returns what the weights of a speaking model take in memory on a CPU.

        Talker and code predictor are held in `dtype`, the codec decoder in fp32. The text embedding
        stays in the file; the encoders join only when a clip is cloned (`cloning_bytes`).
        """
        networks = self.talker + self.code_predictor
        return networks * BYTES_PER_VALUE[dtype] + self.codec_decoder * BYTES_PER_VALUE["fp32"]

    @property
    def cloning_bytes(self) -> int:
        """What the two encoders add when a clip is cloned."""
        return (self.speaker_encoder + self.codec_encoder) * BYTES_PER_VALUE["fp32"]


def summarize(directory: Path) -> CheckpointSummary:
    """Returns the summary of a checkpoint that passed every check.

    Raises:
        CheckpointError: missing, truncated, foreign or inconsistent.
    """
    config = Checkpoint(directory).config
    sizes = _sizes(directory)
    codec = _sizes(directory / "speech_tokenizer")
    text_embedding = sizes[TALKER + TEXT_EMBEDDING]
    code_predictor = _total(sizes, PREDICTOR)
    return CheckpointSummary(
        kind=config.kind,
        size=config.size,
        speakers=config.speakers,
        languages=config.languages,
        num_codebooks=config.talker.num_codebooks,
        text_embedding=text_embedding,
        talker=_total(sizes, TALKER) - code_predictor - text_embedding,
        code_predictor=code_predictor,
        speaker_encoder=_total(sizes, SPEAKER),
        codec_decoder=_total(codec, DECODER),
        codec_encoder=_total(codec, ENCODER),
    )


def _sizes(directory: Path) -> dict[str, int]:
    """Returns the number of values of every tensor, from the headers."""
    return {name: math.prod(shape) for name, shape in TensorFiles(directory).shapes().items()}


def _total(sizes: Mapping[str, int], prefix: str) -> int:
    return sum(size for name, size in sizes.items() if name.startswith(prefix))
