"""Tiny checkpoints as networks in fp32, and runners of both kinds over the same ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch

from intone.core.types import Codes, ModelKind, SamplingParams
from intone.engine.runner import Runner
from intone.models.checkpoint import Checkpoint, Placement
from intone.models.code_predictor import CodePredictor
from intone.models.talker import Talker
from intone.prompt.builder import PromptBuilder
from intone.prompt.spec import PromptSpec
from intone.prompt.tokenizer import TextTokenizer
from intone.runtime.graph_runner import GraphRunner
from intone.runtime.graphs import GraphPool
from intone.runtime.job import PageLayout, SlotJob, SlotStart
from intone.runtime.torch_runner import TorchRunner

NUM_SLOTS = 6
NUM_POSITIONS = 160
NUM_FRAMES = 24
LAYOUT = PageLayout(num_pages=64, page_positions=16)


@dataclass(frozen=True)
class Networks:
    """One checkpoint's talker and code predictor; runners are made over them as often as wanted."""

    directory: Path
    talker: Talker
    predictor: CodePredictor

    def graph_runner(
        self, *, num_slots: int = NUM_SLOTS, lag_frames: int | None = None
    ) -> GraphRunner:
        return GraphRunner(
            self.talker,
            self.predictor,
            num_slots=num_slots,
            layout=LAYOUT,
            num_positions=NUM_POSITIONS,
            graphs=self.pool(),
            lag_frames=lag_frames,
        )

    def pool(self) -> GraphPool:
        return GraphPool(self.talker.codec_head.weight.device)

    def torch_runner(self, num_positions: int = NUM_POSITIONS) -> TorchRunner:
        return TorchRunner(
            self.talker, self.predictor, num_slots=NUM_SLOTS, num_positions=num_positions
        )

    def job(
        self,
        spec: PromptSpec,
        seed: int = 0,
        sampling: SamplingParams | None = None,
        predictor_sampling: SamplingParams | None = None,
        min_frames: int = NUM_FRAMES,
    ) -> SlotJob:
        config = Checkpoint(self.directory).config
        prompts = PromptBuilder(config, TextTokenizer.from_dir(self.directory))
        return SlotJob(
            prompt=prompts.build(spec),
            sampling=sampling or SamplingParams(),
            predictor_sampling=predictor_sampling or SamplingParams(),
            seed=seed,
            min_frames=min_frames,
        )


NetworksOf = Callable[[ModelKind], Networks]


def load(directory: Path, device: str = "cpu", dtype: torch.dtype = torch.float32) -> Networks:
    checkpoint, place = Checkpoint(directory), Placement(torch.device(device), dtype)
    return Networks(directory, checkpoint.load_talker(place), checkpoint.load_code_predictor(place))


@pytest.fixture(scope="session")
def networks(tiny_checkpoint: Callable[[ModelKind], Path]) -> NetworksOf:
    """Returns the networks of a kind, loaded once."""
    kept: dict[ModelKind, Networks] = {}

    def of(kind: ModelKind) -> Networks:
        if kind not in kept:
            kept[kind] = load(tiny_checkpoint(kind))
        return kept[kind]

    return of


@pytest.fixture
def custom(networks: NetworksOf) -> Networks:
    return networks("custom")


def custom_specs() -> list[PromptSpec]:
    return [
        PromptSpec(text="Hello, world.", speaker="ryan", language="english"),
        PromptSpec(text="A longer sentence than the others, by some words.", speaker="vivian"),
        PromptSpec(text="Dialect.", speaker="dylan", text_layout="per_frame"),
        PromptSpec(text="Hot!", speaker="eric", text_layout="at_once"),
        PromptSpec(
            text="The text goes on frame by frame.", speaker="ryan", text_layout="per_frame"
        ),
    ]


def base_specs(hidden_size: int, num_codebooks: int) -> list[PromptSpec]:
    rng = np.random.default_rng(5)
    x_vector = rng.standard_normal(hidden_size, np.float32)
    ref_codes = rng.integers(0, 64, (9, num_codebooks))
    icl = {"x_vector": x_vector, "ref_codes": ref_codes, "ref_text": "before"}
    return [
        PromptSpec(text="By x-vector.", x_vector=x_vector),
        PromptSpec(text="At once.", x_vector=x_vector, text_layout="at_once"),
        PromptSpec(text="With words.", **icl),
        PromptSpec(text="Words at once.", text_layout="at_once", **icl),
    ]


def design_specs() -> list[PromptSpec]:
    return [
        PromptSpec(text="Designed.", instruct="a low voice"),
        PromptSpec(text="Without.", text_layout="per_frame"),
    ]


