"""How many speak at once, where the settings leave it open: a CPU and a GPU differ tenfold."""

from __future__ import annotations

from intone.engine.plan import resolve_device
from intone.engine.profile import profile_of
from intone.engine.settings import DEFAULT_NUM_SLOTS
from intone.server.sections import ModelSection
from intone.server.settings import Settings

_CPU_SLOTS = 4
_CPU_RUNNING = 8
"""Of several models; a model that has no slot left lets its requests wait inside."""


def slots_of(model: ModelSection) -> int:
    """Returns how many takes one model speaks at once.

    Raises:
        InvalidSettingError: the device is unknown or absent on this machine.
    """
    if model.slots is not None:
        return model.slots
    return open_slots(model, is_cpu=resolve_device(model.device) == "cpu")


def open_slots(model: ModelSection, *, is_cpu: bool) -> int:
    """Returns the number for a device that may be another machine's."""
    if is_cpu:
        return _CPU_SLOTS
    # What is not recorded has a cache of the longest take for each slot, from the start.
    return DEFAULT_NUM_SLOTS if model.eager else profile_of(model.profile).num_slots


def running_of(settings: Settings) -> int:
    """Returns how many requests are spoken at once; raises as `slots_of`."""
    if settings.queue.running is not None:
        return settings.queue.running
    is_cpu = resolve_device(settings.model.device) == "cpu"
    return _CPU_RUNNING if is_cpu else slots_of(settings.model)
