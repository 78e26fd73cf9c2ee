"""Bounds, learning rates, and why bf16 weights are refused."""

from __future__ import annotations

import pytest
import torch

from intone.cli import main
from intone.core.errors import InvalidSettingError
from intone.train.tuning.settings import PLAIN_BF16_REASON, PRESETS, TrainSettings, VariantRates


@pytest.mark.parametrize(
    "wrong",
    [
        {"preset": "all"},
        {"epochs": 0},
        {"max_steps": 0},
        {"predictor_share": 0.0},
        {"learning_rate_scale": -1.0},
        {"weight_decay": 1.0},
        {"keep": -1},
    ],
    ids=str,
)
def test_a_value_outside_its_range_is_named(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidSettingError, match=rf"{next(iter(wrong))} is .*allowed: "):
        TrainSettings(**wrong)  # type: ignore[arg-type]


def test_rates_of_voices_fit_together() -> None:
    with pytest.raises(InvalidSettingError, match="x_vector and icl together is 1.2"):
        VariantRates(x_vector=0.6, icl=0.6)


def test_every_preset_trains_the_blocks_and_the_projection() -> None:
    for preset in PRESETS:
        rates = TrainSettings(preset=preset).group_rates
        assert rates.blocks > 0
        assert rates.text_projection > 0


@pytest.mark.parametrize("num_steps", [1, 4, 10, 1000])
def test_the_learning_rate_rises_then_falls_to_nothing(num_steps: int) -> None:
    scales = [TrainSettings(warmup_steps=50).rate_scale(s, num_steps) for s in range(num_steps)]
    assert all(0.0 < scale <= 1.0 for scale in scales)
    assert max(scales) == 1.0
    assert scales.index(1.0) == min(50, num_steps // 5)
    assert num_steps < 10 or scales[-1] < 0.1


def test_bf16_weights_are_refused_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "run", "d", "--model", "m", "--out", "r", "--weights", "bf16"]) == 3
    assert "8 % change at all in 50 steps" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rate", "moved", "cosine"), [(5e-6, 0.08, 0.25), (1e-7, 0.001, 0.03)], ids=str
)
def test_the_reason_is_true(rate: float, moved: float, cosine: float) -> None:
    """AdamW, 50 steps of noisy gradients, a matrix as networks have it: what the message says."""
    changes = [_change(dtype, rate) for dtype in (torch.float32, torch.bfloat16)]
    share = float((changes[1] != 0).float().mean())
    alike = float(torch.nn.functional.cosine_similarity(*(c.flatten() for c in changes), dim=0))
    assert share == pytest.approx(moved, rel=0.35)
    assert alike == pytest.approx(cosine, abs=0.01)
    assert (
        f"{100 * moved:.0f} %" in PLAIN_BF16_REASON or f"{100 * moved:.1f} %" in PLAIN_BF16_REASON
    )


def _change(dtype: torch.dtype, rate: float) -> torch.Tensor:
    noise = torch.Generator().manual_seed(0)
    weight = torch.randn(256, 256, generator=noise) * 0.02
    parameter = torch.nn.Parameter(weight.to(dtype))
    before = parameter.detach().clone()
    optimizer = torch.optim.AdamW([parameter], lr=rate, weight_decay=0.01)
    slope = 0.5 * torch.randn(256, 256, generator=noise)
    for _ in range(50):
        parameter.grad = (slope + torch.randn(256, 256, generator=noise)).to(dtype)
        optimizer.step()
    return (parameter.detach() - before).float()
