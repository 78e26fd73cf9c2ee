"""Parts in their order: what one costs or breaks is not the next one's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from intone.bench.gpu import suite as suite_module
from intone.bench.gpu.results import Entry
from intone.bench.gpu.sizes import GPU_SIZE, QUICK_SIZE, size_for
from intone.bench.gpu.suite import OUT_OF_TIME, SuiteSetting, run_suite
from intone.bench.gpu.timing import Budget
from intone.core.errors import BenchError
from intone.core.types import ModelKind


@dataclass(frozen=True)
class Figure:
    value: float = 1.0


class Entries(dict[tuple[str, str], Entry]):
    """What was kept."""

    def keep(self, part: str, model: str, entry: Entry) -> None:
        self[part, model] = entry


def setting(*parts: str) -> SuiteSetting:
    return SuiteSetting(
        device="cpu", dtype="fp32", size=QUICK_SIZE, parts=parts, peer_python=Path("absent")
    )


def replaced(monkeypatch: pytest.MonkeyPatch, **parts: Callable[..., Any]) -> None:
    """Puts others in place of parts, and of the engine, which these do not use."""
    engine = SimpleNamespace(close=lambda: None)
    monkeypatch.setattr(suite_module, "open_model", lambda *args: SimpleNamespace(engine=engine))
    for name, work in parts.items():
        monkeypatch.setattr(suite_module, name, work)


@pytest.mark.parametrize(
    "error", [RuntimeError("CUDA error: out of memory"), BenchError("the server ended at once")]
)
def test_a_part_that_fails_costs_no_other(
    error: Exception, monkeypatch: pytest.MonkeyPatch, tiny_checkpoint: Callable[[ModelKind], Path]
) -> None:
    def fails(*args: object) -> None:
        raise error

    replaced(monkeypatch, measure_single=fails, measure_streams=lambda *args: [Figure()])
    entries = Entries()
    parts = setting("single", "streams")
    assert not run_suite([tiny_checkpoint("custom")], parts, Budget(60.0), entries.keep)
    assert entries["single", "tiny-custom"].note == f"failed: {error!r}"
    assert entries["streams", "tiny-custom"].figures == [{"value": 1.0}]


def test_a_model_that_does_not_open_costs_the_others_nothing(
    monkeypatch: pytest.MonkeyPatch, tiny_checkpoint: Callable[[ModelKind], Path]
) -> None:
    def fails(*args: object) -> None:
        raise RuntimeError("CUDA error: no kernel image")

    replaced(monkeypatch, open_model=fails, measure_frame=lambda *args: [Figure()])
    entries = Entries()
    parts = setting("single", "frame", "streams")
    models = [tiny_checkpoint("custom"), tiny_checkpoint("design")]
    assert not run_suite(models, parts, Budget(60.0), entries.keep)
    assert [key for key, entry in entries.items() if entry.figures] == [
        ("frame", "tiny-custom"), ("frame", "tiny-design"),
    ]  # fmt: skip
    assert "no kernel image" in str(entries["streams", "tiny-design"].note)


def test_shares_of_the_time_are_kept(
    monkeypatch: pytest.MonkeyPatch, tiny_checkpoint: Callable[[ModelKind], Path]
) -> None:
    now, shares_s = [0.0], list[float]()

    def slow(*args: Any) -> list[Figure]:
        shares_s.extend(each.left_s for each in args if isinstance(each, Budget))
        now[0] += 60.0
        return [Figure()]

    replaced(
        monkeypatch, measure_single=slow, measure_streams=slow,
        measure_frame=slow, measure_open_loop=slow,
    )  # fmt: skip
    entries = Entries()
    budget = Budget(250.0, lambda: now[0])
    parts = setting("single", "frame", "streams", "open-loop")
    models = [tiny_checkpoint("custom"), tiny_checkpoint("design")]
    assert not run_suite(models, parts, budget, entries.keep)
    assert shares_s[0] == pytest.approx(250 * 7 / 18 / 2, rel=0.01)  # beside open-loop and design
    assert [key for key, entry in entries.items() if entry.note == OUT_OF_TIME] == [
        ("streams", "tiny-design"), ("frame", "tiny-design"),
    ]  # fmt: skip
    assert entries["open-loop", "tiny-custom"].figures


def test_how_much_is_measured_follows_the_device() -> None:
    assert size_for("cuda:1", is_quick=False) is GPU_SIZE
    assert size_for("cuda", is_quick=True) is size_for("cpu", is_quick=True) is QUICK_SIZE
    assert size_for("cpu", is_quick=False).stream_counts == GPU_SIZE.stream_counts
    assert GPU_SIZE.open_loop.rates_hz == (1, 6, 10, 20)
