"""`TrainingDesk` on this machine: folders, and processes that `intone` itself runs in."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from intone.cli.studio_training.datasets import Datasets
from intone.cli.studio_training.processes import Processes, SystemProcesses
from intone.cli.studio_training.runs import Runs
from intone.cli.studio_training.starting import Bases, Starting
from intone.studio.training.desk import (
    Curves,
    Dataset,
    DatasetWish,
    ListenWish,
    Run,
    RunPlan,
    RunWish,
    TrainableModel,
)
from intone.voices.library import VOICES_VARIABLE, VoiceLibrary

_NEEDED = ("accelerate", "matplotlib", "peft")
"""What `intone[train]` brings and a run cannot do without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingHere:
    """Implements `TrainingDesk`; holds nothing but places, so any number of them agree."""

    _datasets: Datasets
    _runs: Runs
    _bases: Bases
    _starting: Starting

    @classmethod
    def open(
        cls,
        directory: Path,
        library: VoiceLibrary,
        models: Callable[[], Mapping[str, Path]],
        processes: Processes | None = None,
    ) -> TrainingHere:
        """Opens a folder, which is made with the first dataset.

        Args:
            directory: of `folders.training_directory`, or another.
            library: where promoted voices are kept.
            models: the checkpoints of this machine, by the names that they are asked for.
            processes: what jobs run in; None is processes of the system.
        """
        environ = {**os.environ, VOICES_VARIABLE: str(library.directory)}
        processes = processes or SystemProcesses(environ)
        datasets = Datasets(directory=directory / "datasets", processes=processes)
        runs = Runs(
            directory=directory / "runs",
            models=directory / "models",
            datasets=datasets,
            library=library,
            processes=processes,
        )
        bases = Bases(models)
        starting = Starting(runs=runs, datasets=datasets, bases=bases)
        return cls(_datasets=datasets, _runs=runs, _bases=bases, _starting=starting)

    def missing(self) -> str | None:
        lacking = [name for name in _NEEDED if find_spec(name) is None]
        if not lacking:
            return None
        return (
            f"Training needs {', '.join(lacking)}, which this installation does not have. "
            "Bring them with: pip install 'intone[train]', then start the studio again."
        )

    def bases(self) -> tuple[TrainableModel, ...]:
        return self._bases.all()

    def plan(self, wish: RunWish) -> RunPlan:
        return self._starting.plan(wish)

    def datasets(self) -> tuple[Dataset, ...]:
        return self._datasets.all()

    def dataset(self, dataset_id: str) -> Dataset:
        return self._datasets.get(dataset_id)

    def check(self, wish: DatasetWish) -> str:
        return self._datasets.check(wish)

    def remove_dataset(self, dataset_id: str) -> None:
        self._runs.check_unused(dataset_id)
        self._datasets.remove(dataset_id)

    def runs(self) -> tuple[Run, ...]:
        return self._runs.all()

    def run(self, run_id: str) -> Run:
        return self._runs.get(run_id)

    def curves(self, run_id: str) -> Curves:
        return self._runs.curves(run_id)

    def start(self, wish: RunWish) -> str:
        return self._starting.start(wish)

    def stop(self, run_id: str) -> None:
        self._runs.stop(run_id)

    def resume(self, run_id: str) -> None:
        self._starting.resume(run_id)

    def remove_run(self, run_id: str) -> None:
        self._runs.remove(run_id)

    def listen(self, run_id: str, wish: ListenWish) -> str:
        return self._runs.listen(run_id, wish)

    def promote(self, run_id: str, checkpoint: str, voice: str, speaker: str | None = None) -> None:
        self._runs.promote(run_id, checkpoint, voice, speaker)
