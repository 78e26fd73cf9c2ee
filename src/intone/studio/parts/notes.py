"""Words beside a field: what is wrong with it, or what was done. Never a box over the page.

A tab puts a note below every field that can be wrong and one below its primary button; handlers
return `problem(...)`, `good(...)` or `QUIET` for it, and leave the fields as they are.
"""

from __future__ import annotations

from html import escape

import gradio as gr

QUIET = ""
"""A note that says nothing takes no room."""


def note(elem_id: str) -> gr.HTML:
    """Returns a place for words; screen readers speak them as they come."""
    return gr.HTML(QUIET, elem_id=elem_id, elem_classes="intone-note-place", js_on_load=None)


def problem(message: object) -> str:
    """Returns what went wrong, an error as it words itself; the first letter becomes a capital."""
    return _note("problem", "alert", str(message))


def good(message: str) -> str:
    """Returns what was done."""
    return _note("good", "status", message)


def hint(message: str) -> str:
    """Returns what is worth knowing."""
    return _note("hint", "status", message)


def _note(tone: str, role: str, message: str) -> str:
    is_file = "." in message.partition(" ")[0].rstrip(".")  # "clip.wav is silent" keeps its name
    words = message if is_file else message[:1].upper() + message[1:]
    return f'<p class="intone-note {tone}" role="{role}">{escape(words)}</p>'
