"""The image: what the Dockerfile promises, and its steps, run as a script in a clean directory."""

from __future__ import annotations

import os
import shutil
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from tests.deploy.dockerfile import Stage, expand, stages

ROOT = Path(__file__).parents[2]
BASE, BUILD, FINAL = stages(ROOT / "Dockerfile")


def ignored(path: str) -> bool:
    """Returns whether .dockerignore keeps a file out of the build; the last match decides."""
    result = False
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines():
        pattern = line.removeprefix("!").removeprefix("**/")
        if not line or line.startswith("#"):
            continue
        parts = path.split("/")
        anywhere = line.startswith("**/")
        heads = ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]
        if any(fnmatch(name, pattern) for name in (parts if anywhere else heads)):
            result = not line.startswith("!")
    return result


def test_the_server_runs_as_nobody_in_particular() -> None:
    user = expand(FINAL.all("USER")[-1], FINAL.assigned("ARG"))

    assert all(int(number) > 0 for number in user.split(":"))


def test_health_is_asked_for_without_a_model() -> None:
    (check,) = FINAL.all("HEALTHCHECK")

    assert "/healthz" in check
    assert "--interval=30s" in check
    assert "/readyz" not in check


def test_what_outlives_a_container_is_on_the_volume() -> None:
    values = {**FINAL.assigned("ARG"), **FINAL.assigned("ENV")}
    kept = (
        *("HOME", "HF_HOME", "INTONE_CACHE_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME"),
        *("TRITON_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR"),
    )

    assert FINAL.all("VOLUME") == ['["/data"]']
    assert {expand(values[name], values).split("/")[1] for name in kept} == {"data"}


def test_the_base_is_chosen_by_whoever_builds() -> None:
    assert BASE.base == "${BASE_IMAGE}"
    assert BUILD.base == FINAL.base == "base"
    assert "DEVICE" in BUILD.assigned("ARG")


def test_a_gpus_image_can_build_kernels_and_a_cpus_holds_no_compiler() -> None:
    (step,) = (run for run in FINAL.all("RUN") if "gcc" in run)

    assert step.startswith('test "$DEVICE" != cuda || command -v gcc')
    assert {"gcc", "libc6-dev", "python3-dev)"} <= set(step.split())
    assert FINAL.assigned("ARG")["DEVICE"] == "cpu"


def test_no_constraint_contradicts_the_triton_that_torch_brings_for_cuda() -> None:
    assert "\ntriton==" not in (ROOT / "constraints.txt").read_text("utf-8")


def test_only_what_the_build_copies_goes_to_the_builder() -> None:
    copied = {word for rest in BUILD.all("COPY") for word in rest.split()[:-1]}

    assert all(not ignored(name) for name in copied)
    assert all((ROOT / name).exists() for name in copied)
    for name in (".git/config", ".venv/bin/python", "tests/conftest.py", "src/intone/x.wav"):
        assert ignored(name), name


_SERVICE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["image", "build", "ports", "volumes", "read_only"],
    "properties": {
        "build": {
            "type": "object",
            "properties": {"context": {"const": "."}, "args": {"required": ["DEVICE"]}},
        },
        "cap_drop": {"const": ["ALL"]},
        "deploy": {"type": "object"},
        "environment": {"additionalProperties": {"type": "string"}},
        "image": {"type": "string"},
        "ports": {"items": {"pattern": r"^127\.0\.0\.1:\d+:\d+$"}},
        "profiles": {"items": {"type": "string"}},
        "read_only": {"const": True},
        "restart": {"enum": ["unless-stopped"]},
        "security_opt": {"contains": {"const": "no-new-privileges:true"}},
        "stop_grace_period": {"pattern": r"^\d+s$"},
        "tmpfs": {"contains": {"const": "/tmp"}},
        "volumes": {"contains": {"const": "data:/data"}},
    },
}
_COMPOSE = {
    "type": "object",
    "required": ["services", "volumes"],
    "patternProperties": {"^x-": {}},
    "properties": {
        "name": {"type": "string"},
        "services": {"additionalProperties": _SERVICE},
        "volumes": {"additionalProperties": {"type": "object"}},
    },
    "additionalProperties": False,
}
"""Our own: the public schema of compose files is in no registry that tests may ask."""


def test_compose_starts_locked_services_on_this_machine_only() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))

    Draft202012Validator(_COMPOSE).validate(compose)
    for service in compose["services"].values():
        assert service["build"]["args"]["DEVICE"] in ("cpu", "cuda")


def run_steps(stage: Stage, values: dict[str, str], work: Path) -> None:
    """Runs a stage's COPY and RUN as a builder would, in `work` instead of its WORKDIR."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for name, value in (stage.assigned("ARG") | stage.assigned("ENV")).items():
        environment[name] = values.get(name) or expand(value, environment)
    environment |= values
    for step in stage.instructions:
        if step.word == "COPY" and "--from" not in step.rest:
            copy_into(work, step.rest.split())
        if step.word == "RUN":
            done = subprocess.run(
                ["/bin/sh", "-c", step.rest],
                cwd=work,
                env=environment,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, (
                f"{step.rest}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
            )


def copy_into(work: Path, words: list[str]) -> None:
    *sources, target = words
    for source in sources:
        destination = work / source if target == "./" else work / target
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, destination, ignore=leave_out)
        else:
            shutil.copy(ROOT / source, destination)


def leave_out(folder: str, names: list[str]) -> set[str]:
    place = Path(folder).relative_to(ROOT)
    return {name for name in names if ignored(str(place / name))}


@pytest.mark.slow
def test_the_steps_make_an_environment_that_speaks(tmp_path: Path) -> None:
    work, venv, data = tmp_path / "src", tmp_path / "venv", tmp_path / "data"
    work.mkdir()
    # No index named: torch comes from wherever this machine's pip finds it.
    values = {"VENV": str(venv), "DATA": str(data), "DEVICE": "cuda"}
    values |= {"USER_ID": str(os.getuid()), "HOME": str(tmp_path)}

    for stage in (BASE, BUILD, FINAL):
        run_steps(stage, values, work)

    assert (venv / "bin" / "intone").exists()
    assert data.is_dir()
