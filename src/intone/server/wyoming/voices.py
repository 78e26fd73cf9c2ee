"""Who can be asked for over Wyoming, and whom a request means."""

from __future__ import annotations

from wyoming.info import Attribution, Info, TtsProgram, TtsVoice
from wyoming.tts import SynthesizeVoice

from intone.core.errors import UnknownLanguageError
from intone.core.types import Capabilities
from intone.core.version import __version__
from intone.server.live.setup import TO_COME
from intone.server.live.utterance import Plan
from intone.server.services import Services
from intone.server.speech.body import Sampling
from intone.server.speech.choosing import chosen_model, chosen_voice
from intone.server.speech.plan import sampled
from intone.text.languages import CODE_OF_NAME, find_language

ROUTE = "wyoming"
_MAX_DELAY_S = 3.0
_PROGRAM = "intone"
_URL = "https://github.com/QwenLM/Qwen3-TTS"


def info(services: Services) -> Info:
    """Returns what is told to a client that asks: presets of the default model and kept voices.

    Reads files; no model is loaded.
    """
    can = chosen_model(services.source, services.settings.speech, name=None)
    names = dict.fromkeys((*can.voices, *services.library.names()))
    attribution = Attribution(name="Qwen3-TTS", url=_URL)
    languages = [CODE_OF_NAME[name] for name in can.languages if name in CODE_OF_NAME]
    voices = [
        TtsVoice(
            name=name,
            description=name.replace("_", " ").title(),
            attribution=attribution,
            installed=True,
            version=None,
            languages=languages,
        )
        for name in names
    ]
    program = TtsProgram(
        name=_PROGRAM,
        description="Intone, speech of the Qwen3-TTS models",
        attribution=attribution,
        installed=True,
        version=__version__,
        voices=voices,
        supports_synthesize_streaming=True,
    )
    return Info(tts=[program])


def plan_of(asked: SynthesizeVoice | None, services: Services) -> Plan:
    """Returns what a text is spoken with; reads files. Raises an IntoneError."""
    settings = services.settings.speech
    can = chosen_model(services.source, settings, name=None)
    name = None if asked is None else asked.name
    voice = chosen_voice(name, can, services.library.names(), settings)
    language = None if asked is None or asked.language is None else _language(asked.language, can)
    manner = (settings.instruct or None) if can.follows_instruct else None
    return Plan(
        model=can.model,
        template=sampled(
            Sampling(language=language),
            settings,
            text=TO_COME,
            voice=voice,
            instruct=manner or None,
        ),
        is_by_token=can.kind == "design",  # sentences would be of as many people
        spelling="auto",
        max_delay_s=_MAX_DELAY_S,
        route=ROUTE,
    )


def _language(code: str, can: Capabilities) -> str:
    """Returns a language by the checkpoint's name: "de" and "de_CH" are german."""
    name = find_language(code)
    if name is None or name not in can.languages:
        raise UnknownLanguageError(
            f"language {code!r} is unknown; model {can.model!r} speaks: {', '.join(can.languages)}."
        )
    return name
