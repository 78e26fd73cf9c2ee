"""Tiny checkpoints as built graphs, and the networks that run them; built in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from intone.core.types import ModelKind
from intone.models.description import ModelDescription
from intone.models.raw_tensors import RawTensors
from intone.prompt.builder import PromptBuilder
from intone.prompt.tokenizer import TextTokenizer
from intone.runtime.cpu.build import build
from intone.runtime.cpu.built import HISTORIES, Precision
from intone.runtime.cpu.codec import CpuDecoder
from intone.runtime.cpu.networks import PredictorNetwork, TalkerNetwork
from intone.runtime.cpu.runner import CpuRunner
from intone.runtime.cpu.tables import Tables
from intone.runtime.stage_times import StageTimes

NUM_SLOTS = 5
NUM_POSITIONS = 128


@dataclass(frozen=True)
class Built:
    """One checkpoint's graphs, opened as often as asked for."""

    directory: Path
    description: ModelDescription

    def talker(self, num_slots: int = NUM_SLOTS) -> TalkerNetwork:
        config = self.description.config.talker
        return TalkerNetwork(self.directory, config, num_slots, NUM_POSITIONS, 1)

    def predictor(self, num_slots: int = NUM_SLOTS) -> PredictorNetwork:
        return PredictorNetwork(
            self.directory, self.description.config.code_predictor, num_slots, 1
        )

    def tables(self) -> Tables:
        tensors = RawTensors(self.description.directory)
        return Tables(tensors, self.description.config, self.directory / "text.onnx", 1)

    def decoder(self) -> CpuDecoder:
        histories = json.loads((self.directory / HISTORIES).read_text(encoding="utf-8"))
        return CpuDecoder(
            self.directory / "codec.onnx",
            self.description.codec.decoder,
            [tuple(shape) for shape in histories],
            1,
            StageTimes(),
        )

    def runner(self, num_slots: int = NUM_SLOTS) -> CpuRunner:
        return CpuRunner(
            self.talker(num_slots),
            self.predictor(num_slots),
            self.tables(),
            self.description.config.talker,
            num_slots=num_slots,
            num_positions=NUM_POSITIONS,
            times=StageTimes(),
        )

    def prompts(self) -> PromptBuilder:
        tokenizer = TextTokenizer.from_dir(self.description.directory)
        return PromptBuilder(self.description.config, tokenizer)


BuiltOf = Callable[[ModelKind, Precision], Built]


@pytest.fixture(scope="session")
def built(
    tiny_checkpoint: Callable[[ModelKind], Path], tmp_path_factory: pytest.TempPathFactory
) -> BuiltOf:
    """Returns a tiny checkpoint's graphs in a precision; built once."""
    root = tmp_path_factory.mktemp("built")

    def graphs(kind: ModelKind, precision: Precision) -> Built:
        directory = root / f"{kind}-{precision}"
        if not directory.exists():
            directory.mkdir()
            build(tiny_checkpoint(kind), precision, directory)
        return Built(directory, ModelDescription.read(tiny_checkpoint(kind)))

    return graphs
