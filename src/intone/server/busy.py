"""The one error of a server that has too much to do: it says when to come back."""

from __future__ import annotations

from typing import Literal

from intone.core.errors import CapacityError


class BusyError(CapacityError):
    """There is no room for the request now; 429 is the caller's own limit, 503 everybody's."""

    def __init__(self, message: str, *, status: Literal[429, 503], retry_after_s: float) -> None:
        super().__init__(message)
        self.status: Literal[429, 503] = status
        self.retry_after_s = retry_after_s
        """When trying again may help; the `Retry-After` header, rounded up."""
