"""Draws the rows of a session that wait, in a thread of its own, until none waits any more.

Rows may be added, moved and edited meanwhile. A row that cannot be spoken says why, and the next
one is drawn; what stops everything (the model cannot be loaded, the disk is full) is told once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

from intone.core.errors import EngineStoppedError, IntoneError, RequestError
from intone.render.drawing import DrawnSegment
from intone.render.ear import Ear
from intone.render.identity import Identity
from intone.render.pinning import pin, undesigned
from intone.render.plan import ScriptPlan
from intone.render.recording import drawn_record
from intone.render.script import ScriptRenderer
from intone.render.sidecar import ModelRecord
from intone.studio.desk import ThreadModel
from intone.studio.script.rows import Row, Take
from intone.studio.script.session import ScriptSession
from intone.studio.script.whole import MODE
from intone.voices.library import VoiceLibrary

_FAULT = "drawing ended by a fault of the studio; its log says more. Press Render again."

KeepProject = Callable[[], None]
"""Writes down how the session stands, so that it outlives the process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a run draws with."""

    speaker: ThreadModel
    open_designer: Callable[[], ThreadModel] | None
    """Opens a model that designs, which is closed after every person; None: there is none here."""
    ear: Ear | None
    model: Callable[[], ModelRecord]
    """What records say of the speaker; the first time it reads its weights."""
    library: VoiceLibrary


@dataclass(slots=True, kw_only=True)
class RowDrawer:
    """One run. `run` is for a thread; the session says how far it is."""

    session: ScriptSession
    tools: Tools
    keep: KeepProject
    _claim: ExitStack = field(default_factory=ExitStack)
    _designer: ThreadModel | None = None

    def stop(self) -> None:
        """Ends what runs now, a take within a frame."""
        self.tools.speaker.stop()
        if self._designer is not None:
            self._designer.stop()

    def run(self) -> None:
        """Draws until nothing waits; what goes wrong is told in the session."""
        session, tools = self.session, self.tools
        problem: str | None = _FAULT
        try:
            session.voiced_by(tools.model(), None if tools.ear is None else tools.ear.name)
            while True:
                self._draw_all()
                self._join()
                if session.end_if_done():
                    return
        except EngineStoppedError as error:
            run = session.view.run
            problem = None if run is not None and run.is_stopping else str(error)
            self._join()
        except IntoneError as error:
            problem = str(error)
            self._join()
        finally:
            session.end(problem)

    def _join(self) -> None:
        self._claim.close()  # the files of the script hold its name by now
        self.session.tell(lambda run: replace(run, row_id=None))
        with self._told("joining the rows"):
            self.session.compile()
        self.keep()

    def _draw_all(self) -> None:
        while (row := self.session.next_row()) is not None:
            try:
                take = self._draw(row)
            except RequestError as error:
                self._fail(row, str(error))
                continue
            if take is not None:
                self._keep(row, take)

    def _draw(self, row: Row) -> Take | None:
        """Returns the next take of a row; None where it was stopped.

        Raises:
            RequestError: this row cannot be spoken.
            IntoneError: nothing can.
        """
        if row.planned.plan.route == "anchor":
            self._design()
        project = self.session.view.project
        row, request = project.row(row.id), project.request(row.id)
        plan = ScriptPlan(
            segments=(replace(row.planned.plan, index=row.number, request=request),),
            identities={row.planned.identity.name: row.planned.identity},
            seed=project.seed,
        )
        renderer = ScriptRenderer(
            plan,
            self.tools.speaker,
            self.tools.ear,
            anchors=self.session.anchors,
            tell_again=lambda n: self.session.tell(lambda run: replace(run, again=n)),
        )
        drawn = renderer.render_segment(0)
        if drawn.audio.finish_reason == "cancelled":
            return None
        return self._written(row, drawn, asked_seed=request.seed or 0)

    def _written(self, row: Row, drawn: DrawnSegment, *, asked_seed: int) -> Take:
        stem, number = self._stem(), len(row.takes) + 1
        name = f"{stem}.{row.number + 1:03}" + (f".{number}" if number > 1 else "")
        audio = drawn.audio
        record = drawn_record(
            drawn,
            mode=MODE,
            identity=row.planned.identity,
            library=self.tools.library,
            model=self.tools.model(),
        )
        self.session.folder.write(name, audio.samples, audio.sample_rate_hz, record)
        return Take(
            name=name,
            number=number,
            key=row.planned.key,
            asked_seed=asked_seed,
            seed=audio.seed,
            duration_s=audio.duration_s,
            similarity=drawn.similarity,
            finish_reason=audio.finish_reason,
            num_draws=drawn.num_draws,
            notes=drawn.notes,
        )

    def _stem(self) -> str:
        """Returns what all files of the script begin with; nobody else gets it meanwhile."""
        stem = self.session.view.project.stem
        if stem is None:
            stem = self._claim.enter_context(self.session.folder.claimed(MODE))
            self.session.change(lambda project: replace(project, stem=stem))
        return stem

    def _keep(self, row: Row, take: Take) -> None:
        self.session.change(lambda project: project.drawn(row.id, take))
        expected_s = row.planned.plan.expected_s
        self.session.tell(
            lambda run: replace(
                run,
                row_id=None,
                num_done=run.num_done + 1,
                expected_done_s=run.expected_done_s + expected_s,
            )
        )
        self.keep()

    def _fail(self, row: Row, problem: str) -> None:
        self.session.change(lambda project: project.failed(row.id, problem))
        self.session.tell(lambda run: replace(run, row_id=None, num_done=run.num_done + 1))

    # ---- people who are only described

    def _design(self) -> None:
        """Designs everybody who is still open, and plans the rows with their voices."""
        planner, project = self.session.planner, self.session.view.project
        assert planner is not None
        _, planned = planner.plan(project.script, in_rows=True)
        for who in undesigned(planned.plan, planner.can):
            with self._told(f"designing {who.name!r}"):
                self._pin(who, planned.plan)
        self.session.replan()

    def _pin(self, who: Identity, plan: ScriptPlan) -> None:
        planner = self.session.planner
        assert planner is not None
        order = planner.order(who, plan)
        pinned = pin(order, self.tools.library, self._open_designer, self.tools.speaker)
        origin = f"designed in {pinned.num_takes} takes" if pinned.num_takes else "kept before"
        self.session.remark(f"{who.name!r} is now the voice {pinned.voice.name} ({origin}).")
        for note in pinned.notes:
            self.session.remark(note)

    def _open_designer(self) -> ThreadModel:
        assert self.tools.open_designer is not None, "the planner refuses what nobody can design"
        self._designer = self.tools.open_designer()
        run = self.session.view.run
        if run is None or run.is_stopping:
            self._designer.stop()
        return self._designer

    @contextmanager
    def _told(self, doing: str) -> Iterator[None]:
        self.session.tell(lambda run: replace(run, doing=doing))
        yield
        self.session.tell(lambda run: replace(run, doing=""))
