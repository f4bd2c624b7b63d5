"""Who calls, by which name, and by TLS or not, where a proxy stands before mx? Only proxies that the settings name are believed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PREFIX", "HTTP_FORWARDED")
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: `address` of the visitor, `scheme` and `host` as the visitor has them, `prefix` under which a proxy shows mx."""

    address: str
    scheme: str
    host: str
    prefix: str = ""


def read_networks(text: str) -> tuple[Network, ...]:
    """Return the proxies that a setting names, addresses or networks by commas; raises ValueError that says what is expected."""
    try:
        return tuple(ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise ValueError(f"expected addresses or networks, such as 127.0.0.1, 10.0.0.0/8: {error}") from error


def caller(environ: Mapping[str, str], trusted: Sequence[Network]) -> Caller:
    """Return who calls, by a WSGI environment.

    Each proxy adds, at the end, whom it heard: so the caller is the last address that is no trusted proxy, and what stands before
    it may be made up. Of the other headers the last value counts, which is the nearest proxy's.
    """
    address = environ.get("REMOTE_ADDR", "")
    plain = Caller(address, environ.get("wsgi.url_scheme", "http"), environ.get("HTTP_HOST", ""))
    if not _is_trusted(address, trusted):
        return plain
    hops = [hop.strip() for hop in environ.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    heard = address
    for hop in reversed(hops):
        heard = hop
        if not _is_trusted(hop, trusted):
            break
    scheme = _last(environ, "HTTP_X_FORWARDED_PROTO").lower()
    prefix = _last(environ, "HTTP_X_FORWARDED_PREFIX").rstrip("/")
    return Caller(
        heard,
        scheme if scheme in ("http", "https") else plain.scheme,
        _last(environ, "HTTP_X_FORWARDED_HOST") or plain.host,
        prefix if _PREFIX.fullmatch(prefix) else "",
    )


def is_forwarded(environ: Mapping[str, str]) -> bool:
    """Say whether a proxy has had a request in its hands."""
    return any(environ.get(name) for name in FORWARDED)


def _is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in trusted)


def _last(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, "").rpartition(",")[2].strip()
