"""Settings as people read them: as a file with the origin of each value, and as the docs' table."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from intone.server.settings import Settings
from intone.server.settings_layers import PREFIX, Effective

_TABLE_HEAD = "| setting | default | meaning |\n|---|---|---|"


def as_toml(effective: Effective) -> str:
    """Returns the effective settings as a file that would give them again, origins as comments."""
    settings = effective.settings
    lines = [_toml_line("otel", settings.otel, effective.origins["otel"])]
    for section, values in _sections(settings):
        lines += ["", f"[{section}]"]
        for name in type(values).model_fields:
            value = values.__dict__[name]
            lines.append(_toml_line(name, value, effective.origins[f"{section}.{name}"]))
    return "\n".join(lines)


def settings_table() -> str:
    """Returns the table of `docs/serve.md`: every setting, its default, and what it means."""
    lines = [_TABLE_HEAD]
    for section, values in _sections(Settings()):
        for name, field in type(values).model_fields.items():
            lines.append(_row(f"{section}.{name}", values.__dict__[name], field))
    lines.append(_row("otel", Settings().otel, Settings.model_fields["otel"]))
    return "\n".join(lines)


def variable_of(name: str) -> str:
    """Returns the environment variable of a setting."""
    return PREFIX + name.upper().replace(".", "__")


def _sections(settings: Settings) -> Iterator[tuple[str, BaseModel]]:
    for name in Settings.model_fields:
        value = settings.__dict__[name]
        if isinstance(value, BaseModel):
            yield name, value


def _toml_line(name: str, value: object, origin: str) -> str:
    if value is None:
        return f"# {name} is not set"
    return f"{name} = {_toml(value)}  # {origin}"


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return (
            "{ "
            + ", ".join(f"{json.dumps(key)} = {_toml(inner)}" for key, inner in value.items())
            + " }"
        )
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(inner) for inner in value) + "]"
    return json.dumps(value)


def _row(name: str, default: object, field: FieldInfo) -> str:
    meaning = " ".join((field.description or "").split())
    return f"| `{name}` | {_shown(default)} | {meaning} |"


def _shown(default: object) -> str:
    if default is None or default == ():
        return "none"
    if isinstance(default, dict):
        return "see below"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, int | float):
        return f"`{default:_}`"
    return f"`{default}`"
