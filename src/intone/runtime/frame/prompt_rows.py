"""From takes that begin, or begin again, to the arrays of a prefill. No torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from intone.core.types import SamplingParams
from intone.prompt.talker_prompt import Ids, TalkerPrompt
from intone.runtime.frame.arrays import Array, PromptArrays
from intone.runtime.job import SlotStart

PADDING = SamplingParams(greedy=True)
"""Settings of rows that fill batches up."""


def settings_row(params: SamplingParams) -> npt.NDArray[np.float32]:
    """Returns temperature, top-k, top-p, repetition penalty and greedy, [5]."""
    top_k = min(params.top_k, 2**24)  # exact in float32, and no vocabulary is larger
    row = (params.temperature, top_k, params.top_p, params.repetition_penalty, params.greedy)
    return np.array(row, dtype=np.float32)


def fill_prompts(
    into: PromptArrays,
    starts: Sequence[SlotStart],
    tables: Sequence[Array],
    *,
    scratch_slot: int,
    scratch_page: int,
) -> None:
    """Writes every value of a padded batch.

    Args:
        tables: of each start, int32 [table_width].
    """
    into.text_ids[:] = into.codec_ids[:] = -1
    into.slots[:], into.tables[:] = scratch_slot, scratch_page
    into.lengths[:] = into.speaker_rows[:] = 0
    into.x_vectors[:], into.seen[:] = 0.0, False
    into.settings[:] = settings_row(PADDING)
    for row, (start, table) in enumerate(zip(starts, tables, strict=True)):
        into.tables[row] = table
        _fill_prompt(into, row, start)


def _fill_prompt(into: PromptArrays, row: int, start: SlotStart) -> None:
    prompt, job = start.job.prompt, start.job
    text_ids, codec_ids = rows_of(start)
    into.text_ids[row, : len(text_ids)] = text_ids
    into.codec_ids[row, : len(codec_ids)] = codec_ids
    into.lengths[row], into.slots[row] = len(text_ids), start.slot
    into.settings[row, 0] = settings_row(job.sampling)
    into.settings[row, 1] = settings_row(job.predictor_sampling)
    if prompt.speaker_row is not None:
        assert prompt.x_vector is not None
        into.speaker_rows[row], into.x_vectors[row] = prompt.speaker_row, prompt.x_vector
    if start.frames is not None:
        into.seen[row, start.frames[:, 0]] = True


def rows_of(start: SlotStart) -> tuple[Ids, Ids]:
    """Returns text ids [T] and codec ids [T, K]: those of the prompt, then a row for each frame."""
    prompt = start.job.prompt
    if start.frames is None:
        return prompt.text_ids, prompt.codec_ids
    frame_text = _text_of_frames(prompt, len(start.frames))
    return (
        np.concatenate([prompt.text_ids, frame_text]),
        np.concatenate([prompt.codec_ids, start.frames]),
    )


def _text_of_frames(prompt: TalkerPrompt, num_frames: int) -> Ids:
    """Returns the text ids [F] that were read with the first frames."""
    known = prompt.text_ids_from(0)[:num_frames]
    return np.pad(known, (0, num_frames - len(known)), constant_values=prompt.pad_text_id)
