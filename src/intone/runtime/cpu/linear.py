"""A matrix product in a graph, in the precision of the build."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from intone.runtime.cpu.graph import Graph
from intone.runtime.cpu.quantise import BLOCK, FINE_BLOCK, quantise

Bits = Literal[32, 8, 4]

_INT8_ARITHMETIC = 4
"""MatMulNBits' accuracy_level: inputs are rounded to 8 bits too, each row by itself and per block,
so that products run on the CPU's integer units. (A lone row is summed in another order than rows
of a batch, so company may change a row's last bits; in fp32 it does not.)"""


@dataclass(frozen=True, slots=True)
class Linear:
    """How matrices are stored and multiplied."""

    bits: Bits
    block: int = BLOCK

    def fine(self) -> Linear:
        """For inputs of uneven size, of which a shared scale rounds the small ones away.

        In 4 bits the weights lose more than the inputs, and memory is what they are chosen for.
        """
        return replace(self, block=FINE_BLOCK) if self.bits == 8 else self

    def at_least_8_bits(self) -> Linear:
        """For matrices that are small, or read once a frame, and decide much."""
        return replace(self, bits=8) if self.bits == 4 else self

    def __call__(self, graph: Graph, x: str, weight: npt.NDArray[np.float32]) -> str:
        """Returns x [..., K] times weight [N, K] transposed, [..., N]."""
        if self.bits == 32:
            return graph.node("MatMul", x, graph.weight(np.ascontiguousarray(weight.T)))
        matrix = quantise(weight, self.bits, self.block)
        (out,) = graph.contrib(
            "MatMulNBits",
            [x, graph.weight(matrix.packed), graph.weight(matrix.scales)],
            {
                "K": matrix.num_inputs,
                "N": len(weight),
                "bits": self.bits,
                "block_size": self.block,
                "accuracy_level": _INT8_ARITHMETIC,
            },
        )
        return out
