"""Who calls, by which name, and by TLS or not, where a proxy stands before mx? Only proxies that the settings name are believed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

Network = IPv4Network | IPv6Network

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]

WAS_FORWARDED = "horarium.was_forwarded"
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_FORWARDED")
_SIGNS = (*FORWARDED, "HTTP_VIA", "HTTP_X_REAL_IP")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: `address` of the visitor, `scheme` and `host` as the visitor has them."""

    address: str
    scheme: str
    host: str


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
    is_known = scheme in ("http", "https")
    return Caller(heard, scheme if is_known else plain.scheme, _last(environ, "HTTP_X_FORWARDED_HOST") or plain.host)


def is_forwarded(environ: Mapping[str, str]) -> bool:
    """Say whether a proxy tells that it has had a request in its hands. One that tells nothing is not known."""
    return any(environ.get(name) for name in _SIGNS)


class Unwrapped:
    """An app that is called as if no trusted proxy stood before it; `WAS_FORWARDED` in the environment: some other proxy did."""

    def __init__(self, app: Wsgi, trusted: Sequence[Network]) -> None:
        self._app = app
        self._trusted = trusted

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        found = caller(environ, self._trusted)
        environ[WAS_FORWARDED] = is_forwarded(environ) and not _is_trusted(environ.get("REMOTE_ADDR", ""), self._trusted)
        for name in FORWARDED:
            environ.pop(name, None)
        environ |= {"REMOTE_ADDR": found.address, "wsgi.url_scheme": found.scheme, "HTTP_HOST": found.host}
        return self._app(environ, start_response)


def _is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in trusted)


def _last(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, "").rpartition(",")[2].strip()
