"""Decoder state of many streams in one block of memory: a stream is a row.

All that the codec remembers of a stream lies side by side, so that moving, copying or clearing it
is one operation, however many layers the decoder has.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from intone.models.codec.decoder import CodecDecoder
from intone.models.codec.state import CodecState
from intone.models.codec.transformer import KeyValueWindow


class StreamArena:
    """Rows of state, all zero: each a stream before its first frame."""

    def __init__(self, decoder: CodecDecoder, num_rows: int) -> None:
        """Allocates the rows beside the decoder's weights, in their precision."""
        weight = decoder.pre_conv.conv.weight
        self._template = decoder.new_state(1, device="meta")
        numbers = sum(math.prod(shape) for shape in _shapes(self._template))
        self.numbers = torch.zeros(num_rows, numbers, dtype=weight.dtype, device=weight.device)
        """[rows, numbers of a stream]"""
        self.positions = torch.zeros(num_rows, dtype=torch.int64, device=weight.device)
        """Frames heard, [rows]."""

    @staticmethod
    def row_bytes(decoder: CodecDecoder) -> int:
        """Returns what a row takes."""
        template = decoder.new_state(1, device="meta")
        return sum(tensor.numel() * tensor.element_size() for tensor in template.tensors())

    def state(self, num_rows: int) -> CodecState:
        """Returns the first rows as the decoder wants them: views, nothing is copied."""
        shapes = _shapes(self._template)
        parts = self.numbers[:num_rows].split([math.prod(shape) for shape in shapes], dim=1)
        views = [part.unflatten(1, shape) for part, shape in zip(parts, shapes, strict=True)]
        num_windows = len(self._template.attention)
        return CodecState(
            position=self.positions[:num_rows],
            attention=tuple(
                KeyValueWindow(*views[2 * layer : 2 * layer + 2]) for layer in range(num_windows)
            ),
            histories=tuple(views[2 * num_windows :]),
        )

    def reset(self, row: int) -> None:
        """Makes a row start afresh."""
        self.numbers[row].zero_()
        self.positions[row].zero_()

    def copy(self, row: int, source_row: int) -> None:
        """Makes a row continue where another stands."""
        self.numbers[row].copy_(self.numbers[source_row])
        self.positions[row].copy_(self.positions[source_row])

    def gather(self, rows: Tensor, into: StreamArena) -> None:
        """Copies rows [B], int64 on the device, to the first rows of another arena."""
        num_rows = len(rows)
        torch.index_select(self.numbers, 0, rows, out=into.numbers[:num_rows])
        torch.index_select(self.positions, 0, rows, out=into.positions[:num_rows])

    def scatter(self, rows: Tensor, source: StreamArena) -> None:
        """Copies the first rows of another arena to rows [B]; where one comes twice, either."""
        num_rows = len(rows)
        self.numbers.index_copy_(0, rows, source.numbers[:num_rows])
        self.positions.index_copy_(0, rows, source.positions[:num_rows])


def _shapes(template: CodecState) -> Sequence[torch.Size]:
    """Returns the shape of a stream's every tensor but its position."""
    return [tensor.shape[1:] for tensor in list(template.tensors())[1:]]
