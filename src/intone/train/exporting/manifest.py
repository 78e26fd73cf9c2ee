"""What an export says of itself: `training.json` for programs, a model card for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intone.train.tuning.run_files import RunRecord

if TYPE_CHECKING:
    from intone.train.exporting.export import ExportReport

_HUB_CACHE = re.compile(r"models--(?P<owner>[^-].*?)--(?P<name>.+)")


def base_name(base: str) -> str:
    """Returns a base's hub id where its directory lies in a hub's cache, else the directory's name.

    Never the whole path: an export travels, and a path says where someone keeps their files.
    """
    for part in Path(base).parts:
        match = _HUB_CACHE.fullmatch(part)
        if match is not None:
            return f"{match['owner']}/{match['name']}"
    return Path(base).name


def manifest_json(
    record: RunRecord, report: ExportReport, state: Mapping[str, Any]
) -> dict[str, Any]:
    """Returns the object of `training.json`: enough to repeat the run on the same data.

    Args:
        state: the exported checkpoint's `state.json`.
    """
    settings = record.settings.to_json()
    return {
        "form": report.form,
        "base": {
            "name": base_name(record.base),
            "kind": record.base_kind,
            "size": record.base_size,
            "sha256": record.base_sha256,
        },
        "data_sha256": record.data_hash,
        "checkpoint": report.checkpoint,
        "step": state["step"],
        "validation": state["validation"],
        "presets": dict(report.presets),
        "can_clone": report.can_clone,
        "changed_tensors": report.num_changed,
        "changed_share": report.changed_share,
        "seed": settings["seed"],
        "settings": settings,
        "versions": dict(record.versions),
    }


def model_card(name: str, facts: Mapping[str, Any]) -> str:
    """Returns the README.md of an export.

    Args:
        name: directory that was asked for.
        facts: the object of `training.json`, its "evaluation" included.
    """
    base = facts["base"]
    sections = [
        _front_matter(facts),
        f"# {name}",
        f"A fine-tuned {base['name']}, made with Intone. `training.json` says exactly how.",
        _usage(name, facts),
        _training(facts),
        _evaluation(facts),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _front_matter(facts: Mapping[str, Any]) -> str:
    lines = ["---", "pipeline_tag: text-to-speech", "tags: [qwen3-tts, intone]"]
    if "/" in facts["base"]["name"]:
        lines.append(f"base_model: {facts['base']['name']}")
    return "\n".join([*lines, "---"])


def _usage(name: str, facts: Mapping[str, Any]) -> str:
    presets = list(facts["presets"])
    if facts["form"] == "adapter":
        rows = "; the rows of its voices are in `speakers.safetensors`" if presets else ""
        return (
            "This is a LoRA adapter for peft over the official module names"
            f"{rows}. `intone train export` on the run makes a merged checkpoint."
        )
    lines = ["## Use", "", "```sh"]
    if presets:
        lines += [f'intone say --model {name} --voice {voice} "Hello."' for voice in presets]
    if facts["can_clone"]:
        lines.append(f'intone clone --model {name} --ref-audio clip.wav --text "Hello."')
    if facts["form"] == "design":
        lines.append(f'intone design --model {name} --instruct "A calm voice." --text "Hello."')
    return "\n".join([*lines, "```"])


def _training(facts: Mapping[str, Any]) -> str:
    settings, share = facts["settings"], facts["changed_share"]
    rows = [
        ("base", f"{facts['base']['name']} ({facts['base']['kind']} {facts['base']['size']})"),
        ("training preset", settings["preset"]),
        ("step", facts["step"]),
        ("seed", facts["seed"]),
        ("data", f"`{facts['data_sha256'][:16]}`"),
    ]
    if share is not None:
        rows.append(
            ("changed", f"{facts['changed_tensors']} tensors, {100 * share:.1f} % of their values")
        )
    rows += [(f"validation {key}", value) for key, value in (facts["validation"] or {}).items()]
    table = [f"| {key} | {_short(value)} |" for key, value in rows]
    return "\n".join(["## Training", "", "| | |", "|---|---|", *table])


def _evaluation(facts: Mapping[str, Any]) -> str:
    if facts["evaluation"] is None:
        return ""
    figures = facts["evaluation"]["figures"]
    known = {name: value for name, value in figures.items() if value is not None}
    rows = [f"| {name.replace('_', ' ')} | {_short(value)} |" for name, value in known.items()]
    about = "Sampled takes of held-out texts; `training.json` has the protocol."
    return "\n".join(["## Evaluation", "", about, "", "| | |", "|---|---|", *rows])


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
