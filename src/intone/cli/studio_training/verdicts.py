"""What a check found, from the files that it wrote."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from intone.studio.training.desk import Refusal, Share, Verdict
from intone.train.data.check_files import CHECK_FILE
from intone.train.data.measuring import MEASURED_FILE
from intone.train.data.verdicts import REJECTED_FILE
from intone.train.rows import ROWS_FILE

_MAX_REFUSALS = 200


def read_verdict(data: Path) -> Verdict | None:
    """Returns the verdict of a check; None where it has not ended well, or its files are damaged.

    Args:
        data: the directory that `intone train check` wrote.
    """
    try:
        told = json.loads((data / CHECK_FILE).read_text(encoding="utf-8"))
        kept_s, refused_s = _durations(data)
        return Verdict(
            num_read=told["read"],
            num_kept=told["kept"],
            refused_by_code=told["rejected_by_code"],
            refusals=tuple(_refusals(data)),
            splits=_shares(told["splits"]),
            speakers=_shares(told["speakers"]),
            languages=_shares(told["languages"]),
            notes=tuple(told["notes"]),
            kept_s=kept_s,
            refused_s=refused_s,
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):  # a stage that reads them says what is wrong
        return None


def _shares(told: Mapping[str, Mapping[str, Any]]) -> dict[str, Share]:
    return {name: Share(rows=one["rows"], seconds=one["seconds"]) for name, one in told.items()}


def _refusals(data: Path) -> Iterator[Refusal]:
    for i, line in enumerate(_lines(data / REJECTED_FILE)):
        if i == _MAX_REFUSALS:
            return
        yield Refusal(id=line["id"], code=line["code"], reason=line["reason"])


def _durations(data: Path) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Returns the seconds of kept clips, and of those that were measured and not kept."""
    kept_cuts = {_cut(row, data) for row in _lines(data / ROWS_FILE)}
    kept: dict[tuple[str, float | None, float | None], float] = {}
    refused = dict(kept)
    for line in _lines(data / MEASURED_FILE):
        if "stats" in line:  # else it could not be measured
            cut = (line["key"]["path"], line["key"]["start_s"], line["key"]["end_s"])
            group = kept if cut in kept_cuts else refused
            group[cut] = float(line["stats"]["duration_s"])
    return tuple(kept.values()), tuple(refused.values())


def _cut(row: Mapping[str, Any], data: Path) -> tuple[str, float | None, float | None]:
    return os.path.abspath(data / row["audio"]), row.get("start_s"), row.get("end_s")


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    for line in text.split("\n"):
        if line:
            yield json.loads(line)
