"""Every take of the studio is kept, with the record that makes it again.

The voice of a clip that is in no library yet is kept as a prompt that was given, from which no take
can be drawn again, unless the caller says where the clip lies (`render.recording.voice_record`).
"""

from __future__ import annotations

from intone.core.types import Audio, Capabilities, SpeechRequest, VoiceClonePrompt
from intone.render.outputs import KeptTake, OutputFolder
from intone.render.recording import KeptVoices, take_record, voice_record
from intone.render.sidecar import ModelRecord, VoiceRecord


def keep_take(
    folder: OutputFolder,
    *,
    mode: str,
    text: str,
    request: SpeechRequest,
    audio: Audio,
    is_streamed: bool,
    voice: VoiceRecord,
    model: ModelRecord,
) -> KeptTake:
    """Writes a take and its record; returns where they lie. For a thread: it waits for the disk.

    Args:
        mode: names the files: "studio-speak" for example.
        text: as it was written; the request has it as it was spoken.
        is_streamed: drawn in chunks, which its being drawn again has to repeat.

    Raises:
        OutputError: the folder cannot be written; nothing is left behind.
    """
    record = take_record(
        mode=mode,
        text=text,
        request=request,
        audio=audio,
        is_streamed=is_streamed,
        voice=voice,
        model=model,
    )
    return folder.save(audio.samples, audio.sample_rate_hz, record)


def voice_record_of(
    voice: str | VoiceClonePrompt | None, library: KeptVoices, can: Capabilities
) -> VoiceRecord:
    """Returns who speaks: a preset of the model, a kept voice, its own, or one that was given.

    Args:
        voice: as the request has it.
        can: of the model that speaks.

    Raises:
        UnknownVoiceError: a name that is neither.
        OutputError: the voice's file cannot be read.
    """
    return voice_record(voice, can.voices, library)
