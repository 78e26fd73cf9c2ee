"""Where work that goes on over restarts is kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def state_directory(environ: Mapping[str, str]) -> Path:
    """Returns `intone` in XDG_STATE_HOME (~/.local/state)."""
    home = Path(environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser()
    return home / "intone"
