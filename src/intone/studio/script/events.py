"""What the handlers of the Script tab work with."""

from __future__ import annotations

from dataclasses import dataclass

from intone.studio.desk import Desk
from intone.studio.script.fields import ScriptFields
from intone.studio.script.sessions import ScriptSessions
from intone.studio.script.shown import ScriptShown
from intone.studio.shell import Shell


@dataclass(frozen=True, slots=True)
class ScriptEvents:
    """Answers to events; all visitors share it, so it holds nothing of any of them."""

    _shell: Shell
    _sessions: ScriptSessions
    _fields: ScriptFields
    _show: ScriptShown

    @property
    def _desk(self) -> Desk:
        return self._shell.desk
