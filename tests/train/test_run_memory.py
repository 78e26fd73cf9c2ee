"""What a run will hold is known before anything is loaded."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from intone.models.code_predictor import CodePredictor
from intone.models.config import ModelConfig
from intone.models.official_layout import RandomSize, model_config
from intone.models.talker import Talker
from intone.models.tiny_tokenizer import CONTROL_TOKENS
from intone.train.tuning.adapters import insert_adapter
from intone.train.tuning.objective import TrainedVoice
from intone.train.tuning.restore import MemoryEstimate, rate_of
from intone.train.tuning.run_memory import run_memory_bytes
from intone.train.tuning.settings import Preset, TrainSettings

IDS: dict[str, Any] = {name: i for i, name in enumerate((*CONTROL_TOKENS, "assistant"))}


def counted(config: ModelConfig, settings: TrainSettings) -> int:
    with torch.device("meta"):
        voice = TrainedVoice(Talker(config.talker), CodePredictor(config.code_predictor))
        voice = voice.to(torch.bfloat16)
        if settings.preset == "lora":
            for parameter in voice.parameters():
                parameter.requires_grad_(False)
            insert_adapter(voice, settings.lora_rank, settings.lora_alpha, settings.seed)
    for name, parameter in voice.named_parameters():
        if settings.preset != "lora":
            parameter.requires_grad_(rate_of(name, settings.group_rates) > 0.0)
        if "_embedding" in name and "text_embedding" not in name:
            parameter.data = parameter.data.float()
    return MemoryEstimate.of(voice).total_bytes


@pytest.mark.parametrize("size", ["0.6b", "1.7b"])
@pytest.mark.parametrize("preset", ["voice", "full", "lora"])
def test_a_run_holds_what_its_networks_come_to(size: RandomSize, preset: Preset) -> None:
    config = ModelConfig.from_dict(model_config("base", size, IDS, 151_936))
    settings = TrainSettings(preset=preset)
    assert run_memory_bytes(config, settings) == pytest.approx(counted(config, settings), rel=0.02)
