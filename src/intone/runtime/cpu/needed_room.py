"""How large built graphs will be, from the headers of a checkpoint alone."""

from __future__ import annotations

import math
from pathlib import Path

from intone.models.raw_tensors import RawTensors
from intone.runtime.cpu.built import Precision

_WEIGHT_BYTES: dict[Precision, float] = {"fp32": 4, "int8": 1 + 4 / 128, "int4": 0.5 + 4 / 128}
"""With a weight's share of its block's scale."""

_TILED = "conv1.conv.weight"
_TILED_GROWTH = 10 / 7
"""Convolutions of seven taps are kept at ten points (`winograd`)."""

_MARGIN = 1.05
_FIXED_BYTES = 2_000_000
"""Graphs, and what is lost where every tensor starts on a page of its own."""


def needed_bytes(model: Path, precision: Precision) -> int:
    """Returns an estimate of the size of a checkpoint's graphs, a few percent too high.

    Raises:
        CheckpointError: a file is missing, or is no safetensors file.
    """
    networks = sum(
        math.prod(shape)
        for name, shape in RawTensors(model).shapes().items()
        # Embeddings stay in the official file; other networks are not built.
        if name.startswith("talker.") and "_embedding." not in name
    )
    codec = sum(
        math.prod(shape) * (_TILED_GROWTH if name.endswith(_TILED) else 1)
        for name, shape in RawTensors(model / "speech_tokenizer").shapes().items()
        if name.startswith("decoder.")
    )
    return _FIXED_BYTES + int(_MARGIN * (networks * _WEIGHT_BYTES[precision] + codec * 4))
