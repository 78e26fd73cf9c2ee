"""The Script tab: rows are checked, drawn in the background, heard as they come, and put in order.

What is drawn does not hang on the page: rows go on when it is closed or reloaded, and a timer shows
how far they are. Every change of the rows stands in the text at once.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from intone.studio.parts.events import QUIET_EVENT
from intone.studio.script.fields import ScriptFields, add_fields
from intone.studio.script.row_events import RowEvents
from intone.studio.script.run_events import RunEvents
from intone.studio.script.sessions import ScriptSessions
from intone.studio.script.shown import ScriptShown
from intone.studio.script.text_events import TextEvents
from intone.studio.script.whole_panel import whole_routes
from intone.studio.shell import Shell

_OPEN = "(...values) => window.intone.script.open(values)"
_STORE = "(...values) => window.intone.script.store(values)"


def build(shell: Shell, tab: gr.Tab) -> None:
    """Adds the tab, and the routes of its wholes."""
    sessions = ScriptSessions(shell.desk)
    shell.routes.include_router(whole_routes(sessions, shell.desk.who))
    fields = add_fields()
    parts = (shell, sessions, fields, ScriptShown(shell, fields))
    _connect(shell.page, tab, fields, TextEvents(*parts), RunEvents(*parts), RowEvents(*parts))


def _connect(
    page: gr.Blocks, tab: gr.Tab, f: ScriptFields, text: TextEvents, run: RunEvents, rows: RowEvents
) -> None:
    """Says what happens on which press."""
    live: dict[str, Any] = {"trigger_mode": "always_last", **QUIET_EVENT}
    shown = [f.shown, f.status, f.rows, f.whole, f.stop, f.again, f.timer]
    ids = [f.project_id, f.copy_of]
    # What was typed is there before the server is asked: nothing typed since is overwritten.
    page.load(None, [*ids, *f.kept], [*ids, *f.kept], js=_OPEN, show_progress="hidden").then(
        text.opened,
        {*ids, *f.kept},
        [*f.kept, *shown, f.roles, f.found, f.palette],
        **QUIET_EVENT,
    )
    for field in f.kept:
        field.change(None, f.kept, None, js=_STORE, show_progress="hidden")  # type: ignore[attr-defined]
    texts = {f.project_id, f.text, f.dialogue, f.cast}
    seen = [f.identity, f.palette, f.roles]
    tab.select(text.refreshed, {f.identity, *texts}, seen, **QUIET_EVENT)
    typing = [f.text.change, f.dialogue.change]
    gr.on(typing, text.typed, texts, [f.roles, f.found, f.text_note], **live)
    chosen = [f.palette, f.edit_mood, f.identity_note]
    f.identity.change(text.chosen, {f.identity}, chosen, **live)
    f.samples.click(text.on_sample, None, [f.text], **QUIET_EVENT)
    f.descriptions.click(text.on_description, None, [f.identity], **QUIET_EVENT)
    f.roles.click(text.on_role, {f.cast}, [f.cast], trigger_mode="multiple", **QUIET_EVENT)
    notes = [f.text_note, f.identity_note, f.seed_note, f.run_note, f.rows_note]
    f.check.click(run.checked, f.sheet, [*shown, *notes, f.found], **QUIET_EVENT)
    f.render.click(run.rendered, f.sheet, [*shown, *notes, f.found], **QUIET_EVENT)
    f.again.click(run.all_again, f.sheet, [*shown, *notes, f.found], **QUIET_EVENT)
    f.stop.click(run.stopped, {f.project_id}, shown, **QUIET_EVENT)
    f.timer.tick(run.ticked, {f.project_id, f.shown}, [*shown, f.run_note], **QUIET_EVENT)
    f.rows.click(
        rows.pressed,
        {f.project_id, f.text},
        [*shown, f.text, f.rows_note, f.edit, *f.edited, f.edit_note],
        trigger_mode="multiple",
        **QUIET_EVENT,
    )
    edited = [*shown, f.text, f.edit, f.edit_note]
    for button, is_drawn in ((f.edit_draw, True), (f.edit_keep, False)):
        button.click(
            rows.edited_and_drawn if is_drawn else rows.edited,
            {f.project_id, f.text, *f.edited},
            edited,
            **QUIET_EVENT,
        )
    f.edit_cancel.click(lambda: gr.update(visible=False), None, [f.edit], **QUIET_EVENT)
    f.loudness.input(run.levelled, {f.project_id, f.loudness}, [*shown, *notes], **QUIET_EVENT)
