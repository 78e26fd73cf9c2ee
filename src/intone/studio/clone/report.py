"""The report of a clip as lines that people read, with its picture."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from intone.audio.reference_report import Aspect, Finding, Severity
from intone.studio.clone.recording import Recording
from intone.studio.clone.waveform import waveform_svg

_ASPECTS: Mapping[Aspect, str] = {
    "source": "File",
    "length": "Length",
    "clipping": "Loudness",
    "noise": "Noise",
    "band": "Sound quality",
    "beginning": "Beginning",
    "end": "End",
    "words": "Words",
}

_SEVERITIES: Mapping[Severity, tuple[str, str]] = {
    "fine": ("✓", "fine"),
    "warn": ("!", "could be better"),
    "refuse": ("✕", "refused"),
}
"""A sign and the word that screen readers say for it."""

_SUMMARIES: Mapping[Severity, str] = {
    "fine": "This recording serves well.",
    "warn": "This recording can be used; a better one would bring the voice closer.",
    "refuse": "This recording is refused: what would be made of it is not the person.",
}

_ORDER: tuple[Severity, ...] = ("refuse", "warn", "fine")


def report_html(recording: Recording) -> str:
    """Returns picture, verdict and findings, what matters first."""
    report = recording.report
    lines = [_line(one) for severity in _ORDER for one in report.of(severity)]
    return (
        f'<section class="intone-report" aria-label="What the recording is good for">'
        f"{waveform_svg(recording.clip)}"
        f'<p class="verdict {report.severity}">{escape(_SUMMARIES[report.severity])}</p>'
        f"<ul>{''.join(lines)}</ul></section>"
    )


def _line(finding: Finding) -> str:
    sign, word = _SEVERITIES[finding.severity]
    said = finding.message[:1].upper() + finding.message[1:]
    return (
        f'<li class="{finding.severity}"><span class="sign" role="img" aria-label="{word}">{sign}'
        f"</span><span><b>{_ASPECTS[finding.aspect]}</b> {escape(said)}</span></li>"
    )
