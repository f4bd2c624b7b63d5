"""How is the dashboard guarded, as far as that can be told without it? For the doctor."""

from __future__ import annotations

from datetime import datetime

from launcher.doctor_seen import MxSeen
from launcher.web.address import HOST, PORT, Address, parsed
from launcher.web.gate import gate_settings, tls_of, warn_of_plain_passwords
from settings import Settings
from system.errors import ConfigError
from system.tls import file_left_s


def seen_of(settings: Settings, users: int | None, now: datetime) -> MxSeen:
    """Return what is seen; `users` is how many accounts there are at least, None where nobody could look."""
    try:
        address = parsed(settings.mx_listen) if settings.mx_listen else Address(HOST, PORT)
        gate, tls = gate_settings(settings, address), tls_of(settings)
    except ConfigError as error:
        return MxSeen(fault=str(error))
    return MxSeen(
        plain=warn_of_plain_passwords(gate, address, tls),
        left_s=file_left_s(tls.certificate, now) if tls else None,
        is_locked=gate.has_login and users == 0,
    )
