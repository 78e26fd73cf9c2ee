"""What the Train tab shows of recordings and runs, as HTML; words from elsewhere are escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from intone.studio.parts.notes import hint, problem
from intone.studio.parts.rows import empty
from intone.studio.training.curve_view import duration_picture
from intone.studio.training.desk import Curves, Dataset, Job, Run, Share, Step, Verdict

NO_DATASET = (
    "No recordings yet: give a folder of clips with a text beside each (a.wav, a.txt). Ten minutes "
    "of clean speech make a recognisable voice, an hour a good one."
)
NO_RUN = "No run yet: check some recordings, then start training."

_STEP_TITLES: Mapping[str, str] = {
    "check": "Check the recordings",
    "encode": "Encode: clips become codec frames",
    "run": "Train",
    "eval": "Let every checkpoint speak",
    "export": "Write the model",
    "keep the voice": "Keep the voice",
}

_STATES: Mapping[str, str] = {
    "running": "at work",
    "stopping": "stopping: a last checkpoint is written",
    "done": "finished",
    "stopped": "stopped",
    "failed": "did not work",
}

_STEP_STATES: Mapping[str, str] = {**_STATES, "waiting": "waits"}

_NAMES = {"recordings": "the recordings", "base": "before training (cloned)"}

_DOINGS: Mapping[str, str] = {"open": "Open", "speak": "Say it with"}
"""Of a listening: "open step-000100"."""

_SHOWN_REFUSALS = 12

_REASONS: Mapping[str, str] = {
    "malformed_row": "rows that cannot be read",
    "empty_text": "without words",
    "missing_audio": "texts without a clip",
    "undecodable_audio": "no sound in the file",
    "too_short": "too short",
    "too_long": "too long",
    "silent": "silent",
    "clipped": "too loud: clipped",
    "noisy": "noisy",
    "low_rate": "telephone quality",
    "chars_per_second": "text and clip do not match",
    "duplicate_audio": "the same sound twice",
    "duplicate_text": "the same words twice",
    "leak": "held-out words in training",
}


def clock(seconds: float) -> str:
    """Returns "1:02:03" or "2:03"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def shown_name(name: str) -> str:
    """Returns a checkpoint's name as people read it: "step 100"."""
    kind, _, number = name.partition("-")
    return f"step {int(number)}" if kind == "step" and number.isdigit() else _NAMES.get(name, name)


def _title(stage: str) -> str:
    doing, _, checkpoint = stage.partition(" ")
    if doing in _DOINGS and checkpoint:
        return f"{_DOINGS[doing]} {shown_name(checkpoint)}"
    return _STEP_TITLES.get(stage, stage.capitalize())


def counted(number: int, noun: str) -> str:
    """Returns "1 clip" or "2 clips"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def state_words(job: Job) -> str:
    """Returns how a job stands, in words."""
    return _STATES[job.state]


def steps_view(job: Job) -> str:
    """Returns the stages of a job, with how far the one at work is."""
    rows = "".join(_step(step) for step in job.steps)
    return f'<ol class="intone-steps" aria-label="Stages">{rows}</ol>'


def _step(step: Step) -> str:
    title = escape(_title(step.name))
    wall = "" if step.wall_s is None else f" · {clock(step.wall_s)}"
    told = escape(step.note) if step.note else _STEP_STATES[step.state] + wall
    bar = ""
    if step.state == "running" and step.done is not None and step.total:
        share = 100 * min(1.0, step.done / step.total)
        bar = (
            f'<span class="intone-bar" role="progressbar" aria-valuenow="{share:.0f}" '
            f'aria-valuemin="0" aria-valuemax="100" aria-label="{title}">'
            f'<span style="width:{share:.1f}%"></span></span>'
        )
    return (
        f'<li class="{step.state}"><span class="title">{title}</span>'
        f'<span class="told">{told}</span>{bar}</li>'
    )


def dataset_view(dataset: Dataset | None) -> str:
    """Returns a dataset's verdict, or how far its check is."""
    if dataset is None:
        return empty(NO_DATASET)
    head = (
        f'<p class="intone-source">{escape(dataset.source)} · {escape(dataset.speaker)}, '
        f"{escape(dataset.language)}</p>"
    )
    if dataset.verdict is None:
        told = steps_view(dataset.job)
        failed = dataset.job.problem if not dataset.job.is_active else None
        return head + told + (problem(failed) if failed else "")
    return head + _verdict(dataset.verdict, dataset.left_out)


