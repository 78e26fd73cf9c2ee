"""What the decoder remembers between chunks of one stream; every tensor keeps its size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from intone.models.codec.transformer import KeyValueWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecState:
    """One decoder state for B streams; batch is the first dimension of every tensor."""

    position: Tensor
    """Frames decoded so far, int64 [B]."""
    attention: tuple[KeyValueWindow, ...]
    """Per transformer layer."""
    histories: tuple[Tensor, ...]
    """Per causal layer, in the order in which the decoder runs them."""

    def tensors(self) -> Iterator[Tensor]:
        """Yields every tensor, always in the same order."""
        yield self.position
        for window in self.attention:
            yield window.keys
            yield window.values
        yield from self.histories

    @torch.inference_mode()
    def reset(self, row: int | None = None) -> None:
        """Makes one stream, or all, start afresh."""
        rows = slice(None) if row is None else slice(row, row + 1)
        for tensor in self.tensors():
            tensor[rows].zero_()

    @torch.inference_mode()
    def copy_row(self, row: int, source: CodecState, source_row: int = 0) -> None:
        """Makes stream `row` continue where a stream of `source` stands."""
        for tensor, other in zip(self.tensors(), source.tensors(), strict=True):
            tensor[row].copy_(other[source_row])
