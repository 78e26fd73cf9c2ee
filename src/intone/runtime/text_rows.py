"""The text side of a take's frames as rows of the talker, embedded as it becomes known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import numpy as np

from intone.prompt.talker_prompt import Ids, TalkerPrompt

RowT = TypeVar("RowT")
"""One row [H], of whatever kind the runner computes with."""


class TextRows(Generic[RowT]):
    """Rows of one take; what is known at the start is embedded in one call."""

    def __init__(self, prompt: TalkerPrompt, embed: Callable[[Ids], Sequence[RowT]]) -> None:
        self._prompt = prompt
        self._embed = embed
        *self._rows, self._padding = embed(np.append(prompt.text_ids_from(0), prompt.pad_text_id))

    def of_frame(self, frame: int) -> RowT:
        """Returns the row of a generated frame (from 0).

        Raises:
            LookupError: its text is not known yet; such a take is not to be stepped.
        """
        if frame < len(self._rows):
            return self._rows[frame]
        is_complete = self._prompt.is_text_complete
        more = self._prompt.text_ids_from(len(self._rows))
        if len(more):
            self._rows.extend(self._embed(more))
        if frame < len(self._rows):
            return self._rows[frame]
        if not is_complete:
            raise LookupError(f"the text of frame {frame} is not known yet")
        return self._padding
