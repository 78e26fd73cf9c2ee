"""From a request to the JSON that a server is sent. What its API cannot carry is refused."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from intone.audio.pcm import to_pcm16, wav_header
from intone.audio.reference import ReferenceSource, load_reference
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.errors import InvalidSettingError, UnsupportedModeError
from intone.core.types import ModelKind, SamplingOverrides, SpeechRequest, VoiceClonePrompt
from intone.remote.dialects import Dialect
from intone.text.languages import AUTO, find_language

Body = dict[str, object]

_TASK_OF_KIND: Mapping[ModelKind, str] = {
    "custom": "CustomVoice",
    "design": "VoiceDesign",
    "base": "Base",
}


@dataclass(frozen=True, slots=True)
class RemoteClip:
    """A reference clip that goes along with every request that names it."""

    data: bytes
    """A file as it was given, else 16-bit WAV."""
    wav: bytes
    """The checked clip at 24 kHz, for servers that want to know what they get."""
    text: str | None
    x_vector_only: bool

    @classmethod
    def of(cls, source: ReferenceSource, text: str | None, *, x_vector_only: bool) -> RemoteClip:
        """Reads and checks a clip; raises ReferenceAudioError."""
        samples = to_pcm16(load_reference(source).samples).tobytes()
        wav = wav_header(SAMPLE_RATE_HZ, len(samples)) + samples
        data = wav
        if isinstance(source, bytes):
            data = source
        elif isinstance(source, str | Path):
            data = Path(source).read_bytes()
        return cls(data, wav, text, x_vector_only)

    @property
    def digest(self) -> str:
        """Of all of it, short enough to be shown."""
        words = repr((self.text, self.x_vector_only)).encode()
        return hashlib.sha256(words + self.data).hexdigest()[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """Who a request goes to."""

    dialect: Dialect
    model: str | None
    """As the server calls it; None leaves it to the server."""
    kind: ModelKind
    """Of that model, as far as it is known."""


def body_of(request: SpeechRequest, to: Addressee, clip: RemoteClip | None = None) -> Body:
    """Returns the body of a request, its seed included.

    Args:
        clip: of the voice, where the request names one.

    Raises:
        UnsupportedModeError: the server's API cannot carry a voice clone prompt.
        InvalidSettingError: it cannot carry a setting, or must be told its model.
    """
    body: Body = {"input": request.text, "response_format": "pcm"}
    body |= _transfer(to.dialect) | _model(to, has_clone=_is_clone(request, clip))
    body |= _voice(request, to.dialect, clip) | _settings(request, to.dialect)
    if request.instruct:
        body["instructions"] = request.instruct
    return body


def _is_clone(request: SpeechRequest, clip: RemoteClip | None) -> bool:
    return clip is not None or isinstance(request.voice, VoiceClonePrompt)


def _transfer(dialect: Dialect) -> Body:
    if dialect.name == "intone":
        return {"stream_format": "sse", "markup": "none", "normalise": "off"}
    if dialect.name == "openai":
        return {"stream_format": "audio"}
    return {"stream_format": "audio", "stream": True}


def _model(to: Addressee, *, has_clone: bool) -> Body:
    body: Body = {}
    if to.dialect.needs_model and to.model is None:
        raise InvalidSettingError(
            "model is None; a server of this kind must be told: RemoteTTS(URL, model=...), or "
            "--model."
        )
    if to.model is not None:
        body["model"] = to.model
    if to.dialect.has_task_type:
        body["task_type"] = _TASK_OF_KIND["base" if has_clone else to.kind]
    return body


def _voice(request: SpeechRequest, dialect: Dialect, clip: RemoteClip | None) -> Body:
    voice = request.voice
    if clip is not None:
        return _clip(clip, dialect)
    if isinstance(voice, VoiceClonePrompt):
        return _prompt(voice, dialect)
    return {} if voice is None else {"voice": voice}


def _clip(clip: RemoteClip, dialect: Dialect) -> Body:
    if not dialect.has_clips:
        raise UnsupportedModeError(
            f"the {dialect.name} API takes no reference clips; name a voice of the server."
        )
    if dialect.name == "intone":
        audio = base64.b64encode(clip.data).decode()
    else:
        audio = f"data:audio/wav;base64,{base64.b64encode(clip.wav).decode()}"
    body: Body = {"ref_audio": audio}
    if clip.text is not None:
        body["ref_text"] = clip.text
    if clip.x_vector_only or clip.text is None:
        body["x_vector_only_mode"] = True
    return body


def _prompt(voice: VoiceClonePrompt, dialect: Dialect) -> Body:
    if voice.is_icl or not dialect.has_x_vectors:
        what = "an ICL prompt" if voice.is_icl else "an x-vector"
        raise UnsupportedModeError(
            f"the {dialect.name} API takes no voice as {what}; send the clip itself "
            "(RemoteTTS.clone), or keep the voice on the server (POST /v1/audio/voices; a .voice "
            "file: POST /v1/audio/voices/import) and name it."
        )
    return {"speaker_embedding": [float(number) for number in voice.x_vector]}


def _settings(request: SpeechRequest, dialect: Dialect) -> Body:
    body = _language(request.language, dialect) | _sampling(request, dialect)
    if dialect.has_speed and request.speed != 1.0:
        body["speed"] = request.speed
    if request.seed is not None and not dialect.has_seed:
        raise _refused(dialect, "seed", request.seed)
    if request.seed is not None:
        body["seed"] = request.seed
    if request.max_frames is not None and dialect.max_frames_field is None:
        raise _refused(dialect, "max_frames", request.max_frames)
    if request.max_frames is not None:
        body[str(dialect.max_frames_field)] = request.max_frames
    if request.chunk_frames is not None and not dialect.has_chunk_frames:
        raise _refused(dialect, "chunk_frames", request.chunk_frames)
    if request.chunk_frames is not None:
        body["chunk_frames"] = request.chunk_frames
    if request.text_layout is not None and not dialect.has_text_layout:
        raise _refused(dialect, "text_layout", request.text_layout)
    if request.text_layout is not None:
        body["non_streaming_mode"] = request.text_layout == "at_once"
    if request.min_frames is not None:
        raise _refused(dialect, "min_frames", request.min_frames)
    if not request.guard:
        raise _refused(dialect, "guard", request.guard)
    return body


def _language(language: str, dialect: Dialect) -> Body:
    name = find_language(language) or language
    if not dialect.has_language:
        if name != AUTO:
            raise _refused(dialect, "language", language)
        return {}
    return {"language": name if dialect.name == "intone" else name.capitalize()}


def _sampling(request: SpeechRequest, dialect: Dialect) -> Body:
    given = {name: value for name, value in asdict(request.sampling).items() if value is not None}
    for name, value in given.items():
        if name not in dialect.sampling:
            raise _refused(dialect, name, value)
    if request.predictor_sampling != SamplingOverrides():
        raise _refused(dialect, "sampling of the code predictor", request.predictor_sampling)
    return {"extra_params": given} if given and dialect.nests_sampling else given


def _refused(dialect: Dialect, name: str, value: object) -> InvalidSettingError:
    return InvalidSettingError(
        f"{name} is {value!r}, which the {dialect.name} API cannot carry; leave it out, or speak "
        "on this machine (TTS)."
    )
