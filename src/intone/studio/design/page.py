"""The Design tab: a description becomes several people, side by side; one of them is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import gradio as gr

from intone.core.errors import IntoneError
from intone.render.rounds import RoundOrder
from intone.studio.design.cards import about, cards, round_label
from intone.studio.design.drawings import DrawingNow, Drawings
from intone.studio.design.fields import DesignFields, add_fields
from intone.studio.design.keep_page import KeepPart
from intone.studio.design.order import Field, check_description, check_seed, check_text, round_order
from intone.studio.desk import Desk
from intone.studio.parts.events import QUIET_EVENT, Updates, Values
from intone.studio.parts.loading import loading_plan
from intone.studio.parts.notes import QUIET, good, hint, problem
from intone.studio.parts.rows import action_of
from intone.studio.parts.words import DESCRIPTIONS
from intone.studio.shell import Shell
from intone.studio.system.memory import switch_words
from intone.voices.candidates import CandidateRound


def build(shell: Shell, tab: gr.Tab) -> None:
    """Adds the tab."""
    _DesignTab(shell, add_fields(shell.page), Drawings(shell.desk)).connect(tab)


class _DesignTab:
    def __init__(self, shell: Shell, fields: DesignFields, drawings: Drawings) -> None:
        self._shell = shell
        self._desk: Desk = shell.desk
        self._fields = fields
        self._drawings = drawings
        self._keeping = KeepPart(shell, fields, drawings)

    def connect(self, tab: gr.Tab) -> None:
        """Says what happens on which press."""
        fields, view = self._fields, self._fields.view
        notes = list(fields.notes.values())
        looked_at = [fields.rounds, fields.drawing, fields.shown]
        fields.go.click(
            self.begin, set(fields.inputs), [*notes, *view, fields.panel], **QUIET_EVENT
        )
        fields.stop.click(self.stop, [fields.drawing], [fields.note], **QUIET_EVENT)
        fields.timer.tick(self.look, looked_at, view, **QUIET_EVENT)
        fields.rounds.input(self.open, [fields.rounds], [*view, fields.panel], **QUIET_EVENT)
        tab.select(self.refreshed, [fields.rounds, fields.drawing], view, **QUIET_EVENT)
        fields.examples.click(self.on_example, None, [fields.description], **QUIET_EVENT)
        fields.about.click(self.reuse, None, [*fields.inputs, fields.note], **QUIET_EVENT)
        picked = [fields.panel, fields.title, fields.chosen, fields.keep_note]
        fields.cards.click(self.on_card, [fields.rounds], [*view, *picked], **QUIET_EVENT)
        self._keeping.connect()
        fields.remove.click(
            self.remove,
            [fields.rounds, fields.asked, fields.drawing],
            [*view, fields.panel, fields.asked],
            **QUIET_EVENT,
        )

    async def begin(self, values: Values, request: gr.Request) -> Updates:
        """Starts a round; what is wrong is told beside its field."""
        fields, key_id = self._fields, self._shell.key_of(request)
        updates: Updates = {place: QUIET for place in fields.notes.values()}
        updates |= self._problems(values)
        if any(updates.values()):
            return updates | {fields.note: QUIET}
        try:
            model = self._desk.models.for_kind("design")
            now = self._drawings.begin(key_id, model, self._order(values, model))
        except IntoneError as error:
            return updates | {fields.note: problem(error)}
        hidden = {fields.panel: gr.update(visible=False)}
        return updates | hidden | await asyncio.to_thread(self._view, key_id, now, None)

    def _problems(self, values: Values) -> Updates:
        fields, found = self._fields, Updates()
        checks: tuple[tuple[gr.Textbox, Field, Callable[[str], object]], ...] = (
            (fields.description, "description", check_description),
            (fields.text, "text", check_text),
            (fields.seed, "seed", check_seed),
        )
        for component, field, check in checks:
            try:
                check(values[component] or "")
            except IntoneError as error:
                found[fields.notes[field]] = problem(error)
        return found

    def _order(self, values: Values, model: str) -> RoundOrder:
        fields = self._fields
        return round_order(
            description=values[fields.description],
            text=values[fields.text],
            language=values[fields.language],
            count=values[fields.count],
            seed=values[fields.seed] or "",
            can=self._desk.models.describe(model),
        )

    def stop(self, drawing: int | None, request: gr.Request) -> str:
        """Stops what this page looks at; what was drawn stays."""
        was_one = self._drawings.stop(self._shell.key_of(request), drawing)
        return hint("Stopping; the voices that are drawn stay.") if was_one else QUIET

    def look(
        self, name: str | None, drawing: int | None, shown: str, request: gr.Request
    ) -> Updates:
        """Shows how the drawing stands now."""
        key_id = self._shell.key_of(request)
        now = self._drawings.get(key_id, drawing)
        updates = self._view(key_id, now, name)
        is_as_before = updates[self._fields.cards] == shown and updates[self._fields.timer].active
        # An open list or a focused button is not drawn anew for nothing.
        return {self._fields.note: updates[self._fields.note]} if is_as_before else updates

    def open(self, name: str | None, request: gr.Request) -> Updates:
        """Shows another round; one that is being drawn goes on without being looked at."""
        hidden = {self._fields.panel: gr.update(visible=False)}
        return self._view(self._shell.key_of(request), None, name) | hidden

    def refreshed(self, name: str | None, drawing: int | None, request: gr.Request) -> Updates:
        """Shows what is drawn just now, else the round that was shown, else the newest."""
        key_id = self._shell.key_of(request)
        now = self._drawings.get(key_id, drawing) or self._drawings.running(key_id)
        updates = self._view(key_id, now, name)
        return updates if now is not None else updates | {self._fields.note: self._readiness()}

    def _readiness(self) -> str:
        try:
            model = self._desk.models.for_kind("design")
        except IntoneError as error:
            return hint(str(error))
        return hint(f"The voices are drawn by {model}. {loading_plan(self._desk, model)}")

    def _view(self, key_id: str, now: DrawingNow | None, name: str | None) -> Updates:
        """Returns a round as the page shows it. For a thread: every round's file is read."""
        fields = self._fields
        rounds = self._rounds()
        names = [one for _, one in rounds]
        if now is not None:
            drawn = now.drawn
        else:
            wanted = name if name in names else next(iter(names), None)
            drawn = None if wanted is None else self._round(wanted)
        is_drawing = now is not None and now.state == "drawing"
        html = cards(drawn, now, partial(self._url, key_id, drawn))
        return {
            fields.note: self._told(now),
            fields.cards: html,
            fields.shown: html,
            fields.about: "" if drawn is None else about(drawn),
            fields.rounds: gr.update(
                choices=rounds,
                value=None if drawn is None else drawn.name,
                visible=bool(rounds),
            ),
            fields.remove: gr.update(
                visible=bool(rounds), interactive=not is_drawing, value="Delete this round"
            ),
            fields.stop: gr.update(interactive=is_drawing),
            fields.timer: gr.Timer(active=is_drawing),
            fields.drawing: None if now is None else now.id,
        }

    def _rounds(self) -> list[tuple[str, str]]:
        """Returns what the list of rounds shows and stands for, the newest first."""
        found = list[tuple[str, str]]()
        for name in reversed(self._drawings.folder.names()):
            drawn = self._round(name)
            found.append((name if drawn is None else round_label(drawn), name))
        return found

    def _round(self, name: str) -> CandidateRound | None:
        """Returns a round; None where its file is damaged, which the list tells by its name."""
        try:
            return self._drawings.folder.get(name)
        except IntoneError:
            return None

    def _url(self, key_id: str, drawn: CandidateRound | None, number: int) -> str:
        if drawn is None:
            return ""
        url = self._shell.sounds.offer(drawn.path(number), key_id)
        return (
            f"{url}?seed={drawn.take(number).seed}"  # another take of that place is another sound
        )

    def _told(self, now: DrawingNow | None) -> str:
        if now is None:
            return QUIET
        if now.error is not None:
            return problem(now.error)
        if now.state == "stopped":
            return hint("Stopped. The voices that are drawn stay.")
        if now.state == "done":
            return good("Drawn. Play them, keep the one you like, or draw others.")
        switching = switch_words(self._desk, now.model)
        if switching is not None:
            return hint(switching)
        return hint(
            f"Voice {now.place} is being drawn ({now.num_filled + 1} of {len(now.places)})…"
        )

    def on_example(self, event: gr.EventData) -> str:
        """Returns the description that was pressed."""
        number = action_of(event).id
        is_known = number.isdecimal() and int(number) < len(DESCRIPTIONS)
        return DESCRIPTIONS[int(number) if is_known else 0]

    def reuse(self, event: gr.EventData) -> Updates:
        """Puts a round into the fields, its seed too: the same voices again, or a variation."""
        fields = self._fields
        try:
            drawn = self._drawings.folder.get(action_of(event).id)
        except IntoneError as error:
            return {fields.note: problem(error)}
        return {
            fields.description: drawn.description,
            fields.text: drawn.text,
            fields.language: drawn.language,
            fields.count: max(one.number for one in drawn.takes),
            fields.seed: str(drawn.seed),
            fields.note: good("The fields are those of this round, its seed is pinned."),
        }

    async def on_card(self, name: str | None, event: gr.EventData, request: gr.Request) -> Updates:
        """Draws one place again, or asks how a voice shall be called."""
        action, key_id = action_of(event), self._shell.key_of(request)
        number = int(action.id) if action.id.isdecimal() else 0
        if action.do == "keep":
            return self._keeping.picked(name, number)
        try:
            now = self._drawings.again(key_id, name or "", number)
        except IntoneError as error:
            return {self._fields.note: problem(error)}
        hidden = {self._fields.panel: gr.update(visible=False)}
        return await asyncio.to_thread(self._view, key_id, now, name) | hidden

    def remove(
        self, name: str | None, asked: str | None, drawing: int | None, request: gr.Request
    ) -> Updates:
        """Deletes the round that is shown, at the second press."""
        fields, key_id = self._fields, self._shell.key_of(request)
        if name is None:
            return {fields.note: problem("there is no round to delete.")}
        if asked != name:
            words = "Its sounds are deleted for good; voices that were kept of it stay."
            return {
                fields.remove: gr.update(value="Press again to delete"),
                fields.note: hint(words),
                fields.asked: name,
            }
        try:
            self._drawings.remove(name)
        except IntoneError as error:
            return {fields.note: problem(error), fields.asked: None}
        gone = self._view(key_id, None, None) | {fields.note: good("The round is deleted.")}
        return gone | {fields.asked: None, fields.panel: gr.update(visible=False)}
