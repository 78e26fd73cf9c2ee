"""What a voice may be called: a plain word that is a file's name on every system, and nothing more.

Only letters of ASCII: a name that looks like another one is another one nowhere. Case does not
make a difference, as on the file systems of macOS and Windows.
"""

from __future__ import annotations

import re

from intone.core.errors import InvalidSettingError

MAX_NAME_LENGTH = 64

PRESET_NAMES = frozenset(
    ("aiden", "dylan", "eric", "ono_anna", "ryan", "serena", "sohee", "uncle_fu", "vivian")
)
"""The speakers of the released CustomVoice checkpoints."""

BUILTIN_NAMES = frozenset(("ava", "bella", "fenrir", "michael"))
"""The speakers of the voice in the box."""

_ALLOWED = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.-]{{0,{MAX_NAME_LENGTH - 1}}}")
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")
"""Names of devices on Windows, with any ending."""


def checked_name(name: str) -> str:
    """Returns the name of a voice that may be kept under it.

    Raises:
        InvalidSettingError: not a plain word, or taken by a preset.
    """
    word = name.casefold()
    if not is_plain_name(name):
        raise InvalidSettingError(
            f"voice name {name!r} cannot be used; allowed: 1 to {MAX_NAME_LENGTH} of A-Z, a-z, "
            "0-9, '_', '-' and '.', a letter or digit first, no '.' last, and no name that a "
            "system gives to a device (con, nul, com1). Choose such a name."
        )
    if word in PRESET_NAMES | BUILTIN_NAMES:
        raise InvalidSettingError(
            f"voice name {name!r} is a preset's; allowed: any name but "
            f"{', '.join(sorted(PRESET_NAMES | BUILTIN_NAMES))}. Choose another."
        )
    return name


def is_plain_name(name: str) -> bool:
    """Whether a name can be a file's on every system and leads nowhere else."""
    return (
        _ALLOWED.fullmatch(name) is not None
        and not name.endswith(".")
        and _DEVICES.fullmatch(name.casefold()) is None
    )
