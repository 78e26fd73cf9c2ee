"""Linear layers whose weights are laid out once for oneDNN, instead of at every call.

A frame reads every weight of the code predictor fifteen times, one row of input at a time; what
such a step costs is how fast weights stream through the core.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_ROWS_HINT = 1
"""Layout for the common case: one new row per step."""

_MIN_WEIGHTS = 1_000_000
"""A oneDNN call costs about 25 microseconds more than a plain one; smaller layers lose by it."""


class PackedLinear(nn.Module):
    """`nn.Linear` for inference on a CPU; cannot be saved or trained."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.detach().contiguous()
        self.packed = torch.ops.mkldnn._reorder_linear_weight(weight, _ROWS_HINT)
        self.bias = linear.bias

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = torch.ops.mkldnn._linear_pointwise(x, self.packed, self.bias, "none", [], "")
        return out


def can_pack(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether this machine's oneDNN computes in `dtype` without a detour."""
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    if dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    if dtype == torch.float16:
        return bool(torch.ops.mkldnn._is_mkldnn_fp16_supported())
    return dtype == torch.float32


def pack_linears(module: nn.Module) -> None:
    """Replaces every large linear layer below `module`, one by one: only one exists twice."""
    for name, child in module.named_children():
        if isinstance(child, nn.Linear) and child.weight.numel() >= _MIN_WEIGHTS:
            setattr(module, name, PackedLinear(child))
        else:
            pack_linears(child)
