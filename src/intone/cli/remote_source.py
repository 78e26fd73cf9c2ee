"""The models of another server, as a server of this machine offers its own."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

from intone.core.errors import ModelNotFoundError, UnsupportedModeError
from intone.core.types import (
    Audio,
    AudioChunk,
    Capabilities,
    Samples,
    SpeechRequest,
    VoiceClonePrompt,
)
from intone.remote import RemoteTTS

_FRESH_S = 10.0
"""How long what a server said of a model is believed: pages ask for every control."""


class RemoteModel:
    """Implements `ServedModel`: speaks there, and keeps nothing here."""

    def __init__(self, remote: RemoteTTS) -> None:
        self._remote = remote

    def capabilities(self) -> Capabilities:
        return self._remote.capabilities()

    def load(self) -> object:
        return self._remote.load()

    def synthesize(self, request: SpeechRequest) -> Audio:
        return self._remote.synthesize(request)

    def stream_request(self, request: SpeechRequest) -> Iterator[AudioChunk]:
        return self._remote.stream_request(request)

    def astream_request(self, request: SpeechRequest) -> AsyncIterator[AudioChunk]:
        return self._remote.astream_request(request)

    def astream_live(
        self, request: SpeechRequest, pieces: AsyncIterator[str]
    ) -> AsyncIterator[AudioChunk]:
        return self._remote.astream_live(request, pieces)

    def x_vector(self, samples: Samples) -> Samples:
        return self._remote.x_vector(samples)

    def check(self, request: SpeechRequest) -> None:
        """Raises what can be known of a request before it is sent."""
        self._remote.check(request)

    def clone(
        self,
        ref_audio: tuple[Samples, int] | bytes,
        ref_text: str | None = None,
        *,
        x_vector_only: bool = False,
        append_silence: bool = True,
    ) -> VoiceClonePrompt:
        """Raises UnsupportedModeError: voices are made where the models are."""
        raise UnsupportedModeError(
            f"{self._remote.url} encodes no clips for others; make the voice there (POST "
            "/v1/audio/voices), and choose it here by its name."
        )

    def close(self) -> None:
        self._remote.close()


class RemoteSource:
    """Implements `ModelSource` with a server; many threads may ask."""

    def __init__(self, url: str, api_key: str | None, default: str | None) -> None:
        """Asks nothing yet.

        Args:
            default: the model of requests that name none; None is the server's own.

        Raises:
            InvalidSettingError: it is no address.
        """
        self._api_key = api_key
        self._default = default
        self._server = RemoteTTS(url, api_key=api_key, model=default)
        self._told: dict[str, tuple[float, Capabilities]] = {}

    @property
    def url(self) -> str:
        return self._server.url

    def default(self) -> str:
        return self._default or next(iter(self.names()))

    def names(self) -> tuple[str, ...]:
        """Returns the models that the server lists; raises RemoteError, ModelNotFoundError."""
        names = self._server.load().model_names()
        if not names:
            raise ModelNotFoundError(f"{self.url} lists no model (GET /v1/models).")
        return names

    def describe(self, name: str) -> Capabilities:
        if name not in self.names():
            raise ModelNotFoundError(
                f"{self.url} has no model {name!r}; it has: {', '.join(self.names())}."
            )
        at_s, told = self._told.get(name, (0.0, None))
        if told is None or time.monotonic() - at_s > _FRESH_S:
            told = replace(self._capabilities(name), model=name)
            self._told[name] = (time.monotonic(), told)
        return told

    def _capabilities(self, name: str) -> Capabilities:
        with self._remote(name) as remote:
            return remote.capabilities()

    def memory_bytes(self, name: str) -> int:
        """Returns 0: nothing is loaded here."""
        return 0

    def fingerprint(self, name: str) -> str:
        """Returns what stands for the weights, which only the server knows."""
        return f"{name} of {self.url}"

    def open(self, name: str) -> RemoteModel:
        self.describe(name)
        return RemoteModel(self._remote(name))

    def close(self) -> None:
        """Hangs up; models that were opened are closed by whoever has them."""
        self._server.close()

    def _remote(self, name: str) -> RemoteTTS:
        return RemoteTTS(self.url, api_key=self._api_key, model=name)
