"""The manifests, against the API schemas of several releases of Kubernetes."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from tests.deploy.dockerfile import stages

from intone.server.keys import KeyFile
from intone.server.metrics import Metrics
from intone.server.settings import Settings
from intone.server.settings_layers import environment_layer, joined

K8S = Path(__file__).parents[2] / "deploy" / "k8s"
OVERLAYS = ("cpu", "gpu", "compat-004")
RELEASES = ("1.30", "1.33", "1.36")

needs_kubectl = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="overlays are merged by kubectl, which is not here"
)


def manifests() -> list[Path]:
    kept = [*sorted((K8S / "base").glob("*.yaml")), K8S / "secret.yaml"]
    return [path for path in kept if path.name != "kustomization.yaml"]


def built(overlay: str) -> dict[str, Mapping[str, Any]]:
    """Returns what `kubectl apply -k` would send, by kind."""
    command = ["kubectl", "kustomize", str(K8S / "overlays" / overlay)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    documents = list(yaml.safe_load_all(done.stdout))
    return {document["kind"]: document for document in documents}


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """Returns a manifest of the base with the selector that the kustomization adds."""
    labels = {"app.kubernetes.io/name": "intone"}
    if document["kind"] == "Deployment":
        document["spec"]["selector"] = {"matchLabels": labels}
        document["spec"]["template"]["metadata"]["labels"] = labels
    return document


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("path", manifests(), ids=lambda path: path.stem)
def test_every_manifest_is_what_the_api_takes(path: Path, release: str) -> None:
    document = completed(yaml.safe_load(path.read_text("utf-8")))

    kubernetes_validate.validate(document, release, strict=True)


def test_the_schemas_refuse_a_field_that_does_not_exist() -> None:
    document = yaml.safe_load((K8S / "base" / "service.yaml").read_text("utf-8"))
    document["spec"]["prots"] = document["spec"].pop("ports")

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, RELEASES[-1], strict=True)


def test_the_kustomization_names_every_manifest_of_the_base() -> None:
    listed = yaml.safe_load((K8S / "base" / "kustomization.yaml").read_text("utf-8"))["resources"]

    assert {*listed, "kustomization.yaml"} == {path.name for path in (K8S / "base").iterdir()}


@needs_kubectl
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_overlay_is_what_the_api_takes(overlay: str) -> None:
    for document in built(overlay).values():
        kubernetes_validate.validate(document, RELEASES[-1], strict=True)


@needs_kubectl
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_ports_probes_and_settings_of_an_overlay_agree(overlay: str) -> None:
    kinds = built(overlay)
    settings = kinds["ConfigMap"]["data"]
    template = kinds["Deployment"]["spec"]["template"]
    (container,) = template["spec"]["containers"]
    (port,) = container["ports"]

    assert str(port["containerPort"]) == settings["INTONE_SERVER__PORT"]
    assert template["metadata"]["annotations"]["prometheus.io/port"] == str(port["containerPort"])
    assert kinds["Service"]["spec"]["ports"][0]["port"] == port["containerPort"]
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    chosen = kinds["Deployment"]["spec"]["selector"]
    assert kinds["PodDisruptionBudget"]["spec"]["selector"] == chosen


@needs_kubectl
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_pod_has_time_to_finish_what_it_speaks(overlay: str) -> None:
    kinds = built(overlay)
    pod = kinds["Deployment"]["spec"]["template"]["spec"]
    pause_s = int(pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
    drain_s = float(kinds["ConfigMap"]["data"]["INTONE_SERVER__DRAIN_TIMEOUT_S"])

    assert pod["terminationGracePeriodSeconds"] > pause_s + drain_s


@needs_kubectl
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_pod_is_locked_and_has_keys(overlay: str) -> None:
    pod = built(overlay)["Deployment"]["spec"]["template"]["spec"]

    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["enableServiceLinks"] is False  # else INTONE_PORT=tcp://... is read as a setting
    for container in (*pod["initContainers"], *pod["containers"]):
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert {"name": "keys", "secret": {"secretName": "intone-keys"}} in pod["volumes"]


@needs_kubectl
def test_the_gpu_is_asked_for_where_it_is_used() -> None:
    def limits(overlay: str) -> Mapping[str, str]:
        pod = built(overlay)["Deployment"]["spec"]["template"]["spec"]
        return pod["containers"][0]["resources"]["limits"]  # type: ignore[no-any-return]

    assert limits("gpu")["nvidia.com/gpu"] == limits("compat-004")["nvidia.com/gpu"] == "1"
    assert "nvidia.com/gpu" not in limits("cpu")


def environments() -> list[Mapping[str, str]]:
    """Returns the variables that images, compose and the base of Kubernetes set."""
    compose = yaml.safe_load((K8S.parents[1] / "compose.yaml").read_text("utf-8"))
    config = yaml.safe_load((K8S / "base" / "configmap.yaml").read_text("utf-8"))
    overlays = [
        {operation["path"].removeprefix("/data/"): operation.get("value", "")}
        for overlay in OVERLAYS
        for patch in kustomization(overlay)["patches"]
        if patch["target"]["kind"] == "ConfigMap"
        for operation in yaml.safe_load(patch["patch"])
    ]
    services = [service["environment"] for service in compose["services"].values()]
    final = stages(K8S.parents[1] / "Dockerfile")[-1]
    return [final.assigned("ENV"), config["data"], *services, *overlays]


def kustomization(overlay: str) -> dict[str, Any]:
    path = K8S / "overlays" / overlay / "kustomization.yaml"
    return yaml.safe_load(path.read_text("utf-8"))  # type: ignore[no-any-return]


def test_every_variable_is_a_setting_of_the_server() -> None:
    names = {name for variables in environments() for name in variables if "__" in name}

    assert len(names) > 5
    for name in names:
        section, _, field = name.removeprefix("INTONE_").lower().partition("__")
        model = Settings.model_fields[section].annotation
        assert model is not None
        assert field in model.model_fields, name


def test_the_autoscaler_reads_a_metric_that_is_served() -> None:
    scaler = yaml.safe_load((K8S / "base" / "autoscaler.yaml").read_text("utf-8"))
    (metric,) = scaler["spec"]["metrics"]

    assert f"{metric['pods']['metric']['name']} ".encode() in Metrics().text()


def test_the_form_of_the_secret_is_a_file_of_keys_without_keys(tmp_path: Path) -> None:
    secret = yaml.safe_load((K8S / "secret.yaml").read_text("utf-8"))
    (tmp_path / "keys.json").write_text(secret["stringData"]["keys.json"])

    assert KeyFile(tmp_path / "keys.json").entries() == ()


@needs_kubectl
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_server_understands_the_variables_of_an_overlay(
    overlay: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in built(overlay)["ConfigMap"]["data"].items():
        monkeypatch.setenv(name, value)
    settings = joined([environment_layer(os.environ)]).settings

    assert settings.server.host == "0.0.0.0"
    assert settings.server.keys_file == "/etc/intone/keys/keys.json"
    assert settings.model.preload
