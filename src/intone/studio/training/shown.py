"""Everything that the Train tab shows, by component; and of that, what a page does not show yet."""

from __future__ import annotations

from typing import Any

import gradio as gr

from intone.studio.parts.events import Updates
from intone.studio.parts.rows import empty
from intone.studio.training.checkpoints_view import (
    Offer,
    checkpoints_view,
    held_out_view,
    listenings_view,
    promotions_view,
)
from intone.studio.training.curve_view import codebook_pictures, loss_picture
from intone.studio.training.fields import TrainFields
from intone.studio.training.overview import Choice, Overview, is_at_work, suggested_name
from intone.studio.training.views import dataset_view, log_view, run_view

Seen = dict[str, int]
"""What a page shows by now: a hash for each component."""


def shown(fields: TrainFields, now: Overview, plan: str, offer: Offer) -> Updates:
    """Returns the value of every component that is not the user's own.

    Args:
        plan: the words about the run that would be started.
        offer: gives a file of sound an address.
    """
    return (
        _choices(fields, now)
        | _dataset(fields, now)
        | {fields.start.plan: plan}
        | _run(fields, now)
        | _listen(fields, now, offer)
    )


def _choices(fields: TrainFields, now: Overview) -> Updates:
    listen = fields.listen
    return {
        fields.check.chosen: _choice(now.datasets, now.chosen.dataset),
        fields.run.chosen: _choice(now.runs, now.chosen.run),
        fields.start.base: _choice(now.bases, now.chosen.base),
        listen.first: _choice(now.checkpoints, now.chosen.first),
        listen.second: _choice(now.checkpoints, now.chosen.second),
        listen.kept: _choice(now.checkpoints, now.chosen.kept),
    }


def _dataset(fields: TrainFields, now: Overview) -> Updates:
    check, start = fields.check, fields.start
    is_idle = now.dataset is not None and not now.dataset.job.is_active
    return {
        check.verdict: dataset_view(now.dataset),
        check.remove: gr.update(interactive=is_idle),
        start.name: gr.update(placeholder=_next_name(now)),
    }


def _run(fields: TrainFields, now: Overview) -> Updates:
    run, found = fields.run, now.run
    job = None if found is None else found.job
    is_busy = is_at_work(found)
    can_go_on = job is not None and job.state in ("stopped", "failed")
    training = next((step for step in job.steps if step.name == "run"), None) if job else None
    total = training.total if training is not None else None
    return {
        run.state: run_view(found, now.curves),
        run.curve: loss_picture(now.curves, total),
        run.codebooks: codebook_pictures(now.curves.codebooks)
        or empty("There is a curve for each after the first checkpoint."),
        run.log: log_view(job),
        run.stop: gr.update(interactive=is_busy),
        run.resume: gr.update(interactive=can_go_on),
        run.remove: gr.update(interactive=found is not None and not is_busy),
    }


def _listen(fields: TrainFields, now: Overview, offer: Offer) -> Updates:
    listen = fields.listen
    return {
        listen.table: checkpoints_view(now.run),
        listen.heard: listenings_view(now.run, offer),
        listen.held_out: held_out_view(now.run, offer),
        listen.voices: promotions_view(now.run),
    }


def _choice(choices: tuple[Choice, ...], value: str | None) -> Any:
    return gr.update(choices=list(choices), value=value)


def _next_name(now: Overview) -> str:
    return suggested_name(now.chosen.dataset, {run_id for _, run_id in now.runs})


def hashes(shown: Updates) -> Seen:
    """Returns what `changed` compares with, the next time."""
    return {str(component._id): hash(repr(value)) for component, value in shown.items()}


def changed(shown: Updates, seen: Seen) -> Updates:
    """Returns the updates that the page does not show yet."""
    now = hashes(shown)
    return {
        component: value
        for component, value in shown.items()
        if seen.get(str(component._id)) != now[str(component._id)]
    }
