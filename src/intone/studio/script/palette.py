"""What stands beside the text: tags to insert, speakers with their voices, what was found in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from intone.core.errors import IntoneError, MarkupError
from intone.studio.desk import Desk
from intone.studio.script.planning import PlannedScript
from intone.studio.script.sheet import Sheet
from intone.studio.speak.choices import voice_groups
from intone.studio.speak.shelf import dropdown_choices
from intone.text.writing import folded_name
from intone.voices.library import VoiceLibrary

MOODS = (
    "Neutral",
    "Whispering",
    "Angry",
    "Excited",
    "Serious",
    "Relieved",
    "Happy",
    "Sad",
    "Calm",
    "Shouting",
)
"""Those of founding document 001 first."""

_NUM_SHORTCUTS = 9


def bank_of(identity: str | None, library: VoiceLibrary) -> tuple[str, ...]:
    """Returns the moods that a kept voice has recordings of; none for anybody else."""
    if not identity or identity not in library:
        return ()
    try:
        return library.get(identity).moods
    except IntoneError:
        return ()  # a damaged file: the Voices tab tells of it


def moods_for(bank: Sequence[str]) -> tuple[str, ...]:
    """Returns the moods to offer: those of the bank, then the common ones."""
    own = [mood.capitalize() for mood in bank]
    return tuple(dict.fromkeys((*own, *MOODS)))


def palette_html(bank: Sequence[str]) -> str:
    """Returns buttons that put tags at the cursor; the first nine answer to Alt and a figure."""
    moods = [(f"[{mood}] ", mood, mood.lower() in bank) for mood in moods_for(bank)]
    tags = [
        ("[Pause] ", "Pause", False),
        ("[pause:1.5s] ", "Pause 1.5 s", False),
        ("[rate:1.1] ", "Faster", False),
        ("[rate:0.9] ", "Slower", False),
        ("[voice:NAME] ", "Voice", False),
        ("[lang:fr] ", "Language", False),
        ("[say:GIF|jiff]", "Say", False),
        ("[reset] ", "Reset", False),
    ]
    shown = [_tag(index, *one) for index, one in enumerate((*moods, *tags))]
    legend = (
        '<p class="legend">A dot marks moods that this voice has a recording of.</p>'
        if bank
        else ""
    )
    return (
        f'<div class="script-palette" role="toolbar" aria-label="Tags">{"".join(shown)}</div>'
        f"{legend}"
    )


def _tag(index: int, tag: str, text: str, is_recorded: bool) -> str:
    number = index + 1
    key = f' aria-keyshortcuts="Alt+{number}"' if number <= _NUM_SHORTCUTS else ""
    hint = f" (Alt+{number})" if number <= _NUM_SHORTCUTS else ""
    title = escape(f"Insert {tag.strip()}{hint}")
    recorded = " recorded" if is_recorded else ""
    return (
        f'<button type="button" class="intone-button tag{recorded}" data-tag="{escape(tag)}" '
        f'title="{title}" aria-label="{title}"{key}>{escape(text)}</button>'
    )


def cast_html(
    speakers: Sequence[str], cast: Mapping[str, str], voices: Sequence[tuple[str, str]]
) -> str:
    """Returns a line for each speaker of the script; a voice may be chosen, or described.

    Args:
        cast: who has which voice.
        voices: what is shown, and the name behind it.
    """
    if not speakers:
        return ""
    chosen = {folded_name(name): voice for name, voice in cast.items()}
    lines = "".join(_role(name, chosen.get(folded_name(name), "")) for name in speakers)
    options = "".join(
        f'<option value="{escape(name)}">{escape(shown)}</option>' for shown, name in voices
    )
    return (
        '<fieldset class="script-cast script-filled">'
        "<legend>Cast: who speaks with which voice</legend>"
        f'{lines}</fieldset><datalist id="script-voices">{options}</datalist>'
    )


def _role(speaker: str, voice: str) -> str:
    return (
        f'<label><span>{escape(speaker)}</span><input type="text" list="script-voices" '
        f'data-speaker="{escape(speaker)}" value="{escape(voice)}" autocomplete="off" '
        f'placeholder="as chosen above; or a voice, or a description" '
        f'aria-label="Voice of {escape(speaker)}"></label>'
    )


def problem_html(error: IntoneError) -> str:
    """Returns what is wrong with a script; where its place is known, a button leads there."""
    words = str(error)
    place = ""
    if isinstance(error, MarkupError):
        place = (
            f' <button type="button" class="intone-button" data-goto="{error.line},{error.column}"'
            f">Show line {error.line}</button>"
        )
    first = words[:1].upper() + words[1:]
    return f'<p class="intone-note problem" role="alert">{escape(first)}{place}</p>'


def summary(planned: PlannedScript) -> str:
    """Returns how many rows there are and how long they will take, in words."""
    number = len(planned.rows)
    rows = "1 row" if number == 1 else f"{number} rows"
    return f"{rows}, about {planned.expected_s:.0f} s of speech"


def found_in(sheet: Sheet) -> tuple[tuple[str, ...], str]:
    """Returns the speakers of a text, and its segments in words; no model is asked.

    Raises:
        MarkupError, EmptyTextError: as `Sheet.script`.
    """
    script = sheet.script()
    number = len(script.segments)
    return script.speakers, "1 segment" if number == 1 else f"{number} segments"


def voices_of(desk: Desk) -> list[tuple[str, str]]:
    """Returns kept voices first, then the presets of the models that are here."""
    return dropdown_choices(voice_groups(desk))
