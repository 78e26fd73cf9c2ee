"""Whether a memory budget holds a checkpoint: decided with numbers, before anything is loaded.

A budget is a promise for the whole process while it speaks: every slot may be filled to its last
position. What was asked for is kept or refused; only what was left open is chosen to fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from intone.core.byte_sizes import format_bytes
from intone.core.errors import InvalidSettingError
from intone.engine.footprint import CLONED_S, Footprint
from intone.engine.settings import GRAPH_DTYPES
from intone.models.description import ModelDescription
from intone.models.released import released_description

TYPICAL_POSITIONS = 768
"""What a slot holds at least, where nothing was asked for: prompt and 50 s of audio."""

_SHORT_POSITIONS = 256
"""The least that a refusal proposes: a sentence or two."""

_MARGIN = 1.03
"""Predictions are this close (`tests/engine/test_footprint.py`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What is to fit; None is open."""

    dtypes: tuple[str, ...]
    """Those that are acceptable, the preferred first."""
    num_slots: int | None
    num_positions: int | None
    max_slots: int
    """What an open number of slots is at most."""
    max_positions: int

    @property
    def least_slots(self) -> int:
        return self.num_slots or 1

    @property
    def least_positions(self) -> int:
        return self.num_positions or min(TYPICAL_POSITIONS, self.max_positions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How a checkpoint runs within a budget."""

    dtype: str
    num_slots: int
    num_positions: int
    needed_bytes: int

    def __str__(self) -> str:
        slots = "1 slot" if self.num_slots == 1 else f"{self.num_slots} slots"
        return f"{self.dtype} with {slots} of {self.num_positions} positions"


def fit(description: ModelDescription, budget_bytes: int, demand: Demand) -> Fit:
    """Returns the first acceptable precision that fits, with as many slots and positions as do.

    Raises:
        InvalidSettingError: none fits; the message says what is needed, and what would fit.
    """
    needs = [_Need.of(description, dtype) for dtype in demand.dtypes]
    for need in needs:
        found = need.fitted(budget_bytes, demand)
        if found is not None:
            return found
    least = needs[-1].fit(demand.least_slots, demand.least_positions)
    raise InvalidSettingError(
        f"memory_budget is {format_bytes(budget_bytes)}, but {description.config.size} in {least} "
        f"needs {format_bytes(least.needed_bytes)} ({needs[-1].parts}); "
        f"{_advice(description, budget_bytes, demand)}."
    )


def fit_of(description: ModelDescription, dtype: str, num_slots: int, num_positions: int) -> Fit:
    """Returns a configuration with what it needs, whether that fits anywhere or not."""
    return _Need.of(description, dtype).fit(num_slots, num_positions)


def check_clip(description: ModelDescription, budget_bytes: int, fit: Fit, clip_s: float) -> None:
    """Refuses to encode a reference clip for which a budget leaves no room.

    Raises:
        InvalidSettingError: the message says how long a clip may be.
    """
    need = _Need.of(description, fit.dtype)
    room = budget_bytes - need.bytes_of(fit.num_slots, fit.num_positions, cloned_s=None)
    if need.cloning_bytes(clip_s) <= room:
        return
    raise InvalidSettingError(
        f"encoding a clip of {clip_s:.1f} s takes {format_bytes(need.cloning_bytes(clip_s))}, but "
        f"memory_budget {format_bytes(budget_bytes)} leaves {format_bytes(max(0, room))} beside "
        f"{fit}; use a shorter clip, fewer slots or positions, or a larger budget."
    )


@dataclass(frozen=True, slots=True)
class _Need:
    """What one checkpoint needs in one precision, margin included."""

    footprint: Footprint
    clones: bool
    """Whether it speaks with cloned voices only, so that a clip must fit too."""

    @classmethod
    def of(cls, description: ModelDescription, dtype: str) -> _Need:
        return cls(Footprint.of(description, dtype), description.config.kind == "base")

    @property
    def parts(self) -> str:
        footprint = self.footprint
        cloning = f", cloning a {CLONED_S} s clip {format_bytes(self.cloning_bytes(CLONED_S))}"
        return (
            f"networks {format_bytes(footprint.network_bytes)}, "
            f"codec {format_bytes(footprint.codec_bytes)}, "
            f"process {format_bytes(footprint.process_bytes)}"
            f"{cloning if self.clones else ''}, the rest for work and takes"
        )

    def cloning_bytes(self, clip_s: float) -> int:
        return int(_MARGIN * self.footprint.cloning_bytes(clip_s))

    def bytes_of(self, num_slots: int, num_positions: int, *, cloned_s: float | None) -> int:
        speaking = int(_MARGIN * self.footprint.speaking_bytes(num_slots, num_positions))
        return speaking + (0 if cloned_s is None else self.cloning_bytes(cloned_s))

    def fit(self, num_slots: int, num_positions: int) -> Fit:
        """Returns this configuration with what it needs, whether that fits or not."""
        cloned_s = CLONED_S if self.clones else None
        return Fit(
            dtype=self.footprint.dtype,
            num_slots=num_slots,
            num_positions=num_positions,
            needed_bytes=self.bytes_of(num_slots, num_positions, cloned_s=cloned_s),
        )

    def fitted(self, budget_bytes: int, demand: Demand) -> Fit | None:
        """Returns the most slots that fit, and then the most positions; None if nothing does."""
        slots = (demand.num_slots,) if demand.num_slots else range(demand.max_slots, 0, -1)
        most = demand.num_positions or demand.max_positions
        for num_slots in slots:
            found = self.longest(budget_bytes, num_slots, demand.least_positions, most)
            if found is not None:
                return found
        return None

    def longest(self, budget_bytes: int, num_slots: int, least: int, most: int) -> Fit | None:
        """Returns as many positions as fit, between `least` and `most`; None if not even those."""
        shortest = self.fit(num_slots, least)
        if shortest.needed_bytes > budget_bytes:
            return None
        longest = self.fit(num_slots, most)
        if longest.needed_bytes <= budget_bytes:
            return longest
        per_position = (longest.needed_bytes - shortest.needed_bytes) / (most - least)
        more = int((budget_bytes - shortest.needed_bytes) / per_position)
        return self.fit(num_slots, least + more)


def _advice(description: ModelDescription, budget_bytes: int, demand: Demand) -> str:
    """Says what would fit, or what is missing."""
    short = min(_SHORT_POSITIONS, demand.least_positions)
    needs = [_Need.of(description, dtype) for dtype in _smaller(demand.dtypes)]
    for need in needs:
        found = need.longest(budget_bytes, 1, short, demand.max_positions)
        if found is not None:
            return f"{found} would fit"
    least = needs[-1].fit(1, short)
    advice = f"the least is {least}, {format_bytes(least.needed_bytes)}: raise the budget"
    smaller = None if description.config.kind == "base" else _smaller_model(budget_bytes, short)
    if description.config.size == "1.7b" and smaller is not None:
        advice += f", or use a 0.6b model ({smaller}: {format_bytes(smaller.needed_bytes)})"
    return advice


def _smaller(dtypes: Sequence[str]) -> tuple[str, ...]:
    """Returns the last of these, and what is smaller still."""
    return GRAPH_DTYPES[GRAPH_DTYPES.index(dtypes[-1]) :]


def _smaller_model(budget_bytes: int, num_positions: int) -> Fit | None:
    needs = (_Need.of(released_description("0.6b"), dtype) for dtype in GRAPH_DTYPES[1:])
    fits = (need.fit(1, num_positions) for need in needs)
    return next((fit for fit in fits if fit.needed_bytes <= budget_bytes), None)
