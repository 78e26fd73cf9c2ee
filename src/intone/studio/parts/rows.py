"""Lists with buttons in their rows, as HTML that Gradio tells about presses.

A row's button says what it does and to which row: `<button data-do="keep" data-id="7">`. Buttons
are focused and pressed by keyboard as any.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import gradio as gr

from intone.core.errors import InvalidSettingError

_TELL = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-do]');
  if (button && element.contains(button))
    trigger('click', {do: button.dataset.do, id: button.dataset.id ?? ''});
});
"""


@dataclass(frozen=True, slots=True)
class Action:
    """A button that was pressed."""

    do: str
    id: str
    """Of its row; as the browser says it, so it may be anything."""


def action_list(html: str, elem_id: str, *, label: str) -> gr.HTML:
    """Returns a list; its `click` is told with an event that `action_of` reads.

    Args:
        label: what screen readers call it.
    """
    return gr.HTML(_labelled(html, label), js_on_load=_TELL, elem_id=elem_id, label=label)


def _labelled(html: str, label: str) -> str:
    return html or f'<div class="intone-empty" aria-label="{escape(label)}"></div>'


def action_of(event: gr.EventData) -> Action:
    """Returns which button was pressed; raises InvalidSettingError for what no list sends."""
    data = event._data  # the one place that Gradio has for what `trigger` was given
    if not isinstance(data, dict) or not isinstance(data.get("do"), str):
        raise InvalidSettingError("the page sent no action; reload it.")
    return Action(data["do"], str(data.get("id", "")))


def button(do: str, row: str, text: str, *, label: str | None = None, tone: str = "") -> str:
    """Returns the HTML of a row's button.

    Args:
        label: what screen readers say where the text alone does not tell which row.
        tone: "" or "stop".
    """
    said = f' aria-label="{escape(label)}" title="{escape(label)}"' if label else ""
    return (
        f'<button type="button" class="intone-button {escape(tone)}" data-do="{escape(do)}" '
        f'data-id="{escape(row)}"{said}>{escape(text)}</button>'
    )


def empty(words: str) -> str:
    """Returns what stands where a list has no rows yet: what to do about it, in a sentence."""
    return f'<p class="intone-empty">{escape(words)}</p>'
