"""What the Train tab asks of the command line, which starts training as a process of its own."""

from __future__ import annotations

from typing import Protocol


class TrainingDesk(Protocol):
    """Training on this machine."""
