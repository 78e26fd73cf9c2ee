"""A checkpoint on the runner that a GPU has: there as users get it, on a CPU by name."""

from __future__ import annotations

from pathlib import Path

from intone.engine.engine import Engine
from intone.engine.loading import LoadedModel, load_model
from intone.engine.plan import EnginePlan
from intone.engine.settings import EngineSettings
from intone.models.config import ModelConfig, read_json
from intone.models.description import ModelDescription
from intone.prompt.builder import PromptBuilder
from intone.prompt.tokenizer import TextTokenizer
from intone.runtime.graph_opening import open_graph_networks
from intone.runtime.stage_times import StageTimes
from intone.voices.cloning import Cloner


def open_model(directory: Path, settings: EngineSettings) -> LoadedModel:
    """Returns a running engine; its `engine.close()` frees it.

    On a CPU `load_model` opens graphs of another kind (ONNX), which would measure other code.

    Raises:
        IntoneError: as `load_model`.
    """
    if settings.device != "cpu":
        return load_model(directory, settings)
    description = ModelDescription.read(directory)
    plan = EnginePlan.of(description, settings)
    times = StageTimes()
    runner, decoder = open_graph_networks(
        directory,
        plan.device,
        plan.dtype,
        num_slots=plan.num_slots,
        num_positions=plan.num_positions,
        times=times,
    )
    return LoadedModel(
        plan=plan,
        prompts=PromptBuilder(description.config, TextTokenizer.from_dir(directory)),
        engine=Engine(runner, decoder),
        times=times,
        cloner=Cloner(directory, plan.device),
    )


def label_of(model: Path) -> str:
    """Returns a checkpoint's size and kind, as models are named: 1.7b-custom."""
    config = ModelConfig.from_dict(read_json(model / "config.json"))
    return f"{config.size}-{config.kind}"
