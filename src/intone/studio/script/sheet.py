"""What a user asks of a script: its text, who speaks, in which language, with which seed."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from intone.core.errors import InvalidSettingError
from intone.core.types import MAX_SEED
from intone.text.cast import Cast, Role
from intone.text.languages import AUTO
from intone.text.markup import parse_script
from intone.text.script import Script
from intone.text.writing import folded_name

_FRESH_SEEDS = 2**32
"""Small enough to be read aloud and typed again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The fields of the tab."""

    text: str
    identity: str | None = None
    """Who speaks what nobody else does: a preset, a kept voice, or a description."""
    is_dialogue: bool = True
    """Lines such as "Nora: …" are speeches."""
    cast: Mapping[str, str] = field(default_factory=dict)
    """Who speaks with which voice; whoever is not in it has the voice of `identity`."""
    language: str = AUTO
    seed: int | None = None
    """None draws one, once for the project."""

    def script(self) -> Script:
        """Returns the segments of the text.

        Raises:
            MarkupError: a tag or a line means nothing; with its place.
            EmptyTextError: there is nothing to speak.
        """
        return parse_script(self.text, dialogue=self.is_dialogue)

    def roles(self, script: Script) -> Cast | None:
        """Returns the voices of those who speak in a script and have one of their own."""
        chosen = {folded_name(name): voice for name, voice in self.cast.items() if voice}
        roles = {
            name: Role(voice=chosen[folded_name(name)])
            for name in script.speakers
            if folded_name(name) in chosen
        }
        return Cast(roles) if roles else None


def seed_of(written: str) -> int | None:
    """Returns the seed that stands in a field; None where it is empty.

    Raises:
        InvalidSettingError: it is no number, or none that a seed may be.
    """
    if not written.strip():
        return None
    try:
        seed = int(written.strip())
    except ValueError:
        seed = -1
    if not 0 <= seed <= MAX_SEED:
        raise InvalidSettingError(
            f"seed is {written.strip()!r:.40}; allowed: a whole number from 0 to "
            f"{MAX_SEED}, or nothing."
        )
    return seed


def fresh_seed() -> int:
    """Returns a seed that nobody chose."""
    return secrets.randbelow(_FRESH_SEEDS)


def cast_of(written: str) -> dict[str, str]:
    """Returns the cast that a page keeps; anything else is none."""
    try:
        cast = json.loads(written or "{}")
    except ValueError:
        return {}
    if not isinstance(cast, dict):
        return {}
    return {name: voice for name, voice in cast.items() if isinstance(voice, str)}
