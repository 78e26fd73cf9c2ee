"""The optimiser's loop: one step after the other, the same whatever it runs on and in.

accelerate wraps the one module and the optimiser, so one process, several, and sharded weights run
this same code. Nothing here draws at random: what a step sees is a function of its number, so a
resumed run goes on exactly, and two processes share the micro-batches of one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_optimizer_state_dict,
)

from intone.core.errors import DivergedError
from intone.train.tuning.batches import Batch, BatchPlan, StepBatches, collate
from intone.train.tuning.objective import LossSums, TrainedVoice, step_loss
from intone.train.tuning.restore import rate_of
from intone.train.tuning.sequences import TrainingSequence
from intone.train.tuning.settings import TrainSettings
from intone.train.tuning.validation import Losses, TokenCounts, Validation, flattened, losses_of

if TYPE_CHECKING:
    from accelerate import Accelerator

_WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True, ignore_frozen_params=True)
_SMOOTH_STEPS = 20
_RUNAWAY_NATS = 2.0
"""A mean over 20 steps that lies this far above the lowest one: the run has left the road."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """One optimiser step."""

    step: int
    """Steps done, from 1."""
    epoch: int
    losses: Losses
    """Before the step's update, over its rows."""
    grad_norm: float
    rate_scale: float
    rows: int
    frames: int
    padding: float
    """Share of the positions of this process's batches that were padding."""
    wall_s: float

    @property
    def frames_per_s(self) -> float:
        return self.frames / self.wall_s


def make_optimizer(voice: TrainedVoice, settings: TrainSettings) -> torch.optim.AdamW:
    """Returns AdamW over what is trained: a group per learning rate, no decay on small tensors."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in voice.named_parameters():
        if parameter.requires_grad:
            rate = rate_of(name, settings.group_rates)
            is_small = parameter.dim() < 2 or "_embedding." in name
            key = (rate, 0.0 if is_small else settings.weight_decay)
            groups.setdefault(key, []).append(parameter)
    return torch.optim.AdamW(
        [
            {"params": params, "lr": rate, "base_lr": rate, "weight_decay": decay}
            for (rate, decay), params in groups.items()
        ],
        betas=(0.9, 0.95),
        fused=True,
    )


@dataclass(slots=True, kw_only=True)
class Monitor:
    """What a run remembers of its losses; saved with every checkpoint."""

    recent: list[float] = field(default_factory=list)
    """Of the last 20 steps."""
    lowest: float | None = None
    """Lowest mean over 20 steps."""
    best: float | None = None
    """Lowest validation loss."""
    worse: int = 0
    """Validations since then."""

    def watch(self, number: int, loss: float) -> None:
        """Takes a step's loss; raises DivergedError when the run has left the road."""
        self.recent = [*self.recent, loss][-_SMOOTH_STEPS:]
        if len(self.recent) < _SMOOTH_STEPS:
            return
        mean = sum(self.recent) / _SMOOTH_STEPS
        self.lowest = mean if self.lowest is None else min(self.lowest, mean)
        if mean > self.lowest + _RUNAWAY_NATS:
            raise DivergedError(
                f"step {number + 1}: the loss of the last {_SMOOTH_STEPS} steps is {mean:.2f}, "
                f"after {self.lowest:.2f} at its best; nothing was updated. Train at a lower "
                "learning rate (--learning-rate-scale)."
            )

    def validated(self, loss: float) -> bool:
        """Takes a validation's loss; returns whether it is the best so far."""
        is_best = self.best is None or loss < self.best
        self.best, self.worse = (loss, 0) if is_best else (self.best, self.worse + 1)
        return is_best


