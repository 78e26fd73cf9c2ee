"""The codec decoder's layers as graph nodes, time-major: signals are [B, T, C].

With channels last every convolution is a matrix product over rows of time. Each causal layer reads
what precedes its signal from a graph input and gives back what the next chunk needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from intone.models.codec.config import CodecTransformerConfig
from intone.models.raw_tensors import Array
from intone.runtime.cpu import winograd
from intone.runtime.cpu.graph import Graph
from intone.runtime.cpu.transformer_graph import Read

_END = 2**62
_SNAKE_EPS = 1e-9

_SINE_SQUARED = (9.86952484, -32.46514062, 42.64344128, -29.42635632, 10.58145086)
"""sin(pi r)^2 as a polynomial in r^2 for |r| <= 1/2: least largest error, 4e-7 (in fp32 6e-7)."""


@dataclass(slots=True)
class Layers:
    """Emits layers into one graph and counts their histories."""

    graph: Graph
    history_shapes: list[tuple[int, int]] = field(default_factory=list)
    """[P, C] of each history, in running order."""
    rate: int = 1
    """Steps per frame where the next layer stands."""
    _tilings: dict[str, tuple[str, str]] = field(default_factory=dict)

    def linear(self, x: str, weight: Array, bias: Array | None = None) -> str:
        """x [..., C] times weight [C', C] transposed."""
        product = self.graph.node("MatMul", x, self._constant(weight.T))
        return product if bias is None else self.graph.node("Add", product, self._constant(bias))

    def _constant(self, array: npt.NDArray[np.floating]) -> str:
        return self.graph.weight(np.ascontiguousarray(array, dtype=np.float32))

    def _sliced(self, x: str, start: int, end: int, axis: int) -> str:
        ints = self.graph.ints
        return self.graph.node("Slice", x, ints(start), ints(end), ints(axis))

    def _continued(self, x: str, num_past: int, channels: int) -> str:
        """Returns x after its history [B, P + T, C]; the last P steps become the next history."""
        if num_past == 0:
            return x
        graph, number = self.graph, len(self.history_shapes)
        history = graph.input(f"history_{number}", ("B", num_past, channels))
        joined = graph.node("Concat", history, x, axis=1)
        kept = self._sliced(joined, -num_past, _END, 1)
        graph.output(kept, f"next_history_{number}", ("B", num_past, channels))
        self.history_shapes.append((num_past, channels))
        return joined

    def conv(self, x: str, weight: Array, bias: Array) -> str:
        """A causal convolution of few steps: the taps side by side, then one product."""
        size = weight.shape[2]
        joined = self._continued(x, size - 1, weight.shape[1])
        taps = [
            self._sliced(joined, i, i - size + 1 if i < size - 1 else _END, 1) for i in range(size)
        ]
        matrix = weight.transpose(0, 2, 1).reshape(len(weight), -1)
        return self.linear(self.graph.node("Concat", *taps, axis=2), matrix, bias)

    def depthwise(self, x: str, weight: Array, bias: Array) -> str:
        """A causal convolution of every channel by itself, weight [C, 1, taps]."""
        size = weight.shape[2]
        joined = self._continued(x, size - 1, len(weight))
        total = self._constant(bias)
        for i in range(size):
            tap = self._sliced(joined, i, i - size + 1 if i < size - 1 else _END, 1)
            part = self.graph.node("Mul", tap, self._constant(weight[:, 0, i]))
            total = self.graph.node("Add", total, part)
        return total

    def conv_to_mono(self, x: str, weight: Array, bias: Array) -> str:
        """A causal convolution to one channel, [B, T]: every tap's sum first, then their steps."""
        size = weight.shape[2]
        joined = self._continued(x, size - 1, weight.shape[1])
        sums = self.linear(joined, weight[0].T)
        total = self._constant(bias)
        for i, column in enumerate(self.graph.split(sums, [1] * size)):
            tap = self._sliced(column, i, i - size + 1 if i < size - 1 else _END, 1)
            total = self.graph.node("Add", total, tap)
        return self.graph.node("Squeeze", total, self.graph.ints(2))

    def upsample(self, x: str, weight: Array, bias: Array, rate: int) -> str:
        """A transposed convolution: every step and its predecessor give `rate` new steps."""
        channels, out_channels, size = weight.shape
        parts = weight.transpose(2, 1, 0)  # [taps, C', C]
        if size > rate:
            joined = self._continued(x, 1, channels)
            before = self._sliced(joined, 0, -1, 1)
            x = self.graph.node("Concat", x, before, axis=2)
            parts = np.concatenate([parts[:rate], parts[rate:]], axis=2)
        self.rate *= rate
        y = self.linear(x, parts.reshape(rate * out_channels, -1), np.tile(bias, rate))
        return self.graph.node("Reshape", y, self.graph.ints(0, -1, out_channels))

    def snake(self, x: str, alpha: Array, beta: Array) -> str:
        """x + sin(x e^alpha)^2 / (e^beta + 1e-9), the square of the sine by `_SINE_SQUARED`.

        ONNX Runtime's own sine is slow and runs on one thread, a tenth of the whole decoder.
        """
        node = self.graph.node
        turns = node("Mul", x, self._constant(np.exp(alpha.astype(np.float64)) / np.pi))
        rest = node("Sub", turns, node("Round", turns))  # the square repeats with every half turn
        square = node("Mul", rest, rest)
        height = self._constant(1.0 / (np.exp(beta) + np.float32(_SNAKE_EPS)))
        wave = node("Mul", self._polynomial(square, _SINE_SQUARED), height)
        return node("Add", wave, x)

    def _polynomial(self, x: str, coefficients: Sequence[float]) -> str:
        """Returns c0 x + c1 x^2 + ... by Horner's rule."""
        node = self.graph.node
        *lower, last = (self._constant(np.array(value)) for value in coefficients)
        value = node("Mul", x, last)
        for coefficient in reversed(lower):
            value = node("Mul", node("Add", value, coefficient), x)
        return value

    def residual_unit(self, x: str, read: Read, dilation: int) -> str:
        """Snake, dilated convolution of seven taps, Snake, product over channels, as a residual."""
        y = self.snake(x, read("act1.alpha"), read("act1.beta"))
        y = self._winograd(y, read("conv1.conv.weight"), read("conv1.conv.bias"), dilation)
        y = self.snake(y, read("act2.alpha"), read("act2.beta"))
        y = self.linear(y, read("conv2.conv.weight")[:, :, 0], read("conv2.conv.bias"))
        return self.graph.node("Add", y, x)

    def _winograd(self, x: str, weight: Array, bias: Array, dilation: int) -> str:
        """The dilated convolution by `winograd`: a tile is 4 outputs, `dilation` steps apart.

        Which steps the ten inputs of every tile are, and where its outputs go, are graph inputs
        (`tile_steps`): they depend on the chunk's length.
        """
        node, matrices, channels = self.graph.node, winograd.transforms(), len(weight)
        spread, gathered = self._tile_inputs(dilation)
        joined = self._continued(x, (winograd.NUM_TAPS - 1) * dilation, channels)
        tiles = node("Gather", joined, spread, axis=1)  # [B, 10, tiles * C] once flat
        points = self._across_points(matrices.inputs, tiles)
        taps = np.einsum("pk,oik->pio", matrices.taps, weight.astype(np.float64))
        rows = node("Reshape", points, self.graph.ints(0, 0, -1, channels))
        product = node("MatMul", rows, self._constant(taps))
        outputs = self._across_points(matrices.outputs, product)
        flat = node("Reshape", outputs, self.graph.ints(0, -1, channels))
        steps = node("Gather", flat, gathered, axis=1)
        return node("Add", steps, self._constant(bias))

    def _tile_inputs(self, dilation: int) -> tuple[str, str]:
        """Returns the inputs that hold the steps of tiles and the tiles' places of steps."""
        key = f"{self.rate}_{dilation}"
        if key not in self._tilings:
            self._tilings[key] = (
                self.graph.input(f"tiles_{key}", (winograd.NUM_POINTS, f"tiles_{key}"), np.int64),
                self.graph.input(f"steps_{key}", (f"steps_{key}",), np.int64),
            )
        return self._tilings[key]

    def _across_points(self, matrix: winograd.Matrix, x: str) -> str:
        """[B, P, ...] -> [B, P', the rest in one]: a product over the points of all tiles."""
        flat = self.graph.node("Reshape", x, self.graph.ints(0, matrix.shape[1], -1))
        return self.graph.node("MatMul", self._constant(matrix), flat)

    def feed_forward(self, x: str, read: Read) -> str:
        """Gated silu, without biases."""
        gate = self.linear(x, read("gate_proj.weight"))
        (silu,) = self.graph.contrib("QuickGelu", [gate], {"alpha": 1.0})
        hidden = self.graph.node("Mul", silu, self.linear(x, read("up_proj.weight")))
        return self.linear(hidden, read("down_proj.weight"))

    def rms_norm(self, x: str, weight: Array, epsilon: float) -> str:
        return self.graph.node(
            "SimplifiedLayerNormalization", x, self._constant(weight), axis=-1, epsilon=epsilon
        )

    def attention(
        self,
        x: str,
        read: Read,
        config: CodecTransformerConfig,
        window: int,
        layer: int,
        context: Sequence[str],
    ) -> str:
        """Attention over the last `window` frames; keys and values are histories [B, P, N * D]."""
        graph, node = self.graph, self.graph.node
        cos, sin, mask = context
        width = config.num_kv_heads * config.head_dim

        def projected(kind: str) -> str:
            bias = read(f"{kind}_proj.bias") if config.has_attention_bias else None
            return self.linear(x, read(f"{kind}_proj.weight"), bias)

        q = self._rotated(projected("q"), config.num_heads, config.head_dim, cos, sin)
        k = self._rotated(projected("k"), config.num_kv_heads, config.head_dim, cos, sin)
        k = self._continued(node("Reshape", k, graph.ints(0, 0, width)), window - 1, width)
        v = self._continued(projected("v"), window - 1, width)
        heads = graph.ints(0, 0, config.num_kv_heads, config.head_dim)
        k = node("Transpose", node("Reshape", k, heads), perm=[0, 2, 3, 1])
        v = node("Transpose", node("Reshape", v, heads), perm=[0, 2, 1, 3])
        scale = self._constant(np.array(config.head_dim**-0.5))
        scores = node(
            "Add",
            node("MatMul", node("Mul", node("Transpose", q, perm=[0, 2, 1, 3]), scale), k),
            mask,
        )
        mixed = node("MatMul", node("Softmax", scores, axis=-1), v)
        flat = node(
            "Reshape",
            node("Transpose", mixed, perm=[0, 2, 1, 3]),
            graph.ints(0, 0, config.num_heads * config.head_dim),
        )
        bias = read("o_proj.bias") if config.has_attention_bias else None
        return self.linear(flat, read("o_proj.weight"), bias)

    def _rotated(self, x: str, num_heads: int, head_dim: int, cos: str, sin: str) -> str:
        """[B, T, N * D] -> [B, T, N, D], pairs (i, i + D / 2) rotated."""
        graph, node, half = self.graph, self.graph.node, head_dim // 2
        heads = node("Reshape", x, graph.ints(0, 0, num_heads, head_dim))
        first, second = graph.split(heads, [half, half])
        swapped = node("Concat", second, first, axis=-1)
        return node("Add", node("Mul", heads, cos), node("Mul", swapped, sin))
