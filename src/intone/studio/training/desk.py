"""What the Train tab asks of the rest; `cli/` brings what implements it, with processes of its own.

Nothing here trains: a check, a run, a listening and a promotion are processes that outlive a page
and the studio itself. Calls read small files and return at once; they may be made from any thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from intone.core.types import ModelKind

JobState = Literal["running", "stopping", "done", "stopped", "failed"]
"""stopped: it was asked to end, or its process is gone; it can go on."""

StepState = Literal["waiting", "running", "done", "stopped", "failed"]

TrainPreset = Literal["voice", "language", "full", "lora"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One stage of a job."""

    name: str
    """"encode", "run", "eval", ..."""
    state: StepState
    note: str = ""
    """How far it is, in its own words: "12 of 40 steps, 0:20 to go"."""
    done: int | None = None
    total: int | None = None
    wall_s: float | None = None
    """Since it began, or from begin to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A chain of stages in a process of its own."""

    state: JobState
    steps: tuple[Step, ...]
    problem: str | None = None
    """Why it failed or ended, in the words of the stage."""
    lines: tuple[str, ...] = ()
    """The last lines that it printed."""

    @property
    def is_active(self) -> bool:
        return self.state in ("running", "stopping")


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Rows and seconds of a split, a speaker or a language."""

    rows: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A row that was not kept."""

    id: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a check found."""

    num_read: int
    num_kept: int
    refused_by_code: Mapping[str, int]
    refusals: tuple[Refusal, ...]
    """The first of them."""
    splits: Mapping[str, Share]
    speakers: Mapping[str, Share]
    languages: Mapping[str, Share]
    notes: tuple[str, ...]
    kept_s: tuple[float, ...]
    """Duration of every kept clip."""
    refused_s: tuple[float, ...]
    """Duration of every measured clip that was not kept."""

    @property
    def kept_total_s(self) -> float:
        return sum(share.seconds for share in self.splits.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetWish:
    """Recordings to be checked: a place on the machine of the studio, or an uploaded archive."""

    folder: str | None = None
    archive: Path | None = None
    """A .zip; it is unpacked, and not needed afterwards."""
    speaker: str
    language: str = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Recordings that were checked, or are being checked."""

    id: str
    source: str
    """As it was given: a path, or the archive's name."""
    speaker: str
    language: str
    created_at: str
    """ISO 8601, with its offset."""
    job: Job
    verdict: Verdict | None
    """None until the check has ended."""
    left_out: tuple[str, ...] = ()
    """Files of the archive that are neither sound nor text."""

    @property
    def can_train(self) -> bool:
        trained = self.verdict.splits.get("train") if self.verdict is not None else None
        return trained is not None and trained.rows > 0 and not self.job.is_active


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainableModel:
    """A model of this machine that a run can begin with."""

    name: str
    kind: ModelKind
    size: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """What a run will be, before it begins."""

    num_steps: int
    save_every: int
    """Steps between two checkpoints."""
    memory_bytes: int
    """Weights, gradients, moments; besides activations."""
    evaluates: bool
    """False where no row validates: then nothing can be measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWish:
    """A run to be started."""

    name: str
    """Of the run: a plain word."""
    dataset: str
    base: str
    preset: TrainPreset = "voice"
    epochs: int = 2
    learning_rate_scale: float = 1.0
    consent: bool = False
    """The owner of the voice agrees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A loss at a step, nats."""

    step: int
    loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """What a run has logged."""

    train: tuple[Point, ...] = ()
    validation: tuple[Point, ...] = ()
    """Step 0 is the untouched model."""
    codebooks: Mapping[str, tuple[Point, ...]] = field(default_factory=dict)
    """Validation loss of each codebook, "0" to "15"."""
    frames_per_s: float | None = None
    """Of the last steps."""
    peak_memory_bytes: int | None = None
    ends_right: float | None = None
    """Share of held-out ends that the newest measurement got right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalTake:
    """A held-out sentence as a checkpoint speaks it."""

    text: str
    path: Path
    ended: bool
    similarity: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """What the evaluation found of one checkpoint, of the base, or of the recordings."""

    name: str
    loss: float | None
    similarity: float | None
    ended: float
    """Share of takes that ended by themselves."""
    pace: float
    """Of the recordings' pace."""
    score: float | None
    takes: tuple[EvalTake, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A checkpoint of a run that is there whole."""

    name: str
    step: int
    loss: float | None
    """On held-out rows; None where it was not measured."""
    is_best: bool
    """By evaluation, else by loss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One checkpoint's take of a sentence."""

    checkpoint: str
    path: Path | None
    """None until it is spoken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """One sentence, spoken by several checkpoints with one seed."""

    id: str
    text: str
    seed: int
    speaker: str
    samples: tuple[Sample, ...]
    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenWish:
    """A sentence to be spoken by checkpoints of a run."""

    text: str
    checkpoints: Sequence[str]
    seed: int
    speaker: str | None = None
    """None is the run's first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A checkpoint that becomes, or became, a model and a kept voice."""

    voice: str
    checkpoint: str
    model: Path
    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A training run."""

    id: str
    dataset: str
    base: str
    preset: TrainPreset
    epochs: int
    learning_rate_scale: float
    created_at: str
    speakers: tuple[str, ...]
    """Presets of the result; empty until the run has begun."""
    job: Job
    remarks: tuple[str, ...] = ()
    """What the run said of memory, of losses that look wrong, of going on."""
    checkpoints: tuple[Checkpoint, ...] = ()
    """Oldest first."""
    evaluated: tuple[Evaluated, ...] = ()
    listenings: tuple[Listening, ...] = ()
    """Newest first."""
    promotions: tuple[Promotion, ...] = ()


class TrainingDesk(Protocol):
    """Datasets and runs of one folder. Raises RequestError, TrainError and OutputError in words."""

    def missing(self) -> str | None:
        """Returns what this machine lacks for training, with the line that brings it."""
        ...

    def bases(self) -> tuple[TrainableModel, ...]:
        """Returns the models that a run can begin with."""
        ...

    def plan(self, wish: RunWish) -> RunPlan:
        """Returns what the run would be; raises where a value is wrong."""
        ...

    def datasets(self) -> tuple[Dataset, ...]:
        """Returns what was checked, newest first."""
        ...

    def dataset(self, dataset_id: str) -> Dataset: ...

    def check(self, wish: DatasetWish) -> str:
        """Begins a check and returns the dataset's id."""
        ...

    def remove_dataset(self, dataset_id: str) -> None:
        """Removes what the check made, an uploaded archive's clips too; never a folder of yours."""
        ...

    def runs(self) -> tuple[Run, ...]:
        """Returns the runs, newest first, without their listenings."""
        ...

    def run(self, run_id: str) -> Run: ...

    def curves(self, run_id: str) -> Curves: ...

    def start(self, wish: RunWish) -> str:
        """Begins encode, run and eval, one after the other, and returns the run's id."""
        ...

    def stop(self, run_id: str) -> None:
        """Asks the run to end; it keeps a checkpoint. Ends its listening, too."""
        ...

    def resume(self, run_id: str) -> None:
        """Goes on at the last checkpoint."""
        ...

    def remove_run(self, run_id: str) -> None:
        """Removes a run that is not at work; models that were promoted stay."""
        ...

    def listen(self, run_id: str, wish: ListenWish) -> str:
        """Begins to speak a sentence with some checkpoints and returns the listening's id."""
        ...

    def promote(self, run_id: str, checkpoint: str, voice: str, speaker: str | None = None) -> None:
        """Begins to write a checkpoint as a model, and keeps its speaker as a voice."""
        ...