def _verdict(verdict: Verdict, left_out: tuple[str, ...]) -> str:
    refused = verdict.num_read - verdict.num_kept
    parts = [
        figures(
            {
                "good": f"{verdict.num_kept} of {counted(verdict.num_read, 'clip')}",
                "refused": str(refused),
                "speech": clock(verdict.kept_total_s),
                "to train on": _share(verdict.splits.get("train")),
                "held out": _share(verdict.splits.get("validation")),
            }
        ),
        problem("nothing is left to train on.") if not verdict.num_kept else "",
        duration_picture(verdict.kept_s, verdict.refused_s),
        *(hint(note) for note in _notes(verdict, left_out)),
        _refused(verdict),
    ]
    return "".join(parts)


def _notes(verdict: Verdict, left_out: tuple[str, ...]) -> Iterable[str]:
    yield from verdict.notes
    if len(verdict.speakers) > 1:
        yield f"{len(verdict.speakers)} speakers: {', '.join(verdict.speakers)}."
    if verdict.kept_total_s < 600 and verdict.num_kept:
        yield "less than ten minutes of speech: the voice will be recognisable at best."
    if left_out:
        yield (
            f"left out of the archive, neither sound nor text: {', '.join(left_out[:5])}"
            + (f" and {len(left_out) - 5} more" if len(left_out) > 5 else "")
        )


def _refused(verdict: Verdict) -> str:
    if not verdict.refused_by_code:
        return ""
    counts = "".join(
        f"<li><strong>{count}</strong> {escape(_REASONS.get(code, code))}</li>"
        for code, count in verdict.refused_by_code.items()
    )
    rows = "".join(
        f'<tr><td data-label="Clip">{escape(each.id)}</td>'
        f'<td data-label="Why">{escape(each.reason)}</td></tr>'
        for each in verdict.refusals[:_SHOWN_REFUSALS]
    )
    more = sum(verdict.refused_by_code.values()) - min(_SHOWN_REFUSALS, len(verdict.refusals))
    rest = f"<p>and {more} more.</p>" if more > 0 else ""
    return (
        f'<ul class="intone-reasons">{counts}</ul><details><summary>Which clips, and why</summary>'
        '<table class="intone-rows"><thead><tr><th>Clip</th><th>Why</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>{rest}</details>"
    )


def _share(share: Share | None) -> str:
    return "none" if share is None else f"{counted(share.rows, 'clip')}, {clock(share.seconds)}"


def figures(values: Mapping[str, str]) -> str:
    """Returns named figures in a row."""
    cells = "".join(
        f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in values.items()
    )
    return f'<dl class="intone-figures">{cells}</dl>'


def run_view(run: Run | None, curves: Curves) -> str:
    """Returns how far a run is, its pace, and what it said."""
    if run is None:
        return empty(NO_RUN)
    told = run.job.problem if not run.job.is_active else None
    return "".join(
        (
            f'<p class="intone-source">{escape(run.dataset)} on {escape(run.base)} · '
            f"{escape(run.preset)}, {run.epochs} epochs, learning rate ×"
            f"{run.learning_rate_scale:g} · {_STATES[run.job.state]}</p>",
            steps_view(run.job),
            figures(_run_figures(run, curves)) if curves.train else "",
            problem(_advice(told)) if told else "",
            *(_remark(line) for line in run.remarks),
        )
    )


def _run_figures(run: Run, curves: Curves) -> dict[str, str]:
    values = {"steps": str(curves.train[-1].step), "loss": f"{curves.train[-1].loss:.3f}"}
    if curves.validation:
        best = min(point.loss for point in curves.validation)
        values["validation loss"] = f"{curves.validation[0].loss:.3f} → {best:.3f}"
    if curves.ends_right is not None:
        values["ends right"] = f"{100 * curves.ends_right:.0f} %"
    if curves.frames_per_s is not None:
        values["pace"] = f"{curves.frames_per_s:.0f} frames/s"
    if curves.peak_memory_bytes is not None:
        values["memory"] = f"{curves.peak_memory_bytes / 1e9:.1f} GB"
    return values


def _remark(line: str) -> str:
    if line.startswith("warning: "):
        return problem(line.removeprefix("warning: "))
    return hint(line)


def _advice(told: str) -> str:
    """Returns an error with the next step on this page, where it names an option of a command."""
    if "--learning-rate-scale" in told or "no number" in told:
        return f"{told} On this page: start another run with a smaller learning-rate scale."
    return told


def log_view(job: Job | None) -> str:
    """Returns the last lines that the stages printed."""
    if job is None or not job.lines:
        return empty("Nothing was printed yet.")
    return f'<pre class="intone-log" tabindex="0">{escape(chr(10).join(job.lines[-60:]))}</pre>'
