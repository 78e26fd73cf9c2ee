"""What is sent for a job, and what is answered about one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from intone.core.types import SamplingOverrides
from intone.server.jobs.job import Job, JobFormat, JobKind
from intone.server.speech.body import Finite, Text

EXAMPLE: JsonDict = {
    "kind": "text",
    "input": "It was late. The river had risen in the night, and nobody had slept.",
    "voice": "ava",
    "response_format": "flac",
    "seed": 7,
}
SCRIPT_EXAMPLE: JsonDict = {
    "kind": "script",
    "input": "[Whispering] Come closer. [pause:1.5s] [reset] Nora: The signal is back!",
    "cast": {"Nora": "bella"},
    "voice": "ava",
}


ANSWER_EXAMPLE: JsonDict = {
    "id": "22781c2dd4c0b9cb",
    "object": "audio.job",
    "kind": "text",
    "title": "text",
    "state": "done",
    "model": "builtin",
    "voice": "ava",
    "seed": 7,
    "response_format": "flac",
    "created_at": "2026-11-24T15:50:27+00:00",
    "started_at": "2026-11-24T15:50:27+00:00",
    "ended_at": "2026-11-24T15:50:29+00:00",
    "num_done": 4,
    "num_pieces": 4,
    "audio_s": 18.24,
    "error": None,
    "events_url": "/v1/audio/jobs/22781c2dd4c0b9cb/events",
    "files": [{"name": "text.flac", "url": "/v1/audio/jobs/22781c2dd4c0b9cb/result/text.flac"}],
}
EVENTS_EXAMPLE = """id: 1
event: progress
data: {"num_done": 0, "num_pieces": 4, "expected_s": 19.0, "notes": []}

id: 2
event: segment
data: {"chapter": 1, "index": 0, "duration_s": 4.24, "seed": 3788101780667901359, ...}
"""


class JobSettings(BaseModel):
    """What holds for a job, whatever brings its text."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=False)

    kind: JobKind = "text"
    title: Annotated[Text, Field(min_length=1, max_length=200)] | None = None
    """Names the files; None takes the uploaded file's name, or the kind."""
    model: Text | None = None
    """None: one that speaks with the voice."""
    voice: Annotated[Text, Field(min_length=1, max_length=200)] | None = None
    """A preset or a kept voice; None: the model's first preset."""
    language: Text | None = None
    instructions: Text | None = None
    """How to say it; of text and books. A script has tags."""
    response_format: JobFormat = "wav"
    one_file: bool = True
    """False writes a file per chapter."""
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = None
    """None draws one; the job tells it."""
    speed: Annotated[Finite, Field(ge=0.5, le=2.0)] = 1.0
    temperature: Finite | None = None
    top_p: Finite | None = None
    top_k: int | None = None
    repetition_penalty: Finite | None = None
    max_frames: Annotated[int, Field(ge=1)] | None = None
    """Of one piece."""
    loudness_lufs: Finite | None = None
    """Normalises every file."""
    cast: dict[str, Any] | None = None
    """Speaker to voice, for a script with dialogue: `{"Nora": "nora"}`."""

    def sampling(self) -> SamplingOverrides:
        """Returns how codebook 0 is drawn."""
        return SamplingOverrides(
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            repetition_penalty=self.repetition_penalty,
        )

    def cast_text(self) -> str | None:
        """Returns the cast as the parser of casts reads it; in ASCII, whatever it holds."""
        return None if self.cast is None else json.dumps(self.cast)


class JobBody(JobSettings):
    """A job as JSON."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [EXAMPLE, SCRIPT_EXAMPLE]}
    )

    input: Annotated[Text, Field(min_length=1)]
    """The text or the script; of a book, Markdown or plain text."""


def job_body(job: Job, files: tuple[str, ...]) -> dict[str, object]:
    """Returns a job as clients see it."""
    order, problem = job.order, job.problem
    root = f"/v1/audio/jobs/{job.id}"
    return {
        "id": job.id,
        "object": "audio.job",
        "kind": order.kind,
        "title": order.title,
        "state": job.state,
        "model": order.model,
        "voice": order.voice,
        "seed": order.seed,
        "response_format": order.format,
        "created_at": _time(job.created_at),
        "started_at": _time(job.started_at),
        "ended_at": _time(job.ended_at),
        "num_done": job.num_done,
        "num_pieces": job.num_pieces,
        "audio_s": round(job.audio_s, 3),
        "error": None if problem is None else {"code": problem.code, "message": problem.message},
        "events_url": f"{root}/events",
        "files": [
            {"name": name, "url": f"{root}/result/{name}"} for name in files if job.state == "done"
        ],
    }


def _time(time: float | None) -> str | None:
    """Returns seconds since 1970 as ISO 8601 in UTC."""
    return None if time is None else datetime.fromtimestamp(time, UTC).isoformat(timespec="seconds")
