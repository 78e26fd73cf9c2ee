"""The body of `POST /v1/audio/speech`: OpenAI's fields, those of Qwen3-TTS servers, and 003's."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from intone.core.types import MAX_SEED, MAX_SPEED, MIN_SPEED

ResponseFormat = Literal["wav", "mp3", "opus", "aac", "flac", "pcm"]
TaskType = Literal["CustomVoice", "VoiceDesign", "Base"]

_NONE_OR_TEXT = {"anyOf": [{"required": ["input"]}, {"required": ["text"]}]}
_EXAMPLES: list[Any] = [
    {"model": "tts-1", "input": "Hello there.", "voice": "alloy", "response_format": "mp3"},
    {
        "model": "1.7b-custom",
        "input": "It is good to see you again.",
        "voice": "vivian",
        "instructions": "Speak warmly, and a little slower than usual.",
        "language": "english",
        "seed": 7,
        "response_format": "opus",
        "stream_format": "sse",
    },
    {"text": "Hello there.", "language": "English", "speaker": "Vivian"},
]


def _is_text(value: str) -> str:
    """JSON can escape halves of characters, which are no text and break whatever writes them."""
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("it holds half a character (a lone surrogate); send whole ones")
    return value


Text = Annotated[str, AfterValidator(_is_text)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class VoiceId(BaseModel):
    """A voice by its id, as OpenAI's custom voices are named."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: Text


class Sampling(BaseModel):
    """What is drawn, and how; one set for every route that speaks."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True
    )

    language: Text | None = None
    """One of the ten, by name or code, or "auto"; the server's default where it is left out."""
    speed: Annotated[Finite, Field(ge=MIN_SPEED, le=MAX_SPEED)] = 1.0
    """At the same pitch."""
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] | None = None
    """The same seed and request are the same audio; one is drawn where it is left out."""
    temperature: Annotated[Finite, Field(gt=0, le=10)] | None = None
    top_p: Annotated[Finite, Field(gt=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=0)] | None = None
    """0 keeps all."""
    repetition_penalty: Annotated[Finite, Field(ge=0.1, le=10)] | None = None
    max_frames: Annotated[int, Field(ge=1)] | None = None
    """Stop after this many frames of 80 ms, over the whole text."""
    max_new_tokens: Annotated[int, Field(ge=1)] | None = None
    """The same, as other servers call it."""
    chunk_frames: Annotated[int, Field(ge=1, le=300)] | None = None
    """Frames that leave at once; 1, 2, 4, 8, 8, ... where it is left out."""

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if self.max_frames is not None and self.max_new_tokens is not None:
            raise ValueError("max_frames and max_new_tokens are the same; give one of them")
        return self


class SpeechBody(Sampling):
    """A request to speak."""

    model_config = ConfigDict(json_schema_extra=_NONE_OR_TEXT | {"examples": _EXAMPLES})

    input: Text | None = None
    """The text. Beyond some 20 s it is spoken sentence by sentence, as one stream."""
    model: Text | None = None
    """A model of GET /v1/models; OpenAI's names and none at all are the server's default."""
    voice: Text | VoiceId | None = None
    """A preset, a kept voice, or one of OpenAI's names."""
    instructions: Text | None = None
    """How to say it, or who speaks (VoiceDesign)."""
    instruct: Text | None = None
    """The same, as other servers call it."""
    markup: Literal["none", "auto", "voices"] = "none"
    """auto: `[pause:1s]`, `[rate:1.2]`, `[lang:fr]`, `[say:GIF|jiff]` and the like are tags; other
    brackets are read. voices: `[voice:NAME]` is one too."""
    normalise: Literal["auto", "on", "off"] = "auto"
    """Whether figures are written out before they are spoken; auto: where the packages are."""
    response_format: ResponseFormat | None = None
    """mp3 where it is left out, as OpenAI's."""
    stream_format: Literal["audio", "sse"] = "audio"
    stream: bool | None = None
    """false: one answer with its length, X-Finish-Reason and a complete header."""
    task_type: TaskType | None = None
    """Asks for a model of a kind."""
    ref_audio: Text | None = None
    """A clip of the voice: base64, a data: URL, or, where the server allows it, an http(s) URL."""
    ref_text: Text | None = None
    """The exact words of the clip."""
    x_vector_only_mode: bool = False
    """Use the x-vector alone, even where the words are given."""
    text: Text | None = None
    """The text, as founding document 003 calls it; the answer is then a PCM stream."""
    speaker: Text | None = None
    """The voice, as founding document 003 calls it."""

    @model_validator(mode="after")
    def _one_name_each(self) -> Self:
        if (self.input is None) == (self.text is None):
            raise ValueError("give the text as input, or as text; one of them")
        if self.instructions is not None and self.instruct is not None:
            raise ValueError("instructions and instruct are the same; give one of them")
        if self.voice is not None and self.speaker is not None:
            raise ValueError("voice and speaker are the same; give one of them")
        if self.ref_audio is None and (self.ref_text is not None or self.x_vector_only_mode):
            raise ValueError("ref_text and x_vector_only_mode belong to ref_audio; give that too")
        return self

    @property
    def said(self) -> str:
        """The text, whatever it is called."""
        return self.input if self.input is not None else self.text or ""

    @property
    def is_003(self) -> bool:
        """It comes in the words of founding document 003."""
        return self.text is not None

    @property
    def voice_name(self) -> str | None:
        """The voice, whatever it is called."""
        if isinstance(self.voice, VoiceId):
            return self.voice.id
        return self.voice if self.voice is not None else self.speaker

    @property
    def manner(self) -> str | None:
        """The instructions, whatever they are called; an empty text is none."""
        return self.instructions or self.instruct or None

    @property
    def frame_limit(self) -> int | None:
        """The limit, whatever it is called."""
        return self.max_frames if self.max_frames is not None else self.max_new_tokens
