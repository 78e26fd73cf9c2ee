"""Built graphs on disk: built once, by one process, found again, never in pieces."""

from __future__ import annotations

import errno
import json
import logging
import os
import resource
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from tests.runtime.cpu.conftest import BuiltOf

from intone.core.errors import CheckpointError, InvalidSettingError, OutputError
from intone.core.types import ModelKind
from intone.runtime.cpu import store
from intone.runtime.cpu.built import Precision, precision_of
from intone.runtime.cpu.needed_room import needed_bytes
from intone.runtime.cpu.store import built_graphs

BESIDE = Path(".intone")


@pytest.fixture
def model(tiny_checkpoint: Callable[[ModelKind], Path], tmp_path: Path) -> Path:
    """A checkpoint that may be changed, and has no graphs yet."""
    graphs = shutil.ignore_patterns(str(BESIDE))
    return Path(shutil.copytree(tiny_checkpoint("custom"), tmp_path / "model", ignore=graphs))


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CACHE_HOME": str(tmp_path / "cache")}


class FakeBuilder:
    """Writes small files instead of graphs, and counts."""

    def __init__(self) -> None:
        self.num_builds = 0
        self.error: Exception | None = None

    def __call__(
        self, model: Path, precision: Precision, out: Path, *, hint: str, lock: object
    ) -> None:
        self.num_builds += 1
        (out / "talker.onnx").write_text(f"{model} {precision} {self.num_builds}")
        if self.error is not None:
            raise self.error


@pytest.fixture
def builder(monkeypatch: pytest.MonkeyPatch) -> FakeBuilder:
    fake = FakeBuilder()
    monkeypatch.setattr(store, "run_builder", fake)
    return fake


def ensure(model: Path, precision: Precision, environ: dict[str, str]) -> Path:
    with built_graphs(model, precision, environ) as entry:
        return entry


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def test_what_was_built_is_found_again(
    model: Path, environ: dict[str, str], builder: FakeBuilder
) -> None:
    entry = ensure(model, "int8", environ)
    assert entry.parent == model / BESIDE
    assert ensure(model, "int8", environ) == entry
    assert builder.num_builds == 1
    other = ensure(model, "int4", environ)
    assert other != entry
    assert names(model / BESIDE) == sorted([entry.name, other.name])


def touch_weights(model: Path, entry: Path) -> None:
    os.utime(model / "model.safetensors", ns=(1, 1))


def change_codec(model: Path, entry: Path) -> None:
    path = model / "speech_tokenizer" / "config.json"
    path.write_text(path.read_text() + " ")


def truncate(model: Path, entry: Path) -> None:
    (entry / "talker.onnx").write_text("x")


def lose(model: Path, entry: Path) -> None:
    (entry / "talker.onnx").unlink()


def add(model: Path, entry: Path) -> None:
    (entry / "stray.onnx").touch()


def spoil_manifest(model: Path, entry: Path) -> None:
    (entry / "manifest.json").write_text("{")


def no_manifest(model: Path, entry: Path) -> None:
    (entry / "manifest.json").unlink()


@pytest.mark.parametrize(
    "change", [touch_weights, change_codec, truncate, lose, add, spoil_manifest, no_manifest]
)
def test_what_does_not_fit_any_more_is_built_anew(
    model: Path,
    environ: dict[str, str],
    builder: FakeBuilder,
    change: Callable[[Path, Path], None],
) -> None:
    old = ensure(model, "int8", environ)
    change(model, old)
    entry = ensure(model, "int8", environ)
    assert builder.num_builds == 2
    assert names(model / BESIDE) == [entry.name]


