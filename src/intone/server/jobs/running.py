"""One start of one job, and what follows from how it ended."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from intone.core.errors import IntoneError
from intone.render.book import Progress
from intone.render.book_store import FinishedPiece
from intone.render.identity import Library
from intone.server.background import BackgroundModel
from intone.server.errors import internal_error
from intone.server.jobs.job import Job
from intone.server.jobs.outcome import job_problem, keep_end
from intone.server.jobs.planning import JobPlan
from intone.server.jobs.rendering import Reporter, run_job
from intone.server.jobs.store import JobStore

_LOG = logging.getLogger("intone.server.jobs")


@dataclass(frozen=True, slots=True, eq=False)
class RunningJob:
    """A claimed job and the model that draws it."""

    job: Job
    folder: Path
    model: BackgroundModel
    library: Library
    fingerprint: Callable[[str], str]
    """Of a model's weights, by its name."""
    store: JobStore
    told: Callable[[str], None]
    """Is called with the job's id when there is something new in the store; from any thread."""

    def run(self) -> None:
        """Runs the job to its end or to an error, and keeps which; on a worker's thread."""
        job_id, order = self.job.id, self.job.order
        try:
            result = run_job(
                order,
                self.folder,
                self.model,
                self.library,
                self.fingerprint(order.model),
                Reporter(begun=self._begun, segment=self._segment, check=self.model.check),
            )
        except IntoneError as error:
            keep_end(self.store, job_id, error)
        else:
            self.store.finish(job_id, result)
        self.told(job_id)

    def crashed(self, error: BaseException) -> None:
        """Fails a job whose code broke; nothing else may end with it."""
        _LOG.error("job %s failed by itself", self.job.id, exc_info=error)
        self.store.fail(self.job.id, job_problem(internal_error()))
        self.told(self.job.id)

    def _begun(self, finished: Sequence[FinishedPiece], plan: JobPlan) -> None:
        self._catch_up(finished)
        self.store.set_progress(
            self.job.id,
            num_done=len(finished),
            num_pieces=plan.num_pieces,
            audio_s=sum(piece.duration_s for piece in finished),
            is_piece=False,
        )
        told = {
            "num_done": len(finished),
            "num_pieces": plan.num_pieces,
            "expected_s": round(plan.expected_s, 1),
            "notes": list(plan.notes),
        }
        self.store.append(self.job.id, "progress", told)
        self.told(self.job.id)

    def _catch_up(self, finished: Sequence[FinishedPiece]) -> None:
        """Tells of pieces that were kept just before the last process ended."""
        known = self.store.told_pieces(self.job.id)
        for piece in finished:
            if (piece.chapter, piece.index) not in known:
                self.store.append(self.job.id, "segment", _told(piece))

    def _segment(self, step: Progress, audio_s: float) -> None:
        self.store.set_progress(
            self.job.id,
            num_done=step.num_done,
            num_pieces=step.num_pieces,
            audio_s=audio_s,
            is_piece=True,
        )
        left_s = step.remaining_s
        self.store.append(
            self.job.id,
            "segment",
            _told(step.finished)
            | {
                "num_done": step.num_done,
                "num_pieces": step.num_pieces,
                "remaining_s": None if left_s is None else round(left_s, 1),
            },
        )
        self.told(self.job.id)


def _told(piece: FinishedPiece) -> dict[str, object]:
    return {
        "chapter": piece.chapter,
        "index": piece.index,
        "duration_s": round(piece.duration_s, 3),
        "seed": piece.seed,
        "finish_reason": piece.finish_reason,
        "num_draws": piece.num_draws,
        "note": piece.note,
    }
