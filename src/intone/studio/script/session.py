"""One script of one browser tab, held while its page comes and goes: rows, the run, the whole.

The page, its routes and the drawing thread all work on it; a lock makes each change whole. What the
page needs to know whether to show anything anew is `version`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock
from time import monotonic

from intone.core.errors import IntoneError
from intone.render.drawing import Anchor
from intone.render.outputs import OutputFolder
from intone.render.sidecar import ModelRecord
from intone.studio.script.planning import PlannedScript, ScriptPlanner
from intone.studio.script.project import Project
from intone.studio.script.rows import Row
from intone.studio.script.sheet import Sheet
from intone.studio.script.view import Run, View
from intone.studio.script.whole import MODE, compiled, write_whole
from intone.text.script_source import is_same, script_source


class ScriptSession:
    """Holds a project and what happens to it; any thread may call."""

    def __init__(self, folder: OutputFolder, project: Project) -> None:
        """Takes where takes are kept, and what there is already."""
        self.folder = folder
        self.anchors: dict[str, Anchor | None] = {}
        """Who takes are compared with, by name, as long as the plan stands."""
        self._lock = Lock()
        self._compiling = Lock()
        self._stop: Callable[[], None] | None = None
        self._planner: ScriptPlanner | None = None
        self._voiced_by: tuple[ModelRecord, str | None] | None = None
        self._view = View(
            version=0,
            sheet=None,
            project=project,
            planned=None,
            run=None,
            problem=None,
            remarks=(),
            whole=None,
            whole_problem=None,
            loudness_lufs=None,
        )

    @property
    def view(self) -> View:
        """What there is now."""
        return self._view

    @property
    def sound_bytes(self) -> int:
        """How much memory its whole takes."""
        whole = self._view.whole
        return 0 if whole is None else whole.samples.nbytes

    @property
    def planner(self) -> ScriptPlanner | None:
        """Plans rows as the sheet says; None before the first check."""
        return self._planner

    # ---- the text

    def plan(self, sheet: Sheet, planner: ScriptPlanner) -> None:
        """Takes a sheet; rows of the same words keep what they have.

        Rows that stand for this very text already stay rows of their own.

        Raises:
            IntoneError: as `ScriptPlanner.plan`; everything is as it was.
        """
        project = self._view.project
        is_known = bool(project.rows) and project.source == sheet.text
        is_known = is_known and project.is_dialogue == sheet.is_dialogue
        script = project.script if is_known else sheet.script()
        planner, planned = planner.plan(script, in_rows=is_known)
        with self._lock:
            self._planner, view = planner, self._view
            self.anchors = {}
            project = replace(view.project, is_dialogue=sheet.is_dialogue)
            if is_known and len(planned.rows) == len(project.rows):
                project = project.replanned(planned.rows)
            else:
                project = project.planned(
                    planned.rows, source=sheet.text, end_silence_s=planned.end_silence_s
                )
            self._show(replace(view, sheet=sheet, planned=planned, project=project, problem=None))

    def restore(
        self, sheet: Sheet, planner: ScriptPlanner, planned: PlannedScript, project: Project
    ) -> None:
        """Takes all that was kept of a script."""
        with self._lock:
            self._planner = planner
            self._show(replace(self._view, sheet=sheet, planned=planned, project=project))

    def copy(self, other: ScriptSession) -> None:
        """Takes what another script has now; from then on they go ways of their own.

        Its takes are shared, its whole is not: the first change is written under a new name.
        """
        theirs = other.view
        with self._lock:
            self._planner, self._voiced_by = other._planner, other._voiced_by
            project = replace(theirs.project.unwanted(), stem=None)
            self._show(replace(theirs, project=project, run=None, problem=None))

    def replan(self) -> None:
        """Plans the rows anew, each in its place: people were designed meanwhile.

        Raises:
            IntoneError: as `ScriptPlanner.plan`.
        """
        planner, script = self._planner, self._view.project.script
        assert planner is not None
        planner, planned = planner.plan(script, in_rows=True)
        with self._lock:
            self._planner = planner
            view = self._view
            if is_same(view.project.script, script):
                project = view.project.replanned(planned.rows)
                self._show(replace(view, project=project, planned=planned))

    # ---- the rows

    def change(self, change: Callable[[Project], Project]) -> None:
        """Replaces the project by what `change` makes of it; raises what it raises."""
        with self._lock:
            self._show(replace(self._view, project=change(self._view.project)))

    def rewrite(self, change: Callable[[Project], Project]) -> str:
        """Changes what the rows say or their order, and returns the script's text as it is now.

        Raises:
            IntoneError: what `change` raises; everything is as it was.
        """
        with self._lock:
            view = self._view
            project = change(view.project)
            source = script_source(project.script.pieces, dialogue=project.is_dialogue)
            sheet = None if view.sheet is None else replace(view.sheet, text=source)
            project = project.placed(source) if project.rows else replace(project, source="")
            self._show(replace(view, project=project, sheet=sheet))
        return source

    # ---- the run

    def begin(self, stop: Callable[[], None], doing: str) -> bool:
        """Begins a run, unless one is on; `stop` ends what it does within a frame."""
        with self._lock:
            if self._view.run is not None:
                return False
            self._stop = stop
            run = Run(began_s=monotonic(), doing=doing)
            self._show(replace(self._view, run=run, problem=None, remarks=()))
        return True

    def tell(self, change: Callable[[Run], Run]) -> None:
        """Says what the run does now."""
        with self._lock:
            view = self._view
            if view.run is not None:
                self._show(replace(view, run=change(view.run)))

    def remark(self, words: str) -> None:
        """Says what was done, or is to be known, where no row shows it."""
        with self._lock:
            self._show(replace(self._view, remarks=(*self._view.remarks, words)))

    def next_row(self) -> Row | None:
        """Returns the next row to be drawn, which is drawn from now on; None where none waits."""
        with self._lock:
            view = self._view
            run, row = view.run, view.project.next_wanted()
            if run is None or row is None or run.is_stopping:
                return None
            run = replace(run, row_id=row.id, again=0, doing="")
            self._show(replace(view, project=view.project.begun(row.id), run=run))
        return row

    def end_if_done(self) -> bool:
        """Ends the run where nothing waits any more, and says whether it did.

        Both are one step: a row that is wanted later begins a run of its own.
        """
        with self._lock:
            run = self._view.run
            if run is not None and self._view.project.next_wanted() and not run.is_stopping:
                return False
            self._show(self._ended())
            return True

    def end(self, problem: str | None = None) -> None:
        """Ends the run, if it is still on; what still waits waits no more."""
        with self._lock:
            if self._view.run is not None:
                self._show(replace(self._ended(), problem=problem))

    def stop(self) -> None:
        """Stops the run: its row ends within a frame, and what is done stays."""
        with self._lock:
            view, stop = self._view, self._stop
            if view.run is None:
                return
            run = replace(view.run, is_stopping=True)
            self._show(replace(view, project=view.project.unwanted(), run=run))
        if stop is not None:
            stop()

    # ---- the whole

    def voiced_by(self, model: ModelRecord, ear: str | None) -> None:
        """Says what speaks and what compares, for the record of the whole."""
        self._voiced_by = (model, ear)

    def set_loudness(self, target_lufs: float | None) -> None:
        """Sets the loudness of the whole; None leaves it as it is."""
        with self._lock:
            self._show(replace(self._view, loudness_lufs=target_lufs))

    def compile(self, record: Callable[[], ModelRecord] | None = None) -> None:
        """Joins the rows that are done, and writes them; what goes wrong is told in the view."""
        with self._compiling:
            view, whole, problem = self._view, None, None
            try:
                with self._stem_for(view.project) as project:
                    whole = compiled(project, self.folder, view.loudness_lufs)
                    if whole is not None and self._voiced_by is None and record is not None:
                        self._voiced_by = (record(), None)
                    if whole is not None and self._voiced_by is not None:
                        write_whole(whole, project, self.folder, *self._voiced_by)
            except IntoneError as error:
                problem = str(error)
            with self._lock:
                self._show(replace(self._view, whole=whole, whole_problem=problem))

    @contextmanager
    def _stem_for(self, project: Project) -> Iterator[Project]:
        """Yields the project with a name for its files, a new one for a copy of another script."""
        if project.stem is not None or all(row.take is None for row in project.rows):
            yield project
            return
        with self.folder.claimed(MODE) as stem:
            self.change(lambda now: replace(now, stem=stem))
            yield replace(project, stem=stem)

    def _ended(self) -> View:
        self._stop = None
        return replace(self._view, project=self._view.project.unwanted(), run=None)

    def _show(self, view: View) -> None:
        self._view = replace(view, version=self._view.version + 1)
