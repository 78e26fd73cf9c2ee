"""How a performance goes, as the page shows it: figures while it sounds, then the take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from intone.core.errors import IntoneError
from intone.studio.parts.sounds import download_link, play_button
from intone.studio.sound.downloads import DOWNLOAD_FORMATS
from intone.studio.sound.state import KeptSpeech, SoundState
from intone.studio.speak.order import FieldName, field_of

IDLE = '<p class="speak-status" role="status">Ready.</p>'


_PLACES: Mapping[FieldName, tuple[str, str]] = {
    "text": ("speak-text", "Text"),
    "voice": ("speak-voice", "Voice"),
    "language": ("speak-language", "Language"),
    "seed": ("speak-seed", "Seed"),
    "speed": ("speak-speed", "Speed"),
    "advanced": ("speak-advanced-note", "Speed, seed and more"),
}
"""Where a message stands, and what is called so. What is not here stands just above the panel."""


def figures(state: SoundState, switching: str | None = None) -> str:
    """Returns the panel of a performance.

    Args:
        switching: what happens to models meanwhile; None where nothing does.
    """
    words = _not_spoken(state.error) if state.error else escape(_status(state, switching))
    status = f'<p class="speak-status" role="status">{words}</p>'
    if not state.num_frames:
        return status
    pairs = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in _pairs(state)
    )
    return f'{status}<dl class="intone-figures">{pairs}</dl>{_bar(state)}'


def _status(state: SoundState, switching: str | None) -> str:
    match state.phase:
        case "planning":
            return "Reading the text…"
        case "waiting":
            return switching or "Waiting for its turn…"
        case "speaking":
            return "Speaking…" if state.streams else "Drawing the whole take before it plays…"
        case "keeping" | "done":
            return "Done."
        case "stopped":
            return "Stopped; nothing was kept."
        case "failed":
            return "Not spoken."


def _not_spoken(error: IntoneError) -> str:
    """Returns a way to the field that was wrong: it may be out of sight."""
    place, title = _PLACES.get(field_of(error), (None, ""))
    if place is None:
        return "Not spoken."
    return f'Not spoken: look at <a href="#{place}">{title}</a>.'


def _pairs(state: SoundState) -> Iterator[tuple[str, str]]:
    if state.ttfa_s is not None:
        yield "First sound (TTFA)", f"{state.ttfa_s:.2f} s"
    yield "Speed", f"{state.rtf:.1f}x real time"
    yield "Sound", f"{state.audio_s:.1f} s"
    yield "Frames", f"{state.num_frames:,}"
    left_s = state.left_s
    if left_s is not None:
        yield "Time left", f"about {left_s:.0f} s" if left_s >= 1 else "a moment"
    elif state.seed is not None:
        yield "Seed", str(state.seed)


def _bar(state: SoundState) -> str:
    """Returns how much of the expected length is made; it is full when it is over."""
    is_whole = state.phase in ("keeping", "done")
    share = 1.0 if is_whole else min(0.97, state.audio_s / max(state.expected_s, 0.1))
    return (
        f'<div class="intone-bar" role="progressbar" aria-label="Made so far" aria-valuemin="0" '
        f'aria-valuemax="100" aria-valuenow="{100 * share:.0f}">'
        f'<span style="width:{100 * share:.1f}%"></span></div>'
    )


def kept_row(kept: KeptSpeech, url: str, live_url: str) -> str:
    """Returns the whole take: play, save in each format, use its seed again.

    Args:
        url: where the kept file is served.
        live_url: of the performance, which makes the other formats.
    """
    stem = kept.audio.stem
    downloads = "".join(
        download_link(f"{live_url}/speech.{form}", f"{stem}.{form}", form)
        for form in DOWNLOAD_FORMATS
    )
    parts = "" if kept.num_takes == 1 else f", in {kept.num_takes} takes"
    return (
        '<section class="speak-kept" aria-label="The take">'
        f"<p>Kept as <strong>{escape(kept.audio.name)}</strong> ({kept.duration_s:.1f} s{parts}), "
        f"seed {kept.seed}.</p>"
        f'<div class="buttons">{play_button(url, stem, "Play again")}'
        f'<span class="speak-formats" role="group" aria-label="Save as">Save as {downloads}</span>'
        '<button type="button" class="intone-button" data-do="seed" '
        f'data-id="{kept.seed}">Use this seed again</button></div></section>'
    )
