"""What a clip must be to be trained on, and the verdict on one that is not."""

from __future__ import annotations

from dataclasses import dataclass

from intone.core.errors import DatasetError
from intone.train.data.clip_stats import ClipStats
from intone.train.data.spoken_text import spoken_chars
from intone.train.data.verdicts import Code

Problem = tuple[Code, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipLimits:
    """Bounds of one clip; every one is an option of `intone train check`."""

    min_s: float = 0.5
    max_s: float = 30.0
    min_rate_hz: int = 16_000
    """The models speak at 24 kHz; narrow-band sound teaches a telephone."""
    silence_peak: float = 1e-2
    """-40 dB of full scale."""
    max_clipped_share: float = 1e-3
    """Of the samples at full scale. Speech that is normalised to it has ten times fewer."""
    min_range_db: float = 6.0
    """From quiet to loud parts. Speech without a pause reaches 20, noise and hum 1 to 3."""
    min_chars_per_s: float = 2.0
    max_chars_per_s: float = 30.0
    """In Latin letters over the seconds between the silences; see `spoken_text`."""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("seconds", self.min_s, self.max_s),
            ("characters per second", self.min_chars_per_s, self.max_chars_per_s),
        ):
            if not 0 <= low < high:
                raise DatasetError(
                    f"limits of {name} are {low:g} to {high:g}; allowed: 0 <= minimum < maximum."
                )


def chars_per_s(text: str, stats: ClipStats) -> float:
    """Returns Latin letters per second of speech; infinite where there is no speech."""
    return spoken_chars(text) / stats.speech_s if stats.speech_s > 0 else float("inf")


def clip_problem(text: str, stats: ClipStats, limits: ClipLimits) -> Problem | None:
    """Returns the first limit that the clip breaks, with what was found and what is allowed."""
    duration_s = stats.duration_s
    if duration_s < limits.min_s:
        return "too_short", f"{duration_s:.2f} s; allowed: from {limits.min_s:g} s"
    if duration_s > limits.max_s:
        return "too_long", f"{duration_s:.2f} s; allowed: up to {limits.max_s:g} s; segment it"
    if stats.peak < limits.silence_peak:
        return "silent", f"peak {stats.peak:.4f}; allowed: from {limits.silence_peak:g}"
    if stats.clipped_share > limits.max_clipped_share:
        share, allowed = stats.clipped_share, limits.max_clipped_share
        return "clipped", f"{share:.2%} of the samples at full scale; allowed: up to {allowed:.2%}"
    range_db = stats.loud_db - stats.floor_db
    if range_db < limits.min_range_db or stats.speech_s == 0:
        return (
            "noisy",
            f"{range_db:.1f} dB from quiet to loud; allowed: from {limits.min_range_db:g}",
        )
    if stats.rate_hz < limits.min_rate_hz:
        return "low_rate", f"{stats.rate_hz} Hz; allowed: from {limits.min_rate_hz} Hz"
    return _rate_problem(text, stats, limits)


def _rate_problem(text: str, stats: ClipStats, limits: ClipLimits) -> Problem | None:
    rate = chars_per_s(text, stats)
    if limits.min_chars_per_s <= rate <= limits.max_chars_per_s:
        return None
    return "chars_per_second", (
        f"{rate:.1f} characters per second over {stats.speech_s:.2f} s of speech; allowed: "
        f"{limits.min_chars_per_s:g} to {limits.max_chars_per_s:g}; "
        "is this the text of this clip, and all of it?"
    )
