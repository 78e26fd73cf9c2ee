"""What is written beside a take: all that made it, and what came out.

Enough to draw the same take again on this machine, sample for sample (`render.redo`), and to know
years later whose voice and which weights it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from intone.core.errors import RecordError
from intone.core.types import (
    Audio,
    FinishReason,
    SamplingOverrides,
    SpeechRequest,
    TextLayout,
    VoiceClonePrompt,
)
from intone.render.hashes import pcm16_sha256
from intone.render.json_records import parse_object, record_from, to_json

SCHEMA = 1
"""Raised when a field changes its meaning or goes away."""

MAX_RECORD_BYTES = 16_000_000

VoiceKind = Literal["default", "preset", "kept", "clip", "given"]
"""default: the model's own choice, or a described voice. preset: of the checkpoint. kept: of the
library. clip: cloned for this take. given: a prompt of unknown origin, which cannot be made again
from its record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRecord:
    """Which weights spoke, and how they were computed."""

    name: str
    """What it was asked for by: an alias, a hub id, a directory, or "builtin"."""
    kind: str
    size: str
    fingerprint: str
    """`models.identity.checkpoint_fingerprint`."""
    device: str
    dtype: str
    threads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceRecord:
    """Who spoke."""

    kind: VoiceKind
    name: str | None = None
    """Of a preset or a kept voice."""
    file_sha256: str | None = None
    """Of the kept voice's content, or of the clip's bytes."""
    mood: str | None = None
    """Which reference of a kept voice; None is the neutral one."""
    clip: str | None = None
    """The clip's path as it was given."""
    ref_text: str | None = None
    x_vector_only: bool | None = None
    append_silence: bool | None = None
    prompt_sha256: str | None = None
    """Of the voice clone prompt that the talker read; see `render.hashes`."""

    @property
    def can_be_made_again(self) -> bool:
        return self.kind != "given"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """Every field of a `SpeechRequest`; the voice stands apart."""

    text: str
    instruct: str | None
    language: str
    seed: int
    sampling: SamplingOverrides
    predictor_sampling: SamplingOverrides
    min_frames: int | None
    max_frames: int | None
    text_layout: TextLayout | None
    chunk_frames: int | None
    guard: bool
    speed: float

    @classmethod
    def of(cls, request: SpeechRequest, seed: int) -> RequestRecord:
        """Keeps a request with the seed that was used for it."""
        return cls(
            text=request.text,
            instruct=request.instruct,
            language=request.language,
            seed=seed,
            sampling=request.sampling,
            predictor_sampling=request.predictor_sampling,
            min_frames=request.min_frames,
            max_frames=request.max_frames,
            text_layout=request.text_layout,
            chunk_frames=request.chunk_frames,
            guard=request.guard,
            speed=request.speed,
        )

    def request(self, voice: str | VoiceClonePrompt | None) -> SpeechRequest:
        """Returns the request again; raises InvalidSettingError where a value is refused today."""
        return SpeechRequest(
            text=self.text,
            voice=voice,
            instruct=self.instruct,
            language=self.language,
            seed=self.seed,
            sampling=self.sampling,
            predictor_sampling=self.predictor_sampling,
            min_frames=self.min_frames,
            max_frames=self.max_frames,
            text_layout=self.text_layout,
            chunk_frames=self.chunk_frames,
            guard=self.guard,
            speed=self.speed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRecord:
    """What came out."""

    finish_reason: FinishReason
    num_draws: int
    """Of the engine's guard; see `Audio`."""
    num_leaked_frames: int
    sample_rate_hz: int
    num_samples: int
    pcm16_sha256: str
    """Of the samples as 16-bit little-endian integers: what a WAV file holds."""
    ttfa_s: float
    wall_s: float
    similarity: float | None = None
    """Cosine of this take's x-vector with the identity's; None was not compared."""
    num_similarity_draws: int = 1
    """How often it was drawn until it was like the identity; the best one is this."""

    @property
    def duration_s(self) -> float:
        return self.num_samples / self.sample_rate_hz


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeRecord:
    """One take, whole."""

    schema: int
    intone_version: str
    created_at: str
    """ISO 8601 with the offset from UTC."""
    mode: str
    """The command or surface: say, custom, clone, design, script, book."""
    audio_file: str | None
    """Name of the file beside this record; None until it has one."""
    text: str
    """As it was written."""
    request: RequestRecord
    """With the text as it was spoken."""
    is_streamed: bool
    """Drawn with `stream_request`; a whole take is cut into other chunks."""
    voice: VoiceRecord
    model: ModelRecord
    result: ResultRecord
    mood: str | None = None
    speaker: str | None = None
    notes: tuple[str, ...] = ()
    """What was not done as asked, in words."""

    @property
    def spoken_text(self) -> str:
        return self.request.text

    def json(self) -> str:
        """Returns the file's text."""
        return to_json(self) + "\n"

    @classmethod
    def parse(cls, text: str | bytes, where: str) -> TakeRecord:
        """Returns the record that `json` wrote; raises RecordError naming `where`."""
        data = parse_object(text, where)
        check_schema(data.get("schema"), SCHEMA, where)
        if "segments" in data or "files" in data:
            raise RecordError(
                f"{where} is about a whole, not about one take. Of a script, give the record of a "
                "segment (.001.json); a book is made again by its own command and seed."
            )
        return record_from(cls, data, where)


def check_schema(found: object, known: int, where: str) -> None:
    """Raises RecordError where a file is not of the schema that this version reads."""
    if found == known and not isinstance(found, bool):
        return
    if found is None:
        raise RecordError(f"{where} was not written by Intone: it has no schema number.")
    raise RecordError(
        f"{where} has schema {found!r:.40}; this version reads {known}. Use the version that wrote "
        "it."
    )


def read_take_record(path: Path) -> TakeRecord:
    """Returns the record in a file.

    Raises:
        RecordError: missing, too large, damaged, foreign, or of an unknown schema.
    """
    try:
        if path.stat().st_size > MAX_RECORD_BYTES:
            raise RecordError(f"{path} is larger than any record; give the JSON beside a take.")
        return TakeRecord.parse(path.read_bytes(), str(path))
    except OSError as error:
        raise RecordError(
            f"cannot read {path}: {error.strerror}; give the JSON beside a take."
        ) from error


def result_of(
    audio: Audio, *, similarity: float | None = None, num_similarity_draws: int = 1
) -> ResultRecord:
    """Returns what is kept of a take that was drawn."""
    return ResultRecord(
        finish_reason=audio.finish_reason,
        num_draws=audio.num_draws,
        num_leaked_frames=audio.num_leaked_frames,
        sample_rate_hz=audio.sample_rate_hz,
        num_samples=len(audio.samples),
        pcm16_sha256=pcm16_sha256(audio.samples),
        ttfa_s=audio.timing.ttfa_s,
        wall_s=audio.timing.wall_s,
        similarity=similarity,
        num_similarity_draws=num_similarity_draws,
    )
