"""The voices as a list to listen through and to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from intone.studio.parts.rows import button, empty
from intone.studio.speak.choices import VoiceChoice, VoiceGroup

NOBODY = "No voice can speak here yet: pull a model under System, or clone somebody under Clone."


def shelf(groups: Sequence[VoiceGroup], chosen: str | None) -> str:
    """Returns the groups as HTML; each voice can be heard, and chosen."""
    if not groups:
        return empty(NOBODY)
    return "".join(_group(group, chosen) for group in groups)


def dropdown_choices(groups: Sequence[VoiceGroup]) -> list[tuple[str, str]]:
    """Returns what the drop-down shows, and the names behind it."""
    return [(_label(voice), voice.name) for group in groups for voice in group.voices]


def _label(voice: VoiceChoice) -> str:
    words = voice.missing or voice.description
    return f"{voice.title} · {words}" if words else voice.title


def _group(group: VoiceGroup, chosen: str | None) -> str:
    rows = "".join(_row(voice, voice.name == chosen) for voice in group.voices)
    missing = dict.fromkeys(voice.missing for voice in group.voices if voice.missing)
    needs = "".join(f'<p class="speak-needs">{escape(words)}</p>' for words in missing)
    return (
        f'<section class="speak-group"><h4>{escape(group.title)}</h4>{needs}'
        f'<ul class="speak-voices">{rows}</ul></section>'
    )


def _row(voice: VoiceChoice, is_chosen: bool) -> str:
    if voice.missing is not None:
        return (
            f'<li class="missing"><div><b>{escape(voice.title)}</b> '
            f"<small>{escape(voice.description)}</small></div></li>"
        )
    name = escape(voice.name)
    return (
        f'<li class="{"chosen" if is_chosen else ""}">'
        f'<button type="button" class="pick" data-do="use" data-id="{name}" '
        f'aria-pressed="{str(is_chosen).lower()}" aria-label="Speak with {escape(voice.title)}">'
        f"<b>{escape(voice.title)}</b><small>{escape(voice.description)}</small></button>"
        f"{button('sample', voice.name, 'Play', label=f'Play a sample of {voice.title}')}</li>"
    )
