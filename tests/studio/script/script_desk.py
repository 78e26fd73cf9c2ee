"""Scripts on fake models: a session that was planned, and runs that a test waits for."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.studio.voices.people_desk import KEY, FakeModels, FakeThreadModel

from intone.render.outputs import OutputFolder
from intone.studio.desk import Desk
from intone.studio.script.session import ScriptSession
from intone.studio.script.sessions import ScriptSessions
from intone.studio.script.sheet import Sheet
from intone.voices.library import VoiceLibrary

TAB = "a-tab-of-a-browser"
TEXT = "[Serious] One is here. [Angry] Two is here! [pause:1.5s] [Whispering] Three is here."


class ScriptDesk:
    """A desk, its scripts, and the folder in which takes lie."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.models = FakeModels()
        for speaker in self.models.speakers.values():
            speaker._people = self.speaker._people  # one ear knows whom another model spoke with
        self.desk = Desk(
            models=self.models,
            library=VoiceLibrary(folder / "voices"),
            takes=lambda key_id: OutputFolder(folder / ("takes" if key_id == KEY else key_id)),
            who=lambda connection: KEY,
        )
        self.sessions = ScriptSessions(self.desk)

    @property
    def speaker(self) -> FakeThreadModel:
        return self.models.speakers["fake-custom"]

    def restarted(self) -> ScriptDesk:
        """Another process on the same folder."""
        return ScriptDesk(self.folder)

    def session(self, tab: str = TAB) -> ScriptSession:
        return self.sessions.get(KEY, tab)

    def check(self, sheet: Sheet, tab: str = TAB) -> ScriptSession:
        self.sessions.check(self.session(tab), sheet)
        return self.session(tab)

    def want(self, *rows: str, tab: str = TAB) -> None:
        """Wants rows, or all that are missing."""
        self.session(tab).change(lambda one: one.wanted(rows or one.missing()))

    def draw(self, tab: str = TAB) -> ScriptSession:
        """Draws what is wanted, to the end of the run."""

        async def run() -> None:
            self.sessions.draw(KEY, tab)
            while self.session(tab).view.run is not None:
                await asyncio.sleep(0.005)

        asyncio.run(run())
        return self.session(tab)

    def rendered(self, text: str = TEXT, tab: str = TAB, seed: int = 5) -> ScriptSession:
        self.check(Sheet(text=text, seed=seed), tab)
        self.want(tab=tab)
        return self.draw(tab)
