"""Rows as the trainer reads them: codec frames and speaker vectors in the place of sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import overload

from intone.core.types import Codes, Samples
from intone.train.rows import Split, TrainingRow


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EncodedRow:
    """One utterance after the codec encoder and the speaker encoder."""

    row: TrainingRow
    codes: Codes
    """int64 [F, K]"""
    x_vector: Samples | None
    """Of the row's reference clip, or of its own clip where it names none, [H]; None when the
    dataset was encoded without a speaker encoder."""
    ref_codes: Codes | None = None
    """Reference clip's frames, [F', K]; only where the row has a `ref_text`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EncodedDataset:
    """Every encoded row, in the order of the checked rows."""

    rows: Sequence[EncodedRow]
    speakers: Mapping[str, Samples]
    """Mean x-vector of each speaker's training rows, fp32 [H]; empty without a speaker encoder."""
    content_hash: str
    """SHA-256 over rows and codes: which data a run has seen."""

    def split(self, name: Split) -> Sequence[EncodedRow]:
        """Returns the rows of one split, in order; each is read when it is asked for."""
        chosen = [i for i, encoded in enumerate(self.rows) if encoded.row.split == name]
        return _ChosenRows(self.rows, chosen)


class _ChosenRows(Sequence[EncodedRow]):
    """Some rows of a sequence, without holding their arrays."""

    def __init__(self, rows: Sequence[EncodedRow], chosen: Sequence[int]) -> None:
        self._rows, self._chosen = rows, chosen

    def __len__(self) -> int:
        return len(self._chosen)

    @overload
    def __getitem__(self, index: int) -> EncodedRow: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[EncodedRow]: ...
    def __getitem__(self, index: int | slice) -> EncodedRow | Sequence[EncodedRow]:
        if isinstance(index, slice):
            return _ChosenRows(self._rows, self._chosen[index])
        return self._rows[self._chosen[index]]
