"""The settings of a server, section by section: names, types, defaults, and what each means.

The docstring under a field is its line in the table of `docs/serve.md`. Sizes are written as "20MB"
or in bytes, lists with commas.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_settings import NoDecode

from intone.core.byte_sizes import parse_bytes
from intone.core.errors import InvalidSettingError
from intone.server.voice_map import DEFAULT_VOICE_MAP


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _bytes(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return parse_bytes(value)
    except InvalidSettingError as error:
        raise ValueError(str(error)) from error


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Bytes = Annotated[int, BeforeValidator(_bytes), Field(gt=0)]
Seconds = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A table of the file; unknown names are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True
    )


class ServerSection(Section):
    """Where it listens, and to whom."""

    host: str = "127.0.0.1"
    """Address to listen on; anything but loopback needs keys, or `insecure`."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8_000
    """TCP port; 8888 with `compat = "004"`. 0 takes a free one, and says which."""
    compat: Literal["none", "004"] = "none"
    """"004": port and environment variables of founding document 004."""
    insecure: bool = False
    """Listen beyond loopback without keys."""
    keys_file: str | None = None
    """Default: `intone/keys.json` in the user's configuration folder."""
    allowed_hosts: Words = ()
    """Host headers that are answered; none given: all. `*.example.org` works."""
    cors_origins: Words = ()
    """Web pages that may call, as `https://example.org`; none given: none. `*` is all."""
    drain_timeout_s: Seconds = 30.0
    """How long running requests may go on after SIGTERM."""
    metrics_open: bool = False
    """Serve /metrics without a key."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """What is logged, from here on up."""


class ModelSection(Section):
    """What speaks, and in how much memory."""

    default: str | None = None
    """Speaks where a request names no model. None: 1.7b-custom or 0.6b-custom where it is on this
    machine, else the built-in voice."""
    served: Words = ()
    """Models that may be asked for; none given: all of this machine."""
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    dtype: str = "auto"
    """auto, fp32, bf16, fp16, int8 or int4."""
    threads: Count | None = None
    """CPU cores; None: all."""
    slots: Count | None = None
    """Takes that one model speaks at once. None: 4 on a CPU, what the profile says on a GPU."""
    profile: Literal["latency", "balanced", "throughput"] = "balanced"
    """latency: the first sample soonest; throughput: most audio per second."""
    eager: bool = False
    """On a GPU: run without recorded graphs and paged memory; slow, to find faults."""
    memory_budget: Bytes | None = None
    """Of all loaded models together; idle ones give way. None: all that are asked for stay."""
    max_loaded: Count | None = None
    """Models in memory at once; the idle one that was used least recently gives way. None: any
    number. `intone studio` keeps 1."""
    preload: bool = False
    """Load the default model before the server says it is ready."""
    load_wait_s: Seconds = 60.0
    """How long a request waits for its model."""


class QueueSection(Section):
    """How many at once, and how many wait."""

    running: Count | None = None
    """Requests that are spoken at once. None: 8 on a CPU, as many as a model has slots on a GPU."""
    waiting: Annotated[int, Field(ge=0)] = 64
    """Requests in the queue; one more gets 503 with Retry-After."""
    wait_s: Seconds = 30.0
    """How long a request waits before it gets 503."""
    key_requests_per_minute: Annotated[float, Field(gt=0)] | None = None
    """Of a key without a limit of its own; None: no limit."""
    key_concurrent: Count | None = None
    """Of a key without a limit of its own, running and waiting; None: no limit."""


class LimitsSection(Section):
    """What a request may bring; more gets 413 with the numbers."""

    body: Bytes = 20_000_000
    """Of a JSON body; a reference clip in it is a third larger than its file."""
    upload: Bytes = 50_000_000
    """Of a multipart body."""
    body_s: Seconds = 60.0
    """From a request's headers to the last byte of its body; later gets 408."""
    text_characters: Count = 10_000
    """Of the text of one request; longer texts are jobs."""
    job_characters: Count = 2_000_000
    """Of the text of one job."""
    clip_s: Annotated[float, Field(ge=1, le=60)] = 60.0
    """Of a reference clip, after decoding."""
    websocket_message: Bytes = 65_536
    """Of one message."""


class SpeechSection(Section):
    """Defaults of requests that leave something out."""

    language: str = "auto"
    """Language."""
    voice: str | None = None
    """Voice; None: the model's first preset."""
    instruct: str | None = None
    """How to say it."""
    default_names: Words = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts")
    """Names of models that mean the default model: those that OpenAI's clients send."""
    voice_map: dict[str, str] = Field(default_factory=lambda: dict(DEFAULT_VOICE_MAP))
    """OpenAI's voice names, and the presets that stand for them; yours replace this map whole."""
    ref_audio_urls: bool = False
    """Whether `ref_audio` may be an http(s) URL, which the server then fetches."""
    ref_audio_domains: Words = ()
    """Hosts it may be fetched from; none given: all public ones."""
    fetch_timeout_s: Seconds = 10.0
    """Of such a fetch, from name to last byte."""
    slow_reader_s: Seconds = 60.0
    """A reader that takes nothing for so long is left."""


class JobsSection(Section):
    """Long texts and scripts, kept on disk."""

    enabled: bool = True
    """Whether there are jobs."""
    directory: str | None = None
    """Default: `intone/jobs` in the user's state folder."""
    workers: Count = 1
    """Jobs that run at once; live requests come first."""
    max_jobs: Count = 1_000
    """Kept and waiting together."""
    max_size: Bytes = 10_000_000_000
    """Of all results together."""
    keep_days: Annotated[float, Field(gt=0)] = 7.0
    """How long a finished job is kept."""


class LiveSection(Section):
    """Text that arrives in pieces, over a WebSocket."""

    idle_s: Seconds = 60.0
    """A session without a message is closed after so long."""
    session_s: Seconds = 3_600.0
    """The longest session."""
    starved_s: Seconds = 20.0
    """A take that waits for text is ended after so long."""


class StudioSection(Section):
    """The page for people, at /studio."""

    enabled: bool = False
    """Serve it. `intone studio` does."""
    takes: str | None = None
    """Folder of what is spoken there. Default: `intone/takes` in the user's data folder."""
    training: bool = False
    """Whether it may train on this machine, of which callers then name folders. `intone studio`
    may, where it listens to this machine alone."""


class WyomingSection(Section):
    """Home Assistant's protocol; it has no keys."""

    enabled: bool = False
    """Serve it beside HTTP."""
    host: str = "127.0.0.1"
    """Address; anything but loopback needs `server.insecure`."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 10_200
    """TCP port."""
