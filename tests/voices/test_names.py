"""No name reaches a path, and no voice hides behind another's."""

from __future__ import annotations

import pytest

from intone.core.errors import InvalidSettingError
from intone.voices.names import BUILTIN_NAMES, PRESET_NAMES, checked_name, is_plain_name

ATTACKS = [
    *("", ".", "..", "../nora", "..\\nora", "/etc/passwd", "C:nora", "C:\\nora", "a/b", "a\\b"),
    *("nora\0", "nora\n", "nora ", " nora", "no ra", "-nora", "_nora", ".nora", "nora.", "nora.."),
    *("~", "~root", "$HOME", "%2e%2e", "nora;ls", "nora*", "nora?", "nora|x", "nora:stream", "a'b"),
    *("CON", "con", "nul.txt", "NUL", "aux", "prn.a.b", "COM1", "lpt9", "x" * 65),
    *("n\u043era", "\uff4eora", "no\u0301ra", "nor\u00e4", "nora\u202e", "\u200bnora", "\u0130x"),
    *("nora\r", "\ud800", "nora\x7f", "\u2024\u2024", "nora\u2215x", "\u0661"),
]


@pytest.mark.parametrize("name", ATTACKS, ids=ascii)
def test_a_name_that_could_lead_elsewhere_is_refused(name: str) -> None:
    assert not is_plain_name(name)
    with pytest.raises(InvalidSettingError, match="cannot be used; allowed"):
        checked_name(name)


@pytest.mark.parametrize("name", ["nora", "Nora-2", "n", "9", "a..b", "a.b", "x" * 64, "console"])
def test_plain_words_are_names(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize("name", ["ryan", "Ryan", "ONO_ANNA", "uncle_fu", "ava", "Fenrir"])
def test_names_of_presets_are_reserved_in_any_case(name: str) -> None:
    with pytest.raises(InvalidSettingError, match="is a preset's"):
        checked_name(name)


def test_thirteen_names_are_reserved() -> None:
    assert len(PRESET_NAMES | BUILTIN_NAMES) == 13
