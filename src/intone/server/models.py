"""What a server asks of the models it speaks with; the command line brings what implements it."""

from __future__ import annotations

from typing import Protocol

from intone.core.synthesizer import Synthesizer
from intone.core.types import Capabilities, Samples, VoiceClonePrompt


class ServedModel(Synthesizer, Protocol):
    """A synthesizer that can clone and can be loaded ahead; `TTS` is one."""

    def clone(
        self,
        ref_audio: tuple[Samples, int] | bytes,
        ref_text: str | None = None,
        *,
        x_vector_only: bool = False,
        append_silence: bool = True,
    ) -> VoiceClonePrompt:
        """Returns the voice of a clip, encoded file or (samples, rate in Hz); raises as `TTS`."""
        ...

    def load(self) -> object:
        """Loads now; a second call does nothing. Raises a ModelError."""
        ...


class ModelSource(Protocol):
    """The models of this machine. Nothing is ever downloaded."""

    def default(self) -> str:
        """Returns the model of requests that name none; raises ModelNotFoundError."""
        ...

    def names(self) -> tuple[str, ...]:
        """Returns the models that are here, by alias or hub id, "builtin" included."""
        ...

    def describe(self, name: str) -> Capabilities:
        """Returns what a model can be asked for; no weights are loaded. Its `model` is the one
        name under which all names of that model come together.

        Raises:
            ModelNotFoundError: it is not here, or not served.
        """
        ...

    def memory_bytes(self, name: str) -> int:
        """Returns what a model keeps resident when loaded; raises ModelNotFoundError."""
        ...

    def open(self, name: str) -> ServedModel:
        """Returns a model of its own, not loaded yet; raises ModelNotFoundError."""
        ...
