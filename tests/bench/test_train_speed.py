"""Both trainers are given the same rows, and a script that has changed is not measured."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from benchmarks.train_speed.data import make_rows, write_encoded_rows, write_public_rows
from benchmarks.train_speed.replacements import REPLACEMENTS, patched
from benchmarks.train_speed.report import SideFigures
from benchmarks.train_speed.sides import ProcessFigures

from intone.train.encoding.dataset import open_dataset

SCRIPT = "\n".join(f"call({replacement.old})" for replacement in REPLACEMENTS)


def test_every_replacement_is_made_once() -> None:
    lines = patched(SCRIPT).splitlines()
    assert lines == [f"call({replacement.new})" for replacement in REPLACEMENTS]


@pytest.mark.parametrize("script", ["", SCRIPT + SCRIPT], ids=["absent", "twice"])
def test_a_script_that_has_moved_on_is_refused(script: str) -> None:
    with pytest.raises(ValueError, match="expected once"):
        patched(script)


def test_both_sides_are_given_the_same_rows(tmp_path: Path) -> None:
    rows = make_rows(4, min_s=1.0, max_s=2.0, num_codes=64, seed=0)
    lines = write_public_rows(rows, tmp_path).read_text(encoding="utf-8").splitlines()
    public = [json.loads(line) for line in lines]
    ours = open_dataset(write_encoded_rows(rows, tmp_path / "data", hidden_size=8)).rows
    assert sorted(len(row.codes) for row in rows) == [12, 17, 21, 25]
    for theirs, encoded in zip(public, ours, strict=True):
        assert theirs["text"] == encoded.row.text
        np.testing.assert_array_equal(theirs["audio_codes"], encoded.codes)


def test_the_first_step_of_a_process_does_not_count() -> None:
    process = ProcessFigures(
        step_s=[90.0, 2.0, 4.0], cpu_s=[90.0, 3.0, 5.0], frames=[10, 20, 20], peak_rss_mb=7.0
    )
    figures = SideFigures.of([process], [])
    assert (figures.step_s, figures.cpu_s, figures.frames_per_s) == (3.0, 4.0, 7.5)
