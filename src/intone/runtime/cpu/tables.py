"""Embedding rows, read from the official files by need: nothing of a table is copied or kept.

The text table alone is 0.6 GB in fp32 at the released sizes; a take reads a hundred rows of it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from intone.models.config import ModelConfig
from intone.models.raw_tensors import Array, RawTensors
from intone.prompt.talker_prompt import ABSENT, Ids, TalkerPrompt
from intone.runtime.cpu.sessions import open_session

_TEXT = "talker.model.text_embedding.weight"
_CODEBOOK_0 = "talker.model.codec_embedding.weight"
_CODEBOOK_K = "talker.code_predictor.model.codec_embedding.{}.weight"


class Tables:
    """The talker's input rows from ids, as `models/rows.py` has them."""

    def __init__(
        self, tensors: RawTensors, config: ModelConfig, text_graph: Path, num_threads: int
    ) -> None:
        self._tensors = tensors
        self._num_codebooks = config.talker.num_codebooks
        self._hidden_size = config.talker.hidden_size
        self._text = open_session(text_graph, num_threads)

    def text(self, ids: Ids) -> Array:
        """Returns text rows [T, H] of ids [T]; an absent id gives zeros."""
        out = np.zeros((len(ids), self._hidden_size), dtype=np.float32)
        present = ids != ABSENT
        if present.any():
            embedded = self._tensors.rows(_TEXT, ids[present])
            (out[present],) = self._text.run(["rows"], {"embedded": embedded})
        return out

    def codec(self, book: int, ids: Ids) -> Array:
        """Returns rows [N, H] of codes [N] of one codebook."""
        name = _CODEBOOK_0 if book == 0 else _CODEBOOK_K.format(book - 1)
        return self._tensors.rows(name, ids)

    def prompt(self, prompt: TalkerPrompt) -> Array:
        """Returns the rows [T, H] that the talker reads before its first frame."""
        rows = self.text(prompt.text_ids)
        for book in range(self._num_codebooks):
            ids = prompt.codec_ids[:, book]
            present = ids != ABSENT
            if present.any():
                rows[present] += self.codec(book, ids[present])
        if prompt.speaker_row is not None:
            rows[prompt.speaker_row] += prompt.x_vector
        return rows
