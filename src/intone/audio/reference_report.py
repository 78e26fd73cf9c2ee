"""What a reference clip is good for, told before it is used: numbers, and what to do about them.

No model is asked. A warning leaves the choice to the user; a refusal means that what would be made
of the clip is not the person, or not their words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from intone.audio.reference import ReferenceClip
from intone.audio.silence import HOPS_PER_S, Levels, level_range, levels_db, sound_hops
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.types import Samples

Severity = Literal["fine", "warn", "refuse"]
Aspect = Literal["source", "length", "clipping", "noise", "band", "beginning", "end", "words"]

SHORT_S, LONG_S = 3.0, 20.0
"""Five to ten seconds serve best: shorter ones know less of the voice, longer ones cost every take
a longer prompt."""
LEAST_SPEECH_S = 0.8
QUIET_PEAK = 0.05
CLIPPED_SHARE_WARN, CLIPPED_SHARE_REFUSE = 0.0005, 0.05
NOISY_DB, STEADY_DB = 20.0, 6.0
"""Between the loud parts and the floor. Speech pauses: where nothing is 6 dB quieter than the
loudest parts, the clip is noise, music or a tone."""
LEAD_S, TAIL_S = 0.5, 1.0
EDGE_S = 0.03
"""Sound nearer than this to an end of the clip goes on beyond it."""
EDGE_BELOW_LOUD_DB = 20.0
TELEPHONE_HZ = 4_000
TELEPHONE_DB = -50.0
"""Of the power above 4.3 kHz against that of 0.3 to 3.4 kHz; hiss and s-sounds of a full-band
recording lie far above it."""
FOREIGN_FACTOR = 2.0
"""A clip this many times too short or too long for its words does not say them."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    aspect: Aspect
    severity: Severity
    message: str
    """With the number, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenRange:
    """Seconds that the words of a clip may take (`text.duration.expected_duration`)."""

    shortest_s: float
    longest_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceReport:
    """What was measured and what follows."""

    duration_s: float
    speech_s: float
    """Without silence at both ends; 0 where there is no sound."""
    lead_s: float
    tail_s: float
    peak: float
    """As given."""
    clipped_share: float
    loud_db: float
    floor_db: float
    source_rate_hz: int
    source_channels: int
    findings: tuple[Finding, ...]
    """One or more for every aspect, fine ones included."""

    @property
    def severity(self) -> Severity:
        """The worst of the findings."""
        found = {one.severity for one in self.findings}
        order: tuple[Severity, ...] = ("refuse", "warn")
        return next((one for one in order if one in found), "fine")

    def of(self, severity: Severity) -> tuple[Finding, ...]:
        """Returns the findings of one severity."""
        return tuple(one for one in self.findings if one.severity == severity)


def report_reference(clip: ReferenceClip, words: SpokenRange | None = None) -> ReferenceReport:
    """Returns the report of a clip that `load_reference` took.

    Args:
        words: how long its words take to say; None where there are none.
    """
    levels = levels_db(clip.samples, SAMPLE_RATE_HZ)
    sound, spread = sound_hops(levels), level_range(levels)
    first, last = (0, 0) if sound is None else sound
    speech_s = (last - first) / HOPS_PER_S
    lead_s = first / HOPS_PER_S
    tail_s = max(0.0, clip.duration_s - lead_s - speech_s)
    findings = (
        _source(clip),
        _length(clip.duration_s, speech_s),
        _clipping(clip),
        _noise(spread.loud_db - spread.floor_db),
        _band(clip),
        _beginning(lead_s, levels, spread.loud_db),
        _end(tail_s, levels, spread.loud_db),
        _words(speech_s, words),
    )
    return ReferenceReport(
        duration_s=clip.duration_s,
        speech_s=speech_s,
        lead_s=lead_s,
        tail_s=tail_s,
        peak=clip.source_peak,
        clipped_share=clip.clipped_share,
        loud_db=spread.loud_db,
        floor_db=spread.floor_db,
        source_rate_hz=clip.source_rate_hz,
        source_channels=clip.source_channels,
        findings=findings,
    )


def _source(clip: ReferenceClip) -> Finding:
    channels = clip.source_channels
    kind = "mono" if channels == 1 else f"{channels} channels, averaged to one"
    scaled = ""
    if clip.source_peak > 1.0:
        scaled = f"; its peak of {clip.source_peak:.2f} was scaled down to 1.0"
    return Finding("source", "fine", f"{clip.source_rate_hz:,} Hz, {kind}{scaled}")


def _length(duration_s: float, speech_s: float) -> Finding:
    told = f"{duration_s:.1f} s, {speech_s:.1f} s of it sound"
    if speech_s < LEAST_SPEECH_S:
        return Finding(
            "length",
            "refuse",
            f"{told}: too little to know a voice by; give at least {SHORT_S:.0f} s of speech",
        )
    if speech_s < SHORT_S:
        return Finding("length", "warn", f"{told}: short; 5 to 10 s bring the voice closer")
    if duration_s > LONG_S:
        return Finding(
            "length", "warn", f"{told}: long; every take pays for it, 5 to 10 s are enough"
        )
    return Finding("length", "fine", told)


def _clipping(clip: ReferenceClip) -> Finding:
    share, told = clip.clipped_share, f"{100 * clip.clipped_share:.2g} % of the samples are clipped"
    if share > CLIPPED_SHARE_REFUSE:
        message = f"{told}: the voice is distorted; record it again with less gain"
        return Finding("clipping", "refuse", message)
    if share > CLIPPED_SHARE_WARN:
        message = f"{told}; a take will sound as rough, record with less gain"
        return Finding("clipping", "warn", message)
    if clip.source_peak < QUIET_PEAK:
        level_db = 20 * np.log10(clip.source_peak)
        message = f"the peak is at {level_db:.0f} dB: very quiet; record closer to the microphone"
        return Finding("clipping", "warn", message)
    return Finding("clipping", "fine", f"no clipping; peak {clip.source_peak:.2f}")


def _noise(range_db: float) -> Finding:
    told = f"speech lies {range_db:.0f} dB above the noise floor"
    if range_db < STEADY_DB:
        message = (
            f"the loud parts lie only {range_db:.0f} dB above the quiet ones: this is steady "
            "noise, music or a tone, not speech; give a clip of one person speaking"
        )
        return Finding("noise", "refuse", message)
    if range_db < NOISY_DB:
        return Finding("noise", "warn", f"{told}: noisy; takes keep the noise, record it elsewhere")
    return Finding("noise", "fine", told)


def _band(clip: ReferenceClip) -> Finding:
    ratio_db = _upper_band_db(clip.samples)
    if clip.source_rate_hz <= 2 * TELEPHONE_HZ or ratio_db < TELEPHONE_DB:
        return Finding(
            "band",
            "warn",
            f"as from a telephone: {-ratio_db:.0f} dB less above {TELEPHONE_HZ:,} Hz than below; "
            "the voice will sound dull, give a recording of 16,000 Hz or more",
        )
    return Finding(
        "band", "fine", f"full band: {-ratio_db:.0f} dB less above {TELEPHONE_HZ:,} Hz than below"
    )


def _upper_band_db(samples: Samples) -> float:
    """Returns the power of 4.3 to 8 kHz against that of 0.3 to 3.4 kHz."""
    size = 1_024
    starts = range(0, max(1, len(samples) - size + 1), size // 2)
    window = np.hanning(size)
    power = np.zeros(size // 2 + 1)
    for start in starts:
        piece = samples[start : start + size]
        power += np.abs(np.fft.rfft(piece * window[: len(piece)], size)) ** 2
    hz = np.fft.rfftfreq(size, 1 / SAMPLE_RATE_HZ)
    low = power[(hz >= 300) & (hz <= 3_400)].sum()
    high = power[(hz >= 4_300) & (hz <= 8_000)].sum()
    return float(10 * np.log10(max(high, 1e-20) / max(low, 1e-20)))


def _beginning(lead_s: float, levels: Levels, loud_db: float) -> Finding:
    if lead_s > LEAD_S:
        message = f"{lead_s:.1f} s of silence before the first sound; cut it off"
        return Finding("beginning", "warn", message)
    if lead_s < EDGE_S and _is_loud(levels[: _edge_hops()], loud_db):
        message = "sound from the first sample on: it may begin in the middle of a word; cut before"
        return Finding("beginning", "warn", message)
    return Finding("beginning", "fine", f"{lead_s:.2f} s of silence before the first sound")


def _end(tail_s: float, levels: Levels, loud_db: float) -> Finding:
    if tail_s > TAIL_S:
        return Finding(
            "end", "warn", f"{tail_s:.1f} s of silence behind the last sound; cut it off"
        )
    if tail_s < EDGE_S and _is_loud(levels[-_edge_hops() :], loud_db):
        return Finding(
            "end",
            "warn",
            f"it ends in the middle of a sound, {float(levels[-_edge_hops() :].max()):.0f} dB; "
            "takes begin with the rest of that word, so cut it in a pause",
        )
    return Finding("end", "fine", f"{tail_s:.2f} s of silence behind the last sound")


def _edge_hops() -> int:
    return round(EDGE_S * HOPS_PER_S)


def _is_loud(levels: Levels, loud_db: float) -> bool:
    return float(levels.max()) > loud_db - EDGE_BELOW_LOUD_DB


def _words(speech_s: float, words: SpokenRange | None) -> Finding:
    if words is None:
        return Finding("words", "fine", "no words given: only the x-vector will be used")
    told = (
        f"the words take {words.shortest_s:.1f} to {words.longest_s:.1f} s to say, the clip has "
        f"{speech_s:.1f} s of sound"
    )
    if speech_s < words.shortest_s:
        severity: Severity = "refuse" if FOREIGN_FACTOR * speech_s < words.shortest_s else "warn"
        message = f"{told}: the transcript is too long; give the words of this clip, exactly"
        return Finding("words", severity, message)
    if speech_s > words.longest_s:
        severity = "refuse" if speech_s > FOREIGN_FACTOR * words.longest_s else "warn"
        message = f"{told}: the transcript is too short; give all the words of this clip"
        return Finding("words", severity, message)
    return Finding("words", "fine", told)
