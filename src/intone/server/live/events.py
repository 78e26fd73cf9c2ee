"""The grammar of a live session: JSON objects with a `type`, in both directions.

A client sends `session.config` at most once, first; then `input.text` again and again,
`input.flush` to have the words so far spoken, `input.done` at the end of a text, `input.cancel` to
stop it. Sound comes between `audio.start` and `audio.done`, as binary messages or, where that was
asked for, as `audio.delta`. See `docs/serve.md`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from intone.server.errors import INVALID_REQUEST, ApiError, error_body
from intone.server.speech.body import Finite, ResponseFormat, Sampling, TaskType, Text

Mode = Literal["sentence", "token"]


class SessionConfig(Sampling):
    """What holds for all texts of a session."""

    type: Literal["session.config"] = "session.config"
    model: Text | None = None
    """A model of GET /v1/models; none is the server's default."""
    task_type: TaskType | None = None
    """Asks for a model of a kind."""
    voice: Text | None = None
    """A preset, a kept voice, or one of OpenAI's names."""
    instructions: Text | None = None
    """How to say it."""
    mode: Mode = "sentence"
    """sentence: each sentence is a take, spoken when it is complete. token: one take reads the
    text while it comes."""
    normalise: Literal["auto", "on", "off"] = "auto"
    """Whether figures are written out before they are spoken; auto: in sentence mode, where the
    packages are. Token mode reads them as they come."""
    format: ResponseFormat = "pcm"
    """pcm is 16-bit little-endian, mono."""
    audio: Literal["binary", "base64"] = "binary"
    """binary: WebSocket messages of their own. base64: in `audio.delta`."""
    max_delay_s: Annotated[Finite, Field(gt=0, le=60)] = 3.0
    """In sentence mode: words that wait so long are spoken before their sentence is complete."""
    keep_open: bool = False
    """After `audio.done` another text may follow; else the session is over."""


class _Event(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class InputText(_Event):
    """More of the text, white space and all."""

    type: Literal["input.text"]
    text: Text


class InputFlush(_Event):
    """Speak what is there, sentence or not; nothing changes in token mode."""

    type: Literal["input.flush"]


class InputDone(_Event):
    """The text is over."""

    type: Literal["input.done"]


class InputCancel(_Event):
    """Stop this text now; nothing of it follows but `audio.done`."""

    type: Literal["input.cancel"]


class SessionClose(_Event):
    """End the session after what is being spoken."""

    type: Literal["session.close"]


ClientEvent = SessionConfig | InputText | InputFlush | InputDone | InputCancel | SessionClose
_EVENTS: TypeAdapter[ClientEvent] = TypeAdapter(Annotated[ClientEvent, Field(discriminator="type")])
_TYPES = "session.config, input.text, input.flush, input.done, input.cancel or session.close"

ServerEvent = dict[str, Any]
"""Written as JSON."""


def parse_event(message: str) -> ClientEvent:
    """Returns the event of a message; raises ApiError, which names the field at fault."""
    try:
        return _EVENTS.validate_json(message)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"][1:]) or None
        at = f"field {place!r}" if place else "the message"
        raise ApiError(
            400,
            INVALID_REQUEST,
            "invalid_event",
            f"{at}: {first['msg']}; send a JSON object whose type is {_TYPES}.",
            param=place,
        ) from None


def error_event(error: ApiError) -> ServerEvent:
    """Returns an error; what it says is what an HTTP answer would say."""
    event: ServerEvent = {"type": "error", **error_body(error)}
    if error.retry_after_s is not None:
        event["retry_after_s"] = round(error.retry_after_s, 1)
    return event
