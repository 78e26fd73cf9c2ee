"""How many replicas there should be: Ray Serve's rule over requests that run or wait.

Its figures are averaged over the last 30 s (`look_back_period_s`), and a change is made once it was
due for a while; the defaults of the delays are those of `deploy/ray`.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Autoscaling:
    """The rule."""

    min_replicas: int
    max_replicas: int
    target_requests: float
    """For each replica; deploy/ray takes three quarters of the slots."""
    look_back_s: float = 30.0
    upscale_delay_s: float = 10.0
    downscale_delay_s: float = 300.0


class Scaler:
    """Is asked every `LOOK_EVERY_S`."""

    def __init__(self, rule: Autoscaling) -> None:
        self._rule = rule
        self._seen: deque[int] = deque(maxlen=max(1, round(rule.look_back_s / LOOK_EVERY_S)))
        self._more_since_s: float | None = None
        self._fewer_since_s: float | None = None

    def wanted(self, now_s: float, num_outstanding: int, num_replicas: int) -> int:
        """Returns how many replicas there should be now, those that load included."""
        rule = self._rule
        self._seen.append(num_outstanding)
        mean = sum(self._seen) / len(self._seen)
        ideal = math.ceil(mean / rule.target_requests)
        ideal = min(rule.max_replicas, max(rule.min_replicas, ideal))
        self._more_since_s = _since(self._more_since_s, now_s, ideal > num_replicas)
        self._fewer_since_s = _since(self._fewer_since_s, now_s, ideal < num_replicas)
        if _is_due(self._more_since_s, now_s, rule.upscale_delay_s):
            return ideal
        if _is_due(self._fewer_since_s, now_s, rule.downscale_delay_s):
            return ideal
        return num_replicas


def _since(before_s: float | None, now_s: float, holds: bool) -> float | None:
    if not holds:
        return None
    return now_s if before_s is None else before_s


def _is_due(since_s: float | None, now_s: float, delay_s: float) -> bool:
    return since_s is not None and now_s - since_s >= delay_s
