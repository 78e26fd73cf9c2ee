"""Which rows hold the state after which ICL reference. No torch: the rows are only numbers here."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from intone.core.types import Codes


class WarmVoices:
    """Rows by reference; where there is none left, the one used longest ago is given away."""

    def __init__(self, rows: Sequence[int]) -> None:
        self._free = list(rows)
        self._rows: OrderedDict[bytes, int] = OrderedDict()
        """The voice used longest ago first."""

    @property
    def num_kept(self) -> int:
        return len(self._rows)

    def find(self, ref_codes: Codes) -> int | None:
        """Returns the row that holds the state after these codes [F, K], if one does."""
        key = _key(ref_codes)
        if key not in self._rows:
            return None
        self._rows.move_to_end(key)
        return self._rows[key]

    def keep(self, ref_codes: Codes) -> int | None:
        """Returns the row to put the state after these codes into; None where no voice is kept."""
        if self._free:
            row = self._free.pop()
        elif self._rows:
            _, row = self._rows.popitem(last=False)
        else:
            return None
        self._rows[_key(ref_codes)] = row
        return row


def _key(ref_codes: Codes) -> bytes:
    return hashlib.sha256(ref_codes.astype(np.int64).tobytes()).digest()
