"""At the released size: random 0.6B CustomVoice, fp32, greedy, live against the public package."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.oracle.cases import TakeCase
from tests.oracle.ours import Ours
from tests.oracle.peer import ENVIRONMENT_VARIABLE, oracle_python, run_upstream

from intone.models.random_checkpoint import write_random_checkpoint

NUM_FRAMES = 20
CASE = TakeCase(
    name="full_size", kind="custom", speaker="ryan", language="english", text="Hello world, hello."
)


@pytest.mark.slow
@pytest.mark.oracle
def test_twenty_frames_of_the_full_size_model(tmp_path: Path) -> None:
    python = oracle_python()
    if python is None:
        pytest.skip(f"{ENVIRONMENT_VARIABLE} names no Python with qwen-tts; see `make oracle`")
    checkpoint = write_random_checkpoint(tmp_path / "0.6b", kind="custom", size="0.6b")
    job = {**CASE.job(), "num_frames": NUM_FRAMES}
    theirs = run_upstream(python, checkpoint, [job])
    ours = Ours(checkpoint)
    codes = ours.greedy_codes([CASE.spec()], NUM_FRAMES)[0]
    rows = ours.prompt_rows(ours.builder.build(CASE.spec())).numpy()
    np.testing.assert_allclose(rows, theirs["full_size/embeddings"], rtol=0, atol=1e-4)
    assert codes.shape == (NUM_FRAMES, 16)
    np.testing.assert_array_equal(codes, theirs["full_size/codes"])
