"""A script as rows that are drawn, drawn again, moved and edited: one value, and its next ones.

No sound, no model, no page. What is to be drawn next, and with which seed, follows from the project
alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from intone.core.errors import InvalidSettingError
from intone.core.seeds import derived_seed
from intone.core.types import MAX_SEED, SpeechRequest
from intone.studio.script.rows import PlannedRow, Row, Take
from intone.text.markup import parse_script
from intone.text.script import Position, Script, Segment, Silence
from intone.text.script_source import is_same

_NOWHERE = Position(1, 1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Project:
    """A script and what there is of it."""

    seed: int
    """That the rows' seeds follow from."""
    source: str = ""
    """The script's text that the rows stand for."""
    is_dialogue: bool = True
    rows: tuple[Row, ...] = ()
    end_silence_s: float = 0.0
    next_number: int = 0
    stem: str | None = None
    """That the names of all its files begin with; None before the first."""

    # ---- what there is

    def row(self, row_id: str) -> Row:
        """Returns a row; raises InvalidSettingError where it was taken out meanwhile."""
        found = next((row for row in self.rows if row.id == row_id), None)
        if found is None:
            raise InvalidSettingError("this row is not there any more; the list shows what is.")
        return found

    def next_wanted(self) -> Row | None:
        """Returns the first row that waits to be drawn."""
        return next((row for row in self.rows if row.is_wanted), None)

    @property
    def script(self) -> Script:
        """What the rows say, in their order, with the pauses between them."""
        pieces: list[Segment | Silence] = []
        for row in self.rows:
            if row.planned.silence_before_s > 0:
                pieces.append(_silence(row.planned.silence_before_s))
            pieces.append(row.planned.segment)
        if self.end_silence_s > 0:
            pieces.append(_silence(self.end_silence_s))
        return Script(tuple(pieces))

    def gap_before_s(self, row_id: str) -> float:
        """Returns the silence before a row: its pause, else what the row above it ends with."""
        index = self._index(row_id)
        pause_s = self.rows[index].planned.silence_before_s
        return pause_s or (self.rows[index - 1].planned.plan.gap_after_s if index else 0.0)

    def request(self, row_id: str) -> SpeechRequest:
        """Returns what is drawn next of a row: with its own seed first, then with new ones."""
        row = self.row(row_id)
        drawn = {take.asked_seed for take in row.current_takes}
        base = self.base_seed(row)
        tried = 0
        while (seed := derived_seed(base, "take", tried) if tried else base) in drawn:
            tried += 1
        return replace(row.planned.plan.request, seed=seed)

    def base_seed(self, row: Row) -> int:
        """Returns the seed of a row's first take."""
        if row.pinned_seed is not None:
            return row.pinned_seed
        request = row.planned.plan.request
        if row.planned.plan.route == "described" and request.seed is not None:
            return request.seed  # another one would be another person
        return derived_seed(self.seed, row.number)

    # ---- what may become of it

    def planned(self, rows: Sequence[PlannedRow], *, source: str, end_silence_s: float) -> Project:
        """Returns the project of another text; rows of the same words keep all they have."""
        number, made = self.next_number, list[Row]()
        for one, old in zip(rows, _matched(self.rows, rows), strict=True):
            if old is not None:
                made.append(replace(old, planned=one))
                continue
            made.append(Row(number=number, planned=one))
            number += 1
        return replace(
            self,
            rows=tuple(made),
            source=source,
            end_silence_s=end_silence_s,
            next_number=number,
        )

    def replanned(self, rows: Sequence[PlannedRow]) -> Project:
        """Returns the project with each row planned anew; its words stay where they were."""
        pairs = zip(self.rows, rows, strict=True)
        return replace(self, rows=tuple(replace(row, planned=one) for row, one in pairs))

    def edited(self, row_id: str, rows: Sequence[PlannedRow]) -> Project:
        """Returns the project with other words in a row; words for several rows make several."""
        index = self._index(row_id)
        first, *more = rows
        row = replace(self.rows[index], planned=first, problem=None)
        number = self.next_number
        new = [Row(number=number + place, planned=one) for place, one in enumerate(more)]
        rest = self.rows[index + 1 :]
        return replace(
            self, rows=(*self.rows[:index], row, *new, *rest), next_number=number + len(new)
        )

    def placed(self, source: str) -> Project:
        """Returns the project of a text that says what the rows say, each row in its place there.

        Raises:
            IntoneError: it says nothing; a text that says something else moves no row.
        """
        script = parse_script(source, dialogue=self.is_dialogue)
        if not is_same(script, self.script):
            return replace(self, source=source)
        rows = zip(self.rows, script.segments, strict=True)
        return replace(
            self, source=source, rows=tuple(row.placed(one.position) for row, one in rows)
        )

    def moved(self, row_id: str, by: int) -> Project:
        """Returns the project with a row moved up (-1) or down (1); it stops at both ends."""
        rows, index = list(self.rows), self._index(row_id)
        row = rows.pop(index)
        rows.insert(min(max(0, index + by), len(rows)), row)
        return replace(self, rows=tuple(rows))

    def removed(self, row_id: str) -> Project:
        """Returns the project without a row; its takes stay on the disk."""
        index = self._index(row_id)
        return replace(self, rows=(*self.rows[:index], *self.rows[index + 1 :]))

    def wanted(self, row_ids: Iterable[str]) -> Project:
        """Returns the project with rows that wait to be drawn, each once more than it was."""
        wanted = set(row_ids)
        return self._each(
            lambda row: replace(row, is_wanted=True, problem=None) if row.id in wanted else row
        )

    def unwanted(self) -> Project:
        """Returns the project with nothing that waits."""
        return self._each(lambda row: replace(row, is_wanted=False))

    def missing(self) -> tuple[str, ...]:
        """Returns the rows without a take of their words, and those that failed."""
        return tuple(row.id for row in self.rows if row.take is None or row.problem is not None)

    def begun(self, row_id: str) -> Project:
        """Returns the project with a row that waits no more: it is drawn now."""
        return self._with(row_id, lambda row: replace(row, is_wanted=False))

    def drawn(self, row_id: str, take: Take) -> Project:
        """Returns the project with one more take; a row that was taken out meanwhile stays out."""
        return self._with(row_id, lambda row: row.drawn(take))

    def failed(self, row_id: str, problem: str) -> Project:
        """Returns the project with a row that could not be drawn; its other takes stay."""
        return self._with(row_id, lambda row: replace(row, problem=problem))

    def chosen(self, row_id: str, name: str) -> Project:
        """Returns the project with another take of a row to be heard.

        Raises:
            InvalidSettingError: the row has no such take.
        """
        row = self.row(row_id)
        if name not in [take.name for take in row.current_takes]:
            raise InvalidSettingError("this take is of other words; choose one that is listed.")
        return self._with(row_id, lambda row: replace(row, chosen=name))

    def pinned(self, row_id: str, seed: int | None) -> Project:
        """Returns the project with a row's own seed; None lets it follow from the script's.

        Raises:
            InvalidSettingError: no seed has that number.
        """
        if seed is not None and not 0 <= seed <= MAX_SEED:
            raise InvalidSettingError(f"seed is {seed}; allowed: 0 to {MAX_SEED}.")
        return self._with(row_id, lambda row: replace(row, pinned_seed=seed))

    def _with(self, row_id: str, change: Callable[[Row], Row]) -> Project:
        return self._each(lambda row: change(row) if row.id == row_id else row)

    def _each(self, change: Callable[[Row], Row]) -> Project:
        return replace(self, rows=tuple(change(row) for row in self.rows))

    def _index(self, row_id: str) -> int:
        return self.rows.index(self.row(row_id))


def _matched(old: Sequence[Row], new: Sequence[PlannedRow]) -> list[Row | None]:
    """Returns which old row each new one goes on with: of the same key, else of the same words."""
    found: list[Row | None] = [None] * len(new)
    rest = list(old)
    for same in (_has_key, _has_words):
        for index, one in enumerate(new):
            if found[index] is None:
                found[index] = next((row for row in rest if same(row, one)), None)
                rest = [row for row in rest if row is not found[index]]
    return found


def _has_key(row: Row, one: PlannedRow) -> bool:
    return row.planned.key == one.key


def _has_words(row: Row, one: PlannedRow) -> bool:
    return row.planned.plan.text == one.plan.text


def _silence(duration_s: float) -> Silence:
    return Silence(duration_s=duration_s, position=_NOWHERE)
