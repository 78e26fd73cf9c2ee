"""How a voice sounds: one sentence per voice and model, drawn once and kept beside the takes.

The play buttons of all tabs come here. A sample is a take as any other, with its record; it lies in
a folder of its own, so that lists of takes are not full of them.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from intone.audio.durable import make_directory
from intone.core.types import Audio, SpeechRequest, VoiceClonePrompt, join_chunks
from intone.prompt.spec import preset_key
from intone.render.outputs import OutputFolder
from intone.render.recording import kept_record, take_record, voice_record
from intone.render.sidecar import VoiceRecord
from intone.studio.desk import Desk
from intone.voices.voice import mood_key

FOLDER = "voice-samples"
MODE = "studio-sample"
SEED = 2_026
"""The same for all: a voice sounds the same whenever it is tried."""

SENTENCES: Mapping[str, str] = {
    "chinese": "你好，很高兴见到你。这就是我的声音。",
    "english": "Hello, it is good to meet you. This is how I sound.",
    "french": "Bonjour, ravi de vous rencontrer. Voici le son de ma voix.",
    "german": "Hallo, schön, dass du da bist. So klinge ich.",
    "italian": "Ciao, è un piacere conoscerti. Questa è la mia voce.",
    "japanese": "こんにちは、お会いできてうれしいです。これが私の声です。",
    "korean": "안녕하세요, 만나서 반갑습니다. 이것이 제 목소리입니다.",
    "portuguese": "Olá, é um prazer conhecer você. É assim que eu falo.",
    "russian": "Здравствуйте, рад знакомству. Вот так звучит мой голос.",
    "spanish": "Hola, es un placer conocerte. Así es como sueno.",
}
"""Three to four seconds, in every language."""

_PRESET_LANGUAGES: Mapping[str, str] = {
    "vivian": "chinese",
    "serena": "chinese",
    "uncle_fu": "chinese",
    "dylan": "chinese",
    "eric": "chinese",
    "ono_anna": "japanese",
    "sohee": "korean",
}
"""What a released speaker speaks best; the others speak English."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """What is drawn, and where it is kept."""

    model: str
    request: SpeechRequest
    voice: VoiceRecord
    path: Path


async def sample_of(desk: Desk, key_id: str, voice: str, mood: str | None = None) -> Path:
    """Returns the file of a voice's sample, which is drawn where it is not there yet.

    Args:
        voice: a preset or a kept voice.
        mood: one of a kept voice's emotion bank; None is the voice itself.

    Raises:
        UnknownVoiceError, VoiceFileError, InvalidSettingError: there is no such voice or mood.
        ModelNotFoundError: no model here speaks with it; the message says which to pull.
        IntoneError: it cannot be drawn or written.
    """
    sample = await asyncio.to_thread(_planned, desk, key_id, voice, mood)
    if not sample.path.is_file():
        audio = await draw(desk, key_id, sample.model, sample.request)
        await asyncio.to_thread(_keep, desk, sample, audio)
    return sample.path


async def draw(desk: Desk, key_id: str, model: str, request: SpeechRequest) -> Audio:
    """Returns a whole take of a model; whoever leaves stops it within a frame."""
    async with desk.models.lease(key_id, model) as speaker:
        return join_chunks([chunk async for chunk in speaker.astream_request(request)])


def sentence(language: str) -> str:
    """Returns what a sample says in a language; English where it is left open."""
    return SENTENCES.get(language, SENTENCES["english"])


def _planned(desk: Desk, key_id: str, voice: str, mood: str | None) -> _Sample:
    model = desk.models.for_voice(voice)
    can, record = desk.models.describe(model), desk.models.record(model)
    asked, who, language = _speaker(desk, voice, mood, can.voices)
    text = sentence(language if language in can.languages else "auto")
    request = SpeechRequest(text=text, voice=asked, seed=SEED)
    content = repr((who, record.fingerprint, text, SEED)).encode()
    stem = f"{preset_key(voice)}-{hashlib.sha256(content).hexdigest()[:16]}"
    folder = desk.takes(key_id).directory / FOLDER
    return _Sample(model=model, request=request, voice=who, path=folder / f"{stem}.wav")


def _speaker(
    desk: Desk, voice: str, mood: str | None, presets: tuple[str, ...]
) -> tuple[str | VoiceClonePrompt, VoiceRecord, str]:
    """Returns who is asked for, what the record says of them, and their language."""
    if voice not in desk.library:
        who = voice_record(voice, presets, desk.library)
        return voice, who, _PRESET_LANGUAGES.get(preset_key(voice), "english")
    kept = desk.library.get(voice)
    if mood is None:
        return voice, voice_record(voice, (), desk.library), kept.language
    prompt = kept.prompt(mood)
    who = kept_record(voice, prompt, desk.library, mood=mood_key(mood))
    return prompt, who, kept.language


def _keep(desk: Desk, sample: _Sample, audio: Audio) -> None:
    record = take_record(
        mode=MODE,
        text=sample.request.text,
        request=sample.request,
        audio=audio,
        is_streamed=True,
        voice=sample.voice,
        model=desk.models.record(sample.model),
    )
    folder = OutputFolder(sample.path.parent)
    make_directory(sample.path.parent)
    folder.write(sample.path.stem, audio.samples, audio.sample_rate_hz, record)
