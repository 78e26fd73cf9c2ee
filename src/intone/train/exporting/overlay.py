"""What a run changes in its base checkpoint, as a function of one tensor at a time.

Trained tensors replace, low-rank adapters add, new presets fill rows of the codec embedding; all in
fp32, so that there is one rounding, when the result is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from intone.core.errors import RunError
from intone.train.tuning.adapters import LoraAdapter

CODEC_EMBEDDING = "talker.model.codec_embedding.weight"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Overlay:
    """Changes by official tensor name."""

    tensors: Mapping[str, Tensor]
    adapter: LoraAdapter | None
    preset_rows: Mapping[int, Tensor]
    """Rows [H] of the codec embedding."""

    @property
    def names(self) -> frozenset[str]:
        """Names of every tensor that this changes."""
        modules = self.adapter.pairs if self.adapter is not None else ()
        rows = {CODEC_EMBEDDING} if self.preset_rows else set()
        return frozenset({*self.tensors, *(f"{module}.weight" for module in modules), *rows})

    def apply(self, name: str, base: Tensor) -> Tensor:
        """Returns the tuned tensor, fp32, of the base's tensor `name`.

        Raises:
            RunError: a change has another shape than the base.
        """
        tensor = base.float()
        if name in self.tensors:
            tensor = _fitting(self.tensors[name].float(), base, name)
        if self.adapter is not None:
            delta = self.adapter.delta(name.removesuffix(".weight"))
            tensor = tensor if delta is None else tensor + _fitting(delta, base, name)
        if name == CODEC_EMBEDDING and self.preset_rows:
            tensor = self._with_rows(tensor.clone())
        return tensor

    def _with_rows(self, table: Tensor) -> Tensor:
        for row, values in self.preset_rows.items():
            if values.shape != table.shape[1:] or not 0 <= row < len(table):
                raise RunError(
                    f"a speaker's row {row} is {list(values.shape)}, the codec embedding is "
                    f"{list(table.shape)}; run and base are not of one model."
                )
            table[row] = values.to(torch.float32)
        return table


def _fitting(change: Tensor, base: Tensor, name: str) -> Tensor:
    if change.shape != base.shape:
        raise RunError(
            f"{name}: the run trained {list(change.shape)}, the base has {list(base.shape)}; "
            "they are not of one model. Name the run's own base with --model."
        )
    return change
