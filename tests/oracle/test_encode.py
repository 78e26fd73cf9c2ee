"""What training reads of a clip is what the public package reads of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.oracle.cases import reference_clip
from tests.oracle.conftest import Case, TinyCheckpoint, Upstream
from tests.oracle.peer import ENVIRONMENT_VARIABLE, Results, oracle_python, run_upstream

from intone.train.encoded import EncodedRow
from intone.train.encoding.dataset import open_dataset
from intone.train.encoding.encode import encode
from intone.train.encoding.encode_report import EncodeSettings
from intone.train.rows import TrainingRow, write_rows

LENGTHS = (2_400, 9_599, 9_600, 9_601, 23_000, 24_000, 24_001, 30_719, 36_480)
"""Samples: ends within a frame, on its border, and on either side of the encoder's strides."""


def write_clips(directory: Path, lengths: tuple[int, ...]) -> None:
    """Writes one row per length; 32-bit samples, so that both sides read the same numbers."""
    rows = []
    for length in lengths:
        path = directory / f"{length}.wav"
        soundfile.write(path, clip_of(length), 24_000, subtype="FLOAT")
        rows.append(TrainingRow(id=str(length), audio=path, text="a"))
    write_rows(directory / "rows.jsonl", rows)


def clip_of(length: int) -> np.ndarray:
    return np.roll(reference_clip(), 37 * length)[:length]


def assert_same(encoded: EncodedRow, theirs: Case) -> None:
    np.testing.assert_array_equal(encoded.codes, theirs["codes"])
    np.testing.assert_allclose(encoded.x_vector, theirs["x_vector"], rtol=1e-4, atol=1e-4)


def test_an_encoded_clip_has_upstreams_codes(
    tmp_path: Path, upstream_of: Upstream, tiny_checkpoint: TinyCheckpoint
) -> None:
    path = tmp_path / "clip.wav"
    soundfile.write(path, reference_clip(), 24_000, subtype="FLOAT")
    write_rows(tmp_path / "rows.jsonl", [TrainingRow(id="clip", audio=path, text="a")])
    encode(tmp_path, EncodeSettings(model=tiny_checkpoint("base")))
    assert_same(open_dataset(tmp_path).rows[0], Case("reference", upstream_of("base")))


@pytest.mark.oracle
@pytest.mark.parametrize("batch_s", [0.0, 5.0])
def test_clips_of_any_length_have_upstreams_codes_in_any_batch(
    tmp_path: Path, tiny_checkpoint: TinyCheckpoint, batch_s: float
) -> None:
    write_clips(tmp_path, LENGTHS)
    encode(tmp_path, EncodeSettings(model=tiny_checkpoint("base"), batch_s=batch_s))
    theirs = _singly(tiny_checkpoint("base"))
    for encoded in open_dataset(tmp_path).rows:
        assert_same(encoded, Case(encoded.row.id, theirs))


def _singly(checkpoint: Path) -> Results:
    python = oracle_python()
    if python is None:
        pytest.skip(f"{ENVIRONMENT_VARIABLE} names no Python with qwen-tts; see `make oracle`")
    return run_upstream(
        python,
        checkpoint,
        [
            {
                "task": "reference",
                "name": str(length),
                "samples": clip_of(length).tolist(),
                "sample_rate_hz": 24_000,
            }
            for length in LENGTHS
        ],
    )
