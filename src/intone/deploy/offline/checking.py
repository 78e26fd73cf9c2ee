"""Whether a model can speak a request, told without its weights; and who its voices are.

Of a server only its address and its model's name are known: they stand for the weights.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from intone.core.types import SpeechRequest, VoiceClonePrompt
from intone.deploy.offline.planned import Cast, SpeakerModel
from intone.engine.request import job_of, prompt_of
from intone.models.description import ModelDescription
from intone.models.hub import HubSettings
from intone.models.identity import checkpoint_fingerprint
from intone.prompt.builder import PromptBuilder
from intone.prompt.tokenizer import TextTokenizer
from intone.remote import RemoteTTS
from intone.voices.builtin_voice import BUILTIN_MODEL, model_directory
from intone.voices.library import VoiceLibrary
from intone.voices.lookup import named_voice


class RequestChecker(Protocol):
    """What tells whether requests can be spoken; it is shown all of them."""

    @property
    def languages(self) -> Sequence[str]:
        """Those of the model."""
        ...

    @property
    def cast(self) -> Cast:
        """The kept voices of the requests that were shown."""
        ...

    def check(self, request: SpeechRequest) -> None:
        """Raises the RequestError that speaking would raise, but for what memory has room for."""
        ...

    def model(self, dtype: str) -> SpeakerModel:
        """Returns which weights speak; raises CheckpointError."""
        ...


@dataclass(frozen=True, slots=True)
class ServerChecker:
    """Asks what a server said of itself."""

    remote: RemoteTTS

    @property
    def languages(self) -> Sequence[str]:
        return self.remote.capabilities().languages

    @property
    def cast(self) -> Cast:
        return Cast({})  # the server has its own

    def check(self, request: SpeechRequest) -> None:
        self.remote.check(request)

    def model(self, dtype: str) -> SpeakerModel:
        name = self.remote.capabilities().model
        fingerprint = f"{name} of {self.remote.url}"
        return SpeakerModel(name=name, fingerprint=fingerprint, dtype=dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChecker:
    """Builds the prompt of every request that it is shown, and remembers whom voices stand for."""

    name: str
    description: ModelDescription
    prompts: PromptBuilder
    library: VoiceLibrary
    _voices: dict[str, str | VoiceClonePrompt] = field(default_factory=dict)

    @classmethod
    def of(cls, model: str | None) -> ModelChecker:
        """Reads what a model on this machine is.

        Args:
            model: as `TTS(model)`.

        Raises:
            ModelError: it is not on this machine, or unusable.
        """
        directory = model_directory(model, HubSettings.from_env(os.environ))
        description = ModelDescription.read(directory)
        return cls(
            name=str(model or BUILTIN_MODEL),
            description=description,
            prompts=PromptBuilder(description.config, TextTokenizer.from_dir(directory)),
            library=VoiceLibrary.from_env(os.environ),
        )

    @property
    def languages(self) -> Sequence[str]:
        return self.description.config.languages

    def check(self, request: SpeechRequest) -> None:
        voice = self._voice(request.voice)
        job_of(request, prompt_of(request, voice, self), 0, self)

    @property
    def cast(self) -> Cast:
        return Cast({name: voice for name, voice in self._voices.items() if voice is not name})

    def model(self, dtype: str) -> SpeakerModel:
        fingerprint = checkpoint_fingerprint(self.description.directory)
        return SpeakerModel(name=self.name, fingerprint=fingerprint, dtype=dtype)

    def _voice(self, voice: str | VoiceClonePrompt | None) -> str | VoiceClonePrompt | None:
        if not isinstance(voice, str):
            return voice
        if voice not in self._voices:
            self._voices[voice] = named_voice(
                voice, self.description.config, self.library, model=self.name
            )
        return self._voices[voice]
