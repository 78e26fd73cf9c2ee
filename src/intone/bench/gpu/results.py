"""What was measured, by part and model, in one JSON file that is filled bit by bit.

A part that is measured again replaces itself; the others stay, each with its own date. A file is of
one device and one torch: figures of two machines are never in one table.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from intone.bench.gpu.device import NOT_ON_A_GPU, Device
from intone.bench.machine import Machine
from intone.core.errors import InvalidSettingError, OutputError

SCHEMA = 1

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One part of one model."""

    date: str
    """ISO 8601."""
    figures: Sequence[Row] = ()
    note: str | None = None
    """Why there are no figures, or what else to know about them."""
    setting: Mapping[str, str | int | bool] = field(default_factory=dict)
    """Precision, slots and the like."""

    @classmethod
    def now(cls, figures: Sequence[object] = (), note: str | None = None) -> Self:
        """Returns an entry of dataclasses that were measured just now."""
        rows = [asdict(row) for row in figures]  # type: ignore[call-overload]
        return cls(date=datetime.now(UTC).isoformat(timespec="seconds"), figures=rows, note=note)


@dataclass(slots=True, kw_only=True)
class Results:
    """Everything that a file holds."""

    device: Device
    parts: dict[str, dict[str, Entry]] = field(default_factory=dict)
    """By part, then by model."""

    def put(self, part: str, model: str, entry: Entry) -> None:
        """Keeps an entry in place of an older one."""
        self.parts.setdefault(part, {})[model] = entry

    def get(self, part: str, model: str) -> Entry | None:
        """Returns an entry, if there is one."""
        return self.parts.get(part, {}).get(model)

    @property
    def models(self) -> list[str]:
        """Names, in the order in which they came."""
        return list(dict.fromkeys(model for part in self.parts.values() for model in part))

    def to_json(self) -> str:
        """Returns what `read` reads."""
        head = {
            "suite": "gpu",
            "schema": SCHEMA,
            "is_gpu": self.device.is_gpu,
            "note": None if self.device.is_gpu else NOT_ON_A_GPU,
        }
        return json.dumps({**head, **asdict(self)}, indent=2) + "\n"

    def save(self, path: Path) -> None:
        """Writes the file; raises OutputError."""
        try:
            path.write_text(self.to_json(), encoding="utf-8")
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error}.") from error

    @classmethod
    def read(cls, path: Path) -> Self:
        """Returns what a file holds.

        Raises:
            InvalidSettingError: it is no file of this suite.
        """
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if data["suite"] != "gpu" or data["schema"] != SCHEMA:
                raise KeyError("schema")
            machine = Machine(**data["device"].pop("machine"))
            parts = {
                part: {model: Entry(**entry) for model, entry in models.items()}
                for part, models in data["parts"].items()
            }
            return cls(device=Device(**data["device"], machine=machine), parts=parts)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidSettingError(
                f"--json is {path}, which exists and holds no results of this suite "
                f"({error!r}); name another file, or remove it."
            ) from error


def continued(path: Path | None, device: Device) -> Results:
    """Returns what a file holds already, to be filled further; nothing where there is no file.

    Raises:
        InvalidSettingError: the file is of another device, or no file of this suite.
    """
    if path is None or not path.exists():
        return Results(device=device)
    found = Results.read(path)
    if (found.device.name, found.device.torch) != (device.name, device.torch):
        raise InvalidSettingError(
            f"--json is {path}, which was measured on {found.device.name} with torch "
            f"{found.device.torch}; this is {device.name} with torch {device.torch}. "
            "Name another file."
        )
    return Results(device=device, parts=found.parts)
