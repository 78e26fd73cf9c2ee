"""The contestants' turns, and what of the machine is measured around them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path

from intone.bench.bystanders import ProcessorTime
from intone.bench.contestant import Contestant
from intone.bench.floors import Floors, FrameWork
from intone.bench.job import BenchJob
from intone.bench.machine import Machine
from intone.bench.rates import Rates
from intone.bench.report import Report


def measure(
    job: BenchJob, contestants: Sequence[Contestant], num_takes: int, *, with_floors: bool
) -> Report:
    """Lets the contestants take turns, one take to warm up and `num_takes` that count."""
    machine = Machine.here()
    rates = Rates.measured(job.threads) if with_floors else None
    before = ProcessorTime.now()
    with ExitStack() as stack:
        for contestant in contestants:
            stack.enter_context(contestant)
        for _ in range(1 + num_takes):
            for contestant in contestants:
                contestant.take()
        figures = {contestant.name: contestant.figures() for contestant in contestants}
    after = ProcessorTime.now()  # the contestants have ended: their time is known
    return Report(
        job=job,
        machine=machine,
        date=date.today().isoformat(),
        num_takes=num_takes,
        figures=figures,
        other_cpus=before.others_until(after) if before and after else None,
        floors=None if rates is None else _floors(job, rates, figures[contestants[0].name].dtype),
    )


def _floors(job: BenchJob, before: Rates, dtype: str) -> Floors:
    """The machine's rates move with its neighbours: the best of before and after counts."""
    rates = before.best(Rates.measured(job.threads))
    return Floors.of(FrameWork.of(Path(job.model)), rates, dtype, job.num_streams)
