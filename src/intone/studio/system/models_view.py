"""The models of this machine, and those that could be, as rows with what can be done with each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape

from intone.core.byte_sizes import format_bytes
from intone.core.errors import IntoneError, ModelNotFoundError
from intone.core.types import Capabilities
from intone.models.hub import DOWNLOAD_BYTES
from intone.studio.desk import Desk, LoadedModel, Size
from intone.studio.parts.rows import button

SIZES: tuple[tuple[str, Size], ...] = (
    ("0.6B · Efficiency", "0.6b"),
    ("1.7B · Clarity", "1.7b"),
)
"""What the switch shows, and what it means."""

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")

_KIND_WORDS: Mapping[str, str] = {
    "base": "clones voices",
    "custom": "speaks with its own voices",
    "design": "designs voices",
}
_STATUS_WORDS: Mapping[str, str] = {
    "loading": "loading…",
    "ready": "in memory",
    "closing": "being freed…",
    "restarting": "starting again…",
    "failed": "broken",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """One line of the list."""

    name: str
    does: str
    size: str
    needs: str
    """Memory where it is here, else what is downloaded."""
    status: str
    action: str | None
    """load, pull, or nothing to be done."""
    problem: str | None = None


def model_rows(desk: Desk) -> tuple[ModelRow, ...]:
    """Returns the models here, then the released ones that are not. Loads nothing; reads files."""
    states = {state.name: state for state in desk.models.states()}
    here = desk.models.names()
    rows = [_row(desk, name, states.get(name)) for name in here]
    return (*rows, *(_missing(name) for name in DOWNLOAD_BYTES if name not in here))


def models_table(rows: tuple[ModelRow, ...]) -> str:
    """Returns the list as HTML; its buttons are `load` and `pull` with the model's name."""
    head = "".join(f"<th>{word}</th>" for word in ("Model", "What for", "Memory", "Now", ""))
    body = "".join(_table_row(row) for row in rows)
    return (
        '<table class="intone-rows"><caption class="system-caption">Models</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def size_words(desk: Desk, size: Size) -> str:
    """Returns what choosing a size does, and which models of it are missing."""
    here = set(desk.models.names())
    wanted = [name for name in DOWNLOAD_BYTES if name.startswith(size)]
    missing = [name for name in wanted if name not in here]
    purpose = (
        "Quicker, and with less memory." if size == "0.6b" else "Clearer sound; follows instruct."
    )
    if len(missing) == len(wanted):
        return (
            f"{purpose} None of that size is here yet, so others go on speaking; pull "
            f"{', '.join(missing)} below."
        )
    others = ", ".join(state.name for state in desk.models.states())
    next_words = (
        f" The next take loads one of that size and frees {others} first." if others else ""
    )
    missing_words = f" Not here: {', '.join(missing)}." if missing else ""
    return f"{purpose}{next_words}{missing_words}"


def _row(desk: Desk, name: str, state: LoadedModel | None) -> ModelRow:
    status = "on disk" if state is None else _STATUS_WORDS[state.status]
    if state is not None and state.status == "ready" and state.num_leases:
        status = "in memory, speaking"
    try:
        can = desk.models.describe(name)
        needs = format_bytes(desk.models.memory_bytes(name))
    except IntoneError as error:
        return ModelRow(
            name=name, does="", size="", needs="", status="damaged", action=None, problem=str(error)
        )
    return ModelRow(
        name=name,
        does=_does(can),
        size=can.size,
        needs=needs,
        status=status,
        action="load" if state is None or state.status == "failed" else None,
    )


def _does(can: Capabilities) -> str:
    words = _KIND_WORDS[can.kind]
    if can.kind == "custom" and can.can_clone:
        words += "; speaks with cloned ones"
    return words


def _missing(name: str) -> ModelRow:
    size, _, kind = name.partition("-")
    return ModelRow(
        name=name,
        does=_KIND_WORDS[kind],
        size=size,
        needs=f"{format_bytes(DOWNLOAD_BYTES[name])} to download",
        status="not here",
        action="pull",
    )


def _table_row(row: ModelRow) -> str:
    is_loaded = row.status.startswith("in memory")
    cells: Iterator[tuple[str, str]] = iter(
        (
            ("What for", escape(row.does if row.problem is None else row.problem)),
            ("Memory", escape(row.needs)),
            ("Now", f'<span class="system-status{" on" * is_loaded}">{escape(row.status)}</span>'),
        )
    )
    tds = "".join(f'<td data-label="{label}">{html}</td>' for label, html in cells)
    return f'<tr><th scope="row">{escape(row.name)}</th>{tds}<td>{_action(row)}</td></tr>'


def _action(row: ModelRow) -> str:
    if row.action == "load":
        return button("load", row.name, "Load now", label=f"Load {row.name} now")
    if row.action == "pull":
        return button("pull", row.name, "Pull", label=f"Pull {row.name}")
    return ""


def checked_model(desk: Desk, name: str) -> str:
    """Returns the name of a model that is here or can be pulled.

    Raises:
        ModelNotFoundError: it is neither; the message says which there are.
    """
    wanted = name.strip()
    if wanted in desk.models.names() or _HUB_ID.fullmatch(wanted):
        return wanted
    if wanted.lower() in DOWNLOAD_BYTES:
        return wanted.lower()
    raise ModelNotFoundError(
        f"no model {wanted!r:.60} can be pulled; there are: {', '.join(DOWNLOAD_BYTES)}, or "
        "owner/name of a hub."
    )
