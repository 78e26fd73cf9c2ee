"""How a dataset is encoded, and what a run of the stage did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from intone.core.errors import InvalidSettingError
from intone.train.data.verdicts import Code, Rejection
from intone.train.encoding.shards import Cut


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeSettings:
    """How a dataset is encoded. Only the two models and `trim` decide what comes out."""

    model: Path
    """Checkpoint that will be trained."""
    speaker_encoder: Path | None = None
    """Checkpoint whose speaker encoder is used; None: the model's own, if it has one."""
    trim: bool = False
    """Cut silence at the ends of rows' clips down to 0.1 s and 0.2 s."""
    device: str = "cpu"
    processes: int | None = None
    """None: one per core on a CPU, at most 8; one on a GPU."""
    batch_s: float | None = None
    """Padded seconds of audio in a batch; None: clip by clip on a CPU, 120 on a GPU."""
    max_failed_share: float = 0.0

    def __post_init__(self) -> None:
        if self.processes is not None and self.processes < 1:
            raise InvalidSettingError(f"processes is {self.processes}; allowed: 1 or more.")
        if self.batch_s is not None and not 0 <= self.batch_s < float("inf"):
            raise InvalidSettingError(
                f"batch-seconds is {self.batch_s:g}; allowed: 0 (clip by clip) or more."
            )
        if not 0 <= self.max_failed_share <= 1:
            raise InvalidSettingError(
                f"max-failed is {self.max_failed_share:g}; allowed: a share from 0 to 1, or 5%."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeReport:
    """What there is now, and what this run did for it."""

    encoded: int
    """Rows that training can read."""
    failures: Sequence[Rejection]
    """The other rows."""
    audio_s: float
    """Of all encoded rows, by their frames."""
    speakers: int
    has_x_vectors: bool
    records_made: int
    """Codes and x-vectors that this run encoded."""
    records_kept: int
    """Those that it found."""
    read_s: float
    """Audio that this run went through."""
    elapsed_s: float
    cuts: Sequence[Cut]
    """Torn ends that an earlier run left."""

    @property
    def rows(self) -> int:
        """Returns the rows of the dataset: encoded and failed."""
        return self.encoded + len(self.failures)

    @property
    def failed_by_code(self) -> Counter[Code]:
        return Counter(failure.code for failure in self.failures)

    @property
    def rtf(self) -> float:
        """Returns audio seconds per wall second; 0 where nothing was to be done."""
        return self.read_s / self.elapsed_s if self.elapsed_s > 0 else 0.0
