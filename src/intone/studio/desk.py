"""What the studio asks of the rest; the command line brings what implements it.

`key_id` is whose work it is: the name of an API key, or "anonymous" where there are none.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from starlette.requests import HTTPConnection

from intone.core.synthesizer import Synthesizer
from intone.core.types import Capabilities, ModelKind, Samples, VoiceClonePrompt
from intone.models.pull import PullProgress
from intone.render.ear import Ear
from intone.render.outputs import OutputFolder
from intone.render.sidecar import ModelRecord
from intone.studio.training.desk import TrainingDesk
from intone.voices.library import VoiceLibrary

ANYBODY = "anonymous"
"""The key of everybody where there are no keys."""

Size = Literal["0.6b", "1.7b"]

ModelStatus = Literal["loading", "ready", "closing", "restarting", "failed"]

JobKind = Literal["text", "script", "book"]

JobFormat = Literal["wav", "flac", "mp3", "ogg"]

JobState = Literal["queued", "running", "done", "failed"]


class SpeakingModel(Synthesizer, Protocol):
    """A synthesizer that can clone."""

    def clone(
        self,
        ref_audio: tuple[Samples, int] | bytes,
        ref_text: str | None = None,
        *,
        x_vector_only: bool = False,
        append_silence: bool = True,
    ) -> VoiceClonePrompt:
        """Returns the voice of a clip, encoded file or (samples, rate in Hz); raises as `TTS`."""
        ...


class ThreadModel(SpeakingModel, Protocol):
    """A model for code that runs in a thread; every take waits for its turn by itself."""

    def stop(self) -> None:
        """Ends what runs now, a take within a frame; whoever waits gets an EngineStoppedError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A model that is in memory, or on its way in or out."""

    name: str
    status: ModelStatus
    num_leases: int
    """Who uses it now."""
    memory_bytes: int
    """What is counted for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineState:
    """The process and its machine, now."""

    process_bytes: int | None
    """Resident; None where the system does not say."""
    available_bytes: int | None
    total_bytes: int | None
    device: str
    dtype: str
    threads: int


class Models(Protocol):
    """The models of this machine, and which of them are in memory."""

    def names(self) -> tuple[str, ...]:
        """Returns the models that are here, "builtin" included."""
        ...

    def describe(self, name: str) -> Capabilities:
        """Returns what a model can be asked for; loads nothing. Raises ModelNotFoundError."""
        ...

    def memory_bytes(self, name: str) -> int:
        """Returns what a model needs when it is loaded; raises ModelNotFoundError."""
        ...

    def states(self) -> tuple[LoadedModel, ...]:
        """Returns the models in memory."""
        ...

    def preferred_size(self) -> Size:
        """Returns the size that is taken where there is a choice."""
        ...

    def prefer(self, size: Size) -> None:
        """Changes that size; what is loaded stays until another model is asked for."""
        ...

    def for_voice(self, voice: str | None) -> str:
        """Returns a model that speaks with a preset or a kept voice; None is a first preset.

        Raises:
            UnknownVoiceError: nobody has that name.
            ModelNotFoundError: no model here speaks with it; the message says which to pull.
        """
        ...

    def for_kind(self, kind: ModelKind) -> str:
        """Returns a model of a kind; "base" takes any that clones where there is no Base model.

        Raises:
            ModelNotFoundError: there is none; the message says which to pull.
        """
        ...

    def lease(self, key_id: str, model: str) -> AbstractAsyncContextManager[SpeakingModel]:
        """Waits for a turn and a loaded model; where room is for one, the old one goes first.

        Raises:
            ModelNotFoundError, ModelError, InvalidSettingError: it cannot be loaded.
            CapacityError: no room in time.
        """
        ...

    def in_thread(self, key_id: str, model: str) -> ThreadModel:
        """Returns a model for a thread; call it on the event loop. Raises ModelNotFoundError."""
        ...

    def ear(self, key_id: str, model: str) -> Ear | None:
        """Returns what compares persons in takes of a model, for a thread; None if nothing can."""
        ...

    def record(self, model: str) -> ModelRecord:
        """Returns what records of takes say of a model; loads nothing."""
        ...

    async def free(self) -> tuple[str, ...]:
        """Frees every model that nobody uses, and returns their names when it is done."""
        ...

    def pull(self, name: str) -> AsyncIterator[PullProgress]:
        """Downloads a model and yields how far it is. Raises DownloadError."""
        ...

    def machine(self) -> MachineState:
        """Returns the process and its machine, now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class JobWish:
    """A long text that is to be read in the background."""

    kind: JobKind
    source: str
    """File name of the document; its ending says what it is."""
    title: str
    model: str
    voice: str | None
    language: str = "auto"
    instruct: str | None = None
    seed: int | None = None
    """None draws one."""
    speed: float = 1.0
    format: JobFormat = "wav"
    one_file: bool = True
    """False: a file per chapter."""
    loudness_lufs: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """How a job stands."""

    id: str
    wish: JobWish
    state: JobState
    num_done: int
    num_pieces: int
    audio_s: float
    """Of the finished pieces."""
    created_at: float
    """Seconds since 1970, as all times here."""
    started_at: float | None
    ended_at: float | None
    problem: str | None
    """Why it failed, or why it will be tried again."""
    remaining_s: float | None = None
    """Of a job that runs; None before its first piece."""


class JobDesk(Protocol):
    """The jobs of this machine; each is its key's alone."""

    def keep_days(self) -> float:
        """Returns how long the files of a job stay after its end."""
        ...

    async def submit(self, key_id: str, wish: JobWish, source: bytes) -> JobView:
        """Returns a new job, planned and on the disk; raises an IntoneError."""
        ...

    async def jobs(self, key_id: str) -> tuple[JobView, ...]:
        """Returns the jobs, the newest first."""
        ...

    async def get(self, key_id: str, job_id: str) -> JobView:
        """Returns a job; raises an IntoneError where there is none of that id."""
        ...

    async def files(self, key_id: str, job_id: str) -> Mapping[str, Path]:
        """Returns the files that a job has so far, by name, in order; raises as `get`."""
        ...

    async def delete(self, key_id: str, job_id: str) -> None:
        """Stops a job within a frame and removes it with its files; raises as `get`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Everything the studio works with."""

    models: Models
    library: VoiceLibrary
    takes: Callable[[str], OutputFolder]
    """Where the takes of a key are kept."""
    who: Callable[[HTTPConnection], str]
    """The key of a request."""
    jobs: JobDesk | None = None
    """None: no work in the background."""
    training: TrainingDesk | None = None
    """None: no training here."""
    limit_upload_bytes: int = 50_000_000
    limit_characters: int = 10_000
    """Of a text that is spoken at once; longer ones are jobs."""
