"""From the `args` of a Serve config file to settings and options of a deployment. No Ray here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from intone.core.errors import InvalidSettingError
from intone.deploy.ray.section import ReplicaSection
from intone.deploy.sizing import open_slots
from intone.server.settings import Settings
from intone.server.settings_layers import Effective, Layer, environment_layer, joined

REPLICA = "replica"
_OTHERS = 4
"""Requests beside speech that one replica answers at once: lists, voices, health."""
_RETRY_S = 2.0
_STARTS = 3
_HEADROOM = 0.75
"""Of the slots; a new replica takes a while to load, and what arrives meanwhile needs room."""


@dataclass(frozen=True, slots=True)
class ReplicaPlan:
    """How replicas of one application are run."""

    settings: Settings
    replica: ReplicaSection

    @classmethod
    def of(cls, args: Mapping[str, Any], environ: Mapping[str, str]) -> ReplicaPlan:
        """Returns what holds: args over environment over the defaults of a replica.

        Raises:
            InvalidSettingError: an unknown name, a value that cannot be, or what no replica has.
        """
        tables = dict(args)
        replica = _replica_section(tables.pop(REPLICA, {}))
        layers = [Layer("args", tables), environment_layer(environ)]
        given = joined(layers).settings
        if given.model.default is None:
            raise InvalidSettingError(
                "model.default is not set, and nodes may have different models; name the one that "
                "these replicas speak with: builtin, 1.7b-custom, or a directory on every node."
            )
        defaults = _defaults(replica, given)
        effective = joined([*layers, Layer("Ray replica", defaults)])
        _check(effective, replica)
        return cls(effective.settings, replica)

    def options(self) -> dict[str, Any]:
        """Returns the arguments of `ray.serve.deployment`."""
        settings, replica = self.settings, self.replica
        assert settings.queue.running is not None  # `_defaults` has it
        return {
            # What no replica has a place for waits at the proxy, where any may take it. Serve
            # counts what is on its way to a free one there too: bursts must not be sent away.
            "max_ongoing_requests": settings.queue.running + _OTHERS,
            "max_queued_requests": settings.queue.running + settings.queue.waiting,
            "backpressure_config": {"status_code": 503, "retry_after_s": _RETRY_S},
            "graceful_shutdown_timeout_s": settings.server.drain_timeout_s,
            "graceful_shutdown_wait_loop_s": 1.0,
            "health_check_period_s": replica.health_period_s,
            "max_surge_percent": replica.surge_percent,
            "max_constructor_retry_count": _STARTS,
            "ray_actor_options": {"num_cpus": replica.num_cpus, "num_gpus": replica.num_gpus},
            **self._number(),
        }

    def _number(self) -> dict[str, Any]:
        replica = self.replica
        if replica.min_replicas == replica.max_replicas:
            return {"num_replicas": replica.min_replicas}
        assert self.settings.model.slots is not None
        target = replica.target_requests or max(1.0, self.settings.model.slots * _HEADROOM)
        return {
            "autoscaling_config": {
                "min_replicas": replica.min_replicas,
                "max_replicas": replica.max_replicas,
                "target_ongoing_requests": target,
                "upscale_delay_s": replica.upscale_delay_s,
                "downscale_delay_s": replica.downscale_delay_s,
            }
        }


def _replica_section(values: object) -> ReplicaSection:
    try:
        return ReplicaSection.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join((REPLICA, *(str(part) for part in first["loc"])))
        known = ", ".join(ReplicaSection.model_fields)
        raise InvalidSettingError(
            f"{name} is {first['input']!r} (args): {first['msg']}. The table has: {known}."
        ) from None


def _defaults(replica: ReplicaSection, given: Settings) -> dict[str, dict[str, Any]]:
    """Returns what a replica has where nothing was said.

    The device follows from what the cluster sets aside, and numbers from the device: whoever
    builds the application may have no GPU, and would count differently.
    """
    device = "cuda" if replica.num_gpus else "cpu"
    slots = given.model.slots
    if slots is None:
        slots = open_slots(given.model, is_cpu=not replica.num_gpus)
    return {
        # The cluster's proxies listen for a replica, and whom they listen to it cannot see.
        "server": {"host": "0.0.0.0"},
        "model": {
            "device": device,
            "preload": True,
            "served": (given.model.default,),
            "slots": slots,
            "threads": max(1, int(replica.num_cpus)),
        },
        "queue": {"running": slots},
        "jobs": {"enabled": given.jobs.directory is not None},
    }


def _check(effective: Effective, replica: ReplicaSection) -> None:
    """Raises InvalidSettingError for what one of many replicas cannot do."""
    settings = effective.settings
    if replica.min_replicas > replica.max_replicas:
        raise InvalidSettingError(
            f"replica.min_replicas is {replica.min_replicas}; allowed: at most "
            f"replica.max_replicas, which is {replica.max_replicas}."
        )
    if not settings.model.preload:
        raise InvalidSettingError(
            f"model.preload is false ({effective.origins['model.preload']}); a replica takes no "
            "work before its model is loaded: leave it out."
        )
    if settings.model.device.startswith("cuda") and not replica.num_gpus:
        raise InvalidSettingError(
            f"model.device is {settings.model.device!r} with replica.num_gpus = 0, and Ray hides "
            "GPUs that were not asked for; set replica.num_gpus, to 1 for example."
        )
    for name, is_on in (("studio", settings.studio.enabled), ("wyoming", settings.wyoming.enabled)):
        if is_on:
            raise InvalidSettingError(
                f"{name}.enabled is true; a replica answers HTTP and WebSockets alone. Leave it "
                "out, and run `intone studio` or `intone serve --wyoming` beside the cluster."
            )
    if settings.jobs.enabled and (replica.max_replicas > 1 or replica.surge_percent > 0):
        raise InvalidSettingError(
            f"jobs.enabled is true with replica.max_replicas = {replica.max_replicas} and "
            f"replica.surge_percent = {replica.surge_percent}; a folder of jobs belongs to one "
            "process. Set them to 1 and 0, leave jobs out, or use `intone batch --ray`."
        )
