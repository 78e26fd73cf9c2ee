"""What a record says of who spoke, and the voice that a record means: for commands and pages.

`sidecar` is what is written; here it is filled in from requests, kept voices and reference clips.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from intone.core.errors import RecordError
from intone.core.types import Audio, SpeechRequest, VoiceClonePrompt
from intone.core.version import __version__
from intone.prompt.spec import preset_key
from intone.render.drawing import DrawnSegment
from intone.render.hashes import file_sha256, prompt_sha256
from intone.render.identity import Identity
from intone.render.outputs import record_time
from intone.render.plan import SegmentPlan
from intone.render.sidecar import (
    SCHEMA,
    ModelRecord,
    RequestRecord,
    TakeRecord,
    VoiceRecord,
    result_of,
)
from intone.voices.voice import Voice


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """The reference clip that a voice was cloned from for takes of its own."""

    path: str
    ref_text: str | None
    x_vector_only: bool
    append_silence: bool


class KeptVoices(Protocol):
    """The part of `voices.library.VoiceLibrary` that records need."""

    def path(self, name: str) -> Path:
        """Returns the file of a voice; raises UnknownVoiceError."""
        ...

    def get(self, name: str) -> Voice:
        """Returns a kept voice; raises UnknownVoiceError or VoiceFileError."""
        ...


class Cloner(Protocol):
    """What encodes a reference clip again."""

    def clone(
        self,
        ref_audio: bytes,
        ref_text: str | None = None,
        *,
        x_vector_only: bool = False,
        append_silence: bool = True,
    ) -> str | VoiceClonePrompt:
        """Returns the voice of an encoded clip, or the name that it goes by with whoever speaks.

        Raises:
            RequestError: the clip cannot be used.
        """
        ...


def take_record(
    *,
    mode: str,
    text: str,
    request: SpeechRequest,
    audio: Audio,
    is_streamed: bool,
    voice: VoiceRecord,
    model: ModelRecord,
) -> TakeRecord:
    """Returns the record of one take that was drawn just now.

    Args:
        text: as it was written; the request has it as it was spoken.
    """
    return TakeRecord(
        schema=SCHEMA,
        intone_version=__version__,
        created_at=record_time(),
        mode=mode,
        audio_file=None,
        text=text,
        request=RequestRecord.of(request, audio.seed),
        is_streamed=is_streamed,
        voice=voice,
        model=model,
        result=result_of(audio),
    )


def drawn_record(
    drawn: DrawnSegment, *, mode: str, identity: Identity, library: KeptVoices, model: ModelRecord
) -> TakeRecord:
    """Returns the record of one segment of a script.

    Args:
        identity: who speaks it.

    Raises:
        UnknownVoiceError, OutputError: their voice is gone, or its file cannot be read.
    """
    plan = drawn.plan
    record = take_record(
        mode=mode,
        text=plan.text,
        request=drawn.request,
        audio=drawn.audio,
        is_streamed=False,
        voice=identity_record(identity, plan, library),
        model=model,
    )
    result = result_of(
        drawn.audio, similarity=drawn.similarity, num_similarity_draws=drawn.num_takes
    )
    return replace(record, result=result, mood=plan.mood, speaker=plan.speaker, notes=drawn.notes)


def voice_record(
    voice: str | VoiceClonePrompt | None,
    presets: Collection[str],
    library: KeptVoices,
    clip: Clip | None = None,
) -> VoiceRecord:
    """Returns who speaks.

    Args:
        voice: as the request has it.
        presets: of the model that speaks.
        clip: where a voice clone prompt came from.

    Raises:
        UnknownVoiceError: a name that is neither a preset nor a kept voice.
        OutputError: the voice's file or the clip cannot be read.
    """
    if voice is None:
        return VoiceRecord(kind="default")
    if isinstance(voice, VoiceClonePrompt):
        return _cloned(voice, clip)
    if preset_key(voice) in map(preset_key, presets):
        return VoiceRecord(kind="preset", name=preset_key(voice))
    return VoiceRecord(kind="kept", name=voice, file_sha256=file_sha256(library.path(voice)))


def identity_record(identity: Identity, plan: SegmentPlan, library: KeptVoices) -> VoiceRecord:
    """Returns who speaks a segment: which of a kept voice's recordings, too."""
    prompt = plan.request.voice
    if identity.voice is not None and isinstance(prompt, VoiceClonePrompt):
        return kept_record(identity.voice.name, prompt, library, mood=plan.bank_mood)
    if identity.preset is not None:
        return VoiceRecord(kind="preset", name=identity.preset)
    return VoiceRecord(kind="default")


def kept_record(
    name: str, prompt: VoiceClonePrompt, library: KeptVoices, *, mood: str | None = None
) -> VoiceRecord:
    """Returns who speaks where the request has one of a kept voice's prompts.

    Args:
        mood: whose recording the prompt is; None is the neutral one.

    Raises:
        UnknownVoiceError, OutputError: the voice is gone, or its file cannot be read.
    """
    return VoiceRecord(
        kind="kept",
        name=name,
        file_sha256=file_sha256(library.path(name)),
        mood=mood,
        prompt_sha256=prompt_sha256(prompt),
    )


def voice_again(
    then: VoiceRecord, cloner: Cloner, library: KeptVoices
) -> tuple[str | VoiceClonePrompt | None, VoiceRecord]:
    """Returns the voice of a record as it is now, and what its record would say now.

    Args:
        cloner: is asked only for a voice that was cloned from a clip for its take.

    Raises:
        UnknownVoiceError, VoiceFileError: a kept voice is gone, or damaged.
        RecordError: a clip is gone.
    """
    if then.kind == "kept":
        return _kept_again(then, library)
    if then.kind == "clip":
        clip = _kept_clip(then)
        prompt = cloner.clone(
            clip.read_bytes(),
            then.ref_text,
            x_vector_only=bool(then.x_vector_only),
            append_silence=then.append_silence is not False,
        )
        encoded = None if isinstance(prompt, str) else prompt_sha256(prompt)
        return prompt, replace(then, file_sha256=file_sha256(clip), prompt_sha256=encoded)
    return then.name, then


def _kept_again(
    then: VoiceRecord, library: KeptVoices
) -> tuple[str | VoiceClonePrompt, VoiceRecord]:
    name = then.name or ""
    now = replace(then, file_sha256=file_sha256(library.path(name)))
    if then.mood is None and then.x_vector_only is None:
        return name, now
    prompt = library.get(name).prompt(then.mood, x_vector_only=then.x_vector_only)
    return prompt, replace(now, prompt_sha256=prompt_sha256(prompt))


def _kept_clip(then: VoiceRecord) -> Path:
    clip = Path(then.clip or "")
    if not clip.is_file():
        raise RecordError(
            f"the reference clip {then.clip} is gone, and the take was cloned from it; bring it "
            "back, or keep voices (`intone voices clone`) and speak with them by name."
        )
    return clip


def _cloned(prompt: VoiceClonePrompt, clip: Clip | None) -> VoiceRecord:
    if clip is None:
        return VoiceRecord(kind="given", prompt_sha256=prompt_sha256(prompt))
    return replace(clip_record(clip), prompt_sha256=prompt_sha256(prompt))


def clip_record(clip: Clip) -> VoiceRecord:
    """Returns a voice that is a clip, encoded elsewhere; raises OutputError."""
    return VoiceRecord(
        kind="clip",
        clip=str(Path(clip.path).resolve()),
        file_sha256=file_sha256(Path(clip.path)),
        ref_text=clip.ref_text,
        x_vector_only=clip.x_vector_only,
        append_silence=clip.append_silence,
    )
