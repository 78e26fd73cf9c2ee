"""The cast of a script: who is spoken by which voice, from a JSON file.

    {"Nora": "nora", "Max": {"voice": "max", "language": "german", "instruct": "An old man."}}

Whether the voices exist is for whoever has a library; this room knows names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from intone.core.errors import TextFileError
from intone.text.languages import find_language, known_languages
from intone.text.reading import read_text
from intone.text.writing import folded_name

_FORM = '{"NAME": "VOICE"} or {"NAME": {"voice": …, "language": …, "instruct": …}}'
_FIELDS = ("voice", "language", "instruct")
_NOT_IN_A_NAME = "[](),:：\\\n\r\t"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """How one name of a cast is spoken."""

    voice: str
    """A preset, or a voice of the library."""
    language: str | None = None
    """By name; None leaves it to the script."""
    instruct: str | None = None
    """How this person speaks in general."""


class Cast(Mapping[str, Role]):
    """Roles by name, in the file's order; names are found in any case of letters."""

    def __init__(self, roles: Mapping[str, Role]) -> None:
        self._roles = dict(roles)
        self._names = {folded_name(name): name for name in roles}

    def __getitem__(self, name: str) -> Role:
        return self._roles[self._names[folded_name(name)]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._roles)

    def __len__(self) -> int:
        return len(self._roles)


def read_cast(path: Path) -> Cast:
    """Returns the cast of a JSON file.

    Raises:
        TextFileError: see `parse_cast`; or the file cannot be read as UTF-8.
    """
    return parse_cast(read_text(path), name=str(path))


def parse_cast(source: str, *, name: str) -> Cast:
    """Returns the cast that JSON text holds; `name` is the file's, for messages.

    Raises:
        TextFileError: no JSON (with line and column); not a name to voice form; a name that is
            there twice, or that a script could not hold; a field or a language that is unknown.
    """
    try:
        pairs = json.loads(source, object_pairs_hook=_Pairs)
    except json.JSONDecodeError as error:
        raise TextFileError(
            f"{name}, line {error.lineno}, column {error.colno}: no JSON ({error.msg}); a cast "
            f"looks like {_FORM}."
        ) from error
    except RecursionError as error:
        raise TextFileError(f"{name} is nested too deeply; a cast looks like {_FORM}.") from error
    if not isinstance(pairs, _Pairs) or not pairs:
        raise TextFileError(f"{name} holds no cast; write {_FORM}.")
    roles: dict[str, Role] = {}
    for speaker, value in pairs:
        _check_name(speaker, roles, name)
        roles[speaker] = _role(speaker, value, name)
    return Cast(roles)


class _Pairs(list[tuple[str, object]]):
    """A JSON object as it stands in the file: a name that is there twice is seen."""


def _check_name(speaker: str, roles: Mapping[str, Role], file: str) -> None:
    if not speaker.strip() or speaker != speaker.strip():
        raise TextFileError(f"{file}: the name {speaker!r} is blank or has blanks around it.")
    bad = sorted(set(speaker) & set(_NOT_IN_A_NAME))
    if bad:
        raise TextFileError(
            f"{file}: the name {speaker!r} holds {bad[0]!r}, which a script line cannot; "
            "use letters, digits, blanks, dashes."
        )
    if folded_name(speaker) in map(folded_name, roles):
        raise TextFileError(f"{file}: the name {speaker!r} is there twice; keep one.")


def _role(speaker: str, value: object, file: str) -> Role:
    pairs: list[tuple[str, object]] = [("voice", value)] if isinstance(value, str) else []
    if isinstance(value, _Pairs):
        pairs = value
    if not pairs:
        raise TextFileError(f"{file}: {speaker!r} has {_short(value)}; write {_FORM}.")
    fields: dict[str, str] = {}
    for key, text in pairs:
        if key not in _FIELDS or key in fields:
            problem = "is there twice" if key in fields else "is unknown"
            raise TextFileError(
                f"{file}: {speaker!r}: the field {key!r} {problem}; allowed, once each: "
                f"{', '.join(_FIELDS)}."
            )
        if not isinstance(text, str) or not text.strip():
            raise TextFileError(f"{file}: {speaker!r}: {key} is {_short(text)}; give a text.")
        fields[key] = text.strip()
    if "voice" not in fields:
        raise TextFileError(f"{file}: {speaker!r} has no voice; add the field 'voice'.")
    return Role(
        voice=fields["voice"],
        language=_language(speaker, fields.get("language"), file),
        instruct=fields.get("instruct"),
    )


def _language(speaker: str, given: str | None, file: str) -> str | None:
    if given is None:
        return None
    name = find_language(given)
    if name is None:
        raise TextFileError(
            f"{file}: {speaker!r}: the language {given!r} is unknown; allowed: {known_languages()}."
        )
    return name


def _short(value: object) -> str:
    shown = dict(value) if isinstance(value, _Pairs) else value
    text = json.dumps(shown, ensure_ascii=False, default=str)
    return text if len(text) <= 40 else f"{text[:39]}…"
