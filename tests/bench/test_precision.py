"""What the small precisions cost: both sides are fed alike, and the figures are what they say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks.quality.ear import Take
from benchmarks.quality.precision.agreement import BookRows, agreement_figures, compare
from benchmarks.quality.precision.codec import codec_figures, signal_to_noise_db
from benchmarks.quality.precision.forced import GraphNetworks, TorchNetworks
from benchmarks.quality.precision.histories import History, own_takes, random_frames
from benchmarks.quality.precision.takes import Heard, own_figures, paired_figures

from intone.core.types import ModelKind
from intone.models.description import ModelDescription
from intone.models.raw_tensors import Array
from intone.runtime.cpu.build import build
from intone.voices.builtin_voice import builtin_directory

Graphs = dict[str, Path]


@pytest.fixture(scope="module")
def model(tiny_checkpoint: Callable[[ModelKind], Path]) -> ModelDescription:
    return ModelDescription.read(tiny_checkpoint("custom"))


@pytest.fixture(scope="module")
def graphs(model: ModelDescription, tmp_path_factory: pytest.TempPathFactory) -> Graphs:
    made = {name: tmp_path_factory.mktemp(name) for name in ("fp32", "int8")}
    build(model.directory, "fp32", made["fp32"])
    build(model.directory, "int8", made["int8"])
    return made


@pytest.fixture(scope="module")
def history(model: ModelDescription) -> History:
    (made,) = random_frames(model, ["Some words to say."], num_frames=40, seed=3)
    return made


def logits_of(model: ModelDescription, talker: Path, predictor: Path, history: History) -> Array:
    networks = GraphNetworks(
        model, talker, predictor, num_positions=history.num_positions, num_threads=1
    )
    return networks.logits(history)


def test_torch_and_graphs_are_asked_the_same(
    model: ModelDescription, graphs: Graphs, history: History
) -> None:
    ours = logits_of(model, graphs["fp32"], graphs["fp32"], history)
    theirs = TorchNetworks(model.directory, torch.float32).logits(history)
    assert [len(book) for book in ours] == [41, *[40] * (len(ours) - 1)]
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-4)


def test_one_network_is_quantised_alone(
    model: ModelDescription, graphs: Graphs, history: History
) -> None:
    plain = logits_of(model, graphs["fp32"], graphs["fp32"], history)
    mixed = logits_of(model, graphs["fp32"], graphs["int8"], history)
    both = logits_of(model, graphs["int8"], graphs["int8"], history)
    np.testing.assert_array_equal(plain[0], mixed[0])
    assert np.abs(plain[1] - mixed[1]).max() > 1e-4
    assert np.abs(plain[0] - both[0]).max() > 1e-4


def test_takes_of_the_model_are_what_it_is_likely_to_say() -> None:
    (take,) = own_takes(builtin_directory(), ["It is cold."], seed=1)
    logits = TorchNetworks(builtin_directory(), torch.float32).logits(take)
    hits = [
        np.mean(book[: len(take.codes)].argmax(axis=-1) == codes)
        for book, codes in zip(logits, take.codes.T, strict=True)
    ]
    assert min(hits) > 0.5  # by chance: 1 in 512


def test_a_take_that_does_not_end_is_no_history() -> None:
    with pytest.raises(ValueError, match="did not end"):
        own_takes(builtin_directory(), ["It is cold."], seed=1, num_positions=24)


def test_divergence_is_that_of_what_can_be_drawn() -> None:
    reference = np.log(np.array([[0.5, 0.5, 1.0], [0.2, 0.8, 1.0]], dtype=np.float32))
    reference[:, 2] = -np.inf
    other = np.log(np.array([[0.25, 0.75, 9.0], [0.2, 0.8, 9.0]], dtype=np.float32))
    rows = compare(reference, other, np.array([0, 1]))
    np.testing.assert_allclose(rows.kl, [0.5 * np.log(2) + 0.5 * np.log(2 / 3), 0], atol=1e-6)
    assert rows.agrees.tolist() == [False, True]
    assert rows.reference_hits.tolist() == [True, True]
    assert rows.hits.tolist() == [False, True]


def test_figures_count_every_code_once() -> None:
    def rows(kl: list[float], agrees: list[bool]) -> BookRows:
        return BookRows(np.array(kl), np.array(agrees), np.array(agrees), np.array(agrees))

    takes = [[rows([1.0, 3.0], [True, False]), rows([0.0], [True])]] * 3
    figures = agreement_figures(takes, are_likely=True)
    assert figures["kl"] == 1.33
    assert figures["agreement"] == 0.66667
    assert figures["agreement_interval"] == (0.66667, 0.66667)  # all takes alike
    assert figures["history_hits_fp32"] == 0.6667
    assert figures["history_hits_to_fp32"] == 1.0
    assert figures["codebook_0"]["agreement"] == 0.5
    assert figures["other_codebooks"]["kl"] == 0.0
    assert "history_hits_fp32" not in agreement_figures(takes, are_likely=False)


def heard(text: str, errors: int, audio_s: float, direction: tuple[float, float]) -> Heard:
    vector = np.array(direction, dtype=np.float32)
    take = Take(text, "ava", "", errors, 10, audio_s, None, finish_reason="stop")
    return Heard(take, vector / np.linalg.norm(vector), None)


def test_takes_are_compared_sentence_by_sentence() -> None:
    reference = [heard("a", 1, 2.0, (1, 0)), heard("b", 3, 2.0, (1, 0)), heard("a", 1, 2.0, (1, 0))]
    other = [heard("a", 2, 3.0, (0, 1)), heard("b", 3, 2.0, (1, 0)), heard("a", 2, 3.0, (0, 1))]
    figures = paired_figures(reference, other)
    assert own_figures(other)["word_error_rate"] == round(7 / 30, 4)
    assert figures["word_error_rate_change"] == {"mean": 0.0667, "interval": (0.0, 0.1)}
    assert figures["duration_ratio"]["mean"] == round(8 / 6, 4)
    assert figures["x_vector_cosine_fp32"] == 1.0
    assert figures["x_vector_cosine"] == round(1 / 3, 4)
    assert "timbre_cosine" not in figures


def test_the_same_takes_differ_in_nothing() -> None:
    takes = [heard("a", 1, 2.0, (1, 0)), heard("b", 3, 2.0, (1, 0))]
    figures = paired_figures(takes, takes)
    assert figures["word_error_rate_change"] == {"mean": 0.0, "interval": (0.0, 0.0)}
    assert figures["duration_ratio"] == {"mean": 1.0, "interval": (1.0, 1.0)}


def test_noise_is_told_in_decibels() -> None:
    signal = np.ones(100, dtype=np.float32)
    assert signal_to_noise_db(signal, signal * np.float32(1.1)) == pytest.approx(20, abs=1e-4)
    assert signal_to_noise_db(signal, signal) == float("inf")


def test_the_codec_is_decoded_whole_and_in_chunks(
    model: ModelDescription, graphs: Graphs, history: History
) -> None:
    figures = codec_figures(
        model, graphs["fp32"], [history.codes[:11]], chunk_frames=4, num_threads=1
    )
    assert figures["snr_db_lowest"] > 80
