"""What was decided before anything is loaded: where a checkpoint runs, in what, with how much."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from intone.core.errors import InvalidSettingError
from intone.engine.budget import Demand, Fit, check_clip, fit, fit_of
from intone.engine.profile import Profile, profile_of
from intone.engine.settings import (
    DEFAULT_NUM_POSITIONS,
    DEFAULT_NUM_SLOTS,
    GRAPH_DTYPES,
    EngineSettings,
    available_threads,
)
from intone.models.config import TalkerConfig
from intone.models.description import ModelDescription

TORCH_DTYPES = ("fp32", "bf16", "fp16")
"""Precisions that run on torch: bf16 and fp16 on a CPU, all three on CUDA."""

_ALIASES = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16"}
_DTYPES = tuple(dict.fromkeys((*GRAPH_DTYPES, *TORCH_DTYPES)))

_GPU_FILES = tuple(Path("/dev", name) for name in ("nvidiactl", "dxg", "kfd"))

_SMALL_PARAMETERS = 50_000_000
"""Below this a step is bound by overhead, not by reading weights; fewer bits would gain nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnginePlan:
    """Everything an engine is started with."""

    description: ModelDescription
    device: str
    """cpu, cuda or cuda:N."""
    dtype: str
    num_slots: int
    num_positions: int
    threads: int
    profile: Profile
    eager: bool = False
    """On CUDA: no graphs, no pages."""
    memory_budget_bytes: int | None = None
    """What this was made to fit; None did not ask."""

    @classmethod
    def of(cls, description: ModelDescription, settings: EngineSettings) -> EnginePlan:
        """Resolves what "auto" means here.

        Raises:
            InvalidSettingError: device, dtype or profile is unknown or absent on this machine, or
                the memory budget does not hold what was asked for.
        """
        device, profile = resolve_device(settings.device), profile_of(settings.profile)
        talker = description.config.talker
        plan = cls(
            description=description,
            device=device,
            dtype=resolve_dtype(settings.dtype, device, talker),
            num_slots=settings.num_slots or _usual_slots(device, settings.eager, profile),
            num_positions=min(
                settings.num_positions or DEFAULT_NUM_POSITIONS, talker.max_positions
            ),
            threads=settings.threads or available_threads(),
            profile=profile,
            eager=settings.eager,
            memory_budget_bytes=settings.memory_budget_bytes,
        )
        return plan if plan.memory_budget_bytes is None else plan._fitted(settings)

    def _fitted(self, settings: EngineSettings) -> EnginePlan:
        """Returns this plan within its budget: what was left open is chosen to fit."""
        assert self.memory_budget_bytes is not None
        if not self.runs_graphs:
            raise InvalidSettingError(
                f"memory_budget is kept on a CPU in {', '.join(GRAPH_DTYPES)}, but this would run "
                f"in {self.dtype} on {self.device}; use device cpu and dtype int8, or no budget."
            )
        smaller = GRAPH_DTYPES[GRAPH_DTYPES.index(self.dtype) :]
        demand = Demand(
            dtypes=smaller if settings.dtype == "auto" else (self.dtype,),
            num_slots=settings.num_slots,
            num_positions=None if settings.num_positions is None else self.num_positions,
            max_slots=DEFAULT_NUM_SLOTS,
            max_positions=self.num_positions,
        )
        found = fit(self.description, self.memory_budget_bytes, demand)
        return replace(
            self,
            dtype=found.dtype,
            num_slots=found.num_slots,
            num_positions=found.num_positions,
        )

    def check_clip(self, clip_s: float) -> None:
        """Raises InvalidSettingError where the budget leaves no room to encode a clip."""
        if self.memory_budget_bytes is not None:
            check_clip(self.description, self.memory_budget_bytes, self.fit, clip_s)

    @property
    def fit(self) -> Fit:
        """What this needs in memory; known for graphs only."""
        return fit_of(self.description, self.dtype, self.num_slots, self.num_positions)

    @property
    def runs_graphs(self) -> bool:
        """Whether the CPU's own runner runs this, and torch is not needed."""
        return self.device == "cpu" and self.dtype in GRAPH_DTYPES

    @property
    def is_recorded(self) -> bool:
        """Whether whole frames are recorded as CUDA graphs, over paged memory."""
        return self.device != "cpu" and not self.eager


def _usual_slots(device: str, eager: bool, profile: Profile) -> int:
    """Returns what a profile says where memory is lent; a dense cache takes all of it at once."""
    return DEFAULT_NUM_SLOTS if device == "cpu" or eager else profile.num_slots


def resolve_device(name: str) -> str:
    """Returns cpu, cuda or cuda:N; raises InvalidSettingError for what is not here."""
    kind, _, number = name.partition(":")
    if name not in ("auto", "cpu") and (kind != "cuda" or (number and not number.isdecimal())):
        raise InvalidSettingError(f"device is {name!r}; allowed: auto, cpu, cuda, cuda:N.")
    if name == "cpu":
        return name
    num_gpus = _num_gpus(is_needed=name != "auto")
    if name == "auto":
        return "cuda" if num_gpus else "cpu"
    if int(number or 0) >= num_gpus:
        raise InvalidSettingError(
            f"device is {name!r}, but this machine shows {num_gpus} CUDA devices; "
            "use --device cpu, or install a CUDA build of torch."
        )
    return name


def _num_gpus(*, is_needed: bool) -> int:
    """Returns what torch sees; without a sign of a GPU it is not even imported, unless needed."""
    if not is_needed and not any(path.exists() for path in _GPU_FILES):
        return 0
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def resolve_dtype(name: str, device: str, talker: TalkerConfig) -> str:
    """Returns the precision of talker and code predictor; raises InvalidSettingError."""
    name = _ALIASES.get(name, name)
    if name == "auto":
        return _auto_dtype(device, talker)
    if name not in _DTYPES:
        raise InvalidSettingError(f"dtype is {name!r}; allowed: auto, {', '.join(_DTYPES)}.")
    if device != "cpu" and name not in TORCH_DTYPES:
        raise InvalidSettingError(
            f"dtype is {name!r}, which runs on a CPU only; on {device} use "
            f"{', '.join(TORCH_DTYPES)}."
        )
    return name


def _auto_dtype(device: str, talker: TalkerConfig) -> str:
    block = talker.block
    if block.num_layers * block.hidden_size * block.intermediate_size * 3 < _SMALL_PARAMETERS:
        return "fp32"
    if device == "cpu":
        return "int8"
    return "bf16" if _computes_bf16(device) else "fp32"


def _computes_bf16(device: str) -> bool:
    """Whether a GPU has bf16 in hardware; fp16, which older ones have, overflows more easily."""
    import torch

    with torch.cuda.device(device):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
