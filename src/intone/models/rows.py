"""The talker's input rows from ids: the one place where the two networks' tables are summed.

Inference reads prompts through it, training whole sequences; so both compute the same.
"""

from __future__ import annotations

from torch import Tensor

from intone.models.code_predictor import CodePredictor
from intone.models.talker import Talker


def embed_rows(
    talker: Talker, predictor: CodePredictor, text_ids: Tensor, codec_ids: Tensor
) -> Tensor:
    """Returns the input rows [..., T, H]: text side plus the sum of the codec side.

    Args:
        text_ids: [..., T]; -1 where a row has no text side.
        codec_ids: [..., T, K]; -1 where absent. Codebook 0 is embedded by the talker, codebook k
            by the code predictor's table k-1.
    """
    return talker.embed_text(text_ids) + embed_codes(talker, predictor, codec_ids)


def embed_codes(talker: Talker, predictor: CodePredictor, codec_ids: Tensor) -> Tensor:
    """Returns the codec side [..., T, H] of codec ids [..., T, K]; -1 adds nothing."""
    total = talker.embed_codebook0(codec_ids[..., 0])
    if (codec_ids[..., 1:] < 0).all():
        return total
    for book in range(1, codec_ids.shape[-1]):
        ids = codec_ids[..., book]
        rows = predictor.embed(book, ids.clamp(min=0))
        total = total + rows.masked_fill((ids < 0)[..., None], 0.0)
    return total
