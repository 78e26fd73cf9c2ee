"""From what was wished for to the first stage of a run: what it begins with, what it will be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from intone.cli.studio_training.datasets import Datasets
from intone.cli.studio_training.folders import checked_run_name, now, write_about
from intone.cli.studio_training.runs import Runs, wish_of
from intone.cli.studio_training.stages import RunPlaces, num_steps, run_stages, save_every
from intone.core.errors import (
    CheckpointError,
    DatasetError,
    InvalidSettingError,
    ModelNotFoundError,
)
from intone.models.config import ModelConfig
from intone.models.description import ModelDescription
from intone.studio.training.desk import RunPlan, RunWish, TrainableModel, Verdict
from intone.train.tuning.run_memory import run_memory_bytes
from intone.train.tuning.settings import TrainSettings
from intone.voices.builtin_voice import BUILTIN_MODEL

MAX_EPOCHS = 1_000

CONSENT = "the owner of this voice agrees that it is trained"


@dataclass(frozen=True, slots=True)
class Bases:
    """The checkpoints of this machine that a run can begin with."""

    models: Callable[[], Mapping[str, Path]]

    def all(self) -> tuple[TrainableModel, ...]:
        """Returns every Base, then every CustomVoice beside which there is a Base of its width."""
        found = dict(self._read())
        fitting = [
            TrainableModel(name=name, kind=config.kind, size=config.size)
            for name, (_, config) in found.items()
            if config.kind == "base" or (config.kind == "custom" and self._encoder(config, found))
        ]
        return tuple(sorted(fitting, key=lambda model: model.kind != "base"))

    def places(self, name: str) -> tuple[Path, Path | None, ModelConfig]:
        """Returns where a base lies, who makes its x-vectors where it cannot, and what it is.

        Raises:
            ModelNotFoundError: it is not here, or nothing can be trained from it.
        """
        found = dict(self._read())
        if name not in {base.name for base in self.all()}:
            known = ", ".join(base.name for base in self.all())
            raise ModelNotFoundError(
                f"no run can begin with {name!r}; there are: {known or 'none yet'}. Pull one: "
                "intone models pull 0.6b-base."
            )
        directory, config = found[name]
        encoder = None if config.speaker_encoder is not None else self._encoder(config, found)
        return directory, encoder, config

    def _read(self) -> Iterator[tuple[str, tuple[Path, ModelConfig]]]:
        for name, directory in self.models().items():
            if name == BUILTIN_MODEL:
                continue  # of a recipe of its own, `train.from_scratch`
            try:
                yield name, (directory, ModelDescription.read(directory).config)
            except CheckpointError:
                continue  # `intone models inspect` says what is wrong with it

    def _encoder(
        self, config: ModelConfig, found: Mapping[str, tuple[Path, ModelConfig]]
    ) -> Path | None:
        width = config.talker.hidden_size
        fits = (
            directory
            for directory, other in found.values()
            if other.kind == "base" and other.talker.hidden_size == width
        )
        return next(fits, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Starting:
    """Makes runs, and lets them go on."""

    runs: Runs
    datasets: Datasets
    bases: Bases
    _one_at_a_time: Lock = field(default_factory=Lock)
    """Two pages may press at once; between the look and the start nobody else starts."""

    def plan(self, wish: RunWish) -> RunPlan:
        """Returns what a run would be.

        Raises:
            RequestError, DatasetError, ModelNotFoundError: a value is wrong.
        """
        settings = _settings(wish)
        _, _, config = self.bases.places(wish.base)
        verdict = self._verdict(wish)
        steps = num_steps(verdict.splits["train"].rows, settings.rows_per_step, wish.epochs)
        return RunPlan(
            num_steps=steps,
            save_every=save_every(steps),
            memory_bytes=run_memory_bytes(config, settings),
            evaluates="validation" in verdict.splits,
        )

    def start(self, wish: RunWish) -> str:
        """Begins a run and returns its id; raises as `plan`, and where another one is at work."""
        name = checked_run_name(wish.name.strip(), self.runs.directory)
        if not wish.consent:
            raise InvalidSettingError(
                "a voice belongs to its owner: tick that they agree before it is trained."
            )
        self.plan(wish)
        about = {
            "dataset": wish.dataset,
            "base": wish.base,
            "preset": wish.preset,
            "epochs": wish.epochs,
            "learning_rate_scale": wish.learning_rate_scale,
            "consent": f"{CONSENT}, ticked {now()}",
            "created_at": now(),
        }
        with self._one_at_a_time:
            checked_run_name(name, self.runs.directory)  # somebody may have taken it meanwhile
            self.runs.check_free()
            write_about(self.runs.about_file(name), about)
            self._begin(name, wish)
        return name

    def resume(self, run_id: str) -> None:
        """Goes on with a run; its stages do what is missing."""
        with self._one_at_a_time:
            self.runs.check_free()
            self._begin(run_id, wish_of(run_id, self.runs.about(run_id)))

    def _begin(self, name: str, wish: RunWish) -> None:
        plan = self.plan(wish)
        base, encoder, _ = self.bases.places(wish.base)
        places = RunPlaces(
            data=self.datasets.data(wish.dataset),
            run=self.runs.training(name),
            base=base,
            speaker_encoder=encoder,
        )
        self.runs.begin(name, run_stages(wish, places, plan.num_steps, evaluates=plan.evaluates))

    def _verdict(self, wish: RunWish) -> Verdict:
        dataset = self.datasets.get(wish.dataset)
        if dataset.job.is_active:
            raise DatasetError(f"{wish.dataset!r} is still being checked; wait for the verdict.")
        if dataset.verdict is None or not dataset.can_train:
            raise DatasetError(
                f"{wish.dataset!r} has no rows to train on; check other recordings first."
            )
        return dataset.verdict


def _settings(wish: RunWish) -> TrainSettings:
    if not 1 <= wish.epochs <= MAX_EPOCHS:
        raise InvalidSettingError(f"epochs is {wish.epochs}; allowed: 1 to {MAX_EPOCHS}.")
    return TrainSettings(
        preset=wish.preset,
        epochs=wish.epochs,
        learning_rate_scale=wish.learning_rate_scale,
    )
