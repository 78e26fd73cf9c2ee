"""Takes as rows of the page: text, facts, sound, buttons, and the record folded under them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from html import escape
from pathlib import Path

from intone.studio.parts.rows import button, empty
from intone.studio.parts.sounds import download_link, play_button
from intone.studio.takes.choosing import TakeFilter, TakePage
from intone.studio.takes.reading import TakeView, pretty_json

NOTHING = (
    "Nothing is saved yet. Everything you make lands here by itself: go to Speak, write a sentence "
    "and press Speak."
)
NOTHING_MATCHES = "No take matches. Take a filter away, or press Show all."

_MODES: Mapping[str, str] = {
    "say": "say (command line)",
    "custom": "custom (command line)",
    "clone": "clone (command line)",
    "design": "design (command line)",
    "script": "script (command line)",
}
_MAX_TEXT_CHARACTERS = 280


@dataclass(frozen=True, slots=True)
class RowState:
    """What is being done to which take; of one page, for as long as it is open."""

    removing: str = ""
    """Asked to be deleted once."""
    redoing: str = ""
    changed: str = ""
    """Asked to be drawn again, and found to be another voice or another model now."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """By stem: the HTML of what became of it."""


@dataclass(frozen=True, slots=True)
class RowMaker:
    """Writes rows for one caller."""

    directory: Path
    offer: Callable[[Path], str]
    """Returns the address of a file for the caller."""
    today: date

    def rows(self, page: TakePage, wanted: TakeFilter, state: RowState) -> str:
        """Returns the list, or what to do where it is empty."""
        if not page.takes:
            return empty(NOTHING if wanted.wants_all and not page.index.takes else NOTHING_MATCHES)
        rows = "".join(self._row(take, state) for take in page.takes)
        return f'<ol class="take-list" aria-label="Takes, the newest first">{rows}</ol>'

    def _row(self, take: TakeView, state: RowState) -> str:
        made_at, stem = take.files.made_at, take.files.stem
        head = (
            f'<div class="take-head"><span class="take-mode">{escape(mode_words(take.files.mode))}'
            f'</span><time datetime="{made_at.isoformat()}">{when_words(made_at, self.today)}'
            f"</time>{_strong(take.voice)}</div>"
        )
        return (
            f'<li class="take" aria-label="{escape(_called(take))}">{head}{_text(take)}'
            f"{_facts(take)}{_problem(take)}"
            f'<div class="take-buttons">{"".join(self._buttons(take, state))}</div>'
            f"{_asked(take, state)}{state.notes.get(stem, '')}{self._segments(take, state)}"
            f"{self._record(take)}</li>"
        )

    def _segments(self, take: TakeView, state: RowState) -> str:
        if not take.segments:
            return ""
        parts = "".join(self._segment(part, state) for part in take.segments)
        is_open = " open" if _is_within(take, state) else ""
        number, stem = len(take.segments), take.files.stem
        return (
            f'<details class="take-segments" data-keep="parts-{stem}"{is_open}><summary>{number} '
            f"segment{'s' * (number > 1)}</summary><ol>{parts}</ol></details>"
        )

    def _segment(self, part: TakeView, state: RowState) -> str:
        buttons = "".join(self._sound_buttons(part) + self._redo_buttons(part, state))
        return (
            f"<li>{_text(part)}{_facts(part)}{_problem(part)}"
            f'<div class="take-buttons">{buttons}</div>'
            f"{_asked(part, state)}{state.notes.get(part.files.stem, '')}</li>"
        )

    def _buttons(self, take: TakeView, state: RowState) -> Iterator[str]:
        stem, called = take.files.stem, _called(take)
        yield from self._sound_buttons(take)
        if take.can_redo and not take.segments:
            yield _use_button(take, called)
        yield from self._redo_buttons(take, state)
        if state.removing == stem:
            yield button("remove", stem, "Yes, delete", label=f"Yes, delete {called}", tone="stop")
            yield button("back", stem, "Keep it", label=f"Keep {called}")
        else:
            yield button("ask-remove", stem, "Delete", label=f"Delete {called}", tone="stop")

    def _sound_buttons(self, take: TakeView) -> list[str]:
        if take.audio is None:
            return []
        url = self.offer(self.directory / take.audio)
        return [
            play_button(url, _called(take)),
            download_link(url, take.audio),
            *(
                download_link(self.offer(self.directory / name), name, name.rpartition(".")[2])
                for name in take.files.names
                if name.endswith((".srt", ".vtt", ".png")) and _is_of(name, take.files.stem)
            ),
        ]

    def _redo_buttons(self, take: TakeView, state: RowState) -> list[str]:
        stem, called = take.files.stem, _called(take)
        if not take.can_redo:
            return []
        if state.redoing == stem:
            return [button("stop", stem, "Stop", label=f"Stop drawing {called}", tone="stop")]
        if state.changed == stem:
            said = f"Draw {called} nevertheless"
            return [
                button("redo-anyway", stem, "Draw it nevertheless", label=said),
                button("back", stem, "Leave it", label=f"Leave {called}"),
            ]
        return [button("redo", stem, "Draw again", label=f"Draw {called} again")]

    def _record(self, take: TakeView) -> str:
        text = pretty_json(self.directory, take.files)
        if not text:
            return ""
        name = take.files.record or ""
        link = download_link(self.offer(self.directory / name), name, "Download the JSON")
        return (
            f'<details data-keep="json-{take.files.stem}">'
            "<summary>Everything about it (JSON)</summary>"
            f'<pre tabindex="0" aria-label="{escape(name)}">{escape(text)}</pre>{link}</details>'
        )


def mode_words(mode: str) -> str:
    """Returns what a mode is called on the page: "studio-speak" is "Speak"."""
    if mode.startswith("studio-"):
        return mode.removeprefix("studio-").replace("-", " ").capitalize()
    return _MODES.get(mode, mode)


def when_words(made_at: datetime, today: date) -> str:
    """Returns "today, 15:45", "yesterday, 15:45" or "31 January 2026, 15:45"."""
    return f"{day_words(made_at.date(), today)}, {made_at:%H:%M}"


def day_words(day: date, today: date) -> str:
    """Returns "today", "yesterday" or "31 January 2026"."""
    age = (today - day).days
    if age in (0, 1):
        return ("today", "yesterday")[age]
    return f"{day.day} {day:%B %Y}"


def _called(take: TakeView) -> str:
    """Returns how players and screen readers call a take."""
    words = take.text or take.files.stem
    return words if len(words) <= 60 else f"{words[:59]}…"


def _text(take: TakeView) -> str:
    if not take.text:
        return f'<p class="take-text foreign">{escape(take.files.stem)}</p>'
    text = take.text
    if len(text) <= _MAX_TEXT_CHARACTERS:
        return f'<p class="take-text" dir="auto">{escape(text)}</p>'
    shown = text[:_MAX_TEXT_CHARACTERS].rsplit(" ", 1)[0]
    return (
        f'<details class="take-text" dir="auto"><summary>{escape(shown)}… '
        f"<span>({len(text):,} characters)</span></summary><p>{escape(text)}</p></details>"
    )


def _facts(take: TakeView) -> str:
    parts = [*take.facts, *([f"said: {take.instruct}"] if take.instruct else []), *take.notes]
    return f'<p class="take-facts">{escape(" · ".join(parts))}</p>' if parts else ""


def _problem(take: TakeView) -> str:
    if take.problem is None:
        return ""
    words = take.problem[:1].upper() + take.problem[1:]
    return f'<p class="take-problem">{escape(words)}</p>'


def _asked(take: TakeView, state: RowState) -> str:
    if state.removing == take.files.stem:
        count = len(take.files.names)
        words = f"Delete it? {count} file{'s' * (count > 1)} will be gone for good."
        return f'<p class="intone-note hint" role="alert">{words}</p>'
    return ""


def _strong(words: str) -> str:
    return f"<strong>{escape(words)}</strong>" if words else ""


def _use_button(take: TakeView, called: str) -> str:
    values = {
        "text": take.text,
        "voice": take.voice_name,
        "instruct": take.instruct or "",
        "language": take.language,
    }
    return (
        f'<button type="button" class="intone-button" data-use="{escape(json.dumps(values))}" '
        f'aria-label="Use {escape(called)} again" title="Put text and settings into Speak">'
        "Use again</button>"
    )


def _is_within(take: TakeView, state: RowState) -> bool:
    """Whether something is done to a segment of it: the segments stay in sight."""
    stems = {part.files.stem for part in take.segments}
    return bool(stems & {state.redoing, state.changed, *state.notes})


def _is_of(name: str, stem: str) -> bool:
    return name.rpartition(".")[0] == stem
