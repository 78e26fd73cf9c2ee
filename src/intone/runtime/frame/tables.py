"""The tables of a checkpoint, multiplied at load with what follows them.

A frame's text row costs one read of a row instead of two matrix products; so does each row that
the code predictor is fed. Sums of a frame's embeddings, which the talker reads, have the talker's
width and use the tables as they are.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from intone.models.code_predictor import CodePredictor
from intone.models.talker import Talker

_TEXT_ROWS = 8192
"""Rows of the vocabulary that are multiplied at a time; at the released width 32 MiB in bf16."""


class FoldedTables:
    """Embeddings of ids, ready to be read by talker and code predictor."""

    def __init__(self, talker: Talker, predictor: CodePredictor) -> None:
        """Multiplies every table once; the text table is then no longer needed by a frame."""
        embeddings = [talker.model.codec_embedding, *predictor.model.codec_embedding]
        self.codes: list[Tensor] = [each.weight.detach() for each in embeddings]
        """Of codebook k, [V, H]: what the talker reads."""
        self._into_predictor = predictor.small_to_mtp_projection
        self.predictor_codes = [self._into_predictor(table).detach() for table in self.codes[:-1]]
        """Of codebook k up to K-2, [V, predictor H]: what the code predictor reads."""
        self._text = _folded_text(talker)

    def text(self, ids: Tensor) -> Tensor:
        """Returns rows [..., H] of text ids [...]; -1 gives zeros."""
        return functional.embedding(ids.remainder(len(self._text)), self._text)

    def code(self, codebook: int, ids: Tensor) -> Tensor:
        """Returns rows [..., H] of ids [...] of a codebook."""
        return functional.embedding(ids, self.codes[codebook])

    def predictor_code(self, codebook: int, ids: Tensor) -> Tensor:
        """Returns rows [..., predictor H] of ids [...] of a codebook."""
        return functional.embedding(ids, self.predictor_codes[codebook])

    def predictor_hidden(self, hidden: Tensor) -> Tensor:
        """Returns the talker's hidden rows [..., H] as the code predictor reads them."""
        rows: Tensor = self._into_predictor(hidden)
        return rows

    def prompt(self, text_ids: Tensor, codec_ids: Tensor) -> Tensor:
        """Returns input rows [..., T, H] as `models.rows.embed_rows` does, without a look at ids.

        Args:
            text_ids: [..., T]; -1 where a row has no text side.
            codec_ids: [..., T, K]; -1 where absent.
        """
        total = self._code_or_zeros(0, codec_ids[..., 0])
        for book in range(1, codec_ids.shape[-1]):
            total = total + self._code_or_zeros(book, codec_ids[..., book])
        return self.text(text_ids) + total

    def _code_or_zeros(self, codebook: int, ids: Tensor) -> Tensor:
        return self.code(codebook, ids.clamp(min=0)).masked_fill((ids < 0)[..., None], 0.0)


def _folded_text(talker: Talker) -> Tensor:
    """Returns [V + 1, H]; the last row, which -1 reads from the end, is zeros."""
    table = talker.model.text_embedding.weight.detach()
    like = talker.codec_head.weight
    folded = torch.zeros(len(table) + 1, like.shape[1], device=like.device, dtype=like.dtype)
    for first in range(0, len(table), _TEXT_ROWS):
        rows = talker.text_projection(table[first : first + _TEXT_ROWS].to(like.device))
        folded[first : first + len(rows)] = rows
    return folded
