"""Talker and code predictor as sessions with their caches: rows in, hidden rows and logits out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from mmap import mmap
from pathlib import Path

import numpy as np
import numpy.typing as npt
from onnxruntime import InferenceSession

from intone.models.config import CodePredictorConfig, TalkerConfig, TransformerConfig
from intone.models.raw_tensors import Array
from intone.runtime.cpu.sessions import Bound, open_session

Positions = npt.NDArray[np.int32]

_PREFILL_ROWS = 128
"""Rows of a prompt in one run: more are hardly cheaper each, and need memory for all at once."""

_KEPT_ROWS = 2
"""Bindings are kept for steps of so few rows: those of a prompt's length will hardly come again."""


class TalkerNetwork:
    """The talker: hidden rows and logits of codebook 0 for every slot's newest row."""

    def __init__(
        self,
        directory: Path,
        config: TalkerConfig,
        num_slots: int,
        num_positions: int,
        num_threads: int,
    ) -> None:
        """Opens the graph; caches are reserved, and cost memory as they are written."""
        block = config.block
        room = _Room(num_slots, num_positions, _rotation(block, num_positions))
        self._blocks = CachedTransformer(
            open_session(directory / "talker.onnx", num_threads),
            block,
            room,
            {"hidden": config.hidden_size, "logits": config.vocab_size},
        )

    def prefill(self, slot: int, rows: Array) -> Mapping[str, Array]:
        """Starts a slot with its prompt [T, H]; returns hidden [1, H] and logits [1, V]."""
        for end in (*range(_PREFILL_ROWS, len(rows), _PREFILL_ROWS), len(rows)):
            part = rows[None, (end - 1) // _PREFILL_ROWS * _PREFILL_ROWS : end]
            out = self._blocks.run(slot, part, np.array([end - 1], dtype=np.int32))
        return out

    def decode(self, first: int, rows: Array, positions: Positions) -> Mapping[str, Array]:
        """Adds a row [N, H] at `positions` [N] to slots `first` and following; returns the same."""
        return self._blocks.run(first, rows[:, None], positions)


class PredictorNetwork:
    """The code predictor: one frame's codebooks in turn; its cache is begun anew each frame."""

    def __init__(
        self, directory: Path, config: CodePredictorConfig, num_slots: int, num_threads: int
    ) -> None:
        """Opens the graphs of the blocks and of every head."""
        block = config.block
        room = _Room(num_slots, config.num_codebooks, _rotation(block, config.num_codebooks))
        self._blocks = CachedTransformer(
            open_session(directory / "predictor.onnx", num_threads),
            block,
            room,
            {"hidden": block.hidden_size},
        )
        self._heads = [
            open_session(directory / f"head_{book}.onnx", num_threads)
            for book in range(1, config.num_codebooks)
        ]

    def logits(self, book: int, rows: Array) -> Array:
        """Returns logits [N, V] of codebook `book` from its rows.

        Args:
            rows: [N, 2, H] for codebook 1 (the talker's hidden row, codebook 0's embedding), after
                it [N, 1, H], the embedding of the codebook before.
        """
        last = np.full(len(rows), book, dtype=np.int32)
        hidden = self._blocks.run(0, rows, last)["hidden"]
        (logits,) = self._heads[book - 1].run(["logits"], {"hidden": hidden})
        return logits


@dataclass(frozen=True, slots=True, eq=False)
class _Room:
    """How much a cache holds, and the rotation of its positions."""

    num_slots: int
    num_positions: int
    rotation: tuple[Array, Array]
    """cos and sin, [positions, D / 2] each."""


def _rotation(block: TransformerConfig, num_positions: int) -> tuple[Array, Array]:
    exponents = np.arange(0, block.head_dim, 2, dtype=np.float32) / np.float32(block.head_dim)
    frequencies = 1 / np.float32(block.rope_theta) ** exponents
    angles = np.arange(num_positions, dtype=np.float32)[:, None] * frequencies
    return np.cos(angles), np.sin(angles)


def _reserved(shape: tuple[int, ...]) -> Array:
    """Returns zeros that cost memory only where they are written, a small page at a time.

    numpy's own large arrays ask for huge pages, of which one row for every head would fill many.
    """
    memory = mmap(-1, 4 * math.prod(shape))
    return np.frombuffer(memory, dtype=np.float32).reshape(shape)


class CachedTransformer:
    """A graph of `transformer_graph` with the keys and values of many sequences.

    A run covers neighbouring slots, whose caches lie side by side; arrays and bindings of a shape
    are kept, so that a step only writes its rows and runs.
    """

    def __init__(
        self,
        session: InferenceSession,
        config: TransformerConfig,
        room: _Room,
        widths: Mapping[str, int],
    ) -> None:
        """Reserves the caches; `widths` are the graph's outputs [N, width]."""
        shape = (room.num_slots, config.num_kv_heads, room.num_positions, config.head_dim)
        self._session = session
        self._rotation = room.rotation
        self._widths = widths
        self._caches = {
            f"{kind}_{layer}": _reserved(shape)
            for layer in range(config.num_layers)
            for kind in ("keys", "values")
        }
        self._steps: dict[tuple[int, int, int], _Step] = {}

    def run(self, first: int, rows: Array, last: Positions) -> Mapping[str, Array]:
        """Adds rows [N, T, H] to N slots from `first` on, the last of them at `last` [N].

        Returns the outputs [N, width]; the next run of this shape overwrites them.
        """
        key = first, *rows.shape[:2]
        step = self._steps.get(key) or self._new_step(first, rows)
        if rows.shape[1] <= _KEPT_ROWS:
            self._steps[key] = step
        return step.run(rows, last)

    def _new_step(self, first: int, rows: Array) -> _Step:
        end = first + len(rows)
        caches = {name: cache[first:end] for name, cache in self._caches.items()}
        outputs = {
            name: np.empty((len(rows), width), dtype=np.float32)
            for name, width in self._widths.items()
        }
        return _Step(self._session, caches, np.empty_like(rows), self._rotation, outputs)


class _Step:
    """The bound arrays of one shape."""

    def __init__(
        self,
        session: InferenceSession,
        caches: Mapping[str, Array],
        rows: Array,
        rotation: tuple[Array, Array],
        outputs: dict[str, Array],
    ) -> None:
        self._rows = rows
        self._last = np.zeros(len(rows), dtype=np.int32)
        self._total = np.zeros((), dtype=np.int32)
        self._outputs = outputs
        cos, sin = rotation
        self._bound = Bound(
            session,
            {
                "rows": rows,
                "last": self._last,
                "total": self._total,
                "cos": cos,
                "sin": sin,
                **{f"past_{name}": cache for name, cache in caches.items()},
            },
            {**outputs, **{f"present_{name}": cache for name, cache in caches.items()}},
        )

    def run(self, rows: Array, last: Positions) -> Mapping[str, Array]:
        self._rows[...] = rows
        self._last[...] = last
        self._total[...] = last.max() + 1
        self._bound.run()
        return self._outputs
