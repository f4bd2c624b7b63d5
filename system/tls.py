"""How long is a certificate good, and what is to be done where TLS with a server does not come about?"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """How a URL says whom to trust, and which certificate is ours."""

    authority: str
    own: str


# By the words that OpenSSL, and the drivers over it, have for it. The first that is there counts.
_ADVICE = (
    (("certificate has expired",), "put another certificate in place on the server, if this box's clock is right"),
    (("not yet valid",), "see whether the clocks of this box and of the server are right"),
    (("hostname mismatch", "ip address mismatch", "does not match host name"), "name the host in the URL as the server's certificate does"),
    (
        ("root certificate file", "certificate verify failed"),
        "name the authority that signed the server's certificate by {authority}; both must be good today",
    ),
    (("server does not support ssl", "server doesn't support it"), "the server speaks no TLS: give it a certificate, its log may say more"),
    (
        ("alert certificate", "alert unknown ca", "alert bad certificate", "alert handshake failure", "client certificate"),
        "the server wants to know who we are: name a certificate that it trusts, and that has not ended, by {own}",
    ),
)

# The options of RabbitMQ's URL, of PostgreSQL's, of MySQL's, and of MongoDB's, whose file holds the certificate too.
_KEY_OPTIONS = frozenset(["key_file", "sslkey", "ssl_key", "tlscertificatekeyfile"])


def tls_advice(said: str, options: TlsOptions) -> str:
    """Return what to do about what a driver `said`; empty where that is not about TLS."""
    said = said.lower()
    for words, advice in _ADVICE:
        if any(word in said for word in words):
            return advice.format(authority=options.authority, own=options.own)
    return ""


def key_files(url: str) -> list[str]:
    """Return the files with private keys of ours that a server's URL names; empty where there are none, or it can't be read."""
    try:
        said = parse_qsl(urlsplit(url).query)
    except ValueError:
        return []
    return [path for option, path in said if option.lower() in _KEY_OPTIONS]


def file_left_s(certificate: str, now: datetime) -> float | None:
    """Return for how many seconds a PEM file's first certificate is good; None where this Python can't tell."""
    decode = getattr(getattr(ssl, "_ssl", None), "_test_decode_cert", None)
    return None if decode is None else left_s(decode(certificate)["notAfter"], now)


def left_s(end: str, now: datetime) -> float:
    """Return the seconds until an end as certificates have it: `Nov 20 16:19:54 2026 GMT`."""
    return float(ssl.cert_time_to_seconds(end)) - now.timestamp()
