"""Does RabbitMQ by TLS let in whom it should, and trust nobody whom it should not? With a real server and certificates made here."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from launcher.doctor import diagnose
from launcher.doctor_look import look
from launcher.parts import Roof
from mq.broker import Message
from mq.rabbit import RabbitBroker
from mq.rabbit_link import parameters_of
from mq.rabbit_url import RabbitPlace, place_of
from mq.urls import certificates_left_s
from system.clock import RealClock
from system.errors import BrokerError, ConfigError, HorariumError
from tests.services.certificates import Authority, Certificate
from tests.services.rabbitmq import TLS_NAME, RabbitMQ
from tests.support.link import Link
from tests.support.rabbit import own_place, private_rabbit, rabbit_broker, url_of
from tests.support.services import service_url
from tests.support.waiting import wait_until

pytestmark = pytest.mark.service


@pytest.fixture
def place() -> RabbitPlace:
    """The server of the tests by TLS, and its authority; it needs no certificate of ours."""
    return own_place(service_url("AMQPS_URL"))


@pytest.fixture
def stranger(tmp_path: Path) -> Authority:
    """Somebody else's authority."""
    return Authority(tmp_path / "stranger", "somebody else")


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    """A server that lets nobody in whom its authority does not vouch for."""
    with private_rabbit(tmp_path_factory.mktemp("rabbitmq"), {"ssl_options.fail_if_no_peer_cert": "true"}) as started:
        yield started


def shown_by(place: RabbitPlace, certificate: Certificate) -> RabbitPlace:
    return replace(place, cert_file=str(certificate.file), key_file=str(certificate.key))


def refusal_of(place: RabbitPlace) -> HorariumError:
    """Return why nobody comes in, which is said the second time too."""
    broker = RabbitBroker(place, RealClock())
    try:
        with pytest.raises(HorariumError) as first:
            broker.prepare()
        with pytest.raises(HorariumError) as second:
            broker.declare(["a"])
    finally:
        broker.close()
    assert str(second.value) == str(first.value)
    return first.value


def goes_through(place: RabbitPlace) -> bool:
    """Return whether a message goes there and comes back."""
    with rabbit_broker(url_of(place)) as broker:
        broker.declare(["a"])
        broker.publish([Message("a", "1")])
        return broker.depths(["a"]) == {"a": 1}


# -- whom we trust


def test_a_server_that_our_authority_vouches_for_is_spoken_to(place: RabbitPlace) -> None:
    assert goes_through(place)


@pytest.mark.parametrize("ca_file", ["the system's", "somebody else's"])
def test_another_authority_is_not_trusted(place: RabbitPlace, stranger: Authority, ca_file: str) -> None:
    refusal = refusal_of(replace(place, ca_file="" if ca_file == "the system's" else str(stranger.file)))
    assert type(refusal) is BrokerError
    assert "has a certificate that is not trusted (" in str(refusal)
    assert str(refusal).endswith("name the authority that signed it by ?ca_file=/path/of/ca.pem")


def test_a_certificate_for_another_host_is_refused(place: RabbitPlace) -> None:
    refusal = refusal_of(replace(place, host="localhost"))
    assert type(refusal) is BrokerError
    assert "has a certificate that is not for localhost (" in str(refusal)
    assert "?server_name=" in str(refusal)


def test_the_name_in_the_certificate_may_be_said(place: RabbitPlace) -> None:
    assert goes_through(replace(place, host="localhost", server_name=TLS_NAME))


def test_a_name_that_is_said_is_the_only_one_that_counts(place: RabbitPlace) -> None:
    assert "is not for other.test (" in str(refusal_of(replace(place, server_name="other.test")))


def test_a_certificate_that_has_ended_is_refused(stranger: Authority) -> None:
    ended = stranger.certificate("ended", ["IP:127.0.0.1"], days=-1)
    with Link(service_url("AMQP_URL").replace("amqp:", "amqps:"), tls=stranger.server(ended)) as link:
        refusal = refusal_of(own_place(f"{link.url}?ca_file={stranger.file}"))
    assert type(refusal) is BrokerError
    assert "has a certificate that has ended (" in str(refusal)
    assert "put another one in place on the server" in str(refusal)


def test_a_certificate_that_is_good_is_taken_from_the_same_place(stranger: Authority) -> None:
    good = stranger.certificate("good", ["IP:127.0.0.1"])
    with Link(service_url("AMQP_URL").replace("amqp:", "amqps:"), tls=stranger.server(good)) as link:
        assert goes_through(own_place(f"{link.url}?ca_file={stranger.file}"))


def test_a_port_for_tls_that_is_spoken_to_without_is_told(place: RabbitPlace) -> None:
    refusal = refusal_of(replace(place, is_tls=False, ca_file=""))
    assert "The one with TLS takes amqps://" in str(refusal)


# -- who we are


