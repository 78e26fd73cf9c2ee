"""What happens on Check, Render and Stop, and while rows are drawn."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

import gradio as gr

from intone.core.errors import (
    IntoneError,
)
from intone.studio.parts.aside import aside
from intone.studio.parts.events import Updates, Values
from intone.studio.parts.notes import QUIET, hint
from intone.studio.script.events import ScriptEvents
from intone.studio.script.fields import AS_RENDERED
from intone.studio.script.palette import (
    summary,
)
from intone.studio.script.project import Project
from intone.studio.script.session import ScriptSession
from intone.studio.script.sheet import Sheet, cast_of, seed_of
from intone.studio.script.showing import status_html


class RunEvents(ScriptEvents):
    """Answers to events of a run."""

    # ---- checking and rendering

    async def checked(self, values: Values, request: gr.Request) -> Updates:
        """Returns the rows of the script; no model is loaded."""
        return await self._planned(values, request, lambda session, is_new_seed: None)

    async def rendered(self, values: Values, request: gr.Request) -> Updates:
        """Returns the rows, and begins to draw those that have no take yet."""

        def want(session: ScriptSession, is_new_seed: bool) -> None:
            def change(project: Project) -> Project:
                everything = [row.id for row in project.rows]
                return project.wanted(everything if is_new_seed else project.missing())

            session.change(change)

        return await self._planned(values, request, want)

    async def all_again(self, values: Values, request: gr.Request) -> Updates:
        """Returns the rows, and begins to draw another take of each."""
        return await self._planned(
            values,
            request,
            lambda session, _: session.change(
                lambda project: project.wanted(row.id for row in project.rows)
            ),
        )

    async def _planned(
        self, values: Values, request: gr.Request, want: Callable[[ScriptSession, bool], None]
    ) -> Updates:
        f, key_id = self._fields, self._shell.key_of(request)
        notes: Updates = dict.fromkeys(
            (f.text_note, f.identity_note, f.seed_note, f.run_note, f.rows_note), QUIET
        )
        project_id = values[f.project_id]
        try:
            session = await aside(lambda: self._sessions.get(key_id, project_id))
            sheet = self._sheet(values)
            old_seed = session.view.project.seed
            await aside(lambda: self._sessions.check(session, sheet))
            want(session, session.view.project.seed != old_seed)
            self._sessions.draw(key_id, project_id)
            await aside(lambda: self._sessions.compile(key_id, project_id))
        except IntoneError as error:
            return notes | self._show.told(error)
        planned = session.view.planned
        words = "" if planned is None else hint(f"{summary(planned)}.")
        return notes | self._show.shown(session, key_id, project_id) | {f.found: words}

    def _sheet(self, values: Values) -> Sheet:
        f = self._fields
        return Sheet(
            text=values[f.text] or "",
            identity=(values[f.identity] or "").strip() or None,
            is_dialogue=bool(values[f.dialogue]),
            cast={name: voice for name, voice in cast_of(values[f.cast]).items() if voice},
            language=values[f.language] or "auto",
            seed=seed_of(values[f.seed] or ""),
        )

    async def stopped(self, values: Values, request: gr.Request) -> Updates:
        """Stops what is drawn; what is done stays."""
        f, key_id = self._fields, self._shell.key_of(request)
        session = self._sessions.find(key_id, values[f.project_id])
        if session is None:
            return {}
        session.stop()
        return self._show.shown(session, key_id, values[f.project_id])

    async def levelled(self, values: Values, request: gr.Request) -> Updates:
        """Returns the whole at another loudness."""
        f, key_id = self._fields, self._shell.key_of(request)
        project_id, chosen = values[f.project_id], values[f.loudness]
        try:
            session = await aside(lambda: self._sessions.get(key_id, project_id))
        except IntoneError as error:
            return self._show.told(error)
        session.set_loudness(None if chosen == AS_RENDERED else float(chosen))
        await aside(lambda: self._sessions.compile(key_id, project_id))
        return self._show.shown(session, key_id, project_id)

    async def ticked(self, values: Values, request: gr.Request) -> Updates:
        """Returns what is new while rows are drawn."""
        f, key_id = self._fields, self._shell.key_of(request)
        session = self._sessions.find(key_id, values[f.project_id])
        if session is None:
            return {f.timer: gr.Timer(active=False)}
        view = session.view
        if view.version == values[f.shown]:
            return {f.status: status_html(view, monotonic())}
        return self._show.shown(session, key_id, values[f.project_id]) | self._show.run_note(view)
