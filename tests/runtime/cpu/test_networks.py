"""Talker, code predictor and embedding rows as fp32 graphs, against the torch networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.runtime.cpu.conftest import NUM_POSITIONS, Built, BuiltOf

from intone.core.types import ModelKind
from intone.models.checkpoint import Checkpoint, Placement
from intone.models.rows import embed_rows
from intone.prompt.spec import PromptSpec
from intone.prompt.talker_prompt import ABSENT

CPU = Placement(torch.device("cpu"), torch.float32)
TOLERANCE = 1e-4


@pytest.fixture(autouse=True)
def _inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module")
def checkpoint(tiny_checkpoint: Callable[[ModelKind], Path]) -> Checkpoint:
    return Checkpoint(tiny_checkpoint("custom"))


@pytest.fixture
def graphs(built: BuiltOf) -> Built:
    return built("custom", "fp32")


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def close(actual: np.ndarray, expected: torch.Tensor) -> None:
    np.testing.assert_allclose(actual, expected.numpy(), atol=TOLERANCE, rtol=0)


def test_the_talker_prefills_and_decodes_as_torch(checkpoint: Checkpoint, graphs: Built) -> None:
    talker, network = checkpoint.load_talker(CPU), graphs.talker()
    size = talker.config.hidden_size
    takes = [random(30, size, seed=1), random(26, size, seed=2), random(35, size, seed=3)]
    prefills = [7, 1, 12]
    hidden = [talker.teacher_forced(torch.from_numpy(rows)[None])[0] for rows in takes]
    for slot, (rows, length) in enumerate(zip(takes, prefills, strict=True)):
        out = network.prefill(slot, rows[:length])
        close(out["hidden"], hidden[slot][length - 1][None])
        close(out["logits"], talker.codec_head(hidden[slot][length - 1])[None])
    for step in range(23):
        positions = np.array([length + step for length in prefills], dtype=np.int32)
        rows = np.stack([take[at] for take, at in zip(takes, positions, strict=True)])
        out = network.decode(0, rows, positions)
        expected = torch.stack([h[at] for h, at in zip(hidden, positions, strict=True)])
        close(out["hidden"], expected)
        close(out["logits"], talker.codec_head(expected))


def test_a_slots_last_position_can_be_filled(checkpoint: Checkpoint, graphs: Built) -> None:
    talker, network = checkpoint.load_talker(CPU), graphs.talker(num_slots=2)
    rows = random(NUM_POSITIONS, talker.config.hidden_size)
    network.prefill(1, rows[:-1])
    out = network.decode(1, rows[-1:], np.array([NUM_POSITIONS - 1], dtype=np.int32))
    close(out["hidden"][0], talker.teacher_forced(torch.from_numpy(rows)[None])[0, -1])


def test_every_codebook_is_predicted_as_by_torch(checkpoint: Checkpoint, graphs: Built) -> None:
    talker, predictor = checkpoint.load_talker(CPU), checkpoint.load_code_predictor(CPU)
    network, tables, config = graphs.predictor(), graphs.tables(), predictor.config
    rng = np.random.default_rng(0)
    for frame in range(2):  # the second one meets the rows of the first in the cache
        codes = rng.integers(0, config.vocab_size, (3, config.num_codebooks))
        hidden = random(3, talker.config.hidden_size, seed=frame)
        first = tables.codec(0, codes[:, 0])
        expected = predictor.teacher_forced(
            torch.from_numpy(hidden), torch.from_numpy(first), torch.from_numpy(codes)
        )
        rows = np.stack([hidden, first], axis=1)
        for book in range(1, config.num_codebooks):
            close(network.logits(book, rows), expected[:, book - 1])
            rows = tables.codec(book, codes[:, book])[:, None]


def test_text_rows_are_those_of_torch_and_an_absent_id_gives_zeros(
    checkpoint: Checkpoint, graphs: Built
) -> None:
    talker, ids = checkpoint.load_talker(CPU), np.array([3, ABSENT, 0, 200, ABSENT])
    rows = graphs.tables().text(ids)
    close(rows, talker.embed_text(torch.from_numpy(ids)))
    assert not rows[[1, 4]].any()
    assert not graphs.tables().text(np.array([ABSENT])).any()


def test_a_prompts_rows_are_those_of_torch(
    tiny_checkpoint: Callable[[ModelKind], Path], built: BuiltOf
) -> None:
    """The ICL prompt has every kind of row: text, all codebooks, the x-vector."""
    base, graphs = Checkpoint(tiny_checkpoint("base")), built("base", "fp32")
    talker, predictor = base.load_talker(CPU), base.load_code_predictor(CPU)
    prompt = graphs.prompts().build(
        PromptSpec(
            text="Hello there.",
            x_vector=random(talker.config.hidden_size),
            ref_codes=np.random.default_rng(1).integers(0, 64, (6, talker.config.num_codebooks)),
            ref_text="before",
        )
    )
    ids = torch.from_numpy(prompt.text_ids), torch.from_numpy(prompt.codec_ids)
    expected = embed_rows(talker, predictor, *ids)
    assert prompt.speaker_row is not None
    expected[prompt.speaker_row] += torch.from_numpy(prompt.x_vector)
    close(graphs.tables().prompt(prompt), expected)
