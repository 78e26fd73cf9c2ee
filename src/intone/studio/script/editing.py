"""A row edited by hand: its words, its mood, its seed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from intone.core.errors import InvalidSettingError
from intone.studio.script.rows import PlannedRow, Row
from intone.studio.script.session import ScriptSession
from intone.studio.script.sheet import seed_of
from intone.text.markup import parse_script
from intone.text.script import Script, Segment
from intone.text.script_source import segment_source

STALE = (
    "the script above was changed since these rows were made; press Check first, so that "
    "nothing of it is lost."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowEdit:
    """What stands in the fields of a row."""

    text: str
    mood: str | None
    seed: str

    @classmethod
    def of(cls, row: Row) -> RowEdit:
        """Returns what the fields show of a row before anything is changed."""
        return cls(
            text=segment_source(row.planned.segment),
            mood=row.planned.segment.mood,
            seed="" if row.pinned_seed is None else str(row.pinned_seed),
        )


def apply_edit(session: ScriptSession, row_id: str, edit: RowEdit) -> str:
    """Changes a row and returns the script's text as it is then.

    Words with tags in them may make several rows; what they do not say stays as the row had it.

    Raises:
        IntoneError: the words, the mood or the seed cannot be used; everything is as it was.
    """
    seed, row = seed_of(edit.seed), session.view.project.row(row_id)
    if edit == RowEdit.of(row):
        return session.view.project.source
    planner = session.planner
    assert planner is not None, "rows were planned"
    pieces = _pieces(row.planned.segment, edit)
    _, planned = planner.plan(Script(pieces))
    first, *more = planned.rows
    first = replace(first, silence_before_s=row.planned.silence_before_s)
    rows: list[PlannedRow] = [first, *more]
    return session.rewrite(lambda project: project.edited(row_id, rows).pinned(row_id, seed))


def check_fresh(session: ScriptSession, text: str) -> None:
    """Refuses to change rows while the text above says something else.

    Raises:
        InvalidSettingError: it does.
    """
    if session.view.project.source != text:
        raise InvalidSettingError(STALE)


def _pieces(old: Segment, edit: RowEdit) -> tuple[Segment, ...]:
    mood = " ".join((edit.mood or "").split()) or None
    if mood is not None and set(mood) & set("[]:\\"):
        raise InvalidSettingError(
            f"mood is {mood!r:.40}; allowed: words without brackets and colons, such as Angry."
        )
    segments = parse_script(edit.text).segments
    return tuple(
        replace(
            old,
            text=one.text,
            fixed=one.fixed,
            mood=one.mood or mood,
            directives=one.directives or old.directives,
            voice=one.voice or old.voice,
            rate=old.rate if one.rate == 1.0 else one.rate,
            language=one.language or old.language,
            is_interrupted=old.is_interrupted and one is segments[-1],
        )
        for one in segments
    )
