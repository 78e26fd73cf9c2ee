"""Builds the graphs of a checkpoint: `python -m intone.runtime.cpu.build MODEL PRECISION OUT`.

A process of its own, so that what building needs (torch checks the checkpoint) is given back to
the system. Tensors stream from the official files through the quantiser into the new ones: beside
them no more than one layer is in memory.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from intone.core.errors import CheckpointError, OutputError
from intone.models.description import ModelDescription
from intone.models.raw_tensors import RawTensors
from intone.runtime.cpu.built import (
    EXIT_CHECKPOINT,
    EXIT_OUTPUT,
    HISTORIES,
    Precision,
    precision_of,
)
from intone.runtime.cpu.codec_graph import write_codec
from intone.runtime.cpu.linear import Bits, Linear
from intone.runtime.cpu.network_graphs import write_predictor, write_talker, write_text

BITS: dict[Precision, Bits] = {"fp32": 32, "int8": 8, "int4": 4}


def build(model: Path, precision: Precision, out: Path) -> None:
    """Writes every graph of a checkpoint into an empty directory.

    Raises:
        CheckpointError: the checkpoint is truncated, foreign or inconsistent.
        OutputError: the directory cannot be written, for example for lack of room.
    """
    from intone.models.checkpoint import Checkpoint  # torch: the whole check of every tensor

    description = Checkpoint(model).description
    try:
        _write(description, precision, out)
    except OSError as error:
        raise OutputError(f"{out.parent} cannot be written: {error}.") from error


def _write(description: ModelDescription, precision: Precision, out: Path) -> None:
    config, tensors = description.config, RawTensors(description.directory)
    linear = Linear(BITS[precision])
    # Text rows are few and condition everything that follows: 8 bits even in the smallest.
    write_text(out, tensors, config.talker, linear.at_least_8_bits())
    write_talker(out, tensors, config.talker, linear)
    write_predictor(out, tensors, config.code_predictor, linear)
    histories = write_codec(out, RawTensors(description.codec_directory), description.codec.decoder)
    (out / HISTORIES).write_text(json.dumps(histories), encoding="utf-8")


def main(argv: list[str]) -> int:
    """Builds; returns an exit code, and prints the reason where there is one."""
    model, precision, out = argv
    try:
        build(Path(model), precision_of(precision), Path(out))
    except CheckpointError as error:
        return _report(error, EXIT_CHECKPOINT)
    except OutputError as error:
        return _report(error, EXIT_OUTPUT)
    return 0


def _report(error: Exception, code: int) -> int:
    print(error)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
