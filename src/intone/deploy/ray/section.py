"""What a cluster gives to one replica, and how many there are: the table `replica`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from intone.server.sections import Count, Seconds, Section


class ReplicaSection(Section):
    """One replica is one process with one model."""

    num_cpus: Annotated[float, Field(gt=0)] = 1.0
    """Cores that the cluster sets aside; the model uses as many, unless `model.threads` says
    otherwise."""
    num_gpus: Annotated[float, Field(ge=0)] = 0.0
    """GPUs; 0.5 lets two replicas share one."""
    min_replicas: Count = 1
    """There are always so many."""
    max_replicas: Count = 1
    """There are never more."""
    target_requests: Annotated[float, Field(gt=0)] | None = None
    """Requests at once that scaling aims at for each replica. None: three quarters of
    `model.slots`."""
    upscale_delay_s: Seconds = 10.0
    """How long there must be too few replicas before one is added."""
    downscale_delay_s: Seconds = 300.0
    """How long there must be too many before one is drained."""
    surge_percent: Annotated[int, Field(ge=0, le=100)] = 25
    """Replicas added during a rolling update, rounded up, so that none is stopped before its
    successor has loaded. They need free room in the cluster; 0 stops first."""
    health_period_s: Seconds = 10.0
    """How often a replica is asked whether its engine is well."""
