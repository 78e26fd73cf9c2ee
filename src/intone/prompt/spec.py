"""One take as the caller names it, and the checks of it against a checkpoint.

Every refusal here says what was given, what this checkpoint has, and what to do instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from intone.core.errors import (
    MissingReferenceTextError,
    ReferenceAudioError,
    UnknownLanguageError,
    UnknownVoiceError,
    UnsupportedModeError,
)
from intone.core.types import Codes, ModelKind, Samples, TextLayout
from intone.models.config import ModelConfig

AUTO_LANGUAGE = "auto"

_KIND_NAMES: dict[ModelKind, str] = {
    "base": "Base",
    "custom": "CustomVoice",
    "design": "VoiceDesign",
}
_DEFAULT_LAYOUT: dict[ModelKind, TextLayout] = {
    "base": "per_frame",
    "custom": "at_once",
    "design": "at_once",
}
_NEEDS_REFERENCE_TEXT = (
    "the reference clip has no text; give its exact words, or clone from the x-vector alone."
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PromptSpec:
    """One take as the caller names it; nothing is checked until a builder reads it."""

    text: str
    """What to say; white space at both ends is dropped."""
    language: str = AUTO_LANGUAGE
    """Any case; "auto" leaves it to the model."""
    speaker: str | None = None
    """A preset of a CustomVoice checkpoint, any case."""
    instruct: str | None = None
    """How to say it (CustomVoice 1.7B) or who says it (VoiceDesign); empty is none."""
    x_vector: Samples | None = None
    """Speaker of a Base checkpoint, [H]."""
    ref_codes: Codes | None = None
    """Codec frames of the reference, [F, K]; makes it an ICL prompt."""
    ref_text: str | None = None
    """The words of `ref_codes`; unused without them."""
    text_layout: TextLayout | None = None
    """None is upstream's default of the kind: at once, but per frame for Base."""


def text_layout(spec: PromptSpec, config: ModelConfig) -> TextLayout:
    """Returns the layout asked for, or the default of the checkpoint's kind."""
    return spec.text_layout or _DEFAULT_LAYOUT[config.kind]


def check_mode(spec: PromptSpec, config: ModelConfig) -> None:
    """Refuses what this kind of checkpoint cannot do.

    Raises:
        UnsupportedModeError: a voice or an instruct that belongs to another kind of checkpoint.
    """
    is_cloned = spec.x_vector is not None or spec.ref_codes is not None
    if spec.speaker is not None and config.kind != "custom":
        raise _unsupported(f"voice {spec.speaker!r}", config, "only CustomVoice has preset voices")
    if is_cloned and config.speaker_encoder is None:
        rule = "only a model with a speaker encoder, as Base, clones"
        raise _unsupported("a cloned voice", config, rule)
    if is_cloned and spec.speaker is not None:
        raise UnsupportedModeError(
            f"voice {spec.speaker!r} and a cloned voice were given; a take has one. Leave one out."
        )
    if is_cloned or config.kind == "base":
        _check_x_vector(spec.x_vector, config.talker.hidden_size)
    if spec.instruct and spec.instruct.strip():
        _check_instruct(config)


def preset_name(spec: PromptSpec, config: ModelConfig) -> str | None:
    """Returns the preset's name as the checkpoint spells it; None where no preset speaks.

    Raises:
        UnknownVoiceError: no such preset, or none named; the message lists them.
    """
    if config.kind != "custom" or spec.x_vector is not None:
        return None
    speaker = spec.speaker
    names = ", ".join(config.speakers)
    if speaker is None:
        raise UnknownVoiceError(f"no voice was named; this checkpoint has: {names}.")
    name = preset_key(speaker)
    if name not in config.talker.speaker_ids:
        raise UnknownVoiceError(f"voice {speaker!r} is unknown; this checkpoint has: {names}.")
    return name


def preset_key(speaker: str) -> str:
    """Returns a preset's name as checkpoints spell it: "Uncle Fu" is uncle_fu."""
    return speaker.strip().lower().replace(" ", "_")


def language_id(language: str, preset: str | None, config: ModelConfig) -> int | None:
    """Returns the codec id of the language, None for auto.

    A preset with a dialect speaks it when the language is Chinese or auto.

    Raises:
        UnknownLanguageError: the message lists the languages.
    """
    name = language.strip().lower()
    if name not in config.languages:
        raise UnknownLanguageError(
            f"language {language!r} is unknown; this checkpoint has: {', '.join(config.languages)}."
        )
    dialect = config.talker.speaker_dialects[preset] if preset is not None else None
    if dialect is not None and name in ("chinese", AUTO_LANGUAGE):
        name = dialect
    return None if name == AUTO_LANGUAGE else config.talker.language_ids[name]


def reference_codes(spec: PromptSpec, config: ModelConfig) -> Codes:
    """Returns the reference's codec frames, [F, K]; F is 0 without a reference.

    Raises:
        MissingReferenceTextError: codes without words.
        ReferenceAudioError: the codes are not of this checkpoint's codec.
    """
    num_codebooks, num_codes = config.talker.num_codebooks, config.code_predictor.vocab_size
    codes = spec.ref_codes
    if codes is None:
        return np.empty((0, num_codebooks), dtype=np.int64)
    if not (spec.ref_text and spec.ref_text.strip()):
        raise MissingReferenceTextError(_NEEDS_REFERENCE_TEXT)
    if codes.ndim != 2 or codes.shape[1] != num_codebooks or len(codes) == 0:
        raise ReferenceAudioError(
            f"reference codes have shape {list(codes.shape)}; this checkpoint takes "
            f"[F, {num_codebooks}] with F >= 1. Clone the voice again with it."
        )
    if codes.min() < 0 or codes.max() >= num_codes:
        raise ReferenceAudioError(
            f"reference codes reach from {codes.min()} to {codes.max()}; this checkpoint takes "
            f"0 to {num_codes - 1}. Clone the voice again with it."
        )
    return codes


def _check_x_vector(x_vector: Samples | None, hidden_size: int) -> None:
    if x_vector is None:
        raise UnsupportedModeError(
            "no voice was given, and a Base checkpoint has none of its own; "
            "give a reference clip, or choose a CustomVoice checkpoint."
        )
    if x_vector.shape != (hidden_size,):
        raise UnsupportedModeError(
            f"the cloned voice has shape {list(x_vector.shape)}, this checkpoint takes "
            f"[{hidden_size}]: a model of another size made it. Clone it again with this one."
        )


def _check_instruct(config: ModelConfig) -> None:
    # Upstream drops the instruct of a 0.6B CustomVoice in silence; its user never learns why.
    if not config.follows_instruct:
        raise _unsupported(
            "an instruct", config, "only CustomVoice 1.7B and VoiceDesign follow instructs"
        )


def _unsupported(asked: str, config: ModelConfig, rule: str) -> UnsupportedModeError:
    ours = f"{_KIND_NAMES[config.kind]} {config.size.upper()}"
    return UnsupportedModeError(
        f"{asked} was given, but this is a {ours} checkpoint; {rule}. "
        "Leave it out, or choose such a checkpoint."
    )
