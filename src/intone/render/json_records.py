"""Frozen dataclasses to JSON and back, strictly: a file says all of its fields and no others.

Floats survive exactly (`repr`); NaN and infinities are refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from intone.core.errors import RecordError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Record = TypeVar("Record", bound=DataclassInstance)


def to_json(record: DataclassInstance, *, indent: int | None = 1) -> str:
    """Returns a record as JSON text, without a line break at its end."""
    return json.dumps(asdict(record), ensure_ascii=False, indent=indent, allow_nan=False)


def parse_object(text: str | bytes, where: str) -> dict[str, Any]:
    """Returns the object that a JSON text holds; raises RecordError naming `where`."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:  # bytes that are no UTF-8 too
        raise RecordError(f"{where} is not JSON ({error}); it is damaged or foreign.") from error
    if not isinstance(data, dict):
        raise RecordError(f"{where} holds no JSON object; it is damaged or foreign.")
    return data


def record_from(kind: type[Record], data: Mapping[str, Any], where: str) -> Record:
    """Returns the record that a JSON object stands for.

    Args:
        where: names the place in messages: a file, or a field in it.

    Raises:
        RecordError: a field is missing, unknown or of another type, or its value is refused.
    """
    known = {field.name: field for field in fields(kind)}
    unknown = sorted(data.keys() - known.keys())
    missing = sorted(
        name
        for name, field in known.items()
        if name not in data and field.default is MISSING and field.default_factory is MISSING
    )
    for names, word in ((unknown, "has an unknown field"), (missing, "lacks the field")):
        if names:
            raise RecordError(f"{where} {word} {names[0]!r}; it is damaged or foreign.")
    types = _types(kind)
    return kind(
        **{name: _value(types[name], value, f"{where}, {name}") for name, value in data.items()}
    )


@cache
def _types(kind: type[DataclassInstance]) -> dict[str, Any]:
    return get_type_hints(kind)


def _value(kind: Any, value: Any, where: str) -> Any:
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _one_of(get_args(kind), value, where)
    if origin is Literal and value in get_args(kind):
        return value
    if origin is tuple and isinstance(value, list):
        item = get_args(kind)[0]
        return tuple(_value(item, one, f"{where}[{i}]") for i, one in enumerate(value))
    if is_dataclass(kind) and isinstance(kind, type) and isinstance(value, dict):
        return record_from(kind, value, where)
    if origin is None and _is_of(kind, value):
        return float(value) if kind is float else value
    raise RecordError(f"{where} is {value!r:.80}; expected {_name(kind)}.")


def _one_of(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and NoneType in kinds:
        return None
    rest = [kind for kind in kinds if kind is not NoneType]
    if len(rest) != 1:
        raise TypeError(f"a record may be a type or nothing, not one of {kinds}")
    return _value(rest[0], value, where)


def _is_of(kind: Any, value: Any) -> bool:
    if isinstance(value, bool):
        return kind is bool
    if kind is float:
        return isinstance(value, int | float)
    return kind in (int, str) and isinstance(value, kind)


def _name(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind)