def test_who_shows_a_certificate_comes_in_by_tls(closed: RabbitMQ) -> None:
    place = shown_by(own_place(closed.tls_url), closed.authority.certificate("ann"))
    broker = RabbitBroker(place, RealClock())
    broker.prepare()
    # Beside it the server may still list those by which the fixture looked whether it is there.
    assert "true\tCN=ann" in closed.control("list_connections", "ssl", "peer_cert_subject").splitlines()
    broker.close()


def test_who_shows_none_is_told_which_options_name_one(closed: RabbitMQ) -> None:
    assert "?cert_file=" in str(refusal_of(own_place(closed.tls_url)))


def test_a_certificate_that_the_server_does_not_take_is_named(closed: RabbitMQ, stranger: Authority) -> None:
    place = own_place(closed.tls_url)
    for certificate in (stranger.certificate("ann"), closed.authority.certificate("late", days=-1)):
        assert f"take the certificate {certificate.file}" in str(refusal_of(shown_by(place, certificate)))


def test_a_connection_by_tls_is_made_anew_after_the_server_was_killed(closed: RabbitMQ) -> None:
    place = replace(shown_by(own_place(closed.tls_url), closed.authority.certificate("ann")), wait_s=3)
    with rabbit_broker(url_of(place)) as broker:
        broker.declare(["a"])
        closed.kill()
        closed.start()

        def goes() -> bool:
            try:
                broker.publish([Message("a", "1")])
            except HorariumError:
                return False
            return True

        wait_until(goes, within_s=20.0, what="the broker publishes again")


def test_a_certificate_that_was_replaced_is_shown_from_the_next_connection_on(closed: RabbitMQ, stranger: Authority) -> None:
    shown = stranger.certificate("ann")
    broker = RabbitBroker(shown_by(own_place(closed.tls_url, wait_s=3), shown), RealClock())
    with pytest.raises(BrokerError, match="does not take the certificate"):
        broker.prepare()
    good = closed.authority.certificate("ann")
    for old, new in ((shown.key, good.key), (shown.file, good.file)):
        old.write_bytes(new.read_bytes())

    def comes_in() -> bool:
        try:
            broker.prepare()
        except HorariumError:
            return False
        return True

    wait_until(comes_in, within_s=15.0, what="the server takes the new certificate")
    broker.close()


# -- how long that is good


def test_it_is_told_how_long_the_servers_certificate_is_good_and_ours(closed: RabbitMQ) -> None:
    place = shown_by(own_place(closed.tls_url), closed.authority.certificate("brief", days=3))
    left = certificates_left_s(url_of(place), RealClock().now())
    assert {name: round(seconds / 86_400) for name, seconds in left.items()} == {
        "the broker's certificate": 3650, f"our certificate for the broker, {place.cert_file},": 3,
    }  # fmt: skip


def test_a_server_that_is_away_shows_no_certificate_and_none_is_looked_for_without_tls(stranger: Authority) -> None:
    now = RealClock().now()
    assert certificates_left_s(f"amqps://127.0.0.1:1/?ca_file={stranger.file}", now) == {}
    assert certificates_left_s(service_url("AMQP_URL"), now) == {}


def test_the_doctor_tells_of_a_certificate_that_ends_soon(stranger: Authority, tmp_path: Path) -> None:
    brief = stranger.certificate("brief", ["IP:127.0.0.1"], days=3)
    with Link(service_url("AMQP_URL").replace("amqp:", "amqps:"), tls=stranger.server(brief)) as link:
        own = {"HORARIUM_SETTINGS": "none", "HORARIUM_BOX": "box-1", "HORARIUM_VAR": str(tmp_path / "var")}
        findings = diagnose(look(Roof({**own, "HORARIUM_BROKER_URL": f"{link.url}?ca_file={stranger.file}"})))
    assert "the broker's certificate ends in 3 days" in [finding.text for finding in findings if finding.check == "broker"]


# -- files that are of no use


def test_files_that_cannot_be_used_are_refused_before_anybody_is_asked(stranger: Authority) -> None:
    one, other = stranger.certificate("one"), stranger.certificate("other")
    locked = stranger.folder / "locked.key"
    subprocess.run(
        ["openssl", "ec", "-in", one.key, "-aes256", "-passout", "pass:geheim", "-out", locked], check=True, capture_output=True
    )
    place = place_of("amqps://nowhere.invalid")
    for wrong, option in [
        (replace(place, ca_file=str(one.key)), "ca_file of the broker's URL can't be used"),
        (shown_by(place, Certificate(one.file, other.key)), "cert_file and key_file of the broker's URL can't be used"),
        (shown_by(place, Certificate(one.file, locked)), "the key without a password"),
    ]:
        with pytest.raises(ConfigError) as refusal:
            parameters_of(wrong, "test")
        assert option in str(refusal.value)
