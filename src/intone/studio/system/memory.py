"""What is in memory, in words and as a bar: for the System tab, and the line at the top."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from intone.core.byte_sizes import format_bytes
from intone.core.errors import IntoneError
from intone.studio.desk import Desk, LoadedModel

_DOING = {
    "loading": "loading",
    "closing": "being freed",
    "restarting": "starting again",
    "failed": "broken",
}


def memory_line(desk: Desk) -> str:
    """Returns what is in memory now, in one line for the top of the page."""
    used_bytes = process_bytes(desk)
    process = "" if used_bytes is None else f", {format_bytes(used_bytes)} in use"
    states = desk.models.states()
    if not states:
        return f"No model in memory{process}"
    models = ", ".join(_state_words(state) for state in states)
    return f"In memory: {models}{process}"


def process_bytes(desk: Desk) -> int | None:
    """Returns what this process keeps in memory; None where the system does not say."""
    try:
        return desk.models.machine().process_bytes
    except IntoneError:  # no model is here to say device and dtype of
        return None


def in_memory(desk: Desk) -> tuple[str, ...]:
    """Returns the names of the models that are in memory."""
    return tuple(state.name for state in desk.models.states())


def switch_words(desk: Desk, model: str) -> str | None:
    """Returns what happens to models before one of them can speak; None where it is ready.

    "Freeing builtin (412 MB), loading 1.7b-base (4.10 GB)…"
    """
    states = desk.models.states()
    wanted = next((state for state in states if state.name == model), None)
    if wanted is not None and wanted.status == "ready":
        return None
    going = [
        f"{one.name} ({format_bytes(one.memory_bytes)})"
        for one in states
        if one.status == "closing" and one.name != model
    ]
    freeing = f"freeing {', '.join(going)}, " if going else ""
    doing = "restarting" if wanted is not None and wanted.status == "restarting" else "loading"
    return _capital(f"{freeing}{doing} {model}{_size_words(desk, model)}…")


def memory_bar(desk: Desk) -> str:
    """Returns the machine's memory as HTML: this process, everything else, what is free."""
    try:
        machine = desk.models.machine()
    except IntoneError as error:
        return f"<p>{escape(str(error))}</p>"
    process, free, total = machine.process_bytes, machine.available_bytes, machine.total_bytes
    if process is None or free is None or not total:
        return "<p>This system does not say how its memory is used.</p>"
    rest = max(0, total - free - process)
    words = (
        f"This studio {format_bytes(process)} · everything else {format_bytes(rest)} · "
        f"free {format_bytes(free)} of {format_bytes(total)}"
    )
    return (
        f'<div class="intone-bar" role="img" aria-label="{words}">'
        f'<span style="width:{100 * process / total:.1f}%"></span>'
        f'<span class="other" style="width:{100 * rest / total:.1f}%"></span></div>'
        f'<p class="system-memory">{words}</p>'
    )


def freed_words(
    freed: Sequence[str], busy: Sequence[LoadedModel], before: int | None, after: int | None
) -> str:
    """Returns what Clear RAM did: which models went, which stay and why, memory before and after.

    Args:
        busy: what is still in memory.
        before: of the process, in bytes; None where the system does not say. And `after`.
    """
    went = f"Freed {', '.join(freed)}." if freed else "No idle model was in memory."
    stays = "".join(f" {one.name} stays: {_why_busy(one)}." for one in busy)
    if before is None or after is None:
        return went + stays
    return f"{went}{stays} Memory: {format_bytes(before)} before, {format_bytes(after)} now."


def loaded_words(model: str, freed: Sequence[str], before: int | None, after: int | None) -> str:
    """Returns that a model is loaded, what went for it, and memory before and after, in bytes."""
    went = f"Freed {', '.join(freed)}; loaded {model}." if freed else f"Loaded {model}."
    if before is None or after is None:
        return went
    return f"{went} Memory: {format_bytes(before)} before, {format_bytes(after)} now."


def _why_busy(state: LoadedModel) -> str:
    if state.status != "ready":
        return f"it is {_DOING[state.status]}"
    return "it is being used" if state.num_leases else "it was asked for meanwhile"


def _state_words(state: LoadedModel) -> str:
    doing = _DOING.get(state.status)
    size = format_bytes(state.memory_bytes)
    return f"{state.name} ({size}{', ' + doing if doing else ''})"


def _size_words(desk: Desk, model: str) -> str:
    try:
        return f" ({format_bytes(desk.models.memory_bytes(model))})"
    except IntoneError:
        return ""


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
