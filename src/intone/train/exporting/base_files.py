"""A base checkpoint's files, written again for a tuned one: changed, linked, or left behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from intone.models.checkpoint import SPEAKER
from intone.models.config import read_json
from intone.train.exporting.overlay import Overlay
from intone.train.exporting.staged import Share
from intone.train.exporting.tensor_rewrite import RewriteReport, rewrite, tensor_names

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"

_WRITTEN_NEW = {"config.json", "training.json", "README.md", INDEX}
"""Of the tuned checkpoint itself; those of the base speak of the base."""


@dataclass(slots=True)
class FileReport:
    """What became of the base's files."""

    tensors: RewriteReport = field(default_factory=RewriteReport)
    linked: int = 0
    """Files that share the base's space."""
    copied: int = 0


class BaseFiles:
    """A checkpoint directory's files by what tuning does to them."""

    def __init__(self, directory: Path) -> None:
        """Reads the headers of the weight files.

        Raises:
            CheckpointError: one is missing or no safetensors file.
        """
        self.directory = directory
        self.tensors = {name: tensor_names(directory / name) for name in _weight_files(directory)}

    @property
    def speaker_encoder(self) -> frozenset[str]:
        """Names of the speaker encoder's tensors; empty without one."""
        names = (name for names in self.tensors.values() for name in names)
        return frozenset(name for name in names if name.startswith(SPEAKER))

    @property
    def names(self) -> frozenset[str]:
        """Names of all tensors."""
        return frozenset(name for names in self.tensors.values() for name in names)

    def write_over(
        self, target: Path, overlay: Overlay, dropped: frozenset[str], share: Share
    ) -> FileReport:
        """Fills `target` with everything but config.json; weights change as the overlay says.

        Args:
            dropped: tensors that are left out.
            share: what is done with files that stay as they are.

        Raises:
            CheckpointError, RunError: a change does not fit.
            OSError: reading or writing failed.
        """
        report = FileReport()
        for name, tensors in self.tensors.items():
            if dropped.issuperset(tensors):
                report.tensors.num_dropped += len(tensors)
            elif overlay.names.isdisjoint(tensors) and dropped.isdisjoint(tensors):
                self._share(name, target, share, report)
            else:
                report.tensors.add(
                    rewrite(
                        self.directory / name,
                        target / name,
                        overlay.apply,
                        changed=overlay.names,
                        dropped=dropped,
                    )
                )
        self._write_index(target, dropped)
        for name in self._others():
            self._share(name, target, share, report)
        return report

    def _share(self, name: str, target: Path, share: Share, report: FileReport) -> None:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        if share(self.directory / name, target / name):
            report.linked += 1
        else:
            report.copied += 1

    def _write_index(self, target: Path, dropped: frozenset[str]) -> None:
        """The index of a checkpoint in several files, without what was left out."""
        if not (self.directory / INDEX).exists():
            return
        index = dict(read_json(self.directory / INDEX))
        homes = index["weight_map"].items()
        index["weight_map"] = {name: file for name, file in homes if name not in dropped}
        if dropped:  # the sum of sizes was of all tensors; nobody needs it
            index["metadata"] = {}
        text = json.dumps(index, indent=2) + "\n"
        (target / INDEX).write_text(text, encoding="utf-8")

    def _others(self) -> Iterator[str]:
        """Names of the files that neither hold weights nor speak of this checkpoint alone."""
        for path in sorted(self.directory.rglob("*")):
            name = path.relative_to(self.directory)
            is_hidden = any(part.startswith(".") for part in name.parts)
            # Top-level weights that the index does not name would be the base's, untuned.
            is_weights = len(name.parts) == 1 and path.suffix == ".safetensors"
            is_ours = str(name) in _WRITTEN_NEW or is_weights
            if path.is_file() and not is_hidden and not is_ours:
                yield str(name)


def _weight_files(directory: Path) -> list[str]:
    if not (directory / INDEX).exists():
        return [WEIGHTS]
    return sorted(set(read_json(directory / INDEX).get("weight_map", {}).values()))
