"""The files in deploy/ray: args that can be, one config in both, and pods that fit it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from intone.deploy.ray import by_model
from intone.deploy.ray.plan import ReplicaPlan

RAY = Path(__file__).parents[3] / "deploy" / "ray"


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    return yaml.safe_load((RAY / "intone.yaml").read_text("utf-8"))  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    return yaml.safe_load((RAY / "kuberay.yaml").read_text("utf-8"))  # type: ignore[no-any-return]


def pods(service: dict[str, Any]) -> list[dict[str, Any]]:
    cluster = service["spec"]["rayClusterConfig"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    return [group["template"]["spec"] for group in groups]


def test_the_args_of_every_application_are_settings(config: dict[str, Any]) -> None:
    for application in config["applications"]:
        assert application["import_path"] == "intone.deploy.ray:app"
        plan = ReplicaPlan.of(application["args"], {})
        assert plan.settings.server.host == "0.0.0.0"
        assert plan.replica.max_replicas > 1


def test_the_example_of_a_second_model_is_an_application_too() -> None:
    lines = (RAY / "intone.yaml").read_text("utf-8").splitlines()
    begin = next(number for number, line in enumerate(lines) if line == "  # - name: base")
    (application,) = yaml.safe_load("\n".join(line.replace("# ", "", 1) for line in lines[begin:]))
    plan = ReplicaPlan.of(application["args"], {})

    assert application["route_prefix"] == f"/{plan.settings.model.default}"
    assert (plan.settings.model.device, plan.settings.model.slots) == ("cuda", 64)


def test_kuberay_serves_what_serve_run_serves(
    config: dict[str, Any], service: dict[str, Any]
) -> None:
    assert yaml.safe_load(service["spec"]["serveConfigV2"]) == config
    assert (service["apiVersion"], service["kind"]) == ("ray.io/v1", "RayService")


def test_the_pods_of_the_cluster_are_what_the_api_takes(service: dict[str, Any]) -> None:
    for pod in pods(service):
        document = {
            **{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "ray"}},
            "spec": {name: value for name, value in pod.items()},
        }
        kubernetes_validate.validate(document, "1.33", strict=True)
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["enableServiceLinks"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_every_pod_knows_keys_and_the_layer_that_leads_by_model(service: dict[str, Any]) -> None:
    for pod in pods(service):
        (container,) = pod["containers"]
        variables = {one["name"]: one["value"] for one in container["env"]}
        module, _, name = variables["RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH"].partition(":")
        assert (module, name) == (by_model.__name__, by_model.layers.__name__)
        folder = Path(variables["INTONE_SERVER__KEYS_FILE"]).parent
        assert str(folder) in {mount["mountPath"] for mount in container["volumeMounts"]}


def test_a_replica_and_its_pod_fit(config: dict[str, Any], service: dict[str, Any]) -> None:
    (application,) = config["applications"]
    plan = ReplicaPlan.of(application["args"], {})
    *_, worker = pods(service)
    (container,) = worker["containers"]

    assert float(container["resources"]["requests"]["cpu"]) >= plan.replica.num_cpus
    assert worker["terminationGracePeriodSeconds"] > plan.settings.server.drain_timeout_s


def test_the_version_of_ray_is_the_one_that_is_installed(service: dict[str, Any]) -> None:
    lines = (RAY.parents[1] / "constraints.txt").read_text("utf-8").splitlines()
    (pinned,) = (line for line in lines if line.startswith("ray=="))

    assert service["spec"]["rayClusterConfig"]["rayVersion"] == pinned.removeprefix("ray==")
