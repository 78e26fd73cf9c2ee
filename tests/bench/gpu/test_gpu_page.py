"""What docs/gpu.md says is there, is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from intone.bench.gpu.suite import PARTS
from intone.engine.profile import PROFILE_NAMES, profile_of
from intone.runtime.graph_opening import PAGE_POSITIONS
from intone.runtime.graph_runner import BATCH_SIZES

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "gpu.md").read_text("utf-8")


def test_every_test_that_the_page_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    files = (ROOT / "tests").rglob("test_*.py")
    defined = {name for path in files
               for name in re.findall(r"def (test_\w+)\(", path.read_text("utf-8"))}  # fmt: skip
    assert len(named) >= 12
    assert named <= defined


def test_the_page_has_every_part_and_says_what_was_not_measured() -> None:
    assert "Not measured on a GPU yet" in PAGE
    assert all(f"| `{part}` |" in PAGE for part in PARTS)


@pytest.mark.parametrize("name", PROFILE_NAMES)
def test_the_page_has_the_numbers_of_every_profile(name: str) -> None:
    profile = profile_of(name)
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}`"))
    _, _, slots, chunks, rows, _ = (cell.strip() for cell in row.split("|"))
    assert int(slots) == profile.num_slots
    assert chunks.startswith(", ".join(map(str, profile.ramp_frames)))
    assert int(rows.replace(",", "")) == profile.prefill_rows


def test_the_page_has_the_sizes_that_are_recorded() -> None:
    assert f"For {', '.join(map(str, BATCH_SIZES[:-1]))} and {BATCH_SIZES[-1]} takes" in PAGE
    assert f"pages of {PAGE_POSITIONS} rows" in PAGE
