"""What a live session asks for, checked against the models and voices of this machine."""

from __future__ import annotations

from dataclasses import dataclass

from intone.audio.stream_encoders import stream_encoder
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.errors import InvalidSettingError, UnsupportedModeError
from intone.core.types import Capabilities
from intone.server.live.events import SessionConfig
from intone.server.live.utterance import Plan
from intone.server.services import Services
from intone.server.speech.choosing import KIND_OF_TASK, chosen_model, chosen_voice
from intone.server.speech.plan import sampled

ROUTE = "/v1/audio/speech/stream"

TO_COME = "to come"
"""Stands in for the text of a template; every take has a text of its own."""


@dataclass(frozen=True, slots=True)
class Setup:
    """A session's configuration, and whom it means."""

    config: SessionConfig
    can: Capabilities
    voice: str | None

    def plan(self, services: Services) -> Plan:
        """Returns what one text is spoken with; its seed is chosen here."""
        settings, config = services.settings.speech, self.config
        manner = config.instructions
        if not manner and self.can.follows_instruct:
            manner = settings.instruct
        return Plan(
            model=self.can.model,
            template=sampled(
                config, settings, text=TO_COME, voice=self.voice, instruct=manner or None
            ),
            is_by_token=config.mode == "token",
            spelling=config.normalise,
            max_delay_s=config.max_delay_s,
            route=ROUTE,
        )


def set_up(config: SessionConfig, services: Services) -> Setup:
    """Returns what a session speaks with; reads files. Raises an IntoneError."""
    settings = services.settings.speech
    if config.mode == "token" and config.normalise == "on":
        raise InvalidSettingError(
            "normalise is 'on', but token mode reads figures as they come; use sentence mode, or "
            "leave it out."
        )
    kind = None if config.task_type is None else KIND_OF_TASK[config.task_type]
    can = chosen_model(services.source, settings, name=config.model, kind=kind)
    if can.kind == "design" and config.mode == "sentence":
        raise UnsupportedModeError(
            f"model {can.model!r} would draw another person for each sentence; use token mode, or "
            "keep a designed voice and name it."
        )
    voice = chosen_voice(config.voice, can, services.library.names(), settings)
    stream_encoder(config.format, SAMPLE_RATE_HZ).finish()  # a missing package is told now
    return Setup(config, can, voice)
