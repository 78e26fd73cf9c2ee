"""Candidates side by side, as HTML: those that are drawn, that is being drawn, those that wait."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from intone.studio.design.drawings import DrawingNow
from intone.studio.parts.rows import button, empty
from intone.studio.parts.sounds import play_button
from intone.voices.candidates import CandidateRound, CandidateTake

Url = Callable[[int], str]
"""The address of a candidate's sound."""

NOTHING_YET = "No voices yet: describe somebody, and several people will answer."

_ENDINGS = {
    "length": "cut at the longest a take may be",
    "guard": "cut where it missed its end",
    "cancelled": "cut off",
}


def cards(drawn: CandidateRound | None, now: DrawingNow | None, url: Url) -> str:
    """Returns the cards of a round.

    Args:
        now: the drawing that fills it; None where none does.
    """
    places = () if now is None or now.state != "drawing" else (*now.waiting,)
    drawing = None if now is None else now.place
    if drawn is None and drawing is None:
        return empty(NOTHING_YET)
    takes = {} if drawn is None else {one.number: one for one in drawn.takes}
    numbers = sorted({*takes, *places, *(() if drawing is None else (drawing,))})
    is_busy = drawing is not None
    found = "".join(
        _open_card(number, "is being drawn…", "drawing")
        if number == drawing
        else _card(takes[number], url(number), is_busy)
        if number in takes
        else _open_card(number, "waits", "waiting")
        for number in numbers
    )
    return f'<div class="intone-cards" role="list">{found}</div>'


def _card(take: CandidateTake, url: str, is_busy: bool) -> str:
    name = f"voice {take.number}"
    ending = _ENDINGS.get(take.finish_reason)
    note = f'<p class="intone-faint">{escape(ending)}</p>' if ending else ""
    again = button("again", str(take.number), "Another", label=f"Draw another {name}")
    if is_busy:
        again = again.replace("<button ", "<button disabled ", 1)
    return (
        f'<article class="intone-card" role="listitem"><header><b>Voice {take.number}</b>'
        f'<span class="number">{take.duration_s:.1f} s</span></header>'
        f'<p class="intone-faint">seed {take.seed}</p>{note}'
        f'<div class="buttons">{play_button(url, name)}{again}'
        f"{button('keep', str(take.number), 'Keep…', label=f'Keep {name}')}</div></article>"
    )


def _open_card(number: int, words: str, state: str) -> str:
    return (
        f'<article class="intone-card {state}" role="listitem"><header><b>Voice {number}</b>'
        f'</header><p class="intone-faint">{escape(words)}</p></article>'
    )


def about(drawn: CandidateRound) -> str:
    """Returns what a round was drawn from, with a button that draws it again."""
    again = button("reuse", drawn.name, "Use again", label="Put this round into the fields")
    return (
        f'<div class="intone-about"><p>“{escape(drawn.description)}” <span class="intone-faint">'
        f"drawn by {escape(drawn.model)}, seed {drawn.seed}</span></p>{again}</div>"
    )


def round_label(drawn: CandidateRound) -> str:
    """Returns what a list calls a round: when, and who was described."""
    stamp = drawn.name
    when = f"{stamp[6:8]}.{stamp[4:6]}. {stamp[9:11]}:{stamp[11:13]}"
    words = drawn.description if len(drawn.description) <= 48 else f"{drawn.description[:47]}…"
    return f"{when} · {words} ({len(drawn.takes)})"
