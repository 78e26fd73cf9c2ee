"""Runs of the studio: what they were asked for, how far they are, what their checkpoints said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intone.audio.durable import atomic_write_text
from intone.cli.studio_training.chain import Stage
from intone.cli.studio_training.datasets import Datasets
from intone.cli.studio_training.folders import (
    RUN_FILE,
    existing,
    new_directory,
    newest_first,
    read_about,
    remove_tree,
    write_about,
)
from intone.cli.studio_training.jobs import read_job, remarks, start_job
from intone.cli.studio_training.processes import Processes
from intone.cli.studio_training.results import (
    read_checkpoints,
    read_curves,
    read_evaluated,
    read_speakers,
)
from intone.cli.studio_training.stages import listen_stages, promote_stages, sample_path
from intone.core.errors import EmptyTextError, InvalidSettingError, RunError
from intone.core.types import MAX_SEED
from intone.studio.training.desk import (
    Curves,
    Listening,
    ListenWish,
    Promotion,
    Run,
    RunWish,
    Sample,
)
from intone.voices.library import VoiceLibrary
from intone.voices.names import checked_name

MAX_LISTENED = 6
"""Checkpoints that speak one sentence: each is written as a model first."""

MAX_TEXT_CHARS = 1_000

_LISTENING_FILE, _PROMOTION_FILE = "listening.json", "promotion.json"


def wish_of(name: str, about: Mapping[str, Any]) -> RunWish:
    """Returns what a run was asked for."""
    return RunWish(
        name=name,
        dataset=about["dataset"],
        base=about["base"],
        preset=about["preset"],
        epochs=about["epochs"],
        learning_rate_scale=about["learning_rate_scale"],
        consent=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """The runs of one folder."""

    directory: Path
    models: Path
    """Where promoted models go."""
    datasets: Datasets
    library: VoiceLibrary
    processes: Processes

    def all(self) -> tuple[Run, ...]:
        """Returns them, newest first, without checkpoints and what they said."""
        return tuple(
            self._run(path, is_whole=False) for path in newest_first(self.directory, RUN_FILE)
        )

    def get(self, run_id: str) -> Run:
        """Returns one with everything; raises RunError where it is not there."""
        return self._run(self._path(run_id), is_whole=True)

    def about(self, run_id: str) -> dict[str, Any]:
        """Returns what a run was asked for; raises RunError."""
        return read_about(self._path(run_id) / RUN_FILE)

    def about_file(self, name: str) -> Path:
        """Returns where that is kept, of a run that may not be there yet."""
        return self.directory / name / RUN_FILE

    def training(self, name: str) -> Path:
        """Returns the directory that `intone train run` writes."""
        return self.directory / name / "run"

    def curves(self, run_id: str) -> Curves:
        """Returns what a run has logged; raises RunError where there is no such run."""
        return read_curves(self._path(run_id) / "run")

    def begin(self, run_id: str, stages: Sequence[Stage]) -> None:
        """Starts the stages of a run."""
        start_job(self._path(run_id) / "job", stages, self.processes)

    def check_free(self) -> None:
        """Raises RunError where a run is at work: two would not fit into memory."""
        for path in newest_first(self.directory, RUN_FILE):
            if self.processes.is_running(path / "job"):
                raise RunError(
                    f"the run {path.name!r} is at work, and two need twice the memory; stop it, or "
                    "wait for its end."
                )

    def check_unused(self, dataset_id: str) -> None:
        """Raises RunError where a run was trained on a dataset: it needs it to go on."""
        for path in newest_first(self.directory, RUN_FILE):
            if read_about(path / RUN_FILE)["dataset"] == dataset_id:
                raise RunError(
                    f"the run {path.name!r} was trained on {dataset_id!r} and needs it to go on; "
                    "remove the run first."
                )

    def stop(self, run_id: str) -> None:
        """Asks everything of a run to end."""
        for job in self._jobs(self._path(run_id)):
            self.processes.interrupt(job)

    def remove(self, run_id: str) -> None:
        """Removes a run; raises RunError where something of it is at work."""
        path = self._path(run_id)
        if any(self.processes.is_running(job) for job in self._jobs(path)):
            raise RunError(f"{run_id!r} is at work; stop it first, then remove it.")
        remove_tree(path)

    def listen(self, run_id: str, wish: ListenWish) -> str:
        """Begins a listening and returns its id.

        Raises:
            RequestError, RunError: a value is wrong, or another listening is at work.
        """
        path = self._path(run_id)
        text, names = _checked_text(wish.text), list(dict.fromkeys(wish.checkpoints))
        known = {checkpoint.name for checkpoint in read_checkpoints(path / "run")}
        _check_names(names, known)
        if not 0 <= wish.seed <= MAX_SEED:
            raise InvalidSettingError(f"the seed is {wish.seed}; allowed: 0 to {MAX_SEED}.")
        speaker = self._speaker(path, wish.speaker)
        if any(self.processes.is_running(place / "job") for place in (path / "listen").glob("*")):
            raise RunError("another sentence is being spoken; wait for it, or stop it.")
        place = new_directory(path / "listen", "sentence")
        atomic_write_text(place / "text.txt", text)
        about = {"text": text, "seed": wish.seed, "speaker": speaker, "checkpoints": names}
        write_about(place / _LISTENING_FILE, about)
        stages = listen_stages(path / "run", place, names, speaker, wish.seed)
        start_job(place / "job", stages, self.processes)
        return place.name

    def promote(self, run_id: str, checkpoint: str, voice: str, speaker: str | None) -> None:
        """Begins to make a checkpoint a model and a voice.

        Raises:
            RequestError, RunError: the name cannot be used or is taken; no such checkpoint.
        """
        path, voice = self._path(run_id), checked_name(voice.strip())
        model = self.models / voice
        if voice in self.library or (model / "config.json").exists():
            raise InvalidSettingError(
                f"a voice or a model {voice!r} is kept already, and case makes no difference; "
                "choose another name."
            )
        _check_names([checkpoint], {each.name for each in read_checkpoints(path / "run")})
        speaker = self._speaker(path, speaker)
        place = path / "voices" / voice
        if self.processes.is_running(place / "job"):
            raise RunError(f"{voice!r} is being made; wait for it.")
        write_about(place / _PROMOTION_FILE, {"checkpoint": checkpoint, "model": str(model)})
        consent = str(read_about(path / RUN_FILE)["consent"])
        stages = promote_stages(path / "run", checkpoint, model, voice, speaker, consent)
        start_job(place / "job", stages, self.processes)

    def _speaker(self, path: Path, asked: str | None) -> str:
        speakers = read_speakers(path / "run")
        if not speakers:
            raise RunError("the run has no speaker of its own yet; wait until it has begun.")
        if asked is not None and asked not in speakers:
            raise InvalidSettingError(
                f"the speaker is {asked!r}; the run has: {', '.join(speakers)}."
            )
        return asked or speakers[0]

    def _path(self, run_id: str) -> Path:
        return existing(self.directory, run_id, "run")

    def _jobs(self, path: Path) -> Iterator[Path]:
        yield path / "job"
        yield from sorted((path / "listen").glob("*/job"))
        yield from sorted((path / "voices").glob("*/job"))

    def _run(self, path: Path, *, is_whole: bool) -> Run:
        about = read_about(path / RUN_FILE)
        wish, run = wish_of(path.name, about), path / "run"
        job = read_job(path / "job", self.processes)
        data = self.datasets.directory / wish.dataset / "data"
        return Run(
            id=path.name,
            dataset=wish.dataset,
            base=wish.base,
            preset=wish.preset,
            epochs=wish.epochs,
            learning_rate_scale=wish.learning_rate_scale,
            created_at=about["created_at"],
            job=job,
            speakers=read_speakers(run),
            remarks=remarks(job),
            checkpoints=read_checkpoints(run) if is_whole else (),
            evaluated=read_evaluated(run, data) if is_whole else (),
            listenings=tuple(self._listenings(path)) if is_whole else (),
            promotions=tuple(self._promotions(path)) if is_whole else (),
        )

    def _listenings(self, path: Path) -> Iterator[Listening]:
        for place in newest_first(path / "listen", _LISTENING_FILE):
            about = read_about(place / _LISTENING_FILE)
            paths = {name: sample_path(place, name) for name in about["checkpoints"]}
            yield Listening(
                id=place.name,
                text=about["text"],
                seed=about["seed"],
                speaker=about["speaker"],
                samples=tuple(
                    Sample(checkpoint=name, path=file if file.is_file() else None)
                    for name, file in paths.items()
                ),
                job=read_job(place / "job", self.processes),
            )

    def _promotions(self, path: Path) -> Iterator[Promotion]:
        for place in newest_first(path / "voices", _PROMOTION_FILE):
            about = read_about(place / _PROMOTION_FILE)
            yield Promotion(
                voice=place.name,
                checkpoint=about["checkpoint"],
                model=Path(about["model"]),
                job=read_job(place / "job", self.processes),
            )


def _checked_text(given: str) -> str:
    text = given.strip()
    if not text:
        raise EmptyTextError("there is no sentence to say; write one.")
    if len(text) > MAX_TEXT_CHARS:
        raise InvalidSettingError(
            f"the sentence has {len(text):,} characters; allowed: up to {MAX_TEXT_CHARS:,}. A "
            "sentence or two tell checkpoints apart."
        )
    return text


def _check_names(names: Sequence[str], known: set[str]) -> None:
    gone = [name for name in names if name not in known]
    if gone:
        raise RunError(f"the run has no checkpoint {gone[0]!r} any more; choose one of the list.")
    if not 1 <= len(names) <= MAX_LISTENED:
        raise InvalidSettingError(
            f"{len(names)} checkpoints were chosen; choose 1 to {MAX_LISTENED}."
        )
