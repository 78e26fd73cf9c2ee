"""What an engine is tuned for: three ways to share one device among listeners."""

from __future__ import annotations

from dataclasses import dataclass

from intone.core.constants import CHUNK_RAMP_FRAMES
from intone.core.errors import InvalidSettingError


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Numbers that follow from a wish; what is said about each setting alone overrules them."""

    name: str
    num_slots: int
    """Takes that run at once on a GPU; on a CPU each more makes all slower, and there are few."""
    ramp_frames: tuple[int, ...]
    """Chunk sizes of a stream, the last repeats."""
    prefill_rows: int
    """Rows of prompts read between two frames: what running streams wait for newcomers."""


_PROFILES = {
    profile.name: profile
    for profile in (
        Profile(name="latency", num_slots=16, ramp_frames=CHUNK_RAMP_FRAMES, prefill_rows=256),
        Profile(name="balanced", num_slots=64, ramp_frames=CHUNK_RAMP_FRAMES, prefill_rows=1024),
        Profile(name="throughput", num_slots=64, ramp_frames=(4, 8, 16), prefill_rows=4096),
    )
}
PROFILE_NAMES = tuple(_PROFILES)
DEFAULT_PROFILE = "balanced"


def profile_of(name: str) -> Profile:
    """Returns a profile by name; raises InvalidSettingError."""
    if name not in _PROFILES:
        raise InvalidSettingError(
            f"profile is {name!r}; allowed: {', '.join(PROFILE_NAMES)} (latency: the first sample "
            "soonest; throughput: most audio per second)."
        )
    return _PROFILES[name]
