"""The Script tab: rows are checked, drawn in the background, heard as they come, and put in order.

What is drawn does not hang on the page: rows go on when it is closed or reloaded, and a timer shows
how far they are. Every change of the rows stands in the text at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from time import monotonic
from typing import Any

import gradio as gr

from intone.core.errors import (
    EmptyTextError,
    IntoneError,
    InvalidSettingError,
    MarkupError,
    ModelError,
    UnknownVoiceError,
)
from intone.studio.desk import Desk
from intone.studio.parts.aside import aside
from intone.studio.parts.events import QUIET_EVENT, Updates, Values
from intone.studio.parts.notes import QUIET, hint, problem
from intone.studio.parts.rows import Action, action_of
from intone.studio.parts.words import DESCRIPTIONS, SCRIPTS
from intone.studio.script.editing import RowEdit, apply_edit, check_fresh
from intone.studio.script.fields import AS_RENDERED, ScriptFields, add_fields
from intone.studio.script.palette import (
    bank_of,
    cast_html,
    found_in,
    moods_for,
    palette_html,
    problem_html,
    summary,
    voices_of,
)
from intone.studio.script.project import Project
from intone.studio.script.session import ScriptSession
from intone.studio.script.sessions import ScriptSessions
from intone.studio.script.sheet import Sheet, cast_of, seed_of
from intone.studio.script.showing import rows_html, status_html
from intone.studio.script.view import View
from intone.studio.script.whole_panel import whole_html, whole_routes
from intone.studio.shell import Shell
from intone.studio.speak.choices import first_voice, voice_groups

_OPEN = "(...values) => window.intone.script.open(values)"
_STORE = "(...values) => window.intone.script.store(values)"


def build(shell: Shell, tab: gr.Tab) -> None:
    """Adds the tab, and the routes of its wholes."""
    sessions = ScriptSessions(shell.desk)
    shell.routes.include_router(whole_routes(sessions, shell.desk.who))
    _ScriptTab(shell, sessions, add_fields()).connect(tab)


class _ScriptTab:
    def __init__(self, shell: Shell, sessions: ScriptSessions, fields: ScriptFields) -> None:
        self._shell = shell
        self._desk: Desk = shell.desk
        self._sessions = sessions
        self._fields = fields

    def connect(self, tab: gr.Tab) -> None:
        """Says what happens on which press."""
        f, page = self._fields, self._shell.page
        live: dict[str, Any] = {"trigger_mode": "always_last", **QUIET_EVENT}
        shown = [f.shown, f.status, f.rows, f.whole, f.stop, f.again, f.timer]
        ids = [f.project_id, f.copy_of]
        # What was typed is there before the server is asked: nothing typed since is overwritten.
        page.load(None, [*ids, *f.kept], [*ids, *f.kept], js=_OPEN, show_progress="hidden").then(
            self.opened,
            {*ids, *f.kept},
            [*f.kept, *shown, f.roles, f.found, f.palette],
            **QUIET_EVENT,
        )
        for field in f.kept:
            field.change(None, f.kept, None, js=_STORE, show_progress="hidden")  # type: ignore[attr-defined]
        texts = {f.project_id, f.text, f.dialogue, f.cast}
        seen = [f.identity, f.palette, f.roles]
        tab.select(self.refreshed, {f.identity, *texts}, seen, **QUIET_EVENT)
        typing = [f.text.change, f.dialogue.change]
        gr.on(typing, self.typed, texts, [f.roles, f.found, f.text_note], **live)
        chosen = [f.palette, f.edit_mood, f.identity_note]
        f.identity.change(self.chosen, {f.identity}, chosen, **live)
        f.samples.click(self.on_sample, None, [f.text], **QUIET_EVENT)
        f.descriptions.click(self.on_description, None, [f.identity], **QUIET_EVENT)
        f.roles.click(self.on_role, {f.cast}, [f.cast], **live)
        notes = [f.text_note, f.identity_note, f.seed_note, f.run_note, f.rows_note]
        f.check.click(self.checked, f.sheet, [*shown, *notes, f.found], **QUIET_EVENT)
        f.render.click(self.rendered, f.sheet, [*shown, *notes, f.found], **QUIET_EVENT)
        f.again.click(self.all_again, f.sheet, [*shown, *notes, f.found], **QUIET_EVENT)
        f.stop.click(self.stopped, {f.project_id}, shown, **QUIET_EVENT)
        f.timer.tick(self.ticked, {f.project_id, f.shown}, [*shown, f.run_note], **QUIET_EVENT)
        f.rows.click(
            self.pressed,
            {f.project_id, f.text},
            [*shown, f.text, f.rows_note, f.edit, *f.edited, f.edit_note],
            trigger_mode="multiple",
            **QUIET_EVENT,
        )
        edited = [*shown, f.text, f.edit, f.edit_note]
        for button, is_drawn in ((f.edit_draw, True), (f.edit_keep, False)):
            button.click(
                self.edited_and_drawn if is_drawn else self.edited,
                {f.project_id, f.text, *f.edited},
                edited,
                **QUIET_EVENT,
            )
        f.edit_cancel.click(lambda: gr.update(visible=False), None, [f.edit], **QUIET_EVENT)
        f.loudness.input(self.levelled, {f.project_id, f.loudness}, shown, **QUIET_EVENT)

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
            **self._shown(session, key_id, project_id),
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

    async def ticked(self, values: Values, request: gr.Request) -> Updates:
        """Returns what is new while rows are drawn."""
        f, key_id = self._fields, self._shell.key_of(request)
        session = self._sessions.find(key_id, values[f.project_id])
        if session is None:
            return {f.timer: gr.Timer(active=False)}
        view = session.view
        if view.version == values[f.shown]:
            return {f.status: status_html(view, monotonic())}
        return self._shown(session, key_id, values[f.project_id]) | self._run_note(view)

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
            return notes | self._told(error)
        planned = session.view.planned
        words = "" if planned is None else hint(f"{summary(planned)}.")
        return notes | self._shown(session, key_id, project_id) | {f.found: words}

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
        return self._shown(session, key_id, values[f.project_id])

    async def levelled(self, values: Values, request: gr.Request) -> Updates:
        """Returns the whole at another loudness."""
        f, key_id = self._fields, self._shell.key_of(request)
        project_id, chosen = values[f.project_id], values[f.loudness]
        session = await aside(lambda: self._sessions.get(key_id, project_id))
        session.set_loudness(None if chosen == AS_RENDERED else float(chosen))
        await aside(lambda: self._sessions.compile(key_id, project_id))
        return self._shown(session, key_id, project_id)

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
        return quiet | changed | self._shown(session, key_id, project_id)

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
        shown = self._shown(session, key_id, project_id)
        return shown | {f.text: text, f.edit: gr.update(visible=False), f.edit_note: QUIET}

    # ---- what is shown

    def _shown(self, session: ScriptSession, key_id: str, project_id: str) -> Updates:
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

    def _run_note(self, view: View) -> Updates:
        return {self._fields.run_note: QUIET if view.problem is None else problem(view.problem)}

    def _told(self, error: IntoneError) -> Updates:
        """Returns an error beside the field that it is about."""
        f, words = self._fields, problem_html(error)
        if isinstance(error, MarkupError | EmptyTextError):
            return {f.text_note: words, f.found: QUIET}
        if isinstance(error, UnknownVoiceError | ModelError):
            return {f.identity_note: words}
        is_seed = isinstance(error, InvalidSettingError) and str(error).startswith("seed")
        return {f.seed_note if is_seed else f.run_note: words}


def _pinned(project: Project, row_id: str, is_pinned: bool) -> Project:
    take = project.row(row_id).take
    return project.pinned(row_id, take.asked_seed if is_pinned and take is not None else None)


def _index(action: Action, number: int) -> int:
    if not action.id.isdecimal() or int(action.id) >= number:
        raise InvalidSettingError("the page asked for a sample that is not there; reload it.")
    return int(action.id)
