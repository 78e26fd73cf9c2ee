"""From a directory to a running engine: which device, which precision, which networks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from intone.core.errors import InvalidSettingError
from intone.engine.engine import Engine
from intone.engine.settings import EngineSettings
from intone.models.checkpoint import Checkpoint, Placement
from intone.models.config import TalkerConfig
from intone.prompt.builder import PromptBuilder
from intone.prompt.tokenizer import TextTokenizer
from intone.runtime.packed_linear import can_pack, pack_linears
from intone.runtime.stage_times import StageTimes
from intone.runtime.torch_codec import TorchDecoder
from intone.runtime.torch_runner import TorchRunner
from intone.voices.cloning import Cloner

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_ALIASES = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16"}

_SMALL_PARAMETERS = 50_000_000
"""Below this a step is bound by overhead, not by reading weights; bf16 would gain nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """A checkpoint that speaks."""

    checkpoint: Checkpoint
    prompts: PromptBuilder
    engine: Engine
    times: StageTimes
    cloner: Cloner
    num_positions: int
    dtype: str
    """Precision of talker and code predictor, one of `DTYPES`; what "auto" became."""


def load_model(directory: Path, settings: EngineSettings) -> LoadedModel:
    """Loads the networks that speaking needs and starts the engine.

    Raises:
        CheckpointError: the directory does not hold a usable checkpoint.
        InvalidSettingError: device or dtype is unknown or absent on this machine.
    """
    checkpoint = Checkpoint(directory)
    device = resolve_device(settings.device)
    place = Placement(device, resolve_dtype(settings.dtype, device, checkpoint.config.talker))
    prompts = PromptBuilder(checkpoint.config, TextTokenizer.from_dir(directory))
    num_positions = min(settings.num_positions, checkpoint.config.talker.max_positions)
    talker, predictor = checkpoint.load_talker(place), checkpoint.load_code_predictor(place)
    if can_pack(place.device, place.dtype):
        pack_linears(talker)
        pack_linears(predictor)
    times = StageTimes()
    runner = TorchRunner(
        talker,
        predictor,
        num_slots=settings.num_slots,
        num_positions=num_positions,
        times=times,
    )
    decoder = TorchDecoder(checkpoint.load_codec_decoder(device), times)
    return LoadedModel(
        checkpoint=checkpoint,
        prompts=prompts,
        engine=Engine(runner, decoder),
        times=times,
        cloner=Cloner(checkpoint, device),
        num_positions=num_positions,
        dtype=next(name for name, dtype in DTYPES.items() if dtype == place.dtype),
    )


def resolve_device(name: str) -> torch.device:
    """Returns the torch device; raises InvalidSettingError for one that is not here."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InvalidSettingError(
            f"device is {name!r}; allowed: auto, cpu, cuda, cuda:N."
        ) from error
    if device.type not in ("cpu", "cuda"):
        raise InvalidSettingError(f"device is {name!r}; allowed: auto, cpu, cuda, cuda:N.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InvalidSettingError(
            f"device is {name!r}, but this machine shows {torch.cuda.device_count()} CUDA devices; "
            "use --device cpu, or install a CUDA build of torch."
        )
    return device


def resolve_dtype(name: str, device: torch.device, talker: TalkerConfig) -> torch.dtype:
    """Returns the precision of talker and code predictor; raises InvalidSettingError."""
    name = _ALIASES.get(name, name)
    if name in DTYPES:
        return DTYPES[name]
    if name != "auto":
        raise InvalidSettingError(f"dtype is {name!r}; allowed: auto, {', '.join(DTYPES)}.")
    return torch.bfloat16 if _prefers_bf16(device, talker) else torch.float32


def _prefers_bf16(device: torch.device, talker: TalkerConfig) -> bool:
    block = talker.block
    parameters = block.num_layers * block.hidden_size * block.intermediate_size * 3
    if parameters < _SMALL_PARAMETERS:
        return False
    return device.type == "cuda" or torch.ops.mkldnn._is_mkldnn_bf16_supported()
