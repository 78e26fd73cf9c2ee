"""Takes of the graph-shaped runner are those of the plain one, in fp32, to the last code."""

from __future__ import annotations

import numpy as np
import pytest
from tests.runtime.frame.conftest import (
    NUM_FRAMES,
    SETTINGS,
    Networks,
    NetworksOf,
    alone,
    jobs,
    specs_of,
    together,
)

from intone.core.types import ModelKind


@pytest.mark.parametrize("kind", ["custom", "base", "design"])
def test_takes_of_every_kind_are_those_of_the_plain_runner(
    networks: NetworksOf, kind: ModelKind
) -> None:
    model = networks(kind)
    plain, graphs = model.torch_runner(), model.graph_runner()
    for seed, spec in enumerate(specs_of(kind, model)):
        for sampling in (SETTINGS[seed], SETTINGS[2]):
            job = model.job(spec, seed, sampling, SETTINGS[seed - 1])
            codes = alone(graphs, job, slot=seed)
            np.testing.assert_array_equal(codes, alone(plain, job), err_msg=spec.text)
            assert len(np.unique(codes)) > 10, "constant codes would prove nothing"


@pytest.mark.parametrize("joins", [[0, 0, 0, 0, 0], [0, 2, 5, 5, 9], [4, 3, 2, 1, 0]])
def test_takes_are_the_same_alone_together_and_staggered(
    custom: Networks, joins: list[int]
) -> None:
    runner, takes = custom.graph_runner(), jobs(custom)
    for number, codes in enumerate(together(runner, takes, joins)):
        np.testing.assert_array_equal(codes, alone(runner, takes[number]), err_msg=f"{number}")
        assert len(codes) == NUM_FRAMES
