"""What the events of tabs have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

Updates = dict[Any, Any]
"""New values by component, as Gradio takes them."""

Values = Mapping[Any, Any]
"""Values by component, as Gradio gives them where inputs are a set."""


class Quiet(TypedDict):
    """No veil over what is being worked on, any number at once, no place in a public API."""

    show_progress: Literal["hidden"]
    api_visibility: Literal["private"]
    concurrency_limit: None


QUIET_EVENT = Quiet(show_progress="hidden", api_visibility="private", concurrency_limit=None)
