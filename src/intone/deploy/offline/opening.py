"""How a worker opens what speaks, so that every worker speaks alike."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from intone.core.errors import CheckpointError, InvalidSettingError
from intone.core.version import __version__
from intone.tts import TTS

BATCH_PROFILE = "throughput"
"""Nobody listens along: audio per second is all that counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerOpening:
    """What a process elsewhere needs to know; it is sent there."""

    model: str | None
    """As `TTS(model)`; a directory is absolute. None is the built-in voice."""
    device: str
    dtype: str
    threads: int | None
    num_slots: int | None
    profile: str
    eager: bool
    memory_budget: str | None
    fingerprint: str
    """Of the weights that the run was begun with."""
    version: str = __version__
    """Of the Intone that began the run."""

    def open(self) -> TTS:
        """Returns the synthesizer, loaded.

        Raises:
            InvalidSettingError: this process runs another version of Intone.
            CheckpointError: the model of that name holds other weights here.
            ModelError: it is not on this machine.
        """
        from intone.models.identity import checkpoint_fingerprint

        if self.version != __version__:
            raise InvalidSettingError(
                f"{where()} has Intone {__version__}, the run was begun with {self.version}; "
                "install one version everywhere."
            )
        tts = TTS(
            self.model,
            device=self.device,
            dtype=self.dtype,
            threads=self.threads,
            num_slots=self.num_slots,
            profile=self.profile,
            eager=self.eager,
            memory_budget=self.memory_budget,
        )
        directory = tts.load().description.directory
        found = checkpoint_fingerprint(directory)
        if found != self.fingerprint:
            tts.close()
            raise CheckpointError(
                f"{directory} on {where()} holds other weights ({found[:12]}) than the run was "
                f"begun with ({self.fingerprint[:12]}); copy one checkpoint everywhere."
            )
        return tts


def where() -> str:
    """Returns what this machine is called."""
    return f"machine {socket.gethostname()}"