def test_entries_of_another_format_are_built_anew(
    model: Path, environ: dict[str, str], builder: FakeBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure(model, "int8", environ)
    monkeypatch.setattr(store, "FORMAT", store.FORMAT + 1)
    entry = ensure(model, "int8", environ)
    assert names(model / BESIDE) == [entry.name]
    assert builder.num_builds == 2


def test_nothing_is_removed_while_somebody_opens_it(
    model: Path, environ: dict[str, str], builder: FakeBuilder
) -> None:
    with built_graphs(model, "int8", environ) as old:
        os.utime(model / "model.safetensors", ns=(1, 1))
        new = ensure(model, "int8", environ)
        assert new != old
        assert (old / "talker.onnx").read_text().endswith("int8 1")
    os.utime(model / "model.safetensors", ns=(2, 2))
    newest = ensure(model, "int8", environ)
    assert names(model / BESIDE) == [newest.name], "the next build removes both"


def test_another_precision_is_left_alone(
    model: Path, environ: dict[str, str], builder: FakeBuilder
) -> None:
    ensure(model, "int4", environ)
    os.utime(model / "model.safetensors", ns=(1, 1))
    ensure(model, "int8", environ)
    assert len(names(model / BESIDE)) == 2


def test_a_model_that_cannot_be_written_beside_has_its_graphs_in_the_users_cache(
    model: Path, environ: dict[str, str], builder: FakeBuilder, tmp_path: Path
) -> None:
    (model / BESIDE).write_text("in the way")
    entry = ensure(model, "int8", environ)
    assert entry.parent.parent == tmp_path / "cache" / "intone"
    assert entry.parent.name.startswith("model-")
    assert ensure(model, "int8", environ) == entry
    assert builder.num_builds == 1


def test_without_a_cache_variable_the_users_cache_is_in_the_home(
    model: Path, builder: FakeBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    (model / BESIDE).write_text("in the way")
    entry = ensure(model, "int8", {})
    assert entry.is_relative_to(tmp_path / "home" / ".cache" / "intone")


def test_graphs_that_came_with_a_read_only_model_are_used(
    model: Path, environ: dict[str, str], builder: FakeBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = ensure(model, "int8", environ)
    for lock in (model / BESIDE).glob("*.lock"):
        lock.unlink()

    def refuse(folders: list[Path]) -> None:
        raise AssertionError("asked for something to write")

    monkeypatch.setattr(store, "_first_writable", refuse)
    assert ensure(model, "int8", environ) == entry


def test_the_place_that_was_asked_for_comes_first(
    model: Path, environ: dict[str, str], builder: FakeBuilder, tmp_path: Path
) -> None:
    chosen = {**environ, "INTONE_CACHE_DIR": str(tmp_path / "chosen")}
    entry = ensure(model, "int8", chosen)
    assert entry.is_relative_to(tmp_path / "chosen")
    assert not (model / BESIDE).exists()
    twin = shutil.copytree(model, tmp_path / "elsewhere" / "model")
    assert ensure(twin, "int8", chosen).parent != entry.parent, "two models of one name"


def test_nowhere_to_write_is_told_with_what_to_do(
    model: Path, builder: FakeBuilder, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="INTONE_CACHE_DIR to a directory that can be written"):
        ensure(model, "int8", {"INTONE_CACHE_DIR": str(tmp_path / "file")})


def test_too_little_room_is_told_before_anything_is_built(
    model: Path, environ: dict[str, str], builder: FakeBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000_000))
    with pytest.raises(OutputError, match=r"1\.0 MB are free\. int8 graphs need about 2\.6 MB"):
        ensure(model, "int8", environ)
    assert builder.num_builds == 0
    assert names(model / BESIDE) == []


@pytest.mark.parametrize("precision", ["fp32", "int8", "int4"])
def test_the_room_that_is_asked_for_is_what_graphs_take(
    built: BuiltOf, tiny_checkpoint: Callable[[ModelKind], Path], precision: Precision
) -> None:
    directory = built("custom", precision).directory
    taken = sum(path.stat().st_size for path in directory.iterdir())
    fixed = 2_000_000
    assert taken <= needed_bytes(tiny_checkpoint("custom"), precision) <= taken + fixed


def test_a_full_disk_leaves_nothing_behind(
    model: Path, environ: dict[str, str], builder: FakeBuilder
) -> None:
    builder.error = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OutputError, match="No space left on device"):
        ensure(model, "int8", environ)
    assert names(model / BESIDE) == []
    builder.error = None
    assert ensure(model, "int8", environ).exists()


def test_an_interrupt_leaves_nothing_behind(
    model: Path, environ: dict[str, str], builder: FakeBuilder
) -> None:
    builder.error = KeyboardInterrupt()  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        ensure(model, "int8", environ)
    assert names(model / BESIDE) == []


def test_a_first_start_is_announced_and_a_second_is_not(
    model: Path, environ: dict[str, str], builder: FakeBuilder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "intone")
    ensure(model, "int8", environ)
    first, second = (record.getMessage() for record in caplog.records)
    assert first == f"first start: building int8 graphs of model in {model / BESIDE}"
    assert second.startswith("built in 0 s")
    caplog.clear()
    ensure(model, "int8", environ)
    assert not caplog.records


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(InvalidSettingError, match="fp32, int8, int4, not in 'int7'"):
        precision_of("int7")


@pytest.mark.parametrize(
    ("script", "error", "message"),
    [
        ("kill -9 $$", OutputError, "the process was killed, for example for lack of memory"),
        ("echo trace >&2; echo Boom >&2; exit 1", OutputError, "the process ended with 1: Boom"),
        ("echo one; echo two; exit 3", CheckpointError, "^one\ntwo$"),
        ("echo no room.; exit 4", OutputError, "^no room. int8 graphs need about 2.6 MB in"),
    ],
)
def test_how_the_builder_ended_is_told(
    model: Path,
    environ: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    error: type[Exception],
    message: str,
) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\ntouch $5/half-written\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    with pytest.raises(error, match=message):
        ensure(model, "int8", environ)
    assert names(model / BESIDE) == []


# The rest starts real processes that build.


def start(model: Path, environ: dict[str, str], before: str = "") -> subprocess.Popen[str]:
    """Starts a process that asks for the graphs and prints where they are."""
    code = f"""
    import logging, sys
    from pathlib import Path
    from intone.runtime.cpu.store import built_graphs
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    {before}
    with built_graphs(Path({str(model)!r}), "int8", {environ!r}) as entry:
        print(entry)
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until(happened: Callable[[], bool], limit_s: float = 30.0) -> None:
    deadline = time.monotonic() + limit_s
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def wait_for_partial(folder: Path) -> Path:
    wait_until(lambda: any(folder.glob("building-*")))
    return next(folder.glob("building-*"))


def child_of(pid: int) -> psutil.Process:
    """Returns the process that builds for another one."""
    process = psutil.Process(pid)
    wait_until(lambda: bool(process.children()))
    return process.children()[0]


def test_two_processes_at_once_build_once(model: Path, environ: dict[str, str]) -> None:
    processes = [start(model, environ), start(model, environ)]
    outs, errs = zip(*[process.communicate(timeout=60) for process in processes], strict=True)
    assert outs[0] == outs[1]
    assert Path(outs[0].strip()).is_dir()
    assert "".join(errs).count("first start") == 1
    assert names(model / BESIDE) == [Path(outs[0].strip()).name]


@pytest.mark.slow
def test_a_killed_builder_is_told_and_the_next_start_builds(
    model: Path, environ: dict[str, str]
) -> None:
    process = start(model, environ)
    wait_for_partial(model / BESIDE)
    child_of(process.pid).kill()
    _, err = process.communicate(timeout=60)
    assert "the process was killed, for example for lack of memory" in err
    assert names(model / BESIDE) == []
    entry = ensure(model, "int8", environ)
    assert names(model / BESIDE) == [entry.name]


@pytest.mark.slow
def test_a_killed_starter_leaves_nothing_for_long(model: Path, environ: dict[str, str]) -> None:
    """What builds for it goes on, and keeps the next one waiting until it is gone."""
    first = start(model, environ)
    partial = wait_for_partial(model / BESIDE)
    orphan = child_of(first.pid)
    first.kill()
    first.communicate()
    second = start(model, environ)
    wait_until(lambda: not partial.exists())  # the next one sweeps it when its turn has come
    assert not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE
    out, err = second.communicate(timeout=60)
    assert "another process is building graphs" in err
    assert names(model / BESIDE) == [Path(out.strip()).name]


def test_a_builder_that_finds_no_room_says_how_much_is_needed(
    model: Path, environ: dict[str, str]
) -> None:
    """A limit on the size of files stands for a full disk."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({100_000}, {100_000}))"
    process = start(model, environ, before=limit)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "OutputError" in err
    assert "int8 graphs need about 2.6 MB in" in err
    assert "set INTONE_CACHE_DIR to a directory on another disk" in err
    assert names(model / BESIDE) == []
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_bad_checkpoint_is_told_in_full(model: Path, environ: dict[str, str]) -> None:
    from safetensors.torch import load_file, save_file

    path = model / "model.safetensors"
    tensors = load_file(path)
    for layer in range(3):
        del tensors[f"talker.model.layers.{layer}.self_attn.k_proj.weight"]
    tensors["talker.surprise"] = tensors["talker.codec_head.weight"].clone()
    save_file(tensors, path)
    with pytest.raises(CheckpointError) as caught:
        ensure(model, "int8", environ)
    for part in (str(model), "3 missing", "1 unknown (talker.surprise)"):
        assert part in str(caught.value)
    assert names(model / BESIDE) == []


def test_a_truncated_checkpoint_is_told(model: Path, environ: dict[str, str]) -> None:
    path = model / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(CheckpointError, match=r"model.safetensors is truncated"):
        ensure(model, "int8", environ)


def test_a_manifest_says_what_an_entry_was_made_from(
    model: Path, environ: dict[str, str], builder: FakeBuilder
) -> None:
    manifest = json.loads((ensure(model, "int8", environ) / "manifest.json").read_text())
    assert manifest["format"] == store.FORMAT
    sources = {name for name, _, _ in manifest["sources"]}
    assert sources == {
        "model.safetensors",
        "config.json",
        "speech_tokenizer/model.safetensors",
        "speech_tokenizer/config.json",
    }