def specs_of(kind: ModelKind, networks: Networks) -> list[PromptSpec]:
    config = networks.talker.config
    if kind == "base":
        return base_specs(config.hidden_size, config.num_codebooks)
    return custom_specs() if kind == "custom" else design_specs()


SETTINGS = [
    SamplingParams(),
    SamplingParams(top_p=0.8, top_k=0),
    SamplingParams(greedy=True, repetition_penalty=1.05),
    SamplingParams(temperature=1.4, repetition_penalty=1.3),
    SamplingParams(top_p=0.6, top_k=5, temperature=0.7),
]


def jobs(networks: Networks) -> list[SlotJob]:
    """Five takes of unlike prompts and settings, the code predictor's too."""
    return [
        networks.job(spec, seed, sampling, predictor_sampling)
        for seed, (spec, sampling, predictor_sampling) in enumerate(
            zip(custom_specs(), SETTINGS, SETTINGS[1:] + SETTINGS[:1], strict=True)
        )
    ]


@dataclass
class Player:
    """Drives a runner as the engine's loop does: pages on demand, frames as late as it likes."""

    runner: Runner
    free: list[int] = field(default_factory=list)
    codes: dict[int, list[Codes]] = field(default_factory=dict)
    """By take."""
    ended: set[int] = field(default_factory=set)
    _seats: dict[int, tuple[int, int, list[int]]] = field(default_factory=dict)
    """Slot, rows so far and pages, by take."""
    _in_flight: list[list[int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.free = self.free or list(range(self.runner.pages.num_pages))

    def start(self, take: int, slot: int, job: SlotJob, frames: Codes | None = None) -> SlotStart:
        layout, rows = (
            self.runner.pages,
            job.prompt.num_rows + (0 if frames is None else len(frames)),
        )
        pages = [self.free.pop(0) for _ in range(layout.pages_for(rows + 1))]
        self._seats[take] = (slot, rows, list(pages))
        self.codes.setdefault(take, [])
        return SlotStart(slot=slot, job=job, pages=pages, frames=frames)

    def begin(self, take: int, slot: int, job: SlotJob, frames: Codes | None = None) -> None:
        self.runner.begin([self.start(take, slot, job, frames)])

    def launch(self, takes: Sequence[int]) -> None:
        for take in takes:
            slot, rows, pages = self._seats[take]
            if self.runner.pages.pages_for(rows + 1) > len(pages):
                page = self.free.pop(0)
                self.runner.grow(slot, [page])
                pages.append(page)
            self._seats[take] = (slot, rows + 1, pages)
        self.runner.launch([self._seats[take][0] for take in takes])
        self._in_flight.append(list(takes))

    def collect(self) -> None:
        takes, batch = self._in_flight.pop(0), self.runner.collect()
        for take, codes, ended in zip(takes, batch.codes, batch.ended, strict=True):
            if ended:
                self.ended.add(take)
            if take not in self.ended:
                self.codes[take].append(codes)

    def turn(self, takes: Sequence[int]) -> None:
        self.launch(takes)
        while len(self._in_flight) > self.runner.lag_frames:
            self.collect()

    def drain(self) -> None:
        while self._in_flight:
            self.collect()

    def release(self, take: int) -> None:
        slot, _, pages = self._seats.pop(take)
        self.runner.release(slot)
        self.free.extend(pages)

    def take(self, number: int, num_frames: int = NUM_FRAMES) -> Codes:
        return np.stack(self.codes[number][:num_frames])


def alone(runner: Runner, job: SlotJob, slot: int = 0, num_frames: int = NUM_FRAMES) -> Codes:
    """Returns the codes [F, K] of a job, nothing else running."""
    player = Player(runner)
    player.begin(0, slot, job)
    for _ in range(num_frames):
        player.turn([0])
    player.drain()
    player.release(0)
    return player.take(0, num_frames)


def together(
    runner: Runner, takes: Sequence[SlotJob], joins: Sequence[int], num_frames: int = NUM_FRAMES
) -> list[Codes]:
    """Returns the codes of takes that begin at the turns `joins`, take i in slot i."""
    player = Player(runner)
    for turn in range(max(joins) + num_frames):
        player.runner.begin(
            [player.start(i, i, takes[i]) for i, join in enumerate(joins) if join == turn]
        )
        player.turn([i for i, join in enumerate(joins) if join <= turn < join + num_frames])
    player.drain()
    for i in range(len(takes)):
        player.release(i)
    return [player.take(i, num_frames) for i in range(len(takes))]
