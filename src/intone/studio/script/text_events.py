"""What happens above the rows: the page is opened, a script is typed, a person is chosen."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr

from intone.core.errors import (
    EmptyTextError,
    IntoneError,
    InvalidSettingError,
)
from intone.studio.parts.aside import aside
from intone.studio.parts.events import Updates, Values
from intone.studio.parts.notes import QUIET, hint, problem
from intone.studio.parts.rows import Action, action_of
from intone.studio.parts.words import DESCRIPTIONS, SCRIPTS
from intone.studio.script.events import ScriptEvents
from intone.studio.script.palette import (
    bank_of,
    cast_html,
    found_in,
    moods_for,
    palette_html,
    problem_html,
    voices_of,
)
from intone.studio.script.session import ScriptSession
from intone.studio.script.sheet import Sheet, cast_of
from intone.studio.speak.choices import first_voice, voice_groups


class TextEvents(ScriptEvents):
    """Answers to events of the text and of who speaks."""

    # ---- the page comes and goes

    async def opened(self, values: Values, request: gr.Request) -> Updates:
        """Returns the script of this browser tab, as it was left."""
        f, key_id = self._fields, self._shell.key_of(request)
        project_id = values[f.project_id]
        try:
            session = await aside(lambda: self._found(key_id, project_id, values[f.copy_of] or ""))
        except IntoneError as error:
            return {f.found: problem(error)}
        sheet, restored = session.view.sheet, dict[Any, Any]()
        if sheet is not None and not (values[f.text] or "").strip():
            restored = self._of_sheet(sheet)
        known = {**values, **restored}
        voices = await aside(lambda: voices_of(self._desk))
        identity = known[f.identity] or await aside(lambda: first_voice(voice_groups(self._desk)))
        bank = await aside(lambda: bank_of(identity, self._desk.library))
        return {
            **restored,
            f.identity: gr.update(choices=voices, value=identity),
            f.palette: palette_html(bank),
            **await self._typed(session, known),
            **self._show.shown(session, key_id, project_id),
        }

    def _found(self, key_id: str, project_id: str, copy_of: str) -> ScriptSession:
        if copy_of and copy_of != project_id:
            return self._sessions.copied(key_id, project_id, copy_of)
        return self._sessions.get(key_id, project_id)

    def _of_sheet(self, sheet: Sheet) -> Updates:
        f = self._fields
        return {
            f.text: sheet.text,
            f.identity: sheet.identity,
            f.dialogue: sheet.is_dialogue,
            f.cast: json.dumps(dict(sheet.cast)),
            f.language: sheet.language,
            f.seed: "" if sheet.seed is None else str(sheet.seed),
        }

    async def refreshed(self, values: Values) -> Updates:
        """Returns the voices as they are now; kept ones may have come."""
        f = self._fields
        voices = await aside(lambda: voices_of(self._desk))
        bank = await aside(lambda: bank_of(values[f.identity], self._desk.library))
        typed = await self._typed(None, values)
        return {
            f.identity: gr.update(choices=voices),
            f.palette: palette_html(bank),
            f.roles: typed[f.roles],
        }

    # ---- what is typed and chosen

    async def typed(self, values: Values, request: gr.Request) -> Updates:
        """Returns what was found in the text so far."""
        f = self._fields
        session = self._sessions.find(self._shell.key_of(request), values[f.project_id])
        return await self._typed(session, values) | {f.text_note: QUIET}

    async def _typed(self, session: ScriptSession | None, values: Values) -> Updates:
        f = self._fields
        sheet = Sheet(text=values[f.text] or "", is_dialogue=bool(values[f.dialogue]))
        try:
            speakers, words = await aside(lambda: found_in(sheet))
        except EmptyTextError:
            return {f.roles: "", f.found: QUIET}
        except IntoneError as error:
            return {f.roles: gr.skip(), f.found: problem_html(error)}
        voices = await aside(lambda: voices_of(self._desk)) if speakers else []
        is_new = session is not None and bool(session.view.project.rows)
        if is_new and session is not None and session.view.project.source != sheet.text:
            words += "; the rows below are of the text before, Check or Render renews them"
        return {
            f.roles: cast_html(speakers, cast_of(values[f.cast]), voices),
            f.found: hint(f"{words}."),
        }

    async def chosen(self, values: Values) -> Updates:
        """Returns the tags that fit an identity: moods that it has recordings of come first."""
        f = self._fields
        bank = await aside(lambda: bank_of(values[f.identity], self._desk.library))
        return {
            f.palette: palette_html(bank),
            f.edit_mood: gr.update(choices=list(moods_for(bank))),
            f.identity_note: QUIET,
        }

    def on_sample(self, event: gr.EventData) -> str:
        """Returns the sample script that was pressed."""
        return SCRIPTS[_index(action_of(event), len(SCRIPTS))].text

    def on_description(self, event: gr.EventData) -> str:
        """Returns the description that was pressed."""
        return DESCRIPTIONS[_index(action_of(event), len(DESCRIPTIONS))]

    def on_role(self, values: Values, event: gr.EventData) -> Updates:
        """Returns the cast with the voices that its fields have now."""
        f = self._fields
        sent = cast_of(action_of(event).id)
        chosen = {speaker: voice.strip() for speaker, voice in sent.items()}
        return {f.cast: json.dumps(cast_of(values[f.cast]) | chosen)}


def _index(action: Action, number: int) -> int:
    if not action.id.isdecimal() or int(action.id) >= number:
        raise InvalidSettingError("the page asked for a sample that is not there; reload it.")
    return int(action.id)
