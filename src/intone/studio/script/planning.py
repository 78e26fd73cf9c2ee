"""From a sheet to rows: who speaks them, how, with which model. Nothing is loaded.

People who are only described are taken from the library where an earlier script designed them;
else they are left open, and the drawer designs them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf

from intone.core.errors import ModelNotFoundError, TextTooLongError
from intone.core.types import Capabilities, SpeechRequest, VoiceClonePrompt
from intone.render.casting import cast_script
from intone.render.hashes import prompt_sha256
from intone.render.identity import Identity, find_identity, is_description, preset_identity
from intone.render.pinning import PinOrder, order_for, undesigned
from intone.render.plan import ScriptPlan, SegmentPlan
from intone.render.planning import PlanSettings, plan_script
from intone.render.reading_aloud import ReadingAloud
from intone.studio.desk import Desk, Models
from intone.studio.script.rows import PlannedRow
from intone.studio.script.sheet import Sheet
from intone.text.cast import Cast
from intone.text.script import Script
from intone.voices.library import VoiceLibrary

DESIGN_MODEL = "1.7b-design"
"""By whose name voices are kept where no VoiceDesign model is on this machine."""

IDENTITY_SEED = 0
"""As `intone script` has it: the same words are the same person in both."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlannedScript:
    """All rows of a text."""

    rows: tuple[PlannedRow, ...]
    end_silence_s: float
    plan: ScriptPlan
    notes: tuple[str, ...]
    """What cannot be performed or is read as it is written, each said once."""

    @property
    def expected_s(self) -> float:
        """Seconds that it will probably take, pauses included."""
        return sum(row.plan.expected_s for row in self.rows) + self.end_silence_s


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScriptPlanner:
    """Plans scripts, and single rows of them, for one model and one cast."""

    library: VoiceLibrary
    model: str
    can: Capabilities
    design_model: str | None
    """None: there is none here."""
    narrator: Identity | None
    cast: Cast | None
    settings: PlanSettings
    made: Mapping[str, Identity]
    """People who were described, by name, as they were last found in the library."""

    @classmethod
    def of(cls, sheet: Sheet, desk: Desk, seed: int) -> ScriptPlanner:
        """Returns the planner of a sheet.

        Raises:
            RequestError: the script or a voice in it is wrong; with its place.
            ModelNotFoundError: a model that is needed is not on this machine.
        """
        if len(sheet.text) > desk.limit_characters:
            raise TextTooLongError(
                f"the script has {len(sheet.text):,} characters; allowed here: "
                f"{desk.limit_characters:,}. Longer ones are work for the background: Long text."
            )
        script = sheet.script()
        cast = sheet.roles(script)
        model = speaking_model(_names(sheet, script, cast), desk.models, desk.library)
        can = desk.models.describe(model)
        narrator = preset_identity(can.voices[0]) if can.voices else None
        if sheet.identity:
            narrator = find_identity(sheet.identity, can, desk.library)
        return cls(
            library=desk.library,
            model=model,
            can=can,
            design_model=_design_model(desk.models),
            narrator=narrator,
            cast=cast,
            settings=PlanSettings(
                template=SpeechRequest(text="-", language=sheet.language),
                seed=seed,
                identity_seed=IDENTITY_SEED,
                read_aloud=ReadingAloud(),
            ),
            made={},
        )

    def plan(self, script: Script, *, in_rows: bool = False) -> tuple[ScriptPlanner, PlannedScript]:
        """Returns the rows of a script, and the planner with those who were designed before.

        Args:
            in_rows: each segment is a row already, and stays one.

        Raises:
            RequestError: as `plan_script` and `cast_script` do.
            ModelNotFoundError: somebody has to be designed, and nothing here can.
        """
        settings = replace(self.settings, max_piece_s=inf) if in_rows else self.settings
        plan = self._plan(script, settings, {})
        found = self._designed_before(plan)
        plan = self._plan(script, settings, found) if found else plan
        open_people = undesigned(plan, self.can)
        if open_people and self.design_model is None:
            raise ModelNotFoundError(
                f"{open_people[0].name!r} is a description, and no model here designs voices; pull "
                f"one under System: {DESIGN_MODEL}. Or choose a voice by name."
            )
        return replace(self, made={**self.made, **found}), self._rows(plan)

    def order(self, who: Identity, plan: ScriptPlan) -> PinOrder:
        """Returns what is to be designed of somebody; once they have a language, it stays."""
        order = order_for(
            who,
            plan,
            seed=IDENTITY_SEED,
            design_model=self.design_model or DESIGN_MODEL,
            base=replace(self.can, model=self.model),
        )
        known = self.made.get(who.name)
        voice = None if known is None else known.voice
        return order if voice is None else replace(order, language=voice.language)

    def _plan(
        self, script: Script, settings: PlanSettings, made: Mapping[str, Identity]
    ) -> ScriptPlan:
        def find(name: str) -> Identity:
            return find_identity(name, self.can, self.library)

        casting = cast_script(script, cast=self.cast, narrator=self.narrator, find=find)
        return plan_script(script, casting.replaced(made), self.can, settings)

    def _designed_before(self, plan: ScriptPlan) -> dict[str, Identity]:
        """Returns those who are in the library already, in every mood that is wanted."""
        found: dict[str, Identity] = {}
        for who in undesigned(plan, self.can):
            order = self.order(who, plan)
            voice = self.library.get(order.name) if order.name in self.library else None
            if voice is not None and not order.missing(voice):
                found[who.name] = replace(who, voice=voice)
        return found

    def _rows(self, plan: ScriptPlan) -> PlannedScript:
        people = plan.identities
        rows = tuple(
            PlannedRow(
                segment=part.segment,
                plan=part,
                identity=people[part.identity or ""],
                key=self._key(part, people[part.identity or ""]),
                silence_before_s=part.silence_before_s,
            )
            for part in plan.segments
            if part.segment is not None
        )
        reading = self.settings.read_aloud
        notes = reading.notes if isinstance(reading, ReadingAloud) else ()
        return PlannedScript(
            rows=rows,
            end_silence_s=plan.end_silence_s,
            plan=plan,
            notes=tuple(dict.fromkeys((*plan.notes, *notes))),
        )

    def _key(self, part: SegmentPlan, who: Identity) -> str:
        """Returns the same text for all that sounds alike but for its seed."""
        voice = part.request.voice
        if who.description is not None:
            person = f"{who.description} {IDENTITY_SEED}"
        else:
            person = prompt_sha256(voice) if isinstance(voice, VoiceClonePrompt) else str(voice)
        request = part.request
        who_and_how = [person, part.mood, part.speaker, request.instruct]
        what = [self.model, request.text, *who_and_how, request.language, str(request.speed)]
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]


def speaking_model(names: tuple[str, ...], models: Models, library: VoiceLibrary) -> str:
    """Returns the model that speaks with everybody, or with the first of them.

    Args:
        names: as they are asked for, the narrator's first; empty takes a first preset.

    Raises:
        UnknownVoiceError: nobody has the first name.
        ModelNotFoundError: a model that is needed is not on this machine.
    """
    if any(is_description(name) and name not in library for name in names):
        return _locking_model(models)
    kept = [name for name in names if name in library]
    return models.for_voice(next(iter((*kept, *names)), None))


def _locking_model(models: Models) -> str:
    """Returns a model that keeps a designed person, else the one that draws them anew each time."""
    try:
        return models.for_kind("base")
    except ModelNotFoundError:
        return models.for_kind("design")


def _design_model(models: Models) -> str | None:
    try:
        return models.for_kind("design")
    except ModelNotFoundError:
        return None


def _names(sheet: Sheet, script: Script, cast: Cast | None) -> tuple[str, ...]:
    given = () if not sheet.identity else (sheet.identity,)
    roles = () if cast is None else tuple(role.voice for role in cast.values())
    return tuple(dict.fromkeys((*given, *roles, *script.voices)))
