"""The two ways to run the networks, asked for the logits of every codebook of given frames."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from benchmarks.quality.precision.histories import History

from intone.models.checkpoint import Checkpoint, Placement
from intone.models.description import ModelDescription
from intone.models.raw_tensors import Array, RawTensors
from intone.models.rows import embed_rows
from intone.runtime.cpu.networks import PredictorNetwork, TalkerNetwork
from intone.runtime.cpu.tables import Tables

_FRAMES_AT_ONCE = 32


class Networks(Protocol):
    """Talker and code predictor in some precision."""

    def logits(self, history: History) -> list[Array]:
        """Returns what every codebook is drawn from, with the true frames before it.

        Codebook 0: [F + 1, V], the last row after the last frame; codebooks 1 to K - 1: [F, V'].
        """
        ...


class TorchNetworks:
    """The networks of `models/`."""

    def __init__(self, directory: Path, dtype: torch.dtype) -> None:
        checkpoint, place = Checkpoint(directory), Placement(torch.device("cpu"), dtype)
        self._talker = checkpoint.load_talker(place)
        self._predictor = checkpoint.load_code_predictor(place)

    @torch.inference_mode()
    def logits(self, history: History) -> list[Array]:
        """Returns the logits, as `Networks` says."""
        prompt, codes = history.prompt, torch.from_numpy(history.codes)
        texts = [prompt.text_id_of_frame(frame) for frame in range(len(codes))]
        text_ids = torch.from_numpy(np.append(prompt.text_ids, texts))
        codec_ids = torch.cat([torch.from_numpy(prompt.codec_ids), codes])
        rows = embed_rows(self._talker, self._predictor, text_ids, codec_ids)
        hidden = self._talker.teacher_forced(rows[None])[0, prompt.num_rows - 1 :]
        others = self._predictor.teacher_forced(
            hidden[:-1], self._talker.embed_codebook0(codes[:, 0]), codes
        )
        logits = [self._talker.codec_head(hidden), *others.unbind(dim=1)]
        return [book.float().numpy() for book in logits]


class GraphNetworks:
    """The built graphs, one step after the other, as the CPU runner runs them."""

    def __init__(
        self,
        description: ModelDescription,
        talker_graphs: Path,
        predictor_graphs: Path,
        *,
        num_positions: int,
        num_threads: int,
    ) -> None:
        config = description.config
        self._num_codebooks = config.talker.num_codebooks
        self._talker = TalkerNetwork(talker_graphs, config.talker, 1, num_positions, num_threads)
        self._predictor = PredictorNetwork(
            predictor_graphs, config.code_predictor, _FRAMES_AT_ONCE, num_threads
        )
        tensors = RawTensors(description.directory)
        self._tables = Tables(tensors, config, talker_graphs / "text.onnx", num_threads)

    def logits(self, history: History) -> list[Array]:
        """Returns the logits, as `Networks` says."""
        codes = history.codes
        vectors = [self._tables.codec(book, codes[:, book]) for book in range(self._num_codebooks)]
        hidden, first = self._talk(history, np.sum(vectors, axis=0))
        parts = [
            self._predict(hidden[i:end], [rows[i:end] for rows in vectors])
            for i in range(0, len(codes), _FRAMES_AT_ONCE)
            for end in [min(i + _FRAMES_AT_ONCE, len(codes))]
        ]
        return [first, *(np.concatenate(book) for book in zip(*parts, strict=True))]

    def _talk(self, history: History, frame_rows: Array) -> tuple[Array, Array]:
        """Returns hidden rows [F + 1, H] and logits [F + 1, V], fed with frames [F, H]."""
        prompt = history.prompt
        text_ids = [prompt.text_id_of_frame(frame) for frame in range(len(frame_rows))]
        rows = frame_rows + self._tables.text(np.array(text_ids))
        out = self._talker.prefill(0, self._tables.prompt(prompt))
        hidden, logits = [out["hidden"][0].copy()], [out["logits"][0].copy()]
        for frame, row in enumerate(rows):
            at = np.array([prompt.num_rows + frame], dtype=np.int32)
            out = self._talker.decode(0, row[None], at)
            hidden.append(out["hidden"][0].copy())  # the next step overwrites them
            logits.append(out["logits"][0].copy())
        return np.stack(hidden), np.stack(logits)

    def _predict(self, hidden: Array, vectors: list[Array]) -> list[Array]:
        """Returns logits [N, V] of codebooks 1 to K - 1 for frames of vectors K x [N, H]."""
        rows, logits = np.stack([hidden, vectors[0]], axis=1), []
        for book in range(1, self._num_codebooks):
            logits.append(self._predictor.logits(book, rows).copy())
            rows = vectors[book][:, None]
        return logits
