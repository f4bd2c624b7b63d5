"""By which names may mx be called? Another name in `Host` is a page of somebody else who made his name lead to this machine.

That attack (DNS rebinding) needs a name, so addresses are let through where a login is required; without a login, only this machine's own.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import ip_address

LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost"})
ANY = "*"
_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")


def host_name(host: str) -> str:
    """Return the name in a `Host` header, in small letters and without port and brackets; empty where it is none."""
    found = _HOST.fullmatch(host)
    return found["name"].strip("[]").lower().rstrip(".") if found else ""


def is_loopback(name: str) -> bool:
    """Say whether a name or an address is this machine to itself."""
    if name in LOOPBACK_NAMES or name.endswith(".localhost"):
        return True
    return _is_address(name) and ip_address(name).is_loopback


def may_be_called(host: str, names: Collection[str], *, has_login: bool) -> bool:
    """Say whether mx answers to a `Host` header. `names` are those of the settings; `*` is any."""
    name = host_name(host)
    if not name:
        return False
    if ANY in names or name in names or is_loopback(name):
        return True
    return has_login and _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
