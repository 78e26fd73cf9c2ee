"""From the args of a config file to the options of a deployment, without Ray."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from intone.core.errors import InvalidSettingError
from intone.deploy.ray.plan import ReplicaPlan
from intone.deploy.ray.section import ReplicaSection


def plan(**tables: dict[str, Any]) -> ReplicaPlan:
    return ReplicaPlan.of(tables | {"model": {"default": "builtin"} | tables.get("model", {})}, {})


def test_a_replica_loads_first_and_expects_keys() -> None:
    settings = plan().settings

    assert (settings.server.host, settings.model.preload) == ("0.0.0.0", True)
    assert settings.model.served == ("builtin",)
    assert not settings.jobs.enabled


def test_a_fixed_number_of_replicas_is_not_scaled() -> None:
    options = plan(replica={"min_replicas": 3, "max_replicas": 3}).options()

    assert options["num_replicas"] == 3
    assert "autoscaling_config" not in options


@pytest.mark.parametrize(
    ("tables", "target"),
    [
        ({"model": {"slots": 16}}, 12.0),
        ({"model": {"slots": 1}}, 1.0),
        ({"model": {"profile": "throughput"}, "replica": {"num_gpus": 1}}, 48.0),
        ({"replica": {"target_requests": 5}}, 5.0),
    ],
)
def test_scaling_aims_at_three_quarters_of_the_slots(
    tables: dict[str, dict[str, Any]], target: float
) -> None:
    tables["replica"] = {"max_replicas": 8} | tables.get("replica", {})
    scaling = plan(**tables).options()["autoscaling_config"]

    assert scaling["target_ongoing_requests"] == target
    assert (scaling["min_replicas"], scaling["max_replicas"]) == (1, 8)


def test_what_a_replica_has_no_place_for_waits_at_the_proxy_and_no_more() -> None:
    options = plan(model={"slots": 6}, queue={"waiting": 10}).options()

    assert 6 < options["max_ongoing_requests"] <= 6 + 4
    assert options["max_queued_requests"] == 16
    assert options["backpressure_config"] == {"status_code": 503, "retry_after_s": 2.0}


def test_the_cluster_sets_aside_what_the_model_uses() -> None:
    made = plan(replica={"num_cpus": 3, "num_gpus": 0.5, "surge_percent": 0})

    assert made.options()["ray_actor_options"] == {"num_cpus": 3.0, "num_gpus": 0.5}
    assert made.options()["max_surge_percent"] == 0
    assert (made.settings.model.device, made.settings.model.threads) == ("cuda", 3)
    assert plan().settings.model.device == "cpu"


def test_a_replica_drains_as_long_as_a_server() -> None:
    options = plan(server={"drain_timeout_s": 90}).options()

    assert options["graceful_shutdown_timeout_s"] == 90.0


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ({"model": {"default": None}}, "nodes may have different models"),
        ({"model": {"slotz": 4}}, "near it: model.slots"),
        ({"replica": {"gpus": 1}}, "replica.gpus is 1"),
        ({"replica": {"min_replicas": 4}}, "at most replica.max_replicas, which is 1"),
        ({"model": {"preload": False}}, "takes no work before its model is loaded"),
        ({"model": {"device": "cuda"}}, "Ray hides GPUs that were not asked for"),
        ({"studio": {"enabled": True}}, "studio.enabled is true"),
        ({"wyoming": {"enabled": True}}, "wyoming.enabled is true"),
        ({"jobs": {"directory": "/shared/jobs"}}, "a folder of jobs belongs to one process"),
    ],
)
def test_what_cannot_be_is_refused_with_the_way_out(
    tables: dict[str, dict[str, Any]], told: str
) -> None:
    with pytest.raises(InvalidSettingError, match=told):
        plan(**tables)


def test_a_folder_of_jobs_brings_jobs_to_a_single_replica() -> None:
    made = plan(jobs={"directory": "/shared/jobs"}, replica={"surge_percent": 0})

    assert made.settings.jobs.enabled


def test_the_environment_holds_where_args_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTONE_SERVER__KEYS_FILE", "/etc/keys.json")
    monkeypatch.setenv("INTONE_QUEUE__WAITING", "3")
    made = ReplicaPlan.of(
        {"model": {"default": "builtin"}, "queue": {"waiting": 7}}, {"INTONE_SERVER__KEYS_FILE": ""}
    )

    assert made.settings.server.keys_file == "/etc/keys.json"
    assert made.settings.queue.waiting == 7


def test_the_documentation_has_every_setting_of_a_replica() -> None:
    page = (Path(__file__).parents[3] / "docs" / "deploy.md").read_text("utf-8")

    for name, field in ReplicaSection.model_fields.items():
        default = "none" if field.default is None else f"`{field.default}`"
        meaning = " ".join((field.description or "").split())
        assert f"| `replica.{name}` | {default} | {meaning} |" in page


def test_planning_needs_no_ray() -> None:
    code = "import sys; sys.modules['ray'] = None; import intone.deploy.ray.plan"
    subprocess.run([sys.executable, "-c", code], check=True)
