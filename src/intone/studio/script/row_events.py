"""What happens in the list of rows: another take, another place, other words."""

from __future__ import annotations

import gradio as gr

from intone.core.errors import (
    IntoneError,
    InvalidSettingError,
)
from intone.studio.parts.aside import aside
from intone.studio.parts.events import Updates, Values
from intone.studio.parts.notes import QUIET, problem
from intone.studio.parts.rows import Action, action_of
from intone.studio.script.editing import RowEdit, apply_edit, check_fresh
from intone.studio.script.events import ScriptEvents
from intone.studio.script.palette import (
    problem_html,
)
from intone.studio.script.project import Project
from intone.studio.script.session import ScriptSession


class RowEvents(ScriptEvents):
    """Answers to events of single rows."""

    # ---- the rows

    async def pressed(self, values: Values, event: gr.EventData, request: gr.Request) -> Updates:
        """Does what a row's button says."""
        f, key_id = self._fields, self._shell.key_of(request)
        project_id, quiet = values[f.project_id], {f.rows_note: QUIET}
        try:
            action = action_of(event)
            session = await aside(lambda: self._sessions.get(key_id, project_id))
            if action.do == "edit":
                return quiet | self._editing(session, action.id)
            text = self._act(session, action, values[f.text] or "")
            self._sessions.draw(key_id, project_id)
            await aside(lambda: self._sessions.compile(key_id, project_id))
        except IntoneError as error:
            return {f.rows_note: problem(error)}
        changed = {} if text is None else {f.text: text}
        return quiet | changed | self._show.shown(session, key_id, project_id)

    def _act(self, session: ScriptSession, action: Action, text: str) -> str | None:
        """Does what a button says; returns the script's text where that changes."""
        row_id, _, name = action.id.partition(":")
        match action.do:
            case "draw":
                session.change(lambda project: project.wanted([row_id]))
            case "use":
                session.change(lambda project: project.chosen(row_id, name))
            case "pin" | "unpin":
                session.change(lambda project: _pinned(project, row_id, action.do == "pin"))
            case "up" | "down":
                check_fresh(session, text)
                by = -1 if action.do == "up" else 1
                return session.rewrite(lambda project: project.moved(row_id, by))
            case "remove":
                check_fresh(session, text)
                return session.rewrite(lambda project: project.removed(row_id))
            case _:
                raise InvalidSettingError("the page asked for something unknown; reload it.")
        return None

    def _editing(self, session: ScriptSession, row_id: str) -> Updates:
        f, edit = self._fields, RowEdit.of(session.view.project.row(row_id))
        return {
            f.edit: gr.update(visible=True),
            f.edit_row: row_id,
            f.edit_text: edit.text,
            f.edit_mood: edit.mood,
            f.edit_seed: edit.seed,
            f.edit_note: QUIET,
        }

    async def edited_and_drawn(self, values: Values, request: gr.Request) -> Updates:
        """Changes a row and draws it; the others stay as they are."""
        return await self._edited(values, request, is_drawn=True)

    async def edited(self, values: Values, request: gr.Request) -> Updates:
        """Changes a row."""
        return await self._edited(values, request, is_drawn=False)

    async def _edited(self, values: Values, request: gr.Request, *, is_drawn: bool) -> Updates:
        f, key_id = self._fields, self._shell.key_of(request)
        project_id, row_id = values[f.project_id], values[f.edit_row]
        edit = RowEdit(
            text=values[f.edit_text] or "",
            mood=values[f.edit_mood] or None,
            seed=values[f.edit_seed] or "",
        )
        try:
            session = await aside(lambda: self._sessions.get(key_id, project_id))
            check_fresh(session, values[f.text] or "")
            text = await aside(lambda: apply_edit(session, row_id, edit))
            if is_drawn:
                session.change(lambda project: project.wanted([row_id]))
            self._sessions.draw(key_id, project_id)
            await aside(lambda: self._sessions.compile(key_id, project_id))
        except IntoneError as error:
            return {f.edit_note: problem_html(error)}
        shown = self._show.shown(session, key_id, project_id)
        return shown | {f.text: text, f.edit: gr.update(visible=False), f.edit_note: QUIET}


def _pinned(project: Project, row_id: str, is_pinned: bool) -> Project:
    take = project.row(row_id).take
    return project.pinned(row_id, take.asked_seed if is_pinned and take is not None else None)
