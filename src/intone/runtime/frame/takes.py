"""What the host knows of running takes, as arrays over slots: a launch costs a few bulk reads.

No torch, and no loop over rows but the one that draws random words.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from intone.runtime.frame.arrays import FrameArrays
from intone.runtime.job import SlotStart
from intone.runtime.rng import FrameDraws, uniforms_of

Ids = npt.NDArray[np.int64]

_FIRST_TEXT_WIDTH = 256
"""Text ids that a slot has room for before the table grows."""


class RunningTakes:
    """Positions, text, pages and random numbers of S slots; used by one thread."""

    def __init__(
        self, num_slots: int, table_width: int, num_codebooks: int, scratch_page: int
    ) -> None:
        self._scratch_slot = num_slots
        self._scratch_page = scratch_page
        self._num_codebooks = num_codebooks
        self._position = np.zeros(num_slots, dtype=np.int64)
        self._frame = np.zeros(num_slots, dtype=np.int64)
        self._min_frames = np.zeros(num_slots, dtype=np.int64)
        self._text = np.zeros((num_slots, _FIRST_TEXT_WIDTH), dtype=np.int64)
        self._num_text = np.zeros(num_slots, dtype=np.int64)
        self._padding = np.zeros(num_slots, dtype=np.int64)
        self._tables = np.full((num_slots, table_width), scratch_page, dtype=np.int32)
        self._num_pages = np.zeros(num_slots, dtype=np.int64)
        self._draws: dict[int, FrameDraws] = {}
        self._live: dict[int, SlotStart] = {}
        """Takes whose text is still being written, by slot."""

    def begin(self, start: SlotStart) -> None:
        """Takes note of a take whose next frame follows on its prompt and the frames it has."""
        slot, job = start.slot, start.job
        self.release(slot)
        num_frames = 0 if start.frames is None else len(start.frames)
        self._position[slot] = start.num_positions
        self._frame[slot] = num_frames
        self._min_frames[slot] = job.min_frames
        self._padding[slot] = job.prompt.pad_text_id
        self._draws[slot] = FrameDraws(job.seed, num_frames)
        self._num_text[slot] = 0
        if not job.prompt.is_text_complete:
            self._live[slot] = start
        self._add_text(slot, job.prompt.text_ids_from(0))
        self.grow(slot, start.pages)

    def table(self, slot: int) -> npt.NDArray[np.int32]:
        """Returns the pages of a slot, [table_width]."""
        row: npt.NDArray[np.int32] = self._tables[slot]
        return row

    def grow(self, slot: int, pages: Sequence[int]) -> None:
        """Adds pages after those a slot has."""
        first = int(self._num_pages[slot])
        self._tables[slot, first : first + len(pages)] = pages
        self._num_pages[slot] = first + len(pages)

    def release(self, slot: int) -> None:
        """Forgets a take."""
        self._draws.pop(slot, None)
        self._live.pop(slot, None)
        self._tables[slot] = self._scratch_page
        self._num_pages[slot] = 0

    def next_frames(self, slots: Sequence[int], into: FrameArrays) -> None:
        """Fills the rows of one launch, padding included, and counts the frames as made.

        Raises:
            LookupError: the text of a frame is not known yet; such a take is not to be stepped.
        """
        rows, num_rows = np.array(slots, dtype=np.int64), len(slots)
        frames = self._frame[rows]
        into.slots[:num_rows], into.slots[num_rows:] = rows, self._scratch_slot
        into.positions[:num_rows], into.positions[num_rows:] = self._position[rows], 0
        into.text_ids[:num_rows], into.text_ids[num_rows:] = self._text_ids(rows, frames), -1
        into.tables[:num_rows], into.tables[num_rows:] = self._tables[rows], self._scratch_page
        into.may_end[:num_rows], into.may_end[num_rows:] = frames >= self._min_frames[rows], False
        words = [self._draws[slot].next_words(self._num_codebooks) for slot in slots]
        into.uniforms[:num_rows], into.uniforms[num_rows:] = uniforms_of(np.stack(words)), 0.0
        self._position[rows] += 1
        self._frame[rows] += 1

    def _text_ids(self, rows: Ids, frames: Ids) -> Ids:
        for slot in [slot for slot in self._live if slot in rows]:
            self._read_live(slot)
        last = np.maximum(self._num_text[rows] - 1, 0)
        known = self._text[rows, np.minimum(frames, last)]
        ids: Ids = np.where(frames < self._num_text[rows], known, self._padding[rows])
        return ids

    def _read_live(self, slot: int) -> None:
        """Takes over what was written since; the padding begins when nothing follows."""
        prompt, frame = self._live[slot].job.prompt, int(self._frame[slot])
        is_complete = prompt.is_text_complete
        self._add_text(slot, prompt.text_ids_from(int(self._num_text[slot])))
        if is_complete:
            del self._live[slot]
        elif frame >= self._num_text[slot]:
            raise LookupError(f"the text of frame {frame} is not known yet")

    def _add_text(self, slot: int, ids: Ids) -> None:
        first = int(self._num_text[slot])
        end = first + len(ids)
        if end > self._text.shape[1]:
            more = max(end, 2 * self._text.shape[1]) - self._text.shape[1]
            self._text = np.pad(self._text, ((0, 0), (0, more)))
        self._text[slot, first:end] = ids
        self._num_text[slot] = end
