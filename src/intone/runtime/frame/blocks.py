"""The two halves of a decoder block, on either side of attention, as one kernel or as many."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Generic, ParamSpec, TypeVar

import torch
from torch import Tensor, nn

from intone.models.layers import Attention, DecoderBlock, Rotation

_log = logging.getLogger("intone")

P = ParamSpec("P")
R = TypeVar("R")

Before = Callable[[DecoderBlock, Tensor, Rotation], tuple[Tensor, Tensor, Tensor]]
After = Callable[[DecoderBlock, Tensor, Tensor], Tensor]


_SORTS = 32

_CANNOT_FUSE = (RuntimeError, ImportError, OSError)
"""No compiler, no Triton, no cache folder, a device that is too old."""


def compiled(function: Callable[P, R], device: torch.device) -> Callable[P, R]:
    """Returns `function`, fused by torch.compile on CUDA.

    Where the compiler or what it needs is missing, one line is logged, at the latest by the first
    call, and the function runs as it is from then on. Elsewhere than on CUDA it is left alone.
    """
    if device.type != "cuda":
        return function
    try:
        return Fused(function, inductor(function))
    except _CANNOT_FUSE as error:
        _tell(error)
        return function


def inductor(function: Callable[P, R]) -> Callable[P, R]:
    """Returns `function`, compiled once for each sort of input that it will see.

    One row and several are two sorts, and so is each network's width. Beyond torch's limit, which
    these come close to, it would call the function as it is and say so to nobody but a log.
    """
    fast = torch.compile(function, dynamic=True)

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with torch._dynamo.config.patch(recompile_limit=_SORTS):
            return fast(*args, **kwargs)

    return call


class Fused(Generic[P, R]):
    """A function with a faster twin that may turn out not to work on this machine."""

    def __init__(self, function: Callable[P, R], fused: Callable[P, R]) -> None:
        self._function = function
        self._fused: Callable[P, R] | None = fused

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        if self._fused is None:
            return self._function(*args, **kwargs)
        try:
            return self._fused(*args, **kwargs)
        except _CANNOT_FUSE as error:
            _tell(error)
            self._fused = None
            return self._function(*args, **kwargs)


def _tell(error: Exception) -> None:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    _log.warning("steps without torch.compile (%s): slower, same speech", reason)


class BlockHalves:
    """Runs decoder blocks; every block of every network goes through the same two functions."""

    def __init__(self, device: torch.device, *, fuse: bool = True) -> None:
        """Compiles nothing yet: the first call of each shape does.

        Args:
            fuse: whether to try torch.compile.
        """
        before: Before = DecoderBlock.before_attention
        after: After = DecoderBlock.after_attention
        self._before = compiled(before, device) if fuse else before
        self._after = compiled(after, device) if fuse else after

    def run(
        self, blocks: nn.ModuleList, x: Tensor, rotation: Rotation, attend: Attention
    ) -> Tensor:
        """Returns x [B, T, H] after every block."""
        for layer, block in enumerate(blocks):
            assert isinstance(block, DecoderBlock)
            x = self._after(block, x, attend(layer, *self._before(block, x, rotation)))
        return x