class Trainer:
    """One run over one plan."""

    def __init__(
        self,
        accelerator: Accelerator,
        voice: TrainedVoice,
        plan: BatchPlan,
        settings: TrainSettings,
    ) -> None:
        """Wraps networks and optimiser; `voice` is that of `open_voice`."""
        self.voice = voice
        self.plan = plan
        self._accelerator, self._settings = accelerator, settings
        optimizer = make_optimizer(voice, settings)
        self._module, self._optimizer = accelerator.prepare(voice, optimizer)
        self.num_steps = plan.steps_per_epoch * settings.epochs
        if settings.max_steps is not None:
            self.num_steps = min(self.num_steps, settings.max_steps)
        self.monitor = Monitor()

    def step(self, number: int) -> StepReport:
        """Makes optimiser step `number` (from 0).

        Raises:
            DivergedError: loss or gradient is no number, or the loss ran away; nothing was updated.
        """
        started = perf_counter()
        accelerator, settings = self._accelerator, self._settings
        batches = self.plan.step(number, accelerator.num_processes)
        self._module.train()
        sums, positions, used = self._backward(batches)
        norm = float(accelerator.clip_grad_norm_(self._module.parameters(), settings.max_grad_norm))
        losses = self._losses(sums, batches)
        self._check(number, losses, norm)
        scale = settings.rate_scale(number, self.num_steps)
        for group in self._optimizer.param_groups:
            group["lr"] = group["base_lr"] * scale
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return StepReport(
            step=number + 1,
            epoch=self.plan.rows_of(number)[0],
            losses=losses,
            grad_norm=norm,
            rate_scale=scale,
            rows=sum(len(group) for group in batches.micro),
            frames=sum(len(each.codes) for group in batches.micro for each in group),
            padding=1.0 - used / positions,
            wall_s=perf_counter() - started,
        )

    def _backward(self, batches: StepBatches) -> tuple[Tensor, int, int]:
        """Runs this process's micro-batches; returns sums, positions and used positions."""
        accelerator = self._accelerator
        mine = batches.micro[accelerator.process_index :: accelerator.num_processes]
        total, positions, used = None, 0, 0
        for i, group in enumerate(mine):
            is_last = i == len(mine) - 1
            with nullcontext() if is_last else accelerator.no_sync(self._module):
                sums = self._run(group, batches)
            part = flattened(sums) * float(bool(group))
            total = part if total is None else total + part
            longest = max((each.num_rows for each in group), default=0)
            positions += longest * len(group)
            used += sum(each.num_rows for each in group)
        assert total is not None
        return total, max(positions, 1), used

    def _run(self, group: Sequence[TrainingSequence], batches: StepBatches) -> LossSums:
        """Adds the gradients of one micro-batch; an empty one adds zeros and keeps others going."""
        filler = next(each for each in batches.micro if each)
        batch = collate(group or filler[:1], self.plan.config)
        sums = self._forward(batch.to(self._accelerator.device))
        loss = step_loss(sums, batches.totals, self._settings.predictor_weight)
        # Wrappers average gradients over processes; shares of a step are to be added.
        weight = float(self._accelerator.num_processes) if group else 0.0
        self._accelerator.backward(loss * weight)
        return sums

    def _forward(self, batch: Batch) -> LossSums:
        is_bf16 = self._settings.precision == "bf16"
        with torch.autocast(self._accelerator.device.type, torch.bfloat16, enabled=is_bf16):
            sums: LossSums = self._module(batch)
        return sums

    def _losses(self, sums: Tensor, batches: StepBatches) -> Losses:
        ends = sum(len(group) for group in batches.micro)
        books = (len(sums) - 4) // 2
        counts = TokenCounts(
            first=batches.totals.first, ends=ends, frames=batches.totals.rest // books
        )
        whole = self.reduced(sums).cpu()
        return losses_of(whole, counts, self._settings.predictor_weight)

    def reduced(self, sums: Tensor) -> Tensor:
        """Returns a vector summed over processes."""
        total: Tensor = self._accelerator.reduce(sums, reduction="sum")
        return total

    def _check(self, number: int, losses: Losses, norm: float) -> None:
        if not (math.isfinite(losses.loss) and math.isfinite(norm)):
            raise DivergedError(
                f"step {number + 1}: loss is {losses.loss}, gradient norm {norm}; nothing was "
                "updated. Look at the saved rows, or train at a lower learning rate."
            )
        self.monitor.watch(number, losses.loss)

    def validate(self, validation: Validation) -> Losses:
        """Returns the losses on held-out rows."""
        self._module.eval()
        return validation.losses(self._forward, self._accelerator.device, self.reduced)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Returns trained parameters and moments by name, whole, on the CPU; all processes call."""
        model = get_model_state_dict(self._module, options=_WHOLE)
        whole = get_optimizer_state_dict(self._module, self._optimizer.optimizer, options=_WHOLE)
        per_parameter = cast(dict[str, dict[str, Tensor]], whole.get("state", {}))
        moments = {
            f"{key}.{name}": value
            for name, values in per_parameter.items()
            for key, value in values.items()
        }
        return cast(dict[str, Tensor], model), moments

    def load_optimizer(self, moments: Mapping[str, Tensor]) -> None:
        """Puts moments back that `state` returned; parameters were put back before wrapping."""
        state: dict[str, dict[str, Tensor]] = {}
        for name, value in moments.items():
            key, _, parameter = name.partition(".")
            state.setdefault(parameter, {})[key] = value
        fresh = get_optimizer_state_dict(self._module, self._optimizer.optimizer, options=_WHOLE)
        fresh["state"] = cast(Any, state)
        set_optimizer_state_dict(self._module, self._optimizer.optimizer, fresh, options=_WHOLE)
