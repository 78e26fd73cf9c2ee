"""Which speaker encoder may measure a dataset's voices: the one that made its x-vectors."""

from __future__ import annotations

from pathlib import Path

from intone.core.errors import DatasetError
from intone.models.checkpoint import SPEAKER, Checkpoint
from intone.models.fingerprint import fingerprint
from intone.train.encoding.dataset import read_origin


def speaker_model_of(data: Path, base: Path, named: Path | None) -> Path | None:
    """Returns the checkpoint to measure voices with; None where the data have no x-vectors.

    Args:
        data: an encoded dataset.
        base: checkpoint that was trained; used if it made the x-vectors.
        named: checkpoint that the user named.

    Raises:
        DatasetError: another encoder made the dataset's x-vectors.
    """
    made_by = read_origin(data).speaker_encoder
    checkpoint = Checkpoint(named or base)
    if made_by is None:
        return None
    if checkpoint.has_speaker_encoder:
        config = checkpoint.config.speaker_encoder
        if fingerprint(checkpoint.directory, SPEAKER, config) == made_by:
            return checkpoint.directory
    if named is None:
        return None
    raise DatasetError(
        f"{named} has not made the x-vectors of {data}, so its own do not compare; give the "
        "checkpoint that the data were encoded with."
    )
