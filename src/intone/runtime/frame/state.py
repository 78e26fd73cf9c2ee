"""What the device remembers of every slot between two frames, where it stays for good."""

from __future__ import annotations

import torch
from torch import Tensor

from intone.models.talker import Talker
from intone.runtime.frame.prompt_rows import PADDING, settings_row
from intone.runtime.frame.sampling import NUM_SETTINGS


class SlotState:
    """Rows of S slots and, last, one that padding reads and writes."""

    def __init__(self, talker: Talker, num_slots: int) -> None:
        """Allocates [S + 1, ...]."""
        weight = talker.codec_head.weight
        vocab_size, hidden_size = weight.shape
        device, rows = weight.device, num_slots + 1
        self.scratch_slot = num_slots
        self.hidden = torch.zeros(rows, hidden_size, device=device, dtype=weight.dtype)
        """The talker's last row."""
        self.logits = torch.zeros(rows, vocab_size, device=device)
        """Of the next codebook 0, fp32."""
        self.seen = torch.zeros(rows, vocab_size, device=device, dtype=torch.bool)
        """Ids of codebook 0 drawn so far."""
        scratch = torch.from_numpy(settings_row(PADDING)).to(device)
        self.settings = scratch.expand(rows, 2, NUM_SETTINGS).contiguous()
        """Rows of `settings_row`: of the talker, of the code predictor."""

    def keep(self, slots: Tensor, hidden: Tensor, logits: Tensor) -> None:
        """Stores rows [B, H] and [B, V] of slots [B]; only the scratch slot may come twice."""
        self.hidden.index_copy_(0, slots, hidden)
        self.logits.index_copy_(0, slots, logits)
