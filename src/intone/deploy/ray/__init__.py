"""Replicas of the server on a Ray cluster: `import_path: intone.deploy.ray:app`.

Ray Serve starts, watches, scales and replaces replicas, and leads requests to them. Each is the
app of `intone serve` with one model, loaded before it takes work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ray.serve import Application


def app(args: dict[str, Any]) -> Application:
    """Returns the application of one model, for a Serve config file; nothing is loaded.

    Args:
        args: the tables of `intone serve`'s settings file, and `replica` (`ReplicaSection`).

    Raises:
        InvalidSettingError: an unknown name or a value that cannot be, with its origin.
    """
    from intone.deploy.ray.replica import application  # imports ray, which plans do without

    values: Mapping[str, Any] = args
    return application(values)
