"""How many speak at once where the settings do not say: by device and profile."""

from __future__ import annotations

import pytest

from intone.deploy.sizing import running_of, slots_of
from intone.engine import plan as planning
from intone.server.sections import ModelSection, QueueSection
from intone.server.settings import Settings


@pytest.mark.parametrize(
    ("num_gpus", "profile", "slots", "running"),
    [(0, "throughput", 4, 8), (1, "latency", 16, 16), (1, "balanced", 64, 64)],
)
def test_a_gpu_speaks_for_as_many_as_its_profile_says(
    num_gpus: int, profile: str, slots: int, running: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "_num_gpus", lambda is_needed: num_gpus)
    settings = Settings(model=ModelSection(profile=profile))
    assert slots_of(settings.model) == slots
    assert running_of(settings) == running


def test_what_was_said_holds() -> None:
    settings = Settings(model=ModelSection(slots=3), queue=QueueSection(running=2))
    assert (slots_of(settings.model), running_of(settings)) == (3, 2)


def test_a_gpu_without_recorded_work_speaks_for_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "_num_gpus", lambda is_needed: 1)
    assert slots_of(ModelSection(eager=True)) == 8
