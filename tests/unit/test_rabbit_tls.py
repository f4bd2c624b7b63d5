"""What does it mean that TLS to RabbitMQ was refused, and is there any way around looking at the server's certificate?"""

from __future__ import annotations

import ssl

import pytest
from pika.exceptions import ConnectionOpenAborted, IncompatibleProtocolError

from mq.rabbit_errors import of_connecting
from mq.rabbit_tls import context_of
from mq.rabbit_url import place_of
from system.errors import BrokerAway, BrokerError

PLACE = place_of("amqps://ann:geheim@mq1?server_name=mq.test")


def lost(said: str) -> IncompatibleProtocolError:
    """Return what pika makes of a connection that ends before the server said a word."""
    return IncompatibleProtocolError(f"StreamLostError: ('Stream connection lost: {said}',)")


def distrusted(code: int, said: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, f"certificate verify failed: {said}")
    error.verify_code, error.verify_message = code, said
    return error


@pytest.mark.parametrize(
    ("code", "said", "words"),
    [
        (9, "certificate is not yet valid", "is not good yet (certificate is not yet valid): see whether the clocks"),
        (10, "certificate has expired", "has ended (certificate has expired): put another one in place"),
        (62, "Hostname mismatch.", "is not for mq.test (Hostname mismatch): name the host"),
        (64, "IP address mismatch", "is not for mq.test (IP address mismatch): name the host"),
        (20, "unable to get local issuer certificate", "is not trusted (unable to get local issuer certificate): name the authority"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_told_with_what_to_do(code: int, said: str, words: str) -> None:
    found = of_connecting(distrusted(code, said), PLACE)
    assert type(found) is BrokerError
    assert str(found).startswith(f"RabbitMQ at amqps://ann@mq1:5671 has a certificate that {words}")


@pytest.mark.parametrize(
    ("alert", "words"),
    [
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "wants to know who we are (certificate required)"),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", "wants to know who we are (handshake failure)"),
        ("TLSV1_ALERT_PROTOCOL_VERSION", "refuses TLS as it is spoken here (protocol version)"),
    ],
)
def test_what_a_server_has_against_us_is_told_however_pika_hands_it_on(alert: str, words: str) -> None:
    error = ssl.SSLError(1, f"[SSL: {alert}] words (_ssl.c:2580)")
    for given in (error, lost(repr(error))):
        found = of_connecting(given, PLACE)
        assert type(found) is BrokerError
        assert words in str(found)


def test_a_server_that_says_nothing_may_want_a_certificate() -> None:
    found = of_connecting(lost("ConnectionResetError(104, 'Connection reset by peer')"), PLACE)
    assert type(found) is BrokerAway
    assert str(found).endswith("is it RabbitMQ, and does it want a certificate from us (?cert_file=, ?key_file=)?")


def test_a_server_that_hangs_is_told_without_the_inner_life_of_the_driver() -> None:
    said = "Connection.close() called before connection finished opening: prev_state=PROTOCOL (320): 'Timeout while setting up AMQP'"
    found = of_connecting(ConnectionOpenAborted(said), PLACE)
    assert type(found) is BrokerAway
    assert str(found) == (
        "RabbitMQ can't be reached at amqps://ann@mq1:5671: whoever listens there took the connection and said nothing; "
        "is it running, and is the broker's URL right?"
    )


@pytest.mark.parametrize("query", ["", "?server_name=mq.test", "?wait_s=3&heartbeat_s=9"])
def test_the_servers_certificate_is_always_looked_at(query: str) -> None:
    context = context_of(place_of(f"amqps://mq1{query}"))
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
