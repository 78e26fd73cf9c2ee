"""What `intone doctor` finds: gathered once, then printed or written as JSON."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version, release, system
from typing import get_args

from intone.bench.prediction import Prediction
from intone.bench.rates import Rates
from intone.cli.machine_memory import MachineMemory
from intone.core.errors import ModelNotFoundError
from intone.core.version import __version__
from intone.engine.footprint import Footprint
from intone.engine.plan import resolve_device, resolve_dtype
from intone.engine.settings import GRAPH_DTYPES, available_threads
from intone.models.description import ModelDescription
from intone.models.hub import HubSettings, directory_bytes, list_installed
from intone.models.released import RELEASED_SIZES, released_description
from intone.runtime.cpu.built import Precision
from intone.runtime.cpu.features import CpuFeatures
from intone.runtime.cpu.store import find_built
from intone.voices.builtin_voice import BUILTIN_MODEL, builtin_directory

HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
_PACKAGES = ("numpy", "onnxruntime", "torch")
_PREDICTED_DTYPES = GRAPH_DTYPES[1:]

MINUTE_POSITIONS = 768
"""Prompt and 50 s of audio: what memory is predicted for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineState:
    """The machine, as far as speaking depends on it."""

    cpu: CpuFeatures
    threads: int
    """Cores that this process may use."""
    total_bytes: int | None
    available_bytes: int | None
    huge_pages: str | None
    """always, madvise or never; None where there are none."""
    load_average: float | None
    """Cores that all programs kept busy in the last minute."""
    kernel: str
    python: str

    @classmethod
    def here(cls) -> MachineState:
        """Returns this machine, now."""
        memory = MachineMemory.here()
        return cls(
            cpu=CpuFeatures.here(),
            threads=available_threads(),
            total_bytes=memory.total_bytes,
            available_bytes=memory.available_bytes,
            huge_pages=_chosen(HUGE_PAGES.read_text()) if HUGE_PAGES.exists() else None,
            load_average=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
            kernel=f"{system()} {release()}",
            python=python_version(),
        )


def _chosen(setting: str) -> str | None:
    """Returns the word in brackets of "always [madvise] never"."""
    _, opened, rest = setting.partition("[")
    return rest.partition("]")[0] if opened else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a released model would run in here, if nothing is asked for."""

    device: str
    dtype: str
    engine: str | None
    """None where its package is missing."""
    sharing: str
    """Who has how many threads."""
    overlap: bool

    @classmethod
    def here(cls, threads: int) -> Chosen:
        """Resolves "auto" as a start does."""
        device = resolve_device("auto")
        dtype = resolve_dtype("auto", device, released_description("0.6b").config.talker)
        if device != "cpu":
            return cls(device=device, dtype=dtype, engine=_named("torch"), sharing="", overlap=True)
        engine = _named("onnxruntime")
        if engine is None:
            return cls(device=device, dtype=dtype, engine=None, sharing="", overlap=False)
        from intone.runtime.cpu.opening import Cores  # needs onnxruntime

        cores = Cores.of(threads)
        sharing = (
            f"{cores.frames} for frames and {cores.codec} for audio, at the same time"
            if cores.overlap
            else f"{cores.frames} for frames and for audio, in turns"
        )
        return cls(
            device=device, dtype=dtype, engine=engine, sharing=sharing, overlap=cores.overlap
        )


def package_version(name: str) -> str | None:
    """Returns the version of a package that is installed, without importing it."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _named(package: str) -> str | None:
    found = package_version(package)
    return None if found is None else f"{package} {found}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltGraphs:
    """Graphs of one checkpoint that a start would open at once."""

    model: str
    dtype: str
    num_bytes: int
    directory: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """One released size in one precision, one take at a time: predicted."""

    size: str
    dtype: str
    memory_bytes: int
    """Peak of the process while it speaks up to a minute."""
    rtf: float | None
    """Audio seconds per wall second; None where rates were not measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Everything that was found."""

    intone: str
    machine: MachineState
    packages: dict[str, str | None]
    """Versions; None is not installed."""
    chosen: Chosen
    models: tuple[str, ...]
    """Complete checkpoints on this machine, the built-in voice included."""
    built: tuple[BuiltGraphs, ...]
    rates: Rates | None
    outlook: tuple[Outlook, ...]

    @classmethod
    def here(cls, *, measures: bool) -> Diagnosis:
        """Looks around; `measures` takes two or three seconds for the machine's rates.

        Raises:
            BenchError: the rates could not be measured.
        """
        machine = MachineState.here()
        chosen = Chosen.here(machine.threads)
        rates = Rates.measured(machine.threads) if measures else None
        models = dict(_models())
        return cls(
            intone=__version__,
            machine=machine,
            packages={name: package_version(name) for name in _PACKAGES},
            chosen=chosen,
            models=tuple(models),
            built=tuple(_built(models)),
            rates=rates,
            outlook=tuple(_outlook(rates, overlap=chosen.overlap)),
        )


def _models() -> Iterator[tuple[str, Path]]:
    """Yields names and directories."""
    try:
        yield BUILTIN_MODEL, builtin_directory()
    except ModelNotFoundError:
        pass
    for model in list_installed(HubSettings.from_env(os.environ)):
        if model.is_complete:
            yield model.alias or model.repo_id, model.path


def _built(models: dict[str, Path]) -> Iterator[BuiltGraphs]:
    for name, directory in models.items():
        yield from built_graphs_of(name, directory)


def built_graphs_of(name: str, directory: Path) -> Iterator[BuiltGraphs]:
    """Yields the graphs of a checkpoint that fit it."""
    dtypes: tuple[Precision, ...] = get_args(Precision)
    for dtype in dtypes:
        entry = find_built(directory, dtype, os.environ)
        if entry is not None:
            yield BuiltGraphs(
                model=name, dtype=dtype, num_bytes=directory_bytes(entry), directory=str(entry)
            )


def _outlook(rates: Rates | None, *, overlap: bool) -> Iterator[Outlook]:
    for size in RELEASED_SIZES:
        description = released_description(size)
        for dtype in _PREDICTED_DTYPES:
            yield Outlook(
                size=size,
                dtype=dtype,
                memory_bytes=Footprint.of(description, dtype).speaking_bytes(1, MINUTE_POSITIONS),
                rtf=_rtf(description, dtype, rates, overlap=overlap),
            )


def _rtf(
    description: ModelDescription, dtype: str, rates: Rates | None, *, overlap: bool
) -> float | None:
    if rates is None:
        return None
    return Prediction.of(description, dtype, rates, overlap=overlap).rtf
