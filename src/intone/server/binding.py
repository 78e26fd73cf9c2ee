"""Where a server may listen: beyond loopback only with keys, or when that was said in words."""

from __future__ import annotations

from ipaddress import ip_address

from intone.core.errors import InvalidSettingError


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address; a name other than localhost is not."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_binding(host: str, *, has_keys: bool, is_insecure: bool) -> None:
    """Raises InvalidSettingError where anybody on the network could use this server."""
    if is_loopback(host) or has_keys or is_insecure:
        return
    raise InvalidSettingError(
        f"host is {host!r}, which others can reach, and there are no keys; make one first (intone "
        "keys add NAME), or listen on 127.0.0.1, or say --insecure."
    )
