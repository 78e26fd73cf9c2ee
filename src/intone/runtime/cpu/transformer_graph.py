"""The decoder block of talker and code predictor as graph nodes.

The same computation as `models/layers.py`. Attention is ONNX Runtime's GroupQueryAttention: it
rotates queries and keys, writes new keys and values in place into the caller's buffers, and reads
each row's own length.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from intone.models.config import TransformerConfig
from intone.models.raw_tensors import Array
from intone.runtime.cpu.graph import Graph
from intone.runtime.cpu.linear import Linear

Read = Callable[[str], Array]
"""Returns an official tensor in fp32."""


@dataclass(frozen=True, slots=True)
class Positions:
    """Where the new rows stand: graph inputs."""

    last: str
    """Position of each sequence's last new row, int32 [N]."""
    total: str
    """The largest of these plus one, int32 scalar."""
    cos: str
    """[positions, D / 2]"""
    sin: str

    @classmethod
    def inputs(cls, graph: Graph, head_dim: int) -> Positions:
        table = ("positions", head_dim // 2)
        return cls(
            last=graph.input("last", ("N",), np.int32),
            total=graph.input("total", (), np.int32),
            cos=graph.input("cos", table),
            sin=graph.input("sin", table),
        )


def transformer(
    graph: Graph, x: str, config: TransformerConfig, read: Read, linear: Linear, at: Positions
) -> str:
    """Returns the normed hidden rows of x [N, T, H]; caches become inputs and outputs."""
    block = _Block(graph, config, linear, at)
    update = None
    for layer in range(config.num_layers):
        x, update = block.attend(x, update, layer, _within(read, f"model.layers.{layer}."))
        x, update = block.feed_forward(x, update, _within(read, f"model.layers.{layer}."))
    normed, _ = block.norm(x, update, read("model.norm.weight"))
    return normed


def _within(read: Read, prefix: str) -> Read:
    return lambda name: read(prefix + name)


@dataclass(frozen=True, slots=True)
class _Block:
    """Emits one block's nodes. A residual sum waits as (x, update) for the next norm to add it."""

    graph: Graph
    config: TransformerConfig
    linear: Linear
    at: Positions

    def norm(self, x: str, update: str | None, gain: Array) -> tuple[str, str]:
        """Returns the normed x + update, and that sum."""
        graph, epsilon = self.graph, {"epsilon": self.config.rms_norm_eps}
        weight = graph.weight(gain)
        if update is None:
            return graph.node("SimplifiedLayerNormalization", x, weight, axis=-1, **epsilon), x
        normed, total = graph.new_name("normed"), graph.new_name("stream")
        graph.contrib(
            "SkipSimplifiedLayerNormalization",
            [x, update, weight],
            dict(epsilon),
            [normed, "", "", total],
        )
        return normed, total

    def attend(self, x: str, update: str | None, layer: int, read: Read) -> tuple[str, str]:
        """Returns the stream and the attention's addition to it."""
        config, graph = self.config, self.graph
        normed, x = self.norm(x, update, read("input_layernorm.weight"))
        weight = [read(f"self_attn.{name}_proj.weight") for name in "qkv"]
        q, k, v = graph.split(
            self.linear(graph, normed, np.concatenate(weight)), [len(part) for part in weight]
        )
        q = self._norm_heads(q, config.num_heads, read("self_attn.q_norm.weight"))
        k = self._norm_heads(k, config.num_kv_heads, read("self_attn.k_norm.weight"))
        mixed = self._cached_attention(q, k, v, layer)
        return x, self.linear(graph, mixed, read("self_attn.o_proj.weight"))

    def _norm_heads(self, x: str, num_heads: int, gain: Array) -> str:
        graph, head_dim = self.graph, self.config.head_dim
        heads = graph.node("Reshape", x, graph.ints(0, 0, num_heads, head_dim))
        normed = graph.node(
            "SimplifiedLayerNormalization",
            heads,
            graph.weight(gain),
            axis=-1,
            epsilon=self.config.rms_norm_eps,
        )
        return graph.node("Reshape", normed, graph.ints(0, 0, num_heads * head_dim))

    def _cached_attention(self, q: str, k: str, v: str, layer: int) -> str:
        config, graph = self.config, self.graph
        cache = ("N", config.num_kv_heads, "room", config.head_dim)
        past = [graph.input(f"past_{kind}_{layer}", cache) for kind in ("keys", "values")]
        present = [f"present_{kind}_{layer}" for kind in ("keys", "values")]
        for name in present:
            graph.output_of(name, cache)
        mixed = graph.new_name("mixed")
        graph.contrib(
            "GroupQueryAttention",
            [q, k, v, *past, self.at.last, self.at.total, self.at.cos, self.at.sin],
            {"num_heads": config.num_heads, "kv_num_heads": config.num_kv_heads, "do_rotary": 1},
            [mixed, *present],
        )
        return mixed

    def feed_forward(self, x: str, update: str | None, read: Read) -> tuple[str, str]:
        """Returns the stream and the feed-forward's addition to it."""
        graph, size = self.graph, self.config.intermediate_size
        normed, x = self.norm(x, update, read("post_attention_layernorm.weight"))
        weight = np.concatenate([read("mlp.gate_proj.weight"), read("mlp.up_proj.weight")])
        gate, up = graph.split(self.linear(graph, normed, weight), [size, size])
        (silu,) = graph.contrib("QuickGelu", [gate], {"alpha": 1.0})
        hidden = graph.node("Mul", silu, up)
        return x, self.linear.fine()(graph, hidden, read("mlp.down_proj.weight"))
