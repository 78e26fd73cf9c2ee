"""A memory budget: kept or refused with the numbers, before anything is loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from intone.core.errors import InvalidSettingError
from intone.core.types import ModelKind
from intone.engine.budget import TYPICAL_POSITIONS
from intone.engine.plan import EnginePlan
from intone.engine.settings import EngineSettings
from intone.models.description import ModelDescription
from intone.models.released import ReleasedSize, released_description

GB = 10**9
Checkpoints = Callable[[ModelKind], Path]


def planned(size: ReleasedSize, budget_gb: float, **settings: object) -> EnginePlan:
    chosen = EngineSettings(device="cpu", memory_budget_bytes=int(budget_gb * GB), **settings)
    return EnginePlan.of(released_description(size), chosen)


def ran_in(plan: EnginePlan) -> tuple[str, int, int]:
    return plan.dtype, plan.num_slots, plan.num_positions


def test_without_a_budget_nothing_gives_way() -> None:
    plan = EnginePlan.of(released_description("1.7b"), EngineSettings(device="cpu"))
    assert ran_in(plan) == ("int8", 8, 4096)


@pytest.mark.parametrize(
    ("size", "budget_gb", "dtype"),
    [("0.6b", 1.4, "int4"), ("0.6b", 2, "int8"), ("1.7b", 2, "int4"), ("1.7b", 3, "int8")],
)
def test_the_largest_precision_that_fits_is_taken(
    size: ReleasedSize, budget_gb: float, dtype: str
) -> None:
    assert planned(size, budget_gb).dtype == dtype


def test_plenty_of_memory_changes_nothing() -> None:
    assert ran_in(planned("0.6b", 16)) == ("int8", 8, 4096)


@pytest.mark.parametrize("budget_gb", [1.4, 1.61, 1.9, 2.3, 3.7, 5.0, 9.0])
@pytest.mark.parametrize("num_slots", [None, 1, 2])
def test_what_was_left_open_fills_the_budget_and_never_more(
    budget_gb: float, num_slots: int | None
) -> None:
    try:
        plan = planned("0.6b", budget_gb, num_slots=num_slots)
    except InvalidSettingError:
        assert (budget_gb, num_slots) == (1.4, 2)
        return
    budget = plan.memory_budget_bytes
    assert budget is not None
    assert plan.fit.needed_bytes <= budget
    assert TYPICAL_POSITIONS <= plan.num_positions <= 4096
    assert plan.num_slots == (num_slots or plan.num_slots)
    if plan.num_positions < 4096:
        assert budget - plan.fit.needed_bytes < 5e6


def test_what_was_asked_for_is_kept() -> None:
    plan = planned("0.6b", 2, dtype="int4", num_slots=2, num_positions=900)
    assert ran_in(plan) == ("int4", 2, 900)


@pytest.mark.parametrize(
    ("size", "budget_gb", "settings", "message"),
    [
        (
            "1.7b",
            2,
            {"dtype": "int8"},
            r"memory_budget is 2\.00 GB, but 1\.7b in int8 with 1 slot of 768 positions needs "
            r"2\.8\d GB \(networks 1\.78 GB, codec 484 MB, .*int4 with 1 slot of \d+ positions "
            r"would fit",
        ),
        (
            "1.7b",
            1.6,
            {},
            r"1\.7b in int4 with 1 slot .* the least is int4 with 1 slot of 256 positions, "
            r"1\.8\d GB: raise the budget, or use a 0\.6b model \(int8 with 1 slot of 256",
        ),
        ("0.6b", 1, {}, r"the least is int4 with 1 slot of 256 positions, 1\.2\d GB: raise the "),
        ("0.6b", 2, {"num_slots": 6}, r"int4 with 6 slots of 768 .*int4 with 1 slot of \d+ pos"),
        ("0.6b", 2, {"num_slots": 1, "num_positions": 4096}, r"int4 with 1 slot of 4096 positions"),
        ("0.6b", 2, {"dtype": "bf16"}, r"kept on a CPU in fp32, int8, int4, but .* in bf16 on cpu"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_numbers_and_what_would(
    size: ReleasedSize, budget_gb: float, settings: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidSettingError, match=message):
        planned(size, budget_gb, **settings)


def test_a_base_model_needs_room_to_clone(tiny_checkpoint: Checkpoints) -> None:
    def plan(kind: ModelKind, budget_gb: float) -> EnginePlan:
        settings = EngineSettings(device="cpu", memory_budget_bytes=int(budget_gb * GB))
        return EnginePlan.of(ModelDescription.read(tiny_checkpoint(kind)), settings)

    assert plan("custom", 0.5).num_slots == 8
    with pytest.raises(InvalidSettingError, match="cloning a 10 s clip 79"):
        plan("base", 0.5)
    cloning = plan("base", 1.2)
    cloning.check_clip(10)
    with pytest.raises(InvalidSettingError, match=r"a clip of 60\.0 s takes 2\.9\d GB.*a shorter"):
        cloning.check_clip(60)
