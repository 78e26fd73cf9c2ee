"""A run's checkpoint as something that others load: an official-layout directory, or an adapter.

This is the one place where base weights are written again; checkpoints of a run hold what was
trained. Files that do not change are linked to the base's where the file system allows. The result
loads in the public package and here, and carries a model card and a manifest of how it was made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

from intone.core.errors import RunError
from intone.train.exporting.base_files import FileReport
from intone.train.exporting.manifest import base_name, manifest_json, model_card
from intone.train.exporting.overlay import CODEC_EMBEDDING
from intone.train.exporting.staged import staged_directory
from intone.train.exporting.tuned import base_directory, tuned_plan, write_tuned
from intone.train.tuning.checkpoints import SPEAKERS, read_weights
from intone.train.tuning.choice import EVAL_FILE, chosen_checkpoint, eval_directory
from intone.train.tuning.run_files import RunRecord, read_run, read_state
from intone.train.tuning.settings import ExportForm


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """What to make of a run."""

    form: ExportForm | None = None
    """None is the run's own target."""
    checkpoint: str | None = None
    """"step-000100"; None is the best one by evaluation, else by validation loss."""
    base: Path | None = None
    """None is the directory that the run began with."""
    keep_cloning: bool = True
    """A CustomVoice made from a Base keeps its speaker encoder: Intone can still clone with it.
    The public package leaves those weights unused, and says so when it loads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What was written."""

    directory: Path
    form: ExportForm
    checkpoint: str
    presets: Mapping[str, int]
    """New presets and their rows."""
    left_out: tuple[str, ...] = ()
    """Speakers of the run that this form has no place for."""
    can_clone: bool = False
    files: FileReport = field(default_factory=FileReport)

    @property
    def num_changed(self) -> int:
        """Tensors that differ from the base's."""
        return len(self.files.tensors.changed)

    @property
    def changed_share(self) -> float | None:
        """Share of the trained tensors' values that differ from the base after rounding to its
        type; the codec embedding apart, of which presets fill single rows. None without any."""
        counts = [
            count for name, count in self.files.tensors.changed.items() if name != CODEC_EMBEDDING
        ]
        total = sum(values for _, values in counts)
        return sum(changed for changed, _ in counts) / total if total else None


def export(run: Path, out: Path, options: ExportOptions | None = None) -> ExportReport:
    """Writes one checkpoint of a run as a new directory, whole or not at all.

    Raises:
        RunError: run, base and form do not fit together; the message says why.
        CheckpointError: the base is damaged, or trained values are not finite.
        OutputError: `out` exists and is not empty, or cannot be written.
    """
    options = options or ExportOptions()
    record = read_run(run)
    source = chosen_checkpoint(run, options.checkpoint)
    with staged_directory(out) as staged:
        if options.form == "adapter":
            report = _write_adapter(staged, out, record, source)
        else:
            report = _write_full(staged, out, record, source, options)
        facts = manifest_json(record, report, read_state(source))
        facts["evaluation"] = _evaluation(run, source)
        _write_json(staged / "training.json", facts)
        (staged / "README.md").write_text(model_card(out.name, facts), encoding="utf-8")
    return report


def _evaluation(run: Path, source: Path) -> dict[str, Any] | None:
    """Returns what the evaluation found of a checkpoint; None where there was none."""
    path = eval_directory(run, source.name) / EVAL_FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return {"figures": data["figures"], "protocol": data["protocol"]}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path} is damaged ({error}); remove it and evaluate again.") from error


def _write_full(
    staged: Path, out: Path, record: RunRecord, source: Path, options: ExportOptions
) -> ExportReport:
    assert options.form != "adapter"
    kind = options.form or record.settings.target
    plan = tuned_plan(
        record,
        source,
        base_directory(record, options.base),
        kind,
        keep_cloning=options.keep_cloning,
    )
    return ExportReport(
        directory=out,
        form=kind,
        checkpoint=source.name,
        presets=plan.presets,
        left_out=tuple(name for name in record.speakers if name not in plan.presets),
        can_clone=plan.keeps_speaker_encoder,
        files=write_tuned(plan, staged),
    )


def _write_adapter(staged: Path, out: Path, record: RunRecord, source: Path) -> ExportReport:
    """Writes peft's two files, and the preset rows, for which an adapter has no place."""
    weights = read_weights(source)
    if weights.adapter is None:
        raise RunError(
            "this run trained whole tensors, so it has no adapter; export it with --as "
            f"{record.settings.target}."
        )
    _save(weights.adapter.peft_tensors(), staged / "adapter_model.safetensors")
    _write_json(staged / "adapter_config.json", weights.adapter.config_json(base_name(record.base)))
    if weights.speakers:
        _save(weights.speakers, staged / SPEAKERS)
    return ExportReport(
        directory=out, form="adapter", checkpoint=source.name, presets=record.speakers
    )


def _save(tensors: Mapping[str, Tensor], path: Path) -> None:
    save_file(dict(tensors), path, metadata={"format": "pt"})
    path.chmod(0o644)  # the writer makes it private


def _write_json(path: Path, data: object) -> None:
    path.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
