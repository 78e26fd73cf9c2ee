"""One frame for the rows of a batch: work on fixed tensors, from kept logits to kept logits."""

from __future__ import annotations

import torch
from torch import Tensor

from intone.runtime.frame.arrays import FrameArrays
from intone.runtime.frame.networks import FrameNetworks
from intone.runtime.frame.sampling import SamplingRows, penalise
from intone.runtime.frame.staging import Field, Upload
from intone.runtime.paged.decoding import PagedDecode
from intone.runtime.slots import NUM_CONTROL_IDS


class FrameInputs:
    """The tensors of `FrameArrays` on the device; padding, until the host says otherwise."""

    def __init__(self, networks: FrameNetworks, batch_size: int, depth: int) -> None:
        books, row = networks.talker.config.num_codebooks, (batch_size,)
        fields = (
            Field(torch.float64, (batch_size, books)),
            Field(torch.int64, row),
            Field(torch.int64, row),
            Field(torch.int64, row),
            Field(torch.int32, (batch_size, networks.table_width)),
            Field(torch.bool, row),
        )
        self._upload = Upload(fields, networks.state.logits.device, depth)
        tensors = self._upload.tensors
        self.uniforms, self.slots, self.positions, self.text_ids, self.tables, self.may_end = (
            tensors
        )
        self.slots.fill_(networks.state.scratch_slot)
        self.tables.fill_(networks.cache.scratch_page)

    def arrays(self) -> FrameArrays:
        """Returns what to fill, every value of it, before `send`."""
        return FrameArrays(*self._upload.arrays())

    def send(self) -> None:
        """Copies what was filled to the device."""
        self._upload.send()


class FrameStep:
    """Calling it makes one frame of every row; the same tensors each time, no value looked at.

    A row whose codebook 0 is the end has no frame, and goes on without harm to others.
    """

    def __init__(self, networks: FrameNetworks, inputs: FrameInputs) -> None:
        config, device = networks.talker.config, inputs.slots.device
        self._networks = networks
        self._inputs = inputs
        self._attend = PagedDecode(
            networks.cache, inputs.tables, inputs.positions, networks.attend_rows
        )
        ids = torch.arange(config.vocab_size, device=device)
        self._is_end = ids == config.codec_eos_id
        self._is_banned = (ids >= config.vocab_size - NUM_CONTROL_IDS) & ~self._is_end
        self._true = torch.ones((), dtype=torch.bool, device=device)
        shape = (len(inputs.slots), config.num_codebooks)
        self.codes = torch.zeros(shape, dtype=torch.int64, device=device)
        """[B, K]"""

    def __call__(self) -> None:
        self.advance(self.complete(self.draw_codebook0()))

    def draw_codebook0(self) -> Tensor:
        """Returns codebook 0 of every row, [B], drawn from the kept logits."""
        slots, state = self._inputs.slots, self._networks.state
        sampling = SamplingRows.of(self._settings()[:, 0], state.logits.shape[1])
        logits = state.logits.index_select(0, slots)
        logits = penalise(logits, state.seen.index_select(0, slots), sampling)
        is_banned = self._is_banned | (self._is_end & ~self._inputs.may_end[:, None])
        logits = logits.masked_fill(is_banned, float("-inf"))
        codebook0 = self._networks.draw(logits, sampling, self._inputs.uniforms[:, 0])
        state.seen.index_put_((slots, codebook0), self._true)
        return codebook0

    def complete(self, codebook0: Tensor) -> Tensor:
        """Keeps frames that begin with codebook 0 [B]; returns their embeddings' sums [B, H]."""
        codes, total = self._networks.predictor.complete(
            self._networks.state.hidden.index_select(0, self._inputs.slots),
            codebook0,
            self._settings()[:, 1],
            self._inputs.uniforms,
        )
        self.codes.copy_(codes)
        return total

    def _settings(self) -> Tensor:
        return self._networks.state.settings.index_select(0, self._inputs.slots)

    def advance(self, frame_rows: Tensor) -> None:
        """One talker step: each frame [B, H] plus its text row becomes its take's next row."""
        networks, inputs = self._networks, self._inputs
        x = frame_rows + networks.tables.text(inputs.text_ids)
        cos, sin = networks.rotary.rows(inputs.positions, x.dtype)
        hidden = networks.talk(x[:, None], (cos[:, None], sin[:, None]), self._attend)
        networks.keep(inputs.slots, hidden[:, 0])
