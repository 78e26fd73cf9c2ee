"""What the tab shows of a script, and where words about an error stand."""

from __future__ import annotations

from time import monotonic

import gradio as gr

from intone.core.errors import (
    EmptyTextError,
    IntoneError,
    InvalidSettingError,
    MarkupError,
    ModelError,
    UnknownVoiceError,
)
from intone.studio.parts.events import Updates
from intone.studio.parts.notes import QUIET, problem
from intone.studio.script.fields import ScriptFields
from intone.studio.script.palette import (
    problem_html,
)
from intone.studio.script.session import ScriptSession
from intone.studio.script.showing import rows_html, status_html
from intone.studio.script.view import View
from intone.studio.script.whole_panel import whole_html
from intone.studio.shell import Shell


class ScriptShown:
    """Returns updates of the page."""

    def __init__(self, shell: Shell, fields: ScriptFields) -> None:
        self._shell = shell
        self._fields = fields

    def shown(self, session: ScriptSession, key_id: str, project_id: str) -> Updates:
        """Returns rows, whole and run as they are now."""
        f, view, sounds = self._fields, session.view, self._shell.sounds
        folder = session.folder.directory
        is_running = view.run is not None
        whole = view.whole
        is_ours = whole is not None and whole.stem == view.project.stem
        sound = sounds.offer(folder / f"{view.project.stem}.wav", key_id) if is_ours else None
        rows = rows_html(view, lambda take: sounds.offer(folder / f"{take.name}.wav", key_id))
        return {
            f.shown: view.version,
            f.status: status_html(view, monotonic()),
            f.rows: rows,
            f.whole: whole_html(view, f"{self._shell.root}/script/{project_id}", sound),
            f.stop: gr.update(interactive=is_running),
            f.again: gr.update(interactive=not is_running and bool(view.project.rows)),
            f.timer: gr.Timer(active=is_running),
        }

    def run_note(self, view: View) -> Updates:
        """Returns why a run ended before its time."""
        return {self._fields.run_note: QUIET if view.problem is None else problem(view.problem)}

    def told(self, error: IntoneError) -> Updates:
        """Returns an error beside the field that it is about."""
        f, words = self._fields, problem_html(error)
        if isinstance(error, MarkupError | EmptyTextError):
            return {f.text_note: words, f.found: QUIET}
        if isinstance(error, UnknownVoiceError | ModelError):
            return {f.identity_note: words}
        is_seed = isinstance(error, InvalidSettingError) and str(error).startswith("seed")
        return {f.seed_note if is_seed else f.run_note: words}
