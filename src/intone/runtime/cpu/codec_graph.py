"""The codec decoder's graph: the next frames of B streams to their samples.

The same computation as `models/codec/decoder.py`, with the state as graph inputs and outputs.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from intone.models.codec.config import CodecDecoderConfig
from intone.models.raw_tensors import Array, RawTensors
from intone.runtime.cpu.codec_layers import Layers
from intone.runtime.cpu.graph import Graph, WeightFile
from intone.runtime.cpu.transformer_graph import Read
from intone.runtime.cpu.winograd import DILATIONS

DECODER = "decoder."
_MIN_USAGE = 1e-5


def write_codec(
    directory: Path, tensors: RawTensors, config: CodecDecoderConfig
) -> list[tuple[int, int]]:
    """Writes the graph and returns the shapes [P, C] of its histories, in order.

    Inputs are codes [B, F, K] (codebook k counts from k * V on), the rotation cos and sin
    [B, F, 1, D] of the frames, the attention mask [B, 1, F, window - 1 + F] to be added,
    `tiles_R_D` and `steps_R_D` of `winograd.tile_steps` for R steps per frame and dilation D, and
    `history_i`; outputs are samples [B, F * 1920] and `next_history_i`.
    """

    def read(name: str) -> Array:
        return tensors.read(DECODER + name)

    with WeightFile(directory / "codec.bin") as weights:
        graph = Graph("codec", weights)
        layers = Layers(graph)
        x = _dequantised(graph, layers, read, config)
        x = layers.conv(x, read("pre_conv.conv.weight"), read("pre_conv.conv.bias"))
        x = _transformed(graph, layers, read, config, x)
        for stage, rate in enumerate(config.frame_upsampling):
            x = _frame_upsampled(layers, _within(read, f"upsample.{stage}."), rate, x)
        graph.output(_wave(layers, read, config, x), "samples", ("B", "S"))
        graph.save(directory / "codec.onnx")
    return layers.history_shapes


def _within(read: Read, prefix: str) -> Read:
    return lambda name: read(prefix + name)


def _dequantised(graph: Graph, layers: Layers, read: Read, config: CodecDecoderConfig) -> str:
    """Codes to summed vectors [B, F, codebook_dim]: the first codebook apart from the rest."""
    codes = graph.input("codes", ("B", "F", config.num_codebooks), np.int64)
    table = np.concatenate([_codebook(read, k) for k in range(config.num_codebooks)])
    vectors = graph.node("Gather", graph.weight(table), codes)  # [B, F, K, dim]
    first, rest = graph.split(vectors, [1, config.num_codebooks - 1], axis=2)
    sums = [graph.node("ReduceSum", part, graph.ints(2), keepdims=0) for part in (first, rest)]
    names = ("rvq_first", "rvq_rest")
    projections = [read(f"quantizer.{name}.output_proj.weight")[:, :, 0] for name in names]
    joined = graph.node("Concat", *sums, axis=-1)
    return layers.linear(joined, np.concatenate(projections, axis=1))


def _codebook(read: Read, book: int) -> Array:
    where = "rvq_first.vq.layers.0" if book == 0 else f"rvq_rest.vq.layers.{book - 1}"
    usage = read(f"quantizer.{where}._codebook.cluster_usage").clip(min=_MIN_USAGE)
    return read(f"quantizer.{where}._codebook.embedding_sum") / usage[:, None]


def _transformed(
    graph: Graph, layers: Layers, read: Read, config: CodecDecoderConfig, x: str
) -> str:
    block, window = config.transformer, config.window_frames
    read = _within(read, "pre_transformer.")
    rotation = ("B", "F", 1, block.head_dim)
    context = (
        graph.input("cos", rotation),
        graph.input("sin", rotation),
        graph.input("mask", ("B", 1, "F", "seen")),
    )
    x = layers.linear(x, read("input_proj.weight"), read("input_proj.bias"))
    for layer in range(block.num_layers):
        here = _within(read, f"layers.{layer}.")
        normed = layers.rms_norm(x, here("input_layernorm.weight"), block.norm_eps)
        y = layers.attention(
            normed,
            _scaled(_within(here, "self_attn."), "o_proj", here("self_attn_layer_scale.scale")),
            block,
            window,
            layer,
            context,
        )
        x = graph.node("Add", x, y)
        normed = layers.rms_norm(x, here("post_attention_layernorm.weight"), block.norm_eps)
        mlp = _scaled(_within(here, "mlp."), "down_proj", here("mlp_layer_scale.scale"))
        x = graph.node("Add", x, layers.feed_forward(normed, mlp))
    x = layers.rms_norm(x, read("norm.weight"), block.norm_eps)
    return layers.linear(x, read("output_proj.weight"), read("output_proj.bias"))


def _scaled(read: Read, last: str, scale: Array) -> Read:
    """Folds the scale of a residual branch into the branch's last product."""

    def scaled(name: str) -> Array:
        tensor = read(name)
        if not name.startswith(last):
            return tensor
        return tensor * (scale[:, None] if tensor.ndim == 2 else scale)

    return scaled


def _frame_upsampled(layers: Layers, read: Read, rate: int, x: str) -> str:
    """Upsamples by `rate`, then a ConvNeXt block."""
    graph = layers.graph
    x = layers.upsample(x, read("0.conv.weight"), read("0.conv.bias"), rate)
    y = layers.depthwise(x, read("1.dwconv.conv.weight"), read("1.dwconv.conv.bias"))
    y = graph.node(
        "LayerNormalization",
        y,
        graph.weight(read("1.norm.weight")),
        graph.weight(read("1.norm.bias")),
        axis=-1,
        epsilon=1e-6,
    )
    y = layers.linear(y, read("1.pwconv1.weight"), read("1.pwconv1.bias"))
    y = graph.node("Gelu", y)
    gamma = read("1.gamma")
    y = layers.linear(y, gamma[:, None] * read("1.pwconv2.weight"), gamma * read("1.pwconv2.bias"))
    return graph.node("Add", x, y)


def _wave(layers: Layers, read: Read, config: CodecDecoderConfig, x: str) -> str:
    """The waveform blocks, then one channel of samples in [-1, 1]."""
    graph = layers.graph
    x = layers.conv(x, read("decoder.0.conv.weight"), read("decoder.0.conv.bias"))
    for number, rate in enumerate(config.wave_upsampling, start=1):
        here = _within(read, f"decoder.{number}.block.")
        x = layers.snake(x, here("0.alpha"), here("0.beta"))
        x = layers.upsample(x, here("1.conv.weight"), here("1.conv.bias"), rate)
        for unit, dilation in enumerate(DILATIONS, start=2):
            x = layers.residual_unit(x, _within(here, f"{unit}."), dilation)
    last = len(config.wave_upsampling) + 1
    x = layers.snake(x, read(f"decoder.{last}.alpha"), read(f"decoder.{last}.beta"))
    samples = layers.conv_to_mono(
        x, read(f"decoder.{last + 1}.conv.weight"), read(f"decoder.{last + 1}.conv.bias")
    )
    low, high = (graph.weight(np.array(v, dtype=np.float32)) for v in (-1.0, 1.0))
    return graph.node("Clip", samples, low, high)
