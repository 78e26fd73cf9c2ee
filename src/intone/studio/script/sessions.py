"""The scripts of all open browser tabs: each has an id that the tab made, and belongs to one key.

A tab that was reloaded finds its script again, in memory or on the disk. A new tab begins with a
copy of the last one: both may go on, and neither sees the other.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import replace
from threading import Lock

from intone.core.errors import IntoneError
from intone.render.outputs import OutputFolder
from intone.studio.desk import Desk
from intone.studio.script.drawing import RowDrawer, Tools
from intone.studio.script.keeping import KeptScript, checked_id, keep, read
from intone.studio.script.opening import designers
from intone.studio.script.planning import ScriptPlanner
from intone.studio.script.project import Project
from intone.studio.script.session import ScriptSession
from intone.studio.script.sheet import Sheet, fresh_seed

_MAX_SESSIONS = 200
_MAX_SOUND_BYTES = 256 << 20
"""Of all wholes together: about 45 minutes."""


class ScriptSessions:
    """Finds, copies and starts scripts; any thread may call.

    Where too many are in memory, those that were idle for longest give way; they are on the disk.
    """

    def __init__(self, desk: Desk, max_sound_bytes: int = _MAX_SOUND_BYTES) -> None:
        self._desk = desk
        self._max_sound_bytes = max_sound_bytes
        self._opening = Lock()
        """Held while a script is read, which may take a second: one is never read twice."""
        self._lock = Lock()
        """Never held for long: the event loop asks too."""
        self._sessions: OrderedDict[tuple[str, str], ScriptSession] = OrderedDict()

    def get(self, key_id: str, project_id: str) -> ScriptSession:
        """Returns the script of a tab, a new one where there is none yet.

        Raises:
            InvalidSettingError: the id is none that a page makes.
        """
        known = self.find(key_id, checked_id(project_id))
        if known is not None:
            return known
        with self._opening:
            known = self.find(key_id, project_id)
            if known is not None:
                return known
            opened = self._opened(key_id, project_id)
            with self._lock:
                self._sessions[key_id, project_id] = opened
                self._make_room()
            return opened

    def find(self, key_id: str, project_id: str) -> ScriptSession | None:
        """Returns the script of a tab, if it is in memory; reads nothing."""
        place = (key_id, project_id)
        with self._lock:
            found = self._sessions.get(place)
            if found is not None:
                self._sessions.move_to_end(place)
            return found

    def copied(self, key_id: str, project_id: str, of: str) -> ScriptSession:
        """Returns the script of a new tab: what another one was when this was opened."""
        other, session = self.get(key_id, of), self.get(key_id, project_id)
        if session.view.sheet is None:
            session.copy(other)
            self.keep(key_id, project_id)
        return session

    def check(self, session: ScriptSession, sheet: Sheet) -> None:
        """Plans a sheet; loads nothing. Raises IntoneError, and everything is as it was."""
        seed = session.view.project.seed if sheet.seed is None else sheet.seed
        planner = ScriptPlanner.of(sheet, self._desk, seed)
        session.plan(sheet, planner)
        session.change(lambda project: replace(project, seed=seed))

    def draw(self, key_id: str, project_id: str) -> None:
        """Draws what waits, in a thread of its own, unless that is done already.

        Call it on the event loop. Raises ModelNotFoundError.
        """
        session = self.get(key_id, project_id)
        planner = session.planner
        if planner is None or session.view.project.next_wanted() is None:
            return
        models, model = self._desk.models, planner.model
        tools = Tools(
            speaker=models.in_thread(key_id, model),
            open_designer=designers(self._desk, key_id, planner.design_model),
            ear=models.ear(key_id, model),
            model=lambda: models.record(model),
            library=self._desk.library,
        )
        drawer = RowDrawer(session=session, tools=tools, keep=lambda: self.keep(key_id, project_id))
        loaded = any(one.name == model and one.status == "ready" for one in models.states())
        if session.begin(drawer.stop, "" if loaded else f"loading {model}"):
            threading.Thread(target=drawer.run, name="intone-script", daemon=True).start()

    def compile(self, key_id: str, project_id: str) -> None:
        """Joins the rows of a script anew and keeps it; nothing while rows are drawn."""
        session = self.get(key_id, project_id)
        planner = session.planner
        if session.view.run is None and planner is not None:
            session.compile(lambda: self._desk.models.record(planner.model))
        self.keep(key_id, project_id)

    def keep(self, key_id: str, project_id: str) -> None:
        """Writes a script down; where the disk refuses, it is told and stays in memory."""
        session = self.find(key_id, project_id)
        if session is None:
            return
        try:
            keep(session.view, session.folder, project_id)
        except IntoneError as error:
            session.remark(f"the script is not kept for the next start: {error}")

    def _opened(self, key_id: str, project_id: str) -> ScriptSession:
        folder = self._desk.takes(key_id)
        session = ScriptSession(folder, Project(seed=fresh_seed()))
        kept, problem = _read(folder, project_id)
        if kept is not None:
            problem = self._restore(session, kept)
        if problem is not None:
            session.remark(problem)
        return session

    def _restore(self, session: ScriptSession, kept: KeptScript) -> str | None:
        """Fills a session from the disk; returns what of it cannot be brought back."""
        try:
            planner = ScriptPlanner.of(kept.sheet, self._desk, kept.seed)
            planner, planned = planner.plan(kept.script, in_rows=True)
        except IntoneError as error:
            return (
                f"the rows of this script cannot be shown: {error} Its takes are kept, under Takes."
            )
        session.restore(kept.sheet, planner, planned, kept.project(planned.rows))
        session.set_loudness(kept.loudness_lufs)
        session.compile(lambda: self._desk.models.record(planner.model))
        return None

    def _make_room(self) -> None:
        """Lets the oldest idle scripts go, never the newest of all; the lock is held."""
        *older, _ = self._sessions
        sound_bytes = sum(one.sound_bytes for one in self._sessions.values())
        for place in older:
            if len(self._sessions) <= _MAX_SESSIONS and sound_bytes <= self._max_sound_bytes:
                return
            if self._sessions[place].view.run is None:
                sound_bytes -= self._sessions.pop(place).sound_bytes


def _read(folder: OutputFolder, project_id: str) -> tuple[KeptScript | None, str | None]:
    try:
        return read(folder, project_id), None
    except IntoneError as error:
        return None, f"the rows of this script cannot be read: {error}"
