"""The keywords of `TTS.speak`, and the request that they make."""

from __future__ import annotations

from typing import TypedDict

from intone.core.errors import InvalidSettingError
from intone.core.types import SamplingOverrides, SpeechRequest, TextLayout, VoiceClonePrompt


class SpeakOptions(TypedDict, total=False):
    """Keywords of `TTS.speak`, `stream` and `astream`; see `SpeechRequest` for their meaning."""

    voice: str | VoiceClonePrompt | None
    instruct: str | None
    language: str
    seed: int | None
    temperature: float | None
    top_k: int | None
    top_p: float | None
    repetition_penalty: float | None
    greedy: bool | None
    """Both networks, unless `predictor_sampling` says otherwise."""
    predictor_sampling: SamplingOverrides
    min_frames: int | None
    max_frames: int | None
    text_layout: TextLayout | None
    chunk_frames: int | None
    guard: bool
    speed: float


def speech_request(text: str, options: SpeakOptions) -> SpeechRequest:
    """Returns the request that `TTS.speak(text, **options)` makes.

    Raises:
        InvalidSettingError: an unknown keyword, or a value outside its range.
        EmptyTextError: nothing to speak.
    """
    unknown = options.keys() - SpeakOptions.__annotations__.keys()
    if unknown:
        raise InvalidSettingError(
            f"unknown option {', '.join(sorted(unknown))}; known: "
            f"{', '.join(sorted(SpeakOptions.__annotations__))}."
        )
    return SpeechRequest(
        text=text,
        voice=options.get("voice"),
        instruct=options.get("instruct"),
        language=options.get("language", "auto"),
        seed=options.get("seed"),
        sampling=SamplingOverrides(
            temperature=options.get("temperature"),
            top_k=options.get("top_k"),
            top_p=options.get("top_p"),
            repetition_penalty=options.get("repetition_penalty"),
            greedy=options.get("greedy"),
        ),
        predictor_sampling=options.get(
            "predictor_sampling", SamplingOverrides(greedy=options.get("greedy"))
        ),
        min_frames=options.get("min_frames"),
        max_frames=options.get("max_frames"),
        text_layout=options.get("text_layout"),
        chunk_frames=options.get("chunk_frames"),
        guard=options.get("guard", True),
        speed=options.get("speed", 1.0),
    )
