"""The presets that a run did not train, watched over its checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from intone.core.errors import UnsupportedModeError
from intone.core.synthesizer import Synthesizer
from intone.train.evaluation.preset_drift import PresetReference, preset_drift, preset_reference


@dataclass(slots=True, kw_only=True)
class UntouchedPresets:
    """Asks the base once what its presets say, then every checkpoint how far it is from that."""

    base: Path
    names: Sequence[str]
    text: str
    """What they say."""
    seed: int
    keep_at: Path
    """File of the base's answers, for later calls."""
    key: str
    """Identity of the base."""
    open_synthesizer: Callable[[Path], Synthesizer]
    device: torch.device
    say: Callable[[str], None]
    _reference: PresetReference | None = field(default=None, init=False)
    _is_off: bool = field(default=False, init=False)

    def drift(self, tuned: Path) -> dict[str, float] | None:
        """Returns the drift of each preset, nats a frame; None where there is none to compare."""
        if self._reference is None and not self._is_off and self.names:
            self._reference = self._kept() or self._asked()
        if self._reference is None:
            return None
        return preset_drift(tuned, self._reference, self.device)

    def _full_key(self) -> str:
        return repr((self.key, list(self.names), self.text, self.seed))

    def _kept(self) -> PresetReference | None:
        return PresetReference.load(self.keep_at, self._full_key())

    def _asked(self) -> PresetReference | None:
        synthesizer = self.open_synthesizer(self.base)
        try:
            found = preset_reference(
                self.base, self.names, self.text, synthesizer, self.device, self.seed
            )
        except UnsupportedModeError as error:
            self.say(f"presets of the base are not compared: {error}")
            self._is_off = True
            return None
        finally:
            synthesizer.close()
        found.save(self.keep_at, self._full_key())
        return found
