"""Which checkpoint hears who speaks, as it can be told to a process elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from intone.core.synthesizer import Synthesizer
from intone.core.types import Samples
from intone.render.ear import Ear, SynthesizerEar
from intone.voices.cloning import Cloner


@dataclass(frozen=True, slots=True)
class CheckpointEar:
    """The speaker encoder of a checkpoint that does not speak; nothing else of it is loaded."""

    cloner: Cloner
    name: str

    def x_vector(self, samples: Samples) -> Samples:
        return self.cloner.x_vector(samples)


@dataclass(frozen=True, slots=True, kw_only=True)
class EarOpening:
    """What is needed to open an ear."""

    name: str
    """The checkpoint's; x-vectors of two ears do not compare."""
    directory: Path | None
    """None: it is the one that speaks."""

    def open(self, synthesizer: Synthesizer) -> Ear:
        """Returns the ear; loads nothing yet.

        Args:
            synthesizer: what speaks.
        """
        if self.directory is None:
            return SynthesizerEar(synthesizer, self.name)
        return CheckpointEar(Cloner(self.directory, "cpu"), self.name)
