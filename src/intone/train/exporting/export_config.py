"""What a run can become, and its `config.json`: kind, and presets beside those of the base."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from intone.core.errors import RunError
from intone.core.types import ModelKind
from intone.models.config import JsonObject, ModelConfig
from intone.train.tuning.speaker_rows import taken_rows

KIND_WORDS: Mapping[ModelKind, str] = {
    "base": "base",
    "custom": "custom_voice",
    "design": "voice_design",
}
"""`tts_model_type` of each kind."""


def check_kind(base: ModelConfig, kind: ModelKind, rows: Mapping[str, int]) -> None:
    """Refuses what cannot be made of a base.

    Args:
        rows: codec embedding row of every speaker that the run trained.

    Raises:
        RunError: the message says what can be made instead.
    """
    if kind == "custom":
        if not rows and not base.speakers:
            raise RunError(
                "this run has no preset speakers, and its base has none: there is no voice for a "
                "CustomVoice checkpoint. Export it with --as base, or train with target custom."
            )
    elif base.kind != kind:
        raise RunError(
            f"a {base.kind} checkpoint cannot be exported as {kind}; allowed here: "
            f"{base.kind}{'' if base.kind == 'custom' else ', custom'}, adapter."
        )


def check_rows(base: ModelConfig, rows: Mapping[str, int]) -> None:
    """Refuses a speaker whose name or row belongs to something else.

    A preset of the base under its own row is allowed: the run has trained it further.

    Raises:
        RunError: every collision is named.
    """
    sounds, vocab = base.code_predictor.vocab_size, base.talker.vocab_size
    presets, problems = base.talker.speaker_ids, []
    for name, row in rows.items():
        if presets.get(name) == row:
            continue
        if name in presets:
            problems.append(f"{name!r} is a preset of the base already, at row {presets[name]}")
        if name != name.lower():
            problems.append(f"{name!r} is not lower case, so nobody could look it up")
        if row in taken_rows(base):
            problems.append(f"row {row} of {name!r} is a control, language or speaker id")
        if not sounds <= row < vocab:
            problems.append(f"row {row} of {name!r} lies outside {sounds} to {vocab - 1}")
    if len(set(rows.values())) < len(rows):
        problems.append("two speakers share a row")
    if problems:
        raise RunError(f"{'; '.join(problems)}. Rename the speaker in the rows and train again.")


def tuned_config(
    base: JsonObject, kind: ModelKind, rows: Mapping[str, int], *, keep_speaker_encoder: bool
) -> dict[str, Any]:
    """Returns the tuned checkpoint's object; the base's presets and every other key stay.

    Args:
        rows: new presets and their codec embedding rows; only for kind "custom".
        keep_speaker_encoder: whether the checkpoint will hold the base's speaker encoder.
    """
    config: dict[str, Any] = copy.deepcopy(dict(base))
    config["tts_model_type"] = KIND_WORDS[kind]
    if not keep_speaker_encoder:
        config.pop("speaker_encoder_config", None)
    elif config.get("speaker_encoder_config") is None:
        config["speaker_encoder_config"] = {}  # upstream's defaults, but present: it can clone
    if rows:
        talker = config["talker_config"]
        talker["spk_id"] = {**(talker.get("spk_id") or {}), **rows}
        kept = talker.get("spk_is_dialect") or {}
        talker["spk_is_dialect"] = {name: kept.get(name, False) for name in talker["spk_id"]}
    return config
