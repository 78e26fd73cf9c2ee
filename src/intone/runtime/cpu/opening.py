"""From a checkpoint to the CPU's runner and decoder, and how they share the cores."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from intone.models.description import ModelDescription
from intone.models.raw_tensors import RawTensors
from intone.runtime.cpu.built import HISTORIES, precision_of
from intone.runtime.cpu.codec import CpuDecoder
from intone.runtime.cpu.huge_pages import collapse_later, private_ranges
from intone.runtime.cpu.networks import PredictorNetwork, TalkerNetwork
from intone.runtime.cpu.runner import CpuRunner
from intone.runtime.cpu.store import built_graphs
from intone.runtime.cpu.tables import Tables
from intone.runtime.stage_times import StageTimes


@dataclass(frozen=True, slots=True)
class Cores:
    """Who has how many threads."""

    frames: int
    codec: int
    overlap: bool
    """Whether frames and audio are made at the same time, each on threads of its own."""

    @classmethod
    def of(cls, threads: int) -> Cores:
        """Shares out threads.

        Up to two, frames and audio take turns and each has all: as quick as one core each (two
        read memory faster than one), and the first sample comes sooner.
        """
        if threads <= 2:
            return cls(threads, threads, overlap=False)
        return cls(threads - threads // 2, threads // 2, overlap=True)


@dataclass(frozen=True, slots=True, eq=False)
class GraphParts:
    """What an engine runs."""

    runner: CpuRunner
    decoder: CpuDecoder
    overlap: bool


def open_graphs(
    description: ModelDescription,
    precision: str,
    *,
    num_slots: int,
    num_positions: int,
    threads: int,
    environ: Mapping[str, str],
    times: StageTimes,
) -> GraphParts:
    """Opens a checkpoint's graphs, building them first where there are none that fit.

    Raises:
        CheckpointError: the checkpoint cannot be used.
        OutputError: built graphs cannot be written.
    """
    cores, config = Cores.of(threads), description.config
    before = private_ranges()
    # Once files are open or mapped, they stay readable whatever happens to the directory.
    with (
        built_graphs(description.directory, precision_of(precision), environ) as graphs,
        ThreadPoolExecutor() as pool,
    ):
        # Opening packs the weights for this CPU, on one thread each.
        opening_talker = pool.submit(
            TalkerNetwork, graphs, config.talker, num_slots, num_positions, cores.frames
        )
        opening_decoder = pool.submit(
            CpuDecoder,
            graphs / "codec.onnx",
            description.codec.decoder,
            _histories(graphs),
            cores.codec,
            times,
        )
        predictor = PredictorNetwork(graphs, config.code_predictor, num_slots, cores.frames)
        tables = Tables(
            RawTensors(description.directory), config, graphs / "text.onnx", cores.frames
        )
        talker, decoder = opening_talker.result(), opening_decoder.result()
    collapse_later(before)
    runner = CpuRunner(
        talker,
        predictor,
        tables,
        config.talker,
        num_slots=num_slots,
        num_positions=num_positions,
        times=times,
    )
    return GraphParts(runner, decoder, cores.overlap)


def _histories(graphs: Path) -> list[tuple[int, int]]:
    text = (graphs / HISTORIES).read_text(encoding="utf-8")
    return [(steps, channels) for steps, channels in json.loads(text)]
