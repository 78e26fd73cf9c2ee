"""The voice in the box is a checkpoint like any other: the public package speaks it, unchanged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.oracle.cases import TakeCase
from tests.oracle.ours import Ours
from tests.oracle.peer import ENVIRONMENT_VARIABLE, oracle_python, run_upstream

from intone.voices.builtin_voice import builtin_directory

NUM_FRAMES = 24


@pytest.mark.oracle
def test_the_public_package_speaks_the_voice_in_the_box() -> None:
    python = oracle_python()
    if python is None:
        pytest.skip(f"{ENVIRONMENT_VARIABLE} names no Python with qwen-tts; see `make oracle`")
    ours = Ours(builtin_directory())
    cases = [
        TakeCase(name=name, kind="custom", speaker=name, language="english")
        for name in ours.checkpoint.config.speakers
    ]
    jobs = [{**case.job(), "num_frames": NUM_FRAMES} for case in cases]
    theirs = run_upstream(python, builtin_directory(), jobs)
    greedy = replace(ours.checkpoint.defaults.sampling, greedy=True)
    for case in cases:
        (codes,) = ours.greedy_codes([case.spec()], NUM_FRAMES, greedy)
        np.testing.assert_array_equal(codes, theirs[f"{case.name}/codes"][: len(codes)])
        assert len(codes) >= 10
