"""Where a new preset speaker lives: a free row of the talker's codec embedding.

Official presets stand at rows 2861 to 3066 of a table whose sounds end at 2048; row 3000 is free in
all of them, and public fine-tuning scripts put their one speaker there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from intone.core.errors import DatasetError
from intone.models.config import ModelConfig

FIRST_ROW_ABOVE_SOUNDS = 952
"""3000 - 2048."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,63}")


def free_rows(config: ModelConfig, names: Sequence[str]) -> dict[str, int]:
    """Returns a row for every new speaker, in the order given, from row 3000 on.

    Raises:
        DatasetError: a name that is taken or cannot be looked up, or no row is left.
    """
    for name in names:
        _check_name(name, config)
    talker = config.talker
    first = config.code_predictor.vocab_size + FIRST_ROW_ABOVE_SOUNDS
    free = [row for row in range(first, talker.vocab_size) if row not in taken_rows(config)]
    if len(free) < len(names):
        raise DatasetError(
            f"{len(names)} new speakers were given, but the codec embedding has {len(free)} free "
            f"rows from {first} on; train fewer speakers in one model."
        )
    return dict(zip(names, free, strict=False))


def taken_rows(config: ModelConfig) -> frozenset[int]:
    """Returns the control, language and speaker rows of a checkpoint."""
    talker = config.talker
    control = (
        talker.codec_bos_id,
        talker.codec_eos_id,
        talker.codec_pad_id,
        talker.codec_think_id,
        talker.codec_nothink_id,
        talker.codec_think_bos_id,
        talker.codec_think_eos_id,
    )
    return frozenset((*control, *talker.language_ids.values(), *talker.speaker_ids.values()))


def _check_name(name: str, config: ModelConfig) -> None:
    if not _NAME.fullmatch(name):
        raise DatasetError(
            f"speaker {name!r} cannot be a preset's name; allowed: lower-case letters, digits and "
            "underscores, 1 to 64. Rename it in the rows and check them again."
        )
    if name in config.talker.language_ids:
        raise DatasetError(f"speaker {name!r} is the name of a language; rename it in the rows.")
