"""How does the gate stand before the dashboard of a deployment? By its settings, and by the address that mx listens at."""

from __future__ import annotations

import logging
import socket
import ssl
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from launcher.web.address import Address, asks_for_login
from launcher.web.papers import PaperArea
from launcher.web.parts import WebParts
from launcher.who import who
from mx.security.entrance import Entrance, GateSettings
from mx.security.gate import Gate
from mx.security.hosts import ANY, host_name
from mx.security.logins import Lasting
from mx.security.proxies import read_networks
from settings import PREFIX, Settings
from system.clock import RealClock
from system.errors import ConfigError

log = logging.getLogger(__name__)

OPEN = "open"


@dataclass(frozen=True, slots=True)
class Tls:
    """The files of a certificate and its key."""

    certificate: str
    key: str


def gate_settings(settings: Settings, address: Address) -> GateSettings:
    """Return how the gate stands; raises ConfigError that names the setting."""
    try:
        proxies = read_networks(settings.mx_trusted_proxies)
    except ValueError as error:
        raise ConfigError(f"{PREFIX}MX_TRUSTED_PROXIES is {settings.mx_trusted_proxies!r}: {error}") from error
    has_login = asks_for_login(settings, address)
    return GateSettings(
        has_login=has_login,
        hosts=_hosts(settings.mx_hosts, settings.box, address, has_login=has_login),
        proxies=proxies,
        lasting=Lasting(timedelta(hours=settings.mx_session_h), timedelta(hours=settings.mx_idle_h)),
        has_open_metrics=settings.mx_metrics == OPEN,
        local=local_name(),
        port=address.port,
    )


def _hosts(given: str, box: str, address: Address, *, has_login: bool) -> frozenset[str]:
    """Return the names that are answered. Where a login is asked for any will do, unless some are set: a page that makes its own name lead
    here gets no further than the login, since a browser keeps the cookie for ours.
    """
    names = [name.strip().lower() for name in given.split(",") if name.strip()]
    for name in names:
        if name != ANY and not host_name(name):
            raise ConfigError(f"{PREFIX}MX_HOSTS is {given!r}: {name!r} is no name of a host; expected names by commas, without ports")
    if has_login and not names:
        return frozenset({ANY})
    own = [] if address.is_loopback else [box.lower(), socket.gethostname().lower()]
    return frozenset([*names, *own]) - {""}


def local_name() -> str:
    """Return what stands in the audit log for who came in without a login."""
    return f"{who()} (local)"


def gate_over(parts: WebParts, settings: GateSettings) -> tuple[Gate, Entrance]:
    """Return the gate over a deployment's store, and what it knows. Its clock is the real one, also in a trial."""
    entrance = Entrance(PaperArea(parts), RealClock(), settings)
    return Gate(entrance), entrance


def tls_of(settings: Settings) -> Tls | None:
    """Return certificate and key where they are set, and fit; raises ConfigError. The key must be its owner's alone."""
    certificate, key = settings.mx_certificate, settings.mx_key
    if not certificate and not key:
        return None
    if not certificate or not key:
        missing = "MX_KEY" if certificate else "MX_CERTIFICATE"
        raise ConfigError(f"{PREFIX}{missing} is not set: TLS takes both a certificate and its key, PEM files")
    try:
        mode = Path(key).stat().st_mode
    except OSError as error:
        raise ConfigError(f"{PREFIX}MX_KEY: {key}: {error.strerror}") from error
    if mode & 0o077:
        raise ConfigError(f"{PREFIX}MX_KEY: {key} may be read by others than its owner: `chmod 600 {key}`")
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"{PREFIX}MX_CERTIFICATE and {PREFIX}MX_KEY can't be used: {error}") from error
    return Tls(certificate, key)


def warn_of_plain_passwords(gate: GateSettings, address: Address, tls: Tls | None) -> str:
    """Return what to say where passwords would cross a network in clear text, empty else."""
    if tls or address.is_loopback or gate.proxies:
        return ""
    how = f"set {PREFIX}MX_CERTIFICATE and {PREFIX}MX_KEY, or have a TLS proxy before it"
    return f"passwords and tokens cross the network in clear text: {how}"
