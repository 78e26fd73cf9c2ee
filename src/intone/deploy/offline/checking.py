"""Whether a model can speak a request, told without its weights; and who its voices are."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from intone.core.types import SpeechRequest, VoiceClonePrompt
from intone.deploy.offline.planned import Cast, SpeakerModel
from intone.engine.request import job_of, prompt_of
from intone.models.description import ModelDescription
from intone.models.hub import HubSettings
from intone.models.identity import checkpoint_fingerprint
from intone.prompt.builder import PromptBuilder
from intone.prompt.tokenizer import TextTokenizer
from intone.voices.builtin_voice import BUILTIN_MODEL, model_directory
from intone.voices.library import VoiceLibrary
from intone.voices.lookup import named_voice


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestChecker:
    """Builds the prompt of every request that it is shown, and remembers whom voices stand for."""

    name: str
    description: ModelDescription
    prompts: PromptBuilder
    library: VoiceLibrary
    _voices: dict[str, str | VoiceClonePrompt] = field(default_factory=dict)

    @classmethod
    def of(cls, model: str | None) -> RequestChecker:
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

    def check(self, request: SpeechRequest) -> None:
        """Raises the RequestError that speaking would raise, but for what memory has room for."""
        voice = self._voice(request.voice)
        job_of(request, prompt_of(request, voice, self), 0, self)

    @property
    def cast(self) -> Cast:
        """The kept voices of the requests that were shown."""
        return Cast({name: voice for name, voice in self._voices.items() if voice is not name})

    def model(self, dtype: str) -> SpeakerModel:
        """Returns which weights speak; raises CheckpointError."""
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
