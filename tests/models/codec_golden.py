"""Reads the golden files that `tests/oracle/make_codec_goldens.py` writes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor, nn

GOLDEN_DIR = Path(__file__).parents[1] / "golden"
_WEIGHTS = "weights."


@dataclass(frozen=True, slots=True)
class Golden:
    """One tiny network of upstream's, its input and its output."""

    config: dict[str, Any]
    weights: dict[str, Tensor]
    data: dict[str, Tensor]

    def load_into(self, network: nn.Module) -> None:
        """Loads the weights; every name must be the official one."""
        network.load_state_dict(self.weights, strict=True)
        network.eval()


def read_golden(name: str) -> Golden:
    with safe_open(GOLDEN_DIR / f"{name}.safetensors", "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}
        config = json.loads(file.metadata()["config"])
    weights = {k.removeprefix(_WEIGHTS): v for k, v in tensors.items() if k.startswith(_WEIGHTS)}
    data = {k: v for k, v in tensors.items() if not k.startswith(_WEIGHTS)}
    return Golden(config, weights, data)


def clip(num_samples: int) -> Tensor:
    """Returns the clip that the goldens were made with, [1, S]: the same lines as there."""
    steps = np.random.RandomState(7).randint(-600, 601, size=num_samples)
    walk = np.cumsum(steps) % 32_768 - 16_384
    return torch.from_numpy(walk.astype(np.float32) / 32_768)[None]
