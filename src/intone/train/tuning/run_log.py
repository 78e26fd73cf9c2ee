"""log.jsonl, one line per step and per validation; TensorBoard beside it where asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intone.audio.durable import append_line_synced, atomic_write_text
from intone.core.errors import MissingDependencyError

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class RunLog:
    """A run's log; lines of steps that were lost are taken out when the run is resumed."""

    def __init__(self, run: Path, from_step: int, tensorboard: bool) -> None:
        """Opens the log to go on after `from_step`.

        Raises:
            MissingDependencyError: TensorBoard was asked for and is absent.
        """
        self._path = run / "log.jsonl"
        self._board = _open_board(run / "tensorboard", from_step) if tensorboard else None
        kept = [line for line in read_log(run) if line["step"] <= from_step]
        atomic_write_text(self._path, "".join(json.dumps(line) + "\n" for line in kept))

    def write(self, kind: str, step: int, values: Mapping[str, Any]) -> None:
        """Appends one line."""
        append_line_synced(self._path, json.dumps({"kind": kind, "step": step, **values}))
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(f"{kind}/{name}", value, step)

    def close(self) -> None:
        """Flushes what TensorBoard holds back."""
        if self._board is not None:
            self._board.close()


def read_log(run: Path) -> list[dict[str, Any]]:
    """Returns the log's lines; one that a crash left unfinished is passed over."""
    try:
        lines = (run / "log.jsonl").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [line for line in map(_parsed, lines) if line is not None]


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        data = json.loads(line)
    except ValueError:
        return None
    return data if isinstance(data, dict) and "step" in data else None


def _open_board(directory: Path, from_step: int) -> SummaryWriter:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingDependencyError(
            "--tensorboard needs the package tensorboard; `pip install 'intone[train]'`, or leave "
            "the option out: log.jsonl holds the same figures."
        ) from error
    writer: SummaryWriter = SummaryWriter(str(directory), purge_step=from_step + 1)
    return writer
