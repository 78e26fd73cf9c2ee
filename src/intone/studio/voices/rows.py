"""The library as HTML: rows with their buttons, one voice in full, its emotion bank."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from intone.studio.parts.rows import button, empty
from intone.studio.parts.sounds import download_link
from intone.studio.voices.listing import KeptRow, PresetRow, form_words, origin
from intone.voices.voice import Voice

NO_VOICES = "No voices yet: clone one from 10 seconds of audio, or design one from a sentence."
NO_MOODS = (
    "No moods yet: add a recording of this person being angry, whispering or glad, and scripts use "
    "it for that mood."
)

DAMAGED = (
    "Its file is damaged. Import a copy under another name, or delete it; Open says what is wrong."
)

_HEADS = ("Voice", "Where it comes from", "Language", "Moods", "Made", "")


def kept_html(rows: Sequence[KeptRow], chosen: str | None) -> str:
    """Returns the kept voices.

    Args:
        chosen: the one that is shown in full.
    """
    if not rows:
        return empty(NO_VOICES)
    heads = "".join(f'<th scope="col">{one}</th>' for one in _HEADS)
    body = "".join(_kept(row, row.name == chosen) for row in rows)
    return (
        f'<table class="intone-rows"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>'
    )


def _kept(row: KeptRow, is_chosen: bool) -> str:
    mark = ' class="chosen" aria-current="true"' if is_chosen else ""
    words = DAMAGED if row.is_damaged else row.problem
    problem = f'<p class="intone-warning">{escape(words)}</p>' if words else ""
    moods = "" if row.is_damaged else ", ".join(row.moods) or "none"
    form = f'<span class="intone-faint">{escape(row.form)}</span>' if row.form else ""
    play = "" if row.problem else button("play", row.name, "Play", label=f"Play {row.name}")
    return (
        f"<tr{mark}><td><b>{escape(row.name)}</b></td>"
        f"<td>{escape(row.about)} {form}{problem}</td>"
        f'<td data-label="Language">{escape(row.language)}</td>'
        f'<td data-label="Moods">{escape(moods)}</td>'
        f'<td data-label="Made" class="number">{escape(row.made)}</td>'
        f'<td><div class="buttons">{play}'
        f"{button('open', row.name, 'Open', label=f'Open {row.name}')}</div></td></tr>"
    )


def presets_html(rows: Sequence[PresetRow]) -> str:
    """Returns the presets of the models here."""
    if not rows:
        return empty("No presets here: pull a CustomVoice model under System.")
    cards = "".join(
        f'<article class="intone-card" role="listitem"><header><b>{escape(row.name)}</b></header>'
        f'<p class="intone-faint">{escape(_about(row))}</p>'
        f'<div class="buttons">{button("play", row.name, "Play", label=f"Play {row.name}")}</div>'
        "</article>"
        for row in rows
    )
    return f'<div class="intone-cards" role="list">{cards}</div>'


def _about(row: PresetRow) -> str:
    models = f"of {', '.join(row.models)}"
    return f"{row.about}; {models}" if row.about else models


def voice_html(voice: Voice, url: str) -> str:
    """Returns all that is known of a voice.

    Args:
        url: of its file.
    """
    neutral = voice.reference(None)
    making = voice.making
    facts = {
        "Comes from": origin(voice),
        "Kept": form_words(voice),
        "It says": neutral.text if neutral is not None else None,
        "Language": voice.language,
        "Drawn by": making.design_model and f"{making.design_model}, seed {making.seed}",
        "Read by": making.model,
        "Consent": voice.consent,
        "Licence": voice.licence,
    }
    rows = "".join(
        f"<dt>{escape(key)}</dt><dd>{escape(str(value))}</dd>"
        for key, value in facts.items()
        if value
    )
    return (
        f'<h3>{escape(voice.name)}</h3><dl class="intone-facts">{rows}</dl>'
        f"<p>{download_link(url, f'{voice.name}.voice', 'Download (export)')}</p>"
    )


def damaged_html(name: str, problem: str) -> str:
    """Returns what is said of a file that is no voice any more."""
    return (
        f"<h3>{escape(name)}</h3><p>{escape(problem)}</p>"
        "<p>It can be renamed or deleted; nothing else works with it.</p>"
    )


def bank_html(voice: Voice) -> str:
    """Returns the emotion bank."""
    if not voice.moods:
        return empty(NO_MOODS)
    rows = "".join(_mood(voice, mood) for mood in voice.moods)
    return f'<table class="intone-rows"><tbody>{rows}</tbody></table>'


def _mood(voice: Voice, mood: str) -> str:
    clip = voice.reference(mood)
    words = "" if clip is None or clip.text is None else f"“{clip.text}”"
    form = "x-vector" if clip is None or clip.codes is None else "ICL"
    play = button("play", mood, "Play", label=f"Play {voice.name}, {mood}")
    remove = button("remove", mood, "Remove", label=f"Remove the mood {mood}", tone="stop")
    return (
        f"<tr><td><b>{escape(mood)}</b></td><td>{escape(words)} "
        f'<span class="intone-faint">{form}</span></td>'
        f'<td><div class="buttons">{play}{remove}</div></td></tr>'
    )
