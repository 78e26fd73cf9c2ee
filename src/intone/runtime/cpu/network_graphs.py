"""The graphs of talker and code predictor, one file each, from the official tensors.

| graph | in | out |
|---|---|---|
| `text` | text embeddings [T, H text] | text rows [T, H] |
| `talker` | rows [N, T, H] | hidden [N, H] and logits [N, V] of the last row |
| `predictor` | rows [N, T, H] | hidden [N, H predictor] of the last row |
| `head_k` | hidden [N, H predictor] | logits of codebook k [N, V] |
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from intone.models.config import CodePredictorConfig, TalkerConfig
from intone.models.raw_tensors import RawTensors
from intone.runtime.cpu.graph import Graph, WeightFile
from intone.runtime.cpu.linear import Linear
from intone.runtime.cpu.transformer_graph import Positions, Read, transformer

TALKER, PREDICTOR = "talker.", "talker.code_predictor."


def _reader(tensors: RawTensors, prefix: str) -> Read:
    return lambda name: tensors.read(prefix + name)


def write_text(directory: Path, tensors: RawTensors, config: TalkerConfig, linear: Linear) -> None:
    """Writes the projection of text embeddings to the talker's width."""
    read = _reader(tensors, TALKER + "text_projection.")
    with WeightFile(directory / "text.bin") as weights:
        graph = Graph("text", weights)
        x = graph.input("embedded", ("T", config.text_hidden_size))
        for layer in ("linear_fc1", "linear_fc2"):
            x = graph.node(
                "Add",
                linear(graph, x, read(f"{layer}.weight")),
                graph.weight(read(f"{layer}.bias")),
            )
            if layer == "linear_fc1":
                (x,) = graph.contrib("QuickGelu", [x], {"alpha": 1.0})
        graph.output(x, "rows", ("T", config.hidden_size))
        graph.save(directory / "text.onnx")


def write_talker(
    directory: Path, tensors: RawTensors, config: TalkerConfig, linear: Linear
) -> None:
    """Writes the blocks, and the head of codebook 0."""
    read = _reader(tensors, TALKER)
    with WeightFile(directory / "talker.bin") as weights:
        graph = Graph("talker", weights)
        x = graph.input("rows", ("N", "T", config.hidden_size))
        at = Positions.inputs(graph, config.block.head_dim)
        hidden = _last(graph, transformer(graph, x, config.block, read, linear, at))
        graph.output(hidden, "hidden", ("N", config.hidden_size))
        logits = linear(graph, hidden, read("codec_head.weight"))
        graph.output(logits, "logits", ("N", config.vocab_size))
        graph.save(directory / "talker.onnx")


def write_predictor(
    directory: Path, tensors: RawTensors, config: CodePredictorConfig, linear: Linear
) -> None:
    """Writes the blocks, and one graph per head: blocks run K - 1 times a frame, a head once."""
    read = _reader(tensors, PREDICTOR)
    with WeightFile(directory / "predictor.bin") as weights:
        graph = Graph("predictor", weights)
        x = graph.input("rows", ("N", "T", config.input_size))
        at = Positions.inputs(graph, config.block.head_dim)
        if config.input_size != config.block.hidden_size:
            product = linear(graph, x, read("small_to_mtp_projection.weight"))
            x = graph.node("Add", product, graph.weight(read("small_to_mtp_projection.bias")))
        hidden = _last(graph, transformer(graph, x, config.block, read, linear, at))
        graph.output(hidden, "hidden", ("N", config.block.hidden_size))
        graph.save(directory / "predictor.onnx")
    for book in range(1, config.num_codebooks):
        _write_head(
            directory, f"head_{book}", read(f"lm_head.{book - 1}.weight"), linear.at_least_8_bits()
        )


def _write_head(directory: Path, name: str, weight: np.ndarray, linear: Linear) -> None:
    with WeightFile(directory / f"{name}.bin") as weights:
        graph = Graph(name, weights)
        x = graph.input("hidden", ("N", weight.shape[1]))
        graph.output(linear(graph, x, weight), "logits", ("N", len(weight)))
        graph.save(directory / f"{name}.onnx")


def _last(graph: Graph, x: str) -> str:
    """[N, T, H] -> [N, H] of the last row."""
    return graph.node("Gather", x, graph.weight(np.array(-1, dtype=np.int64)), axis=1)
