"""What the host hands to the device for one call, as arrays over its rows. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class FrameArrays:
    """One frame of B rows; scratch slot and scratch page fill a batch up."""

    uniforms: Array
    """float64 [B, K]; column k decides codebook k."""
    slots: Array
    """int64 [B]"""
    positions: Array
    """int64 [B], where the talker's new row goes."""
    text_ids: Array
    """int64 [B], the text side of that row; -1 is none."""
    tables: Array
    """int32 [B, table_width], pages; the scratch page where a row has none."""
    may_end: Array
    """bool [B]"""


@dataclass(frozen=True, slots=True)
class PromptArrays:
    """B prompts of up to T rows, padded at the end."""

    text_ids: Array
    """int64 [B, T]; -1 is none."""
    codec_ids: Array
    """int64 [B, T, K]; -1 is none."""
    lengths: Array
    """int64 [B]; 0 fills a batch up."""
    slots: Array
    """int64 [B]"""
    speaker_rows: Array
    """int64 [B], where the x-vector is added."""
    x_vectors: Array
    """float32 [B, H]; zeros without one."""
    settings: Array
    """float32 [B, 2, 5], of talker and code predictor: rows of `prompt_rows.settings_row`."""
    tables: Array
    """int32 [B, table_width]"""
    seen: Array
    """bool [B, V], ids of codebook 0 drawn before the take lost its slot."""
