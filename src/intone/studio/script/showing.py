"""The rows of a script as HTML: what is planned, drawn, done and failed, and what can be done."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from intone.studio.parts.rows import button, empty
from intone.studio.parts.sounds import play_button
from intone.studio.script.rows import Row, RowState, Take
from intone.studio.script.view import Run, View

SoundOf = Callable[[Take], str]
"""Returns the address of a take."""

NO_ROWS = (
    "No rows yet: write a script above, or click a sample, and press Check to see its rows, "
    "or Render to hear them."
)

_STATES: dict[RowState, str] = {
    "planned": "to draw",
    "waiting": "waiting",
    "drawing": "drawing",
    "done": "done",
    "failed": "failed",
}


def rows_html(view: View, sound_of: SoundOf) -> str:
    """Returns the list; rows keep their order on the page and their names in `data-row`."""
    if not view.project.rows:
        return empty(NO_ROWS)
    rows = view.project.rows
    items = "".join(
        _row(row, index, len(rows), view.run, sound_of) for index, row in enumerate(rows)
    )
    live = "1" if view.run is not None else "0"
    return f'<ol class="script-rows" data-live="{live}" aria-label="Rows">{items}</ol>'


def status_html(view: View, now_s: float) -> str:
    """Returns how far a run is, and what came of it; empty where there is nothing to say."""
    run = view.run
    if run is None:
        return _over(view)
    total = run.num_done + view.num_waiting
    place = min(run.num_done + 1, total)
    words = [run.doing] if run.doing else [f"segment {place} of {total}"]
    left_s = view.left_s(now_s)
    if run.is_stopping:
        words = ["stopping"]
    elif left_s is not None and left_s >= 1:
        words.append(f"about {_seconds(left_s)} left")
    share = 100 * run.num_done / total if total else 0
    line = " · ".join(words)
    line = escape(line[:1].upper() + line[1:])
    return (
        f'<div class="script-status script-filled"><p role="status">{line}</p>'
        f'<div class="intone-bar" role="progressbar" aria-label="Rows drawn" aria-valuemin="0" '
        f'aria-valuemax="{total}" aria-valuenow="{run.num_done}">'
        f'<span style="width:{share:.0f}%"></span></div></div>'
    )


def _over(view: View) -> str:
    remarks = "".join(
        f'<p class="intone-note hint script-filled" role="status">{escape(one)}</p>'
        for one in view.remarks
    )
    return remarks


def _row(row: Row, index: int, num_rows: int, run: Run | None, sound_of: SoundOf) -> str:
    drawing = None if run is None else run.row_id
    state, take, name = row.state(drawing), row.take, f"row {index + 1}"
    heard = "" if take is None else f' data-take="{escape(sound_of(take))}"'
    plan = row.planned.plan
    voice = plan.identity or "first voice of the model"
    who = f"{plan.speaker} ({voice})" if plan.speaker else voice
    mood = f'<span class="mood">{escape(plan.mood)}</span>' if plan.mood else ""
    return (
        f'<li class="script-row {state}" data-row="{row.id}"{heard} data-label="{escape(name)}">'
        f'<div class="head"><span class="place">{index + 1}</span>'
        f'<span class="who" title="{escape(who)}">{escape(who)}</span>{mood}'
        f'<span class="state">{escape(_state(state, run, take))}</span></div>'
        f'<p class="text">{escape(plan.text)}</p>{_figures(row, take)}{_problems(row)}'
        f"{_takes(row, name, sound_of)}"
        f'<div class="buttons">{_buttons(row, state, index, num_rows, name, sound_of)}</div></li>'
    )


def _state(state: RowState, run: Run | None, take: Take | None) -> str:
    if state == "drawing" and run is not None and run.again:
        return f"again {run.again}"
    if state == "done" and take is not None and take.num_draws > 1:
        return f"done, drawn {take.num_draws} times"
    return _STATES[state]


def _figures(row: Row, take: Take | None) -> str:
    if take is None:
        return f'<p class="figures">about {row.planned.plan.expected_s:.1f} s{_pinned(row)}</p>'
    likeness = "" if take.similarity is None else f"<b>{take.similarity:.2f}</b> similar · "
    end = "" if take.finish_reason == "stop" else f" · ended by {take.finish_reason}"
    return (
        f'<p class="figures">{likeness}{take.duration_s:.1f} s · seed {take.seed}{_pinned(row)}'
        f"{end}</p>"
    )


def _pinned(row: Row) -> str:
    return "" if row.pinned_seed is None else f" · pinned to seed {row.pinned_seed}"


def _problems(row: Row) -> str:
    take = row.take
    notes = take.notes if take is not None else tuple(filter(None, [row.planned.plan.note]))
    said = [f'<p class="intone-note hint">{escape(_placed(row, note))}</p>' for note in notes]
    if row.problem is not None:
        words = escape(f"Not drawn: {row.problem}")
        said.append(f'<p class="intone-note problem" role="alert">{words}</p>')
    return "".join(said)


def _placed(row: Row, note: str) -> str:
    position = row.planned.plan.position
    return note if position is None else f"Line {position.line}: {note}"


def _takes(row: Row, name: str, sound_of: SoundOf) -> str:
    """Returns the takes side by side, where there are several."""
    takes = row.current_takes
    if len(takes) < 2:
        return ""
    items = "".join(
        _take(take, number, take is row.take, name, sound_of, row.id)
        for number, take in enumerate(takes, start=1)
    )
    return f'<ul class="script-takes" aria-label="Takes of {escape(name)}">{items}</ul>'


def _take(
    take: Take, number: int, is_heard: bool, name: str, sound_of: SoundOf, row_id: str
) -> str:
    label = f"take {number} of {name}"
    likeness = "" if take.similarity is None else f"{take.similarity:.2f} · "
    choice = (
        '<span class="used">used</span>'
        if is_heard
        else button("use", f"{row_id}:{take.name}", "Use", label=f"Use {label}")
    )
    return (
        f'<li class="{"heard" if is_heard else ""}">'
        f"{play_button(sound_of(take), label, f'Take {number}')}"
        f"<small>{likeness}{take.duration_s:.1f} s</small>{choice}</li>"
    )


def _buttons(
    row: Row, state: RowState, index: int, num_rows: int, name: str, sound_of: SoundOf
) -> str:
    take, made = row.take, list[str]()
    if take is not None and len(row.current_takes) < 2:
        made.append(play_button(sound_of(take), name))
    if state in ("planned", "failed"):
        made.append(button("draw", row.id, "Draw", label=f"Draw {name}"))
    elif state == "done":
        made.append(button("draw", row.id, "Again", label=f"Draw another take of {name}"))
        is_pinned = take is not None and row.pinned_seed == take.asked_seed
        pin = ("unpin", "Unpin", "Let its seed follow from the script's again: ")
        pin = pin if is_pinned else ("pin", "Pin", "Keep this seed for ")
        made.append(button(pin[0], row.id, pin[1], label=f"{pin[2]}{name}"))
    made.append(button("edit", row.id, "Edit", label=f"Edit {name}"))
    made.append(_move("up", row, "↑", f"Move {name} up", index > 0))
    made.append(_move("down", row, "↓", f"Move {name} down", index < num_rows - 1))
    made.append(button("remove", row.id, "Remove", label=f"Remove {name}", tone="stop"))
    return "".join(made)


def _move(do: str, row: Row, text: str, label: str, is_open: bool) -> str:
    html = button(do, row.id, text, label=label)
    return html if is_open else html.replace("<button ", "<button disabled ", 1)


def _seconds(value_s: float) -> str:
    minutes, seconds = divmod(round(value_s), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
