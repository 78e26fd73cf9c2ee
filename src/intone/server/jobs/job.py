"""What a job is: what was asked for, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from intone.audio.files import AudioFormat
from intone.core.errors import InvalidSettingError
from intone.core.types import MAX_SEED, SamplingOverrides, SpeechRequest

JobKind = Literal["text", "script", "book"]
"""text: plain words. script: with tags and a cast. book: a document in chapters."""

JobState = Literal["queued", "running", "done", "failed"]

ENDED: frozenset[JobState] = frozenset({"done", "failed"})

NEXT_STATES: Mapping[JobState, frozenset[JobState]] = {
    "queued": frozenset({"running", "failed"}),
    "running": frozenset({"queued", "done", "failed"}),
    "done": frozenset(),
    "failed": frozenset(),
}
"""Running goes back to queued when the server stops, when there is no room, and before another
attempt. A job is deleted in any state."""

JobFormat = Literal["wav", "flac", "mp3", "ogg"]
JOB_FORMATS: tuple[JobFormat, ...] = get_args(JobFormat)

MAX_ATTEMPTS = 3
"""Starts in a row that end in an error, or with the process, without one more finished piece."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOrder:
    """What was asked for; everything that was left open is decided here."""

    kind: JobKind
    source: str
    """Name of the file in the job's folder."""
    title: str
    model: str
    voice: str | None
    """A preset or a kept voice; None is nobody but the cast and the tags of a script."""
    seed: int
    language: str = "auto"
    instruct: str | None = None
    cast: str | None = None
    """JSON; of a script with dialogue."""
    speed: float = 1.0
    max_frames: int | None = None
    """Of one piece."""
    sampling: SamplingOverrides = field(default_factory=SamplingOverrides)
    format: JobFormat = "wav"
    one_file: bool = True
    """False: a file per chapter."""
    loudness_lufs: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.seed <= MAX_SEED:
            raise InvalidSettingError(f"seed is {self.seed}; allowed: 0 to {MAX_SEED}.")
        if self.kind == "script" and not self.one_file:
            raise InvalidSettingError("one_file is false; a script has no chapters, leave it out.")
        if self.cast is not None and self.kind != "script":
            raise InvalidSettingError(f"cast belongs to a script, and kind is {self.kind!r}.")
        if self.instruct is not None and self.kind == "script":
            raise InvalidSettingError(
                "instructions are given, and kind is 'script'; write moods as tags into the script."
            )

    @property
    def audio_format(self) -> AudioFormat:
        return self.format

    def template(self) -> SpeechRequest:
        """Returns what holds for every piece; raises InvalidSettingError."""
        return SpeechRequest(
            text="-",
            instruct=self.instruct,
            language=self.language,
            sampling=self.sampling,
            predictor_sampling=SamplingOverrides(greedy=self.sampling.greedy),
            max_frames=self.max_frames,
            speed=self.speed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProblem:
    """Why a job failed, fit for its owner."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One row of the queue."""

    id: str
    key_id: str
    """Whose it is; nobody else sees it."""
    order: JobOrder
    state: JobState
    created_at: float
    """Seconds since 1970, as all times here."""
    started_at: float | None = None
    """Of the last start."""
    ended_at: float | None = None
    num_starts: int = 0
    """Since the last piece that was finished."""
    num_done: int = 0
    num_pieces: int
    audio_s: float = 0.0
    """Of the finished pieces."""
    not_before: float = 0.0
    """When it may be started next."""
    problem: JobProblem | None = None

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    def moved(self, state: JobState) -> Job:
        """Returns the job in another state; raises ValueError where there is no such way."""
        if state not in NEXT_STATES[self.state]:
            raise ValueError(f"a {self.state} job does not become {state}")
        return replace(self, state=state)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent:
    """One thing that happened to a job."""

    number: int
    """From 1, without gaps: a client that was cut off goes on behind the last one it saw."""
    type: str
    """progress, segment, done, failed."""
    data: str
    """JSON, an object."""
