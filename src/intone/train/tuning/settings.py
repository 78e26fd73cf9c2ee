"""One run's settings: validated once, written into run.json, enough to repeat the run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from intone.core.errors import InvalidSettingError

Preset = Literal["voice", "language", "full", "lora"]
Precision = Literal["bf16", "fp32"]
Target = Literal["custom", "base", "design"]
"""What the tuned checkpoint will be: new presets, a Base that clones, or a VoiceDesign."""

ExportForm = Literal["custom", "base", "design", "adapter"]
"""What a run can be written as: its target, another kind, or a LoRA adapter."""

EXPORT_FORMS: tuple[ExportForm, ...] = ("custom", "base", "design", "adapter")

PRESETS: tuple[Preset, ...] = ("voice", "language", "full", "lora")

_COUNTS = (
    "epochs",
    "rows_per_step",
    "batch_positions",
    "lora_rank",
    "lora_alpha",
    "validation_rows",
    "save_every",
)

PLAIN_BF16_REASON = (
    "bf16 weights under AdamW lose the update in rounding: of weights of the usual size only 8 % "
    "change at all in 50 steps at learning rate 5e-6, and 0.1 % at 1e-7; the change that is left "
    "has a cosine of 0.25 with the fp32 one, and of 0.03"
)
"""Measured by `tests/train/test_settings.py` on a normal matrix of deviation 0.02."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRates:
    """Learning rate of each part of the networks; 0 freezes it.

    The text embedding is always frozen: official CustomVoice checkpoints moved 3 of its 151,936
    rows (FelysNeko/qwen3-tts-post-training, STATUS.md), and it is a third of 0.6B.
    """

    blocks: float
    """The talker's decoder blocks, final norm and codec head."""
    text_projection: float
    codec_embedding: float
    """Codebook tables and speaker rows of the talker."""
    code_predictor: float


