"""One checkpoint of a run as a full one in the official layout: planned, checked, written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from intone.core.errors import RunError
from intone.core.types import ModelKind
from intone.models.checkpoint import Checkpoint
from intone.models.config import ModelConfig, read_json
from intone.models.fingerprint import weights_sha256
from intone.train.exporting.base_files import BaseFiles, FileReport
from intone.train.exporting.export_config import check_kind, check_rows, tuned_config
from intone.train.exporting.overlay import Overlay
from intone.train.exporting.staged import Share, link_or_copy
from intone.train.tuning.checkpoints import TrainedWeights, read_weights
from intone.train.tuning.run_files import RunRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class TunedPlan:
    """One full checkpoint to be written."""

    base: Path
    kind: ModelKind
    weights: TrainedWeights
    presets: Mapping[str, int]
    """Presets to add or replace, and their rows; empty unless `kind` is custom."""
    keeps_speaker_encoder: bool


def tuned_plan(
    record: RunRecord, source: Path, base: Path, kind: ModelKind, *, keep_cloning: bool
) -> TunedPlan:
    """Returns what a full checkpoint is made of.

    Args:
        source: a checkpoint of the run.
        base: see `base_directory`.
        keep_cloning: a CustomVoice keeps its base's speaker encoder, if that has one.

    Raises:
        RunError: the base cannot become `kind`, or a speaker has no place in it.
    """
    config = ModelConfig.from_dict(read_json(base / "config.json"))
    check_kind(config, kind, record.speakers)
    presets = dict(record.speakers) if kind == "custom" else {}
    check_rows(config, presets)
    weights = read_weights(source)
    missing = sorted(presets.keys() - weights.speakers.keys())
    if missing:
        raise RunError(f"{source} lacks the row of speaker {missing[0]!r}; choose another one.")
    wants = kind == "base" or keep_cloning
    return TunedPlan(
        base=base,
        kind=kind,
        weights=weights,
        presets=presets,
        keeps_speaker_encoder=wants and bool(BaseFiles(base).speaker_encoder),
    )


def base_directory(record: RunRecord, named: Path | None = None) -> Path:
    """Returns the run's base: the one named, or the directory that it began with.

    Raises:
        RunError: it is not there, or its weights are not those that were trained.
    """
    base = named or Path(record.base)
    if not (base / "config.json").is_file():
        raise RunError(
            f"the run's base {base} is not there any more; name where it is with --model."
        )
    if weights_sha256(base) != record.base_sha256:
        raise RunError(
            f"{base} is not the checkpoint that this run began with (its weights differ); "
            "name that one with --model."
        )
    return base


def write_tuned(plan: TunedPlan, directory: Path, share: Share = link_or_copy) -> FileReport:
    """Fills an existing directory with the tuned checkpoint, and checks its headers.

    Raises:
        RunError: the weights name tensors that the base does not have.
        CheckpointError: the base is damaged, or trained values are not finite.
        OSError: reading or writing failed.
    """
    base = BaseFiles(plan.base)
    overlay = _overlay(plan)
    unknown = sorted(overlay.names - base.names)
    if unknown:
        raise RunError(
            f"the run trained {len(unknown)} tensors that the base does not have, such as "
            f"{unknown[0]}; name the run's own base with --model."
        )
    keeps = plan.keeps_speaker_encoder
    dropped = frozenset() if keeps else base.speaker_encoder
    report = base.write_over(directory, overlay, dropped, share)
    config = tuned_config(
        read_json(plan.base / "config.json"), plan.kind, plan.presets, keep_speaker_encoder=keeps
    )
    text = json.dumps(config, indent=2, ensure_ascii=False) + "\n"
    (directory / "config.json").write_text(text, encoding="utf-8")
    Checkpoint(directory)
    return report


def _overlay(plan: TunedPlan) -> Overlay:
    return Overlay(
        tensors=plan.weights.tensors,
        adapter=plan.weights.adapter,
        preset_rows={row: plan.weights.speakers[name] for name, row in plan.presets.items()},
    )
