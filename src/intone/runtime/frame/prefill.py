"""The first rows of takes: padded batches of prompts, into pages and slots.

Sizes are few, so that the common ones can be recorded; a prompt pays for its padding with
arithmetic, which a prefill has to spare on a GPU. A long prompt is a batch of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from intone.runtime.frame.arrays import PromptArrays
from intone.runtime.frame.networks import FrameNetworks
from intone.runtime.frame.sampling import NUM_SETTINGS
from intone.runtime.frame.staging import Field, Upload
from intone.runtime.job import SlotStart
from intone.runtime.paged.prefilling import PagedPrefill

Size = tuple[int, int]
"""Prompts and rows of each: B, T."""

PADDED_ROWS = (32, 64, 128, 256, 512, 1024)
RECORDED_ROWS = 256
"""Longer prompts keep the device busy without a graph, and their graphs would hold much memory."""

PADDED_PROMPTS = (1, 2, 4)

_LONG_ROWS = 512
"""Prompts beyond the padded sizes come in multiples of this."""


def padded_rows(num_rows: int) -> int:
    """Returns T for a prompt: the smallest size that holds it."""
    for size in PADDED_ROWS:
        if num_rows <= size:
            return size
    return -(-num_rows // _LONG_ROWS) * _LONG_ROWS


def recorded_sizes(num_positions: int, num_slots: int) -> list[Size]:
    """Returns the sizes that belong into graphs; none that no prompt or batch could need."""
    longest = min(RECORDED_ROWS, padded_rows(num_positions))
    most = _padded_prompts(num_slots)
    prompts = [size for size in PADDED_PROMPTS if size <= most]
    return [(size, rows) for rows in PADDED_ROWS if rows <= longest for size in prompts]


def batches(starts: Sequence[SlotStart]) -> list[tuple[Size, list[SlotStart]]]:
    """Returns the starts in batches of like lengths, each with the size it is padded to."""
    by_length = sorted(starts, key=lambda start: start.num_positions)
    found: list[tuple[Size, list[SlotStart]]] = []
    while by_length:
        rows = padded_rows(by_length[0].num_positions)
        most = PADDED_PROMPTS[-1] if rows <= PADDED_ROWS[-1] else 1
        batch = [start for start in by_length[:most] if start.num_positions <= rows]
        found.append(((_padded_prompts(len(batch)), rows), batch))
        by_length = by_length[len(batch) :]
    return found


def _padded_prompts(num_prompts: int) -> int:
    return next((size for size in PADDED_PROMPTS if num_prompts <= size), PADDED_PROMPTS[-1])


class PromptInputs:
    """The tensors of `PromptArrays` on the device; padding, until the host says otherwise."""

    def __init__(self, networks: FrameNetworks, size: Size, depth: int) -> None:
        config, (prompts, rows) = networks.talker.config, size
        fields = (
            Field(torch.int64, (prompts, rows)),
            Field(torch.int64, (prompts, rows, config.num_codebooks)),
            Field(torch.int64, (prompts,)),
            Field(torch.int64, (prompts,)),
            Field(torch.int64, (prompts,)),
            Field(torch.float32, (prompts, config.hidden_size)),
            Field(torch.float32, (prompts, 2, NUM_SETTINGS)),
            Field(torch.int32, (prompts, networks.table_width)),
            Field(torch.bool, (prompts, config.vocab_size)),
        )
        self._upload = Upload(fields, networks.state.logits.device, depth)
        (
            self.text_ids,
            self.codec_ids,
            self.lengths,
            self.slots,
            self.speaker_rows,
            self.x_vectors,
            self.settings,
            self.tables,
            self.seen,
        ) = self._upload.tensors
        self.slots.fill_(networks.state.scratch_slot)
        self.tables.fill_(networks.cache.scratch_page)
        self.settings.copy_(networks.state.settings[-1:].expand(prompts, -1, -1))

    def arrays(self) -> PromptArrays:
        """Returns what to fill, every value of it, before `send`."""
        return PromptArrays(*self._upload.arrays())

    def send(self) -> None:
        """Copies what was filled to the device."""
        self._upload.send()


class PromptStep:
    """Calling it reads one padded batch of prompts; the same tensors each time."""

    def __init__(self, networks: FrameNetworks, inputs: PromptInputs) -> None:
        self._networks = networks
        self._inputs = inputs
        self._attend = PagedPrefill(networks.cache, inputs.tables, inputs.lengths)
        self._prompts = torch.arange(len(inputs.lengths), device=inputs.lengths.device)

    def __call__(self) -> None:
        networks, inputs = self._networks, self._inputs
        hidden = networks.talker(self._rows(), networks.rotary, 0, self._attend)
        last = hidden[self._prompts, (inputs.lengths - 1).clamp(min=0)]
        networks.state.settings.index_copy_(0, inputs.slots, inputs.settings)
        networks.state.seen.index_copy_(0, inputs.slots, inputs.seen)
        networks.keep(inputs.slots, last)

    def _rows(self) -> Tensor:
        """Returns the talker's input rows [B, T, H]."""
        inputs = self._inputs
        rows = self._networks.tables.prompt(inputs.text_ids, inputs.codec_ids)
        x_vectors = inputs.x_vectors.to(rows.dtype)[:, None]
        return rows.scatter_add(
            1, inputs.speaker_rows[:, None, None].expand_as(x_vectors), x_vectors
        )
