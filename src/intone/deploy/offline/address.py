"""Where a cluster is, and whether anything answers there; without Ray."""

from __future__ import annotations

import socket

from intone.core.errors import BatchError, InvalidSettingError

HERE = "local"
"""The address of a cluster of its own for one command, on this machine."""
_ANSWER_WITHIN_S = 10.0


def check_address(address: str | None) -> None:
    """Tells in seconds that nothing answers; Ray itself asks for a minute, and then aborts.

    Raises:
        InvalidSettingError: another kind of address.
        BatchError: nothing answers there.
    """
    if address in (None, "auto", HERE):
        return
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or "/" in address:
        raise InvalidSettingError(
            f"the cluster's address is {address!r}; allowed: HOST:PORT, auto or local. From "
            "outside of a cluster, submit the command to it (`ray job submit -- intone batch ...`)."
        )
    try:
        socket.create_connection((host, int(port)), timeout=_ANSWER_WITHIN_S).close()
    except (OSError, OverflowError) as error:
        raise no_cluster(address, error) from error


def no_cluster(address: str | None, error: Exception) -> BatchError:
    """Returns the error that tells so."""
    return BatchError(
        f"no Ray cluster answers at {address or 'its address'}: {error}. Start one (`ray start "
        "--head`), or leave the address out for one on this machine."
    )
