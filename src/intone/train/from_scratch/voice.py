"""The two networks that are trained together, with what only training needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from intone.models.code_predictor import CodePredictor
from intone.models.config import ModelConfig
from intone.models.layers import DecoderBlock, RmsNorm
from intone.models.talker import Talker
from intone.train.from_scratch.recipe import CODEBOOK_SIZE

FORESEEN = ((0, 1), (0, 2), (0, 3), (1, 1), (1, 3))
"""(frames after the predicted one, codebook) that the talker's row must also tell by itself."""


class Voice(nn.Module):
    """Talker and code predictor, as one thing to optimise."""

    def __init__(self, config: ModelConfig, dropout: float) -> None:
        super().__init__()
        self.talker = Talker(config.talker)
        self.predictor = CodePredictor(config.code_predictor)
        self.foresight = nn.ModuleList(
            nn.Linear(config.talker.hidden_size, CODEBOOK_SIZE, bias=False) for _ in FORESEEN
        )
        """Training only: sounds of this frame and the next, which only the text can tell."""
        self.spelt = nn.ModuleList(
            nn.Linear(config.talker.hidden_size, CODEBOOK_SIZE, bias=False) for _ in range(2)
        )
        """Training only: what the first and the last letter of a text token say."""
        self.apply(_initialise)
        for network in (self.talker, self.predictor):
            for block in network.model.layers:
                _scale_outputs(cast(DecoderBlock, block), len(network.model.layers))
        for block in self.talker.model.layers:
            _add_dropout(cast(DecoderBlock, block), dropout)


def quicken(voice: Voice) -> None:
    """Fuses the norms, which plain bf16 training runs as many small passes; same numbers."""

    def norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
        return F.rms_norm(x, weight.shape, weight, eps)

    torch._dynamo.config.recompile_limit = 64  # ranks, widths and modes each want a kernel
    fused = torch.compile(norm, dynamic=True)
    for module in voice.modules():
        if isinstance(module, RmsNorm):
            setattr(module, "forward", _NormCall(module, fused))  # noqa: B010


class _NormCall:
    def __init__(self, module: RmsNorm, fused: Callable[[Tensor, Tensor, float], Tensor]) -> None:
        self._module, self._fused = module, fused

    def __call__(self, x: Tensor) -> Tensor:
        return self._fused(x, self._module.weight, self._module.eps)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=0.1)
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=module.in_features**-0.5 * 0.7)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


@torch.no_grad()
def _scale_outputs(block: DecoderBlock, num_layers: int) -> None:
    for linear in (block.self_attn.o_proj, block.mlp.down_proj):
        linear.weight.mul_((2 * num_layers) ** -0.5)


def _add_dropout(block: DecoderBlock, rate: float) -> None:
    """Drops channels of what attention and MLP add to the stream, in training only."""

    def drop(module: nn.Module, _: object, output: Tensor) -> Tensor:
        if not module.training:
            return output
        keep = torch.full((len(output), 1, output.shape[-1]), 1.0 - rate).bernoulli_()
        return output * (keep / (1.0 - rate)).to(output.dtype)

    block.self_attn.register_forward_hook(drop)
    block.mlp.register_forward_hook(drop)
