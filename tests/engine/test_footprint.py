"""What a checkpoint will keep in memory: counted for a small one, measured for large ones."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from intone.core.types import ModelKind
from intone.engine.footprint import Footprint
from intone.models.description import ModelDescription
from intone.models.random_checkpoint import write_random_checkpoint
from intone.models.raw_tensors import RawTensors
from intone.models.released import RELEASED_SIZES, ReleasedSize, released_description
from intone.models.weight_counts import (
    CodecWeights,
    code_predictor_weights,
    talker_weights,
    text_weights,
)

Checkpoints = Callable[[ModelKind], Path]

TALKER = 3 * (12 * 16 * 64 + 3 * 64 * 96) + 64 * 1088
PREDICTOR = 2 * (12 * 16 * 32 + 3 * 32 * 64) + 64 * 32 + 15 * 32 * 64
HEADS = 15 * 32 * 64
TEXT = 48 * (48 + 64)
"""The tiny checkpoint's weights, as `models/official_layout.py` has its sizes."""
SCALES = 12 / 128
"""Bytes beside each weight of a small precision."""
FINE = 12 * 0.22 * 3 / 128
"""More of them in int8, some of whose blocks are finer."""
INT4_BYTES = (0.5 + SCALES) * (TALKER + PREDICTOR - HEADS) + (1 + SCALES + FINE) * (TEXT + HEADS)

SPEAK = """
import json, sys
from intone.bench.memory import ProcessMemory
from intone.engine.footprint import Footprint
from intone.tts import TTS

tts = TTS(sys.argv[1], device="cpu", dtype=sys.argv[2], num_slots=1, memory_budget=sys.argv[3])
loaded = tts.load()
text = "word " * int(sys.argv[4])
tts.speak(text, seed=1, min_frames=48, max_frames=48)
positions = 48 + 8 + 5 * int(sys.argv[4])
footprint = Footprint.of(loaded.description, loaded.plan.dtype)
print(json.dumps([footprint.speaking_bytes(1, positions), ProcessMemory.here().peak_mb * 1e6]))
"""


@pytest.fixture
def tiny(tiny_checkpoint: Checkpoints) -> ModelDescription:
    return ModelDescription.read(tiny_checkpoint("custom"))


def test_weights_are_counted_from_the_configuration(tiny: ModelDescription) -> None:
    assert talker_weights(tiny.config.talker) == TALKER
    assert code_predictor_weights(tiny.config.code_predictor) == PREDICTOR
    assert text_weights(tiny.config.talker) == TEXT


def test_the_codecs_weights_are_those_in_its_file(tiny: ModelDescription) -> None:
    shapes = RawTensors(tiny.codec_directory).shapes()
    stored = sum(
        math.prod(shape)
        for name, shape in shapes.items()
        # Norms, biases and scales are left out; the quantizers' way in is for encoding.
        if name.startswith("decoder.") and len(shape) > 1 and not re.search(r"rvq.*input", name)
    )
    counted = CodecWeights.of(tiny.codec.decoder)
    total = counted.codebooks + counted.dilated + counted.other
    assert total == pytest.approx(stored, rel=0.01)


@pytest.mark.parametrize(
    ("dtype", "network_bytes"),
    [
        ("fp32", 4 * (TALKER + PREDICTOR + TEXT)),
        ("int8", (1 + SCALES + FINE) * (TALKER + PREDICTOR + TEXT)),
        ("int4", INT4_BYTES),
    ],
)
def test_a_precision_has_its_bytes_a_weight(
    tiny: ModelDescription, dtype: str, network_bytes: float
) -> None:
    assert Footprint.of(tiny, dtype).network_bytes == int(network_bytes)


def test_every_position_of_every_slot_has_keys_and_values(tiny: ModelDescription) -> None:
    footprint = Footprint.of(tiny, "int8")
    assert footprint.position_bytes == 2 * 3 * 2 * 16 * 4
    one, two = (footprint.speaking_bytes(slots, 100) for slots in (1, 2))
    assert two - one == footprint.slot_bytes + 100 * footprint.position_bytes


def test_only_a_checkpoint_that_can_clone_needs_room_for_it(
    tiny: ModelDescription, tiny_checkpoint: Checkpoints
) -> None:
    assert Footprint.of(tiny, "int8").cloning_bytes() == 0
    base = Footprint.of(ModelDescription.read(tiny_checkpoint("base")), "int8")
    assert 350e6 < base.cloning_bytes(3) < base.cloning_bytes(30)


@pytest.mark.parametrize("size", RELEASED_SIZES)
def test_a_released_size_needs_no_checkpoint_to_be_predicted(size: ReleasedSize) -> None:
    fp32, int8, int4 = (
        Footprint.of(released_description(size), dtype).speaking_bytes(1, 100)
        for dtype in ("fp32", "int8", "int4")
    )
    assert 1.0e9 < int4 < int8 < fp32


def test_a_prediction_needs_no_torch() -> None:
    code = (
        "import sys, intone.engine.footprint, intone.models.released; "
        "assert not {'torch', 'onnxruntime'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_the_tiny_process_is_as_large_as_predicted(tiny: ModelDescription) -> None:
    predicted, measured = spoken(tiny.directory, "int8", num_words=2)
    assert measured == pytest.approx(predicted, rel=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("size", RELEASED_SIZES)
def test_full_sizes_are_predicted_within_a_few_percent_and_never_exceed_their_budget(
    tmp_path: Path, size: ReleasedSize
) -> None:
    directory = write_random_checkpoint(tmp_path / size, kind="custom", size=size)
    for dtype in ("int8", "int4"):
        predicted, measured = spoken(directory, dtype, num_words=12)
        assert measured == pytest.approx(predicted, rel=0.05)
        predicted, measured = spoken(directory, dtype, num_words=300)
        assert measured < predicted * 1.03


def spoken(directory: Path, dtype: str, num_words: int) -> tuple[float, float]:
    """Returns the predicted and the measured peak of a process that speaks."""
    command = [sys.executable, "-c", SPEAK, str(directory), dtype, "8GB", str(num_words)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    predicted, measured = json.loads(done.stdout)
    return predicted, measured
