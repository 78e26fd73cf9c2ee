"""The product of this room: the rows that the talker reads before its first frame, and beside it.

A row is the sum of a text side and a codec side; -1 says that a side is absent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from intone.core.types import Codes, Samples
from intone.prompt.live_text import GrowingIds

ABSENT = -1

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TalkerPrompt:
    """Everything that conditions one take, as ids: no weights, no settings, no audio."""

    text_ids: Ids
    """Text side of each prefill row, [T]; -1 where a row has none."""
    codec_ids: Ids
    """Codec side, [T, K]; -1 where absent. Only ICL reference rows use more than column 0."""
    speaker_row: int | None
    """The row whose codec side is `x_vector`; None without an x-vector."""
    x_vector: Samples | None
    """Raw speaker encoder output, [H]."""
    trailing_text_ids: Ids
    """Text side of the first M generated frames, [M]; every later frame has `pad_text_id`."""
    live: GrowingIds | None = None
    """Text that is still being written; its ids from `live_start` on follow `trailing_text_ids`,
    and only then comes the padding."""
    live_start: int = 0
    pad_text_id: int
    ref_codes: Codes | None
    """ICL reference, [F, K]: what the codec must have heard before the first frame."""
    num_text_tokens: int
    """Tokens of the text to be spoken, without reference and instruct; of live text, those that
    were known when the prompt was built."""

    @property
    def num_rows(self) -> int:
        """T, the length of the prefill."""
        return len(self.text_ids)

    @property
    def is_text_complete(self) -> bool:
        """Whether the text side of every frame is known. Live text: ask before `text_ids_from`."""
        return self.live is None or self.live.is_finished

    def text_ids_from(self, frame: int) -> Ids:
        """Returns the text side of generated frames from `frame` (from 0) on, as far as it is
        known, without padding, [N]."""
        known = self.trailing_text_ids[frame:]
        if self.live is None:
            return known
        first = self.live_start + max(0, frame - len(self.trailing_text_ids))
        return np.append(known, np.array(self.live.ids[first:], dtype=np.int64))

    def knows_text_of_frame(self, frame: int) -> bool:
        """Whether a frame can be made: its text is known, or known to be over."""
        if self.live is None or self.live.is_finished:
            return True
        num_known = len(self.trailing_text_ids) + len(self.live.ids) - self.live_start
        return frame < num_known

    def text_id_of_frame(self, frame: int) -> int:
        """Returns the text side of the row that carries generated frame `frame` (from 0)."""
        ids = self.text_ids_from(frame)
        return int(ids[0]) if len(ids) else self.pad_text_id


class RowWriter:
    """Collects rows in order; the builder's scratch."""

    def __init__(self, num_codebooks: int) -> None:
        self._num_codebooks = num_codebooks
        self._text_ids: list[int] = []
        self._codec_rows: list[Sequence[int]] = []

    def __len__(self) -> int:
        return len(self._text_ids)

    def add(self, text_ids: Sequence[int], codec_id: int = ABSENT) -> None:
        """Adds one row per text id, all with the same codec id."""
        row = (codec_id, *[ABSENT] * (self._num_codebooks - 1))
        self._text_ids.extend(text_ids)
        self._codec_rows.extend([row] * len(text_ids))

    def add_frames(self, text_ids: Sequence[int], codes: Codes) -> None:
        """Adds one row per frame of `codes`, [F, K], with F text ids beside them."""
        self._text_ids.extend(text_ids)
        self._codec_rows.extend(codes.tolist())

    def text_ids(self) -> Ids:
        return np.array(self._text_ids, dtype=np.int64)

    def codec_ids(self) -> Ids:
        return np.array(self._codec_rows, dtype=np.int64).reshape(-1, self._num_codebooks)
