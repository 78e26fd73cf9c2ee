"""From flags, environment and file to settings, with the layer that each value came from.

The layers are joined here and not inside pydantic-settings, so that `--print-config` can say who
won, and so that a name that nobody knows is refused with its place.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_settings import EnvSettingsSource

from intone.core.errors import InvalidSettingError
from intone.server.settings import Settings

PREFIX = "INTONE_"
CONFIG_VARIABLE = "INTONE_CONFIG"
DEFAULT = "default"

Values = dict[str, Any]
"""Nested: a section's values stand in a table of its name."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Values from one place, which is named in errors and by `--print-config`."""

    origin: str
    values: Values


@dataclass(frozen=True, slots=True)
class Effective:
    """Settings, and the origin of each by its dotted name."""

    settings: Settings
    origins: Mapping[str, str]


def joined(layers: Sequence[Layer]) -> Effective:
    """Returns what holds; an earlier layer wins over a later one.

    Raises:
        InvalidSettingError: an unknown name or a value that cannot be, with its origin.
    """
    values: Values = {}
    origins: dict[str, str] = {}
    for layer in reversed(layers):
        for name, value in _leaves(layer.values):
            _check_known(name, layer.origin)
            _put(values, name, value)
            origins[name] = layer.origin
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise InvalidSettingError(_mistake(error, origins)) from None
    return Effective(settings, {name: origins.get(name, DEFAULT) for name in setting_names()})


def environment_layer(environ: Mapping[str, str]) -> Layer:
    """Returns what INTONE_SECTION__NAME variables say.

    Args:
        environ: names are checked here; values are read by pydantic-settings from the process.

    Raises:
        InvalidSettingError: a variable names no setting.
    """
    known = set(setting_names())
    for variable in environ:
        name = variable.removeprefix(PREFIX).lower().replace("__", ".")
        if variable.startswith(PREFIX) and "." in name and name not in known:
            raise InvalidSettingError(
                f"{variable} names no setting{_near(name)}; `intone serve --print-config` lists "
                "them all."
            )
    return Layer("environment", dict(EnvSettingsSource(Settings)()))


def file_layer(path: Path) -> Layer:
    """Returns what a TOML file says; raises InvalidSettingError where it cannot be read."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidSettingError(f"cannot read {path}: {error.strerror}.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidSettingError(f"{path} is not TOML: {error}.") from error
    return Layer(f"file {path}", values)


def assignment(words: str) -> tuple[str, str]:
    """Returns name and value of "section.name=value"; raises InvalidSettingError."""
    name, equals, value = words.partition("=")
    if not equals:
        raise InvalidSettingError(f"--set {words!r} lacks its '='; write --set SECTION.NAME=VALUE.")
    return name.strip(), value.strip()


def nested(pairs: Mapping[str, object]) -> Values:
    """Returns dotted names as tables."""
    values: Values = {}
    for name, value in pairs.items():
        _put(values, name, value)
    return values


def setting_names() -> tuple[str, ...]:
    """Returns every setting as section.name, in order."""
    names: list[str] = []
    for section, field in Settings.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names.extend(f"{section}.{name}" for name in kind.model_fields)
        else:
            names.append(section)
    return tuple(names)


def _leaves(values: Values) -> Iterator[tuple[str, object]]:
    for section, value in values.items():
        if isinstance(value, dict) and section in Settings.model_fields:
            yield from ((f"{section}.{name}", inner) for name, inner in value.items())
        else:
            yield section, value


def _put(values: Values, name: str, value: object) -> None:
    section, dot, rest = name.partition(".")
    if not dot:
        values[section] = value
        return
    values.setdefault(section, {})[rest] = value


def _check_known(name: str, origin: str) -> None:
    if name not in setting_names():
        raise InvalidSettingError(
            f"unknown setting {name!r} ({origin}){_near(name)}; `intone serve --print-config` "
            "lists them all."
        )


def _near(name: str) -> str:
    near = get_close_matches(name, setting_names(), n=2, cutoff=0.6)
    return f"; near it: {', '.join(near)}" if near else ""


def _mistake(error: ValidationError, origins: Mapping[str, str]) -> str:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"][:2])
    said = str(first["msg"]).removeprefix("Value error, ").rstrip(".")
    return (
        f"{name} is {first['input']!r} ({origins.get(name, DEFAULT)}): {said}. See the table in "
        "docs/serve.md."
    )