# Rates of full and lora: the survey's measured defaults; `voice` freezes the code predictor, which
# kept quality and endings best there (FelysNeko: cap hits 12 % against 47 % for everything).
PRESET_RATES: Mapping[Preset, GroupRates] = {
    "voice": GroupRates(blocks=5e-6, text_projection=5e-6, codec_embedding=0.0, code_predictor=0.0),
    "language": GroupRates(
        blocks=1e-5, text_projection=2e-5, codec_embedding=1e-5, code_predictor=5e-6
    ),
    "full": GroupRates(
        blocks=5e-6, text_projection=5e-6, codec_embedding=5e-6, code_predictor=5e-6
    ),
    "lora": GroupRates(blocks=1e-4, text_projection=1e-4, codec_embedding=0.0, code_predictor=0.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantRates:
    """How often a row is seen in which form; every draw is a function of seed, epoch and row."""

    at_once: float = 0.5
    """Text given at once; else one token with each frame. Half and half keeps both working."""
    language: float = 0.7
    """The row's language is named; else "auto"."""
    instruct: float = 0.9
    """The row's instruct is given, where it has one."""
    x_vector: float = 0.2
    """The speaker is the x-vector of the row's reference; where there is a speaker encoder."""
    icl: float = 0.2
    """Another clip of the speaker with its words goes before; the rest are presets."""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            _require(0.0 <= value <= 1.0, f"rate of {name}", value, "0 to 1")
        total = self.x_vector + self.icl
        _require(total <= 1.0, "rates of x_vector and icl together", total, "at most 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """One run, whatever the number of processes."""

    preset: Preset = "voice"
    target: Target = "custom"
    epochs: int = 2
    max_steps: int | None = None
    """Ends the run (and its schedule) earlier than the epochs do."""
    rows_per_step: int = 8
    """Utterances per optimiser step, over all processes and micro-batches."""
    batch_positions: int = 2048
    """Talker rows of one micro-batch, padding included; a longer utterance goes alone."""
    learning_rate_scale: float = 1.0
    """Multiplies every rate of the preset."""
    warmup_steps: int = 50
    """Of a rising learning rate; in short runs at most a fifth of the steps."""
    weight_decay: float = 0.01
    """Not on norms, biases and embeddings."""
    max_grad_norm: float = 1.0
    predictor_weight: float = 0.3
    """Of the mean cross-entropy of codebooks 1 to K-1 (upstream's since 680d4e9)."""
    predictor_share: float = 0.25
    """Random share of the frames that the code predictor learns from; it costs 2.9 times the
    0.6B talker per frame. Sesame's CSM trains its depth decoder on one in sixteen."""
    rates: VariantRates = field(default_factory=VariantRates)
    precision: Precision = "bf16"
    """Of the arithmetic; trained weights and optimiser are fp32 always."""
    checkpointing: bool = False
    """Recompute blocks in the backward pass: less memory, a third more time."""
    lora_rank: int = 64
    lora_alpha: int = 128
    validation_rows: int = 64
    """Held-out rows that are measured, drawn once; fewer where there are fewer."""
    save_every: int = 100
    """Steps between checkpoints; each is validated."""
    keep: int = 5
    """Newest checkpoints that are kept, besides the best; 0 keeps all."""
    patience: int = 5
    """Validations without a better loss after which the run stops; 0 never stops it early."""
    seed: int = 0

    def __post_init__(self) -> None:
        _require(self.preset in PRESETS, "preset", self.preset, ", ".join(PRESETS))
        _require(self.target in ("custom", "base", "design"), "target", self.target, "custom, base")
        values = asdict(self)
        for name in _COUNTS:
            _require(values[name] >= 1, name, values[name], "1 or more")
        for name in ("warmup_steps", "keep", "patience", "seed"):
            _require(values[name] >= 0, name, values[name], "0 or more")
        _require(self.max_steps is None or self.max_steps >= 1, "max_steps", self.max_steps, ">= 1")
        _require(
            0.0 < self.learning_rate_scale <= 1000.0,
            "learning_rate_scale",
            self.learning_rate_scale,
            "0 < s <= 1000",
        )
        _require(0.0 <= self.weight_decay < 1.0, "weight_decay", self.weight_decay, "0 to 1")
        _require(self.max_grad_norm > 0.0, "max_grad_norm", self.max_grad_norm, "above 0")
        _require(self.predictor_weight >= 0.0, "predictor_weight", self.predictor_weight, ">= 0")
        share = self.predictor_share
        _require(0.0 < share <= 1.0, "predictor_share", share, "0 < s <= 1")
        _require(self.precision in ("bf16", "fp32"), "precision", self.precision, "bf16, fp32")

    @property
    def group_rates(self) -> GroupRates:
        """Returns the preset's learning rates, scaled."""
        rates, scale = PRESET_RATES[self.preset], self.learning_rate_scale
        return GroupRates(**{name: rate * scale for name, rate in asdict(rates).items()})

    def to_json(self) -> dict[str, Any]:
        """Returns what `from_json` reads."""
        return asdict(self)

    def rate_scale(self, step: int, num_steps: int) -> float:
        """Returns the factor of the learning rates at a step (from 0): warm-up, then a cosine."""
        warmup = min(self.warmup_steps, num_steps // 5)
        if step < warmup:
            return (step + 1) / (warmup + 1)
        done = (step - warmup) / max(1, num_steps - warmup)
        return 0.5 * (1.0 + math.cos(math.pi * done))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TrainSettings:
        """Reads what `to_json` wrote; raises InvalidSettingError for unknown keys."""
        unknown = sorted(data.keys() - {item.name for item in fields(cls)})
        _require(not unknown, "settings of a run", unknown, "those of this version of Intone")
        return cls(**{**data, "rates": VariantRates(**data.get("rates", {}))})


def _require(ok: bool, name: str, value: object, allowed: str) -> None:
    if not ok:
        raise InvalidSettingError(f"{name} is {value!r}; allowed: {allowed}.")
