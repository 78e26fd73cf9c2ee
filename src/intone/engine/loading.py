"""From a directory to a running engine. No torch: where graphs run it is never imported."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from intone.core.byte_sizes import format_bytes
from intone.engine.engine import Engine
from intone.engine.plan import EnginePlan
from intone.engine.settings import EngineSettings
from intone.models.description import ModelDescription
from intone.prompt.builder import PromptBuilder
from intone.prompt.tokenizer import TextTokenizer
from intone.runtime.stage_times import StageTimes
from intone.voices.cloning import Cloner

_log = logging.getLogger("intone")


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """A checkpoint that speaks."""

    plan: EnginePlan
    prompts: PromptBuilder
    engine: Engine
    times: StageTimes
    cloner: Cloner

    @property
    def description(self) -> ModelDescription:
        return self.plan.description


def load_model(directory: Path, settings: EngineSettings) -> LoadedModel:
    """Loads the networks that speaking needs and starts the engine.

    Raises:
        CheckpointError: the directory does not hold a usable checkpoint.
        InvalidSettingError: device or dtype is unknown or absent on this machine, or the memory
            budget does not hold the model.
        OutputError: the graphs of a first start cannot be written.
    """
    description = ModelDescription.read(directory)
    plan = EnginePlan.of(description, settings)
    if plan.memory_budget_bytes is not None:
        _log.info(
            "memory budget of %s: %s, %s at most",
            format_bytes(plan.memory_budget_bytes),
            plan.fit,
            format_bytes(plan.fit.needed_bytes),
        )
    times = StageTimes()
    return LoadedModel(
        plan=plan,
        prompts=PromptBuilder(description.config, TextTokenizer.from_dir(directory)),
        engine=_engine(plan, times),
        times=times,
        cloner=Cloner(directory, plan.device),
    )


def _engine(plan: EnginePlan, times: StageTimes) -> Engine:
    if plan.runs_graphs:
        return _graph_engine(plan, times)
    return _recorded_engine(plan, times) if plan.is_recorded else _torch_engine(plan, times)


def _graph_engine(plan: EnginePlan, times: StageTimes) -> Engine:
    from intone.runtime.cpu.opening import open_graphs  # onnxruntime, which torch's side spares

    parts = open_graphs(
        plan.description,
        plan.dtype,
        num_slots=plan.num_slots,
        num_positions=plan.num_positions,
        threads=plan.threads,
        environ=os.environ,
        times=times,
    )
    prefill_rows = plan.profile.prefill_rows
    return Engine(parts.runner, parts.decoder, overlap=parts.overlap, prefill_rows=prefill_rows)


def _recorded_engine(plan: EnginePlan, times: StageTimes) -> Engine:
    from intone.runtime.graph_opening import open_graph_networks  # brings torch: a second

    runner, decoder = open_graph_networks(
        plan.description.directory,
        plan.device,
        plan.dtype,
        num_slots=plan.num_slots,
        num_positions=plan.num_positions,
        times=times,
    )
    return Engine(runner, decoder, prefill_rows=plan.profile.prefill_rows)


def _torch_engine(plan: EnginePlan, times: StageTimes) -> Engine:
    from intone.runtime.torch_opening import open_networks  # brings torch: a second

    runner, decoder = open_networks(
        plan.description.directory,
        plan.device,
        plan.dtype,
        num_slots=plan.num_slots,
        num_positions=plan.num_positions,
        times=times,
    )
    return Engine(runner, decoder, prefill_rows=plan.profile.prefill_rows)
