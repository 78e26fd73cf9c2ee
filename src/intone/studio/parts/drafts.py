"""What was typed is there again after a reload: it stays in the browser, and goes nowhere else."""

from __future__ import annotations

import json
from collections.abc import Sequence

import gradio as gr
from gradio.components import Component

_STORE = "(...values) => window.intone.drafts.store({name}, values)"
_RESTORE = "(...values) => window.intone.drafts.restore({name}, values)"


def keep_drafts(page: gr.Blocks, name: str, fields: Sequence[Component]) -> None:
    """Keeps the values of fields in the browser from one visit to the next.

    Args:
        page: the page they are on; call this inside its context.
        name: of the draft; two drafts of one name are one.
        fields: text boxes, drop-downs, sliders, tick boxes; a drop-down whose choices change needs
            `allow_custom_value`.
    """
    quoted = json.dumps(name)
    for field in fields:
        field.change(  # type: ignore[attr-defined]  # every component with a value has it
            None, list(fields), None, js=_STORE.format(name=quoted), show_progress="hidden"
        )
    page.load(None, list(fields), list(fields), js=_RESTORE.format(name=quoted))
