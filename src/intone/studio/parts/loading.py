"""What asking for a model will do to memory, told before anybody asks."""

from __future__ import annotations

from intone.core.byte_sizes import format_bytes
from intone.studio.desk import Desk


def loading_plan(desk: Desk, model: str) -> str:
    """Returns what happens when a model is used next, in a sentence."""
    states = desk.models.states()
    if any(one.name == model and one.status == "ready" for one in states):
        return "It is in memory."
    size = format_bytes(desk.models.memory_bytes(model))
    others = ", ".join(one.name for one in states if one.name != model)
    freeing = f"; {others} leaves memory first where both do not fit" if others else ""
    return f"It is loaded when it is first used ({size}){freeing}."
