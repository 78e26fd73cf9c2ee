"""Packed layers compute what plain ones do, and only large ones are packed."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from intone.runtime.packed_linear import PackedLinear, can_pack, pack_linears

CPU = torch.device("cpu")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("rows", [1, 5, 40])
@pytest.mark.parametrize("bias", [True, False])
def test_a_packed_layer_equals_the_plain_one(dtype: torch.dtype, rows: int, bias: bool) -> None:
    if not can_pack(CPU, dtype):
        pytest.skip(f"this machine's oneDNN has no {dtype}")
    torch.manual_seed(0)
    plain = nn.Linear(96, 64, bias=bias).to(dtype).requires_grad_(False)
    x = torch.randn(2, rows, 96).to(dtype)
    tolerance = 1e-5 if dtype == torch.float32 else 2e-2
    with torch.inference_mode():
        torch.testing.assert_close(PackedLinear(plain)(x), plain(x), atol=tolerance, rtol=tolerance)


def test_only_large_layers_are_packed() -> None:
    module = nn.Sequential(nn.Linear(1024, 1024), nn.Sequential(nn.Linear(32, 32)))
    pack_linears(module)
    assert isinstance(module[0], PackedLinear)
    assert isinstance(module[1][0], nn.Linear)
