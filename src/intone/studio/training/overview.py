"""What the Train tab shows at one moment: what is chosen, what else is there, what is at work."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from intone.core.errors import IntoneError
from intone.studio.training.desk import Curves, Dataset, Run, RunPlan, TrainingDesk
from intone.studio.training.views import clock, counted, shown_name, state_words

Choice = tuple[str, str]
"""What is shown, and what it stands for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What the page has chosen; None or gone where it has not."""

    dataset: str | None = None
    run: str | None = None
    base: str | None = None
    first: str | None = None
    second: str | None = None
    kept: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Everything that is shown, and the choices that are left of what was chosen."""

    datasets: tuple[Choice, ...]
    runs: tuple[Choice, ...]
    bases: tuple[Choice, ...]
    checkpoints: tuple[Choice, ...]
    chosen: Chosen
    dataset: Dataset | None
    run: Run | None
    curves: Curves

    @property
    def is_active(self) -> bool:
        """Whether something that is shown is at work."""
        return (self.dataset is not None and self.dataset.job.is_active) or is_at_work(self.run)


def is_at_work(run: Run | None) -> bool:
    """Whether a run, or one of its listenings or promotions, is at work."""
    if run is None:
        return False
    jobs = [run.job, *(each.job for each in run.listenings), *(each.job for each in run.promotions)]
    return any(job.is_active for job in jobs)


def overview(desk: TrainingDesk, wanted: Chosen) -> Overview:
    """Returns what is there; what was chosen and is gone gives way to the newest."""
    datasets, runs, bases = desk.datasets(), desk.runs(), desk.bases()
    dataset_id = _still(wanted.dataset, [each.id for each in datasets])
    run_id = _still(wanted.run, [each.id for each in runs])
    run = None if run_id is None else desk.run(run_id)
    names = [each.name for each in run.checkpoints] if run is not None else []
    best = next((each.name for each in run.checkpoints if each.is_best), None) if run else None
    first = _still(wanted.first, names)
    chosen = Chosen(
        dataset=dataset_id,
        run=run_id,
        base=_still(wanted.base, [each.name for each in bases]),
        first=first,
        second=_still(wanted.second, _others(names, best, first)),
        kept=_still(wanted.kept, [best, *names] if best is not None else names),
    )
    return Overview(
        datasets=tuple((_dataset_words(each), each.id) for each in datasets),
        runs=tuple((f"{each.id} · {state_words(each.job)}", each.id) for each in runs),
        bases=tuple((f"{each.name} ({each.size} {each.kind})", each.name) for each in bases),
        checkpoints=tuple((_checkpoint_words(name, best), name) for name in names),
        chosen=chosen,
        dataset=next((each for each in datasets if each.id == dataset_id), None),
        run=run,
        curves=Curves() if run_id is None else desk.curves(run_id),
    )


def _still(wanted: str | None, there: Sequence[str]) -> str | None:
    if wanted in there:
        return wanted
    return there[0] if there else None


def _others(names: Sequence[str], best: str | None, first: str | None) -> list[str]:
    """Returns what is worth comparing with `first`: the best, else the newest."""
    wanted = [best, *reversed(names)] if best is not None else [*reversed(names)]
    return [name for name in wanted if name != first] or list(names)


def _dataset_words(dataset: Dataset) -> str:
    if dataset.verdict is None:
        return f"{dataset.id} · {state_words(dataset.job)}"
    verdict = dataset.verdict
    return f"{dataset.id} · {counted(verdict.num_kept, 'clip')}, {clock(verdict.kept_total_s)}"


def _checkpoint_words(name: str, best: str | None) -> str:
    return shown_name(name) + (" (best)" if name == best else "")


def suggested_name(dataset: str | None, taken: Collection[str]) -> str:
    """Returns a name for the next run on a dataset."""
    if not dataset:
        return "nora-1"
    numbers = (f"{dataset}-{i}" for i in range(1, len(taken) + 2))
    return next(name for name in numbers if name not in taken)


def plan_words(plan: RunPlan, available_bytes: int | None) -> tuple[str, bool]:
    """Returns what a run will be, and whether it fits into the memory that is free."""
    fits = available_bytes is None or plan.memory_bytes <= available_bytes
    free = "" if available_bytes is None else f"; {available_bytes / 1e9:.1f} GB are free here"
    held_out = "" if plan.evaluates else " No sentence is held out, so nothing can be measured."
    words = (
        f"about {counted(plan.num_steps, 'step')}, a checkpoint every {plan.save_every}. Memory: "
        f"{plan.memory_bytes / 1e9:.1f} GB besides activations{free}.{held_out}"
    )
    return words if fits else f"{words} It may not fit: choose LoRA, or a smaller model.", fits


def problem_of(error: IntoneError) -> str:
    """Returns an error's words without options of commands that this page does not have."""
    return str(error).replace(" --force replaces it.", "")
