"""Checkpoints side by side: their figures, their takes of one sentence, what became of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

from intone.studio.parts.notes import problem
from intone.studio.parts.rows import empty
from intone.studio.parts.sounds import play_button
from intone.studio.training.desk import EvalTake, Evaluated, Listening, Promotion, Run
from intone.studio.training.views import shown_name, steps_view

Offer = Callable[[Path], str]
"""Returns the address of a file of sound."""

NO_CHECKPOINT = "No checkpoint yet: the first one comes when the run has made some steps."

_EXPLAINED = (
    "Like the speaker: 1 is the very voice; the recordings show what can be reached. Ended: takes "
    "that came to an end by themselves. Pace: 1 is the recordings' own. Score: all of it, higher "
    "is better."
)

_SHOWN_LISTENINGS = 8


def checkpoints_view(run: Run | None) -> str:
    """Returns the checkpoints of a run with all that was measured of them."""
    if run is None or not run.checkpoints:
        return empty(NO_CHECKPOINT)
    measured = {each.name: each for each in run.evaluated}
    losses = {each.name: each.loss for each in run.checkpoints}
    best = next((each.name for each in run.checkpoints if each.is_best), None)
    names = [name for name in ("recordings", "base") if name in measured] + list(losses)
    rows = "".join(
        _row(name, losses.get(name), measured.get(name), is_best=name == best) for name in names
    )
    heads = ("Checkpoint", "Validation loss", "Like the speaker", "Ended", "Pace", "Score")
    head = "".join(f"<th>{each}</th>" for each in heads)
    return (
        f'<table class="intone-rows"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        f'<p class="told">{_EXPLAINED}</p>'
    )


def _row(name: str, loss: float | None, found: Evaluated | None, *, is_best: bool) -> str:
    mark = ' <span class="intone-best">best</span>' if is_best else ""
    cells = (
        ("Validation loss", _number(loss if loss is not None or found is None else found.loss)),
        ("Like the speaker", _number(found.similarity if found else None)),
        ("Ended", "–" if found is None else f"{100 * found.ended:.0f} %"),
        ("Pace", "–" if found is None else f"{found.pace:.2f}"),
        ("Score", _number(found.score if found else None)),
    )
    values = "".join(f'<td class="number" data-label="{k}">{v}</td>' for k, v in cells)
    return f"<tr><td><strong>{escape(shown_name(name))}</strong>{mark}</td>{values}</tr>"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def held_out_view(run: Run | None, offer: Offer) -> str:
    """Returns the held-out sentences, each as every checkpoint said it, with the same seed."""
    takes = _by_sentence(run.evaluated if run is not None else ())
    if not takes:
        return empty("The last stage of a run lets every checkpoint say sentences it never saw.")
    cards = "".join(
        f'<div class="intone-card"><p>{escape(text)}</p><div class="buttons">'
        + "".join(_held_out_button(name, take, offer) for name, take in said)
        + "</div></div>"
        for text, said in takes
    )
    return f'<div class="intone-cards">{cards}</div>'


def _by_sentence(
    evaluated: Sequence[Evaluated],
) -> list[tuple[str, list[tuple[str, EvalTake]]]]:
    found: dict[str, list[tuple[str, EvalTake]]] = {}
    for each in evaluated:
        for take in each.takes:
            found.setdefault(take.text, []).append((each.name, take))
    return list(found.items())


def _held_out_button(name: str, take: EvalTake, offer: Offer) -> str:
    shown = shown_name(name)
    end = "" if take.ended else " (no end)"
    return play_button(offer(take.path), f"{shown}{end}: {take.text[:60]}", f"{shown}{end}")


def listenings_view(run: Run | None, offer: Offer) -> str:
    """Returns the sentences that were said on purpose, newest first, checkpoints side by side."""
    if run is None or not run.listenings:
        return empty("Nothing compared yet: write a sentence, choose two checkpoints, say it.")
    shown = "".join(_listening(each, offer) for each in run.listenings[:_SHOWN_LISTENINGS])
    more = len(run.listenings) - _SHOWN_LISTENINGS
    return shown + (f'<p class="told">and {more} older ones.</p>' if more > 0 else "")


def _listening(listening: Listening, offer: Offer) -> str:
    cards = "".join(
        f'<div class="intone-card"><p><strong>{escape(shown_name(sample.checkpoint))}</strong></p>'
        + (
            play_button(
                offer(sample.path), f"{shown_name(sample.checkpoint)}: {listening.text[:60]}"
            )
            if sample.path is not None
            else f'<p class="told">{_waiting(listening)}</p>'
        )
        + "</div>"
        for sample in listening.samples
    )
    steps = steps_view(listening.job) if listening.job.is_active else ""
    told = problem(listening.job.problem) if listening.job.problem else ""
    return (
        f'<section class="intone-heard"><p>“{escape(listening.text)}” '
        f'<span class="told">seed {listening.seed}, {escape(listening.speaker)}</span></p>'
        f'<div class="intone-cards">{cards}</div>{steps}{told}</section>'
    )


def _waiting(listening: Listening) -> str:
    return "is being said" if listening.job.is_active else "was not said"


def promotions_view(run: Run | None) -> str:
    """Returns the voices that checkpoints became."""
    return "".join(_promotion(each) for each in (run.promotions if run is not None else ()))


def _promotion(promotion: Promotion) -> str:
    said = f"{escape(promotion.voice)}, from {escape(shown_name(promotion.checkpoint))}"
    if promotion.job.state == "done":
        return (
            f'<p class="intone-note good" role="status">{said}: a voice of yours now. Choose it '
            f'under Speak. <span class="told">Model: {escape(str(promotion.model))}</span></p>'
        )
    told = problem(promotion.job.problem) if promotion.job.problem else ""
    return f"<p>{said}</p>{steps_view(promotion.job)}{told}"
