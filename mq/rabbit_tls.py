"""Whom does a connection to RabbitMQ trust, whom does it say that we are, how long is that good, and what if TLS was refused?

The server's certificate is always verified; nothing in the URL can do without.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

from mq.rabbit_url import RabbitPlace
from system.errors import BrokerError, ConfigError
from system.tls import file_left_s, left_s

# As OpenSSL numbers them.
_NOT_YET, _ENDED, _OTHER_NAME, _OTHER_ADDRESS = 9, 10, 62, 64
# What a server says that wants another certificate from us, or one at all. With TLS 1.3 that comes after the handshake, and pika then
# hands it on as text only.
_ALERT = re.compile(r"\b(?:SSLV3|TLSV1|TLSV13)_ALERT_([A-Z_]+)")
_ABOUT_US = frozenset([
    "ACCESS_DENIED", "BAD_CERTIFICATE", "CERTIFICATE_EXPIRED", "CERTIFICATE_REQUIRED", "CERTIFICATE_REVOKED", "CERTIFICATE_UNKNOWN",
    "DECRYPT_ERROR", "HANDSHAKE_FAILURE", "UNKNOWN_CA", "UNSUPPORTED_CERTIFICATE",
])  # fmt: skip


def context_of(place: RabbitPlace) -> ssl.SSLContext:
    """Return whom to trust and who we are; raises ConfigError for files that can't be used."""
    try:
        context = ssl.create_default_context(cafile=place.ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"ca_file of the broker's URL can't be used ({place.ca_file}): {error}; PEM certificates are expected") from error
    if place.cert_file:
        try:
            # Without a password a key that has one would be asked for at the terminal, by whoever runs there.
            context.load_cert_chain(place.cert_file, place.key_file, password="")
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"cert_file and key_file of the broker's URL can't be used ({place.cert_file}, {place.key_file}): {error}; "
                "PEM files are expected that belong together, the key without a password"
            ) from error
    return context


def lasting_s(place: RabbitPlace, now: datetime) -> dict[str, float]:
    """Return for how many seconds the server's certificate is good, and ours; without those that can't be looked at."""
    found: dict[str, float] = {}
    with (
        suppress(OSError),
        socket.create_connection((place.host, place.port), place.wait_s / 2) as plain,
        context_of(place).wrap_socket(plain, server_hostname=place.server_name or place.host) as spoken,
    ):
        found["the broker's certificate"] = left_s(str((spoken.getpeercert() or {})["notAfter"]), now)
    own = file_left_s(place.cert_file, now) if place.cert_file else None
    return found if own is None else {**found, f"our certificate for the broker, {place.cert_file},": own}


def of_refusal(causes: Iterable[BaseException], place: RabbitPlace) -> BrokerError | None:
    """Return what it means that TLS did not come about; None where that is not why there is no connection."""
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return BrokerError(f"RabbitMQ at {place.shown} {_distrust(cause, place)}")
        if alert := _ALERT.search(repr(cause)):
            return BrokerError(f"RabbitMQ at {place.shown} {_refused(alert[1], place)}")
        if isinstance(cause, ssl.SSLError):
            why = cause.reason or cause
            return BrokerError(f"RabbitMQ at {place.shown} does not speak TLS there ({why}); its port for amqps:// is mostly 5671")
    return None


def _distrust(error: ssl.SSLCertVerificationError, place: RabbitPlace) -> str:
    said = error.verify_message.rstrip(".")
    if error.verify_code == _ENDED:
        return f"has a certificate that has ended ({said}): put another one in place on the server, if this box's clock is right"
    if error.verify_code == _NOT_YET:
        return f"has a certificate that is not good yet ({said}): see whether the clocks of this box and of the server are right"
    if error.verify_code in (_OTHER_NAME, _OTHER_ADDRESS):
        return (
            f"has a certificate that is not for {place.server_name or place.host} ({said}): name the host in the broker's URL as the "
            "certificate does, or say which of the certificate's names is meant by ?server_name="
        )
    return f"has a certificate that is not trusted ({said}): name the authority that signed it by ?ca_file=/path/of/ca.pem"


def _refused(alert: str, place: RabbitPlace) -> str:
    said = alert.lower().replace("_", " ")
    if alert not in _ABOUT_US:
        return f"refuses TLS as it is spoken here ({said}): see which versions and ciphers the server's ssl_options allow"
    if place.cert_file:
        return (
            f"does not take the certificate {place.cert_file} ({said}): cert_file must be one that has not ended, "
            "signed by an authority in the server's ssl_options.cacertfile"
        )
    return (
        f"wants to know who we are ({said}): name a certificate by ?cert_file=/path/of/cert.pem&key_file=/path/of/key.pem, "
        "signed by an authority in the server's ssl_options.cacertfile"
    )
