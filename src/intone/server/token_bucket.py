"""A rate limit: so many requests a minute, saved up to so many at once."""

from __future__ import annotations


class TokenBucket:
    """Holds up to `capacity` tokens and gains `capacity` a minute; a request takes one."""

    def __init__(self, per_minute: float, now_s: float) -> None:
        """Starts full.

        Args:
            per_minute: tokens gained in a minute, and held at most; one at least is held.
            now_s: the clock's reading; it may start anywhere, and never goes back.
        """
        self._gain_per_s = per_minute / 60.0
        self._capacity = max(1.0, per_minute)
        self._tokens = self._capacity
        self._seen_s = now_s

    def take(self, now_s: float) -> float:
        """Takes a token and returns 0.0, or takes none and returns in how many seconds one is."""
        gained = (now_s - self._seen_s) * self._gain_per_s
        self._tokens = min(self._capacity, self._tokens + gained)
        self._seen_s = now_s
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) / self._gain_per_s

    def missing_s(self, now_s: float) -> float:
        """Returns in how many seconds there is a token, 0.0 where there is one; takes none."""
        tokens = self._tokens + (now_s - self._seen_s) * self._gain_per_s
        return max(0.0, (1.0 - tokens) / self._gain_per_s)

    def is_full(self, now_s: float) -> bool:
        """Whether the bucket says no more than a new one would."""
        gained = (now_s - self._seen_s) * self._gain_per_s
        return self._tokens + gained >= self._capacity
