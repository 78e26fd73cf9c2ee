"""Profiles: what they mean on a CPU and on a GPU, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from intone.core.errors import InvalidSettingError
from intone.core.types import ModelKind
from intone.engine import plan as planning
from intone.engine.plan import EnginePlan
from intone.engine.profile import PROFILE_NAMES, profile_of
from intone.engine.settings import DEFAULT_NUM_SLOTS, EngineSettings
from intone.models.description import ModelDescription
from intone.models.released import released_description
from intone.tts import TTS

Tiny = Callable[[ModelKind], Path]


@pytest.mark.parametrize("name", PROFILE_NAMES)
def test_a_profile_says_how_many_speak_at_once_on_a_gpu_and_not_on_a_cpu(
    name: str, tiny_checkpoint: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    description = ModelDescription.read(tiny_checkpoint("custom"))
    on_cpu = EnginePlan.of(description, EngineSettings(device="cpu", profile=name))
    assert on_cpu.num_slots == DEFAULT_NUM_SLOTS
    monkeypatch.setattr(planning, "_num_gpus", lambda is_needed: 1)
    plan = EnginePlan.of(description, EngineSettings(device="cuda", profile=name))
    assert plan.num_slots == profile_of(name).num_slots
    assert plan.is_recorded
    few = EnginePlan.of(description, EngineSettings(device="cuda", profile=name, num_slots=2))
    assert few.num_slots == 2


def test_eager_runs_the_networks_as_they_are(
    tiny_checkpoint: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "_num_gpus", lambda is_needed: 1)
    description = ModelDescription.read(tiny_checkpoint("custom"))
    plan = EnginePlan.of(description, EngineSettings(device="cuda", eager=True))
    assert not plan.is_recorded
    assert not plan.runs_graphs
    assert plan.num_slots == DEFAULT_NUM_SLOTS, "each has its memory from the start"


def test_an_unknown_profile_is_refused_before_anything_is_loaded() -> None:
    with pytest.raises(InvalidSettingError, match="profile is 'fast'; allowed: latency, balanced"):
        TTS(profile="fast")


def test_the_profile_is_heard_in_the_size_of_chunks(tiny_checkpoint: Tiny) -> None:
    with TTS(tiny_checkpoint("custom"), device="cpu", dtype="fp32", profile="throughput") as tts:
        sizes = [
            chunk.num_frames for chunk in tts.stream("Hello.", seed=1, min_frames=30, max_frames=30)
        ]
    assert sizes == [4, 8, 16, 2]


@pytest.mark.parametrize(("has_bf16", "dtype"), [(True, "bf16"), (False, "fp32")])
def test_a_gpu_without_bf16_computes_in_fp32(
    has_bf16: bool, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "_num_gpus", lambda is_needed: 1)
    monkeypatch.setattr(planning, "_computes_bf16", lambda device: has_bf16)
    plan = EnginePlan.of(released_description("0.6b"), EngineSettings(device="cuda"))
    assert plan.dtype == dtype
