"""What the tests on clusters have in common."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lets Ray's own leftovers pass: sockets that it looked for free ports with, and forgot."""
    forgotten = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    for item in items:
        if item.get_closest_marker("fleet"):
            item.add_marker(forgotten)
