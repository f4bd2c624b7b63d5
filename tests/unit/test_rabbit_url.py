"""What does a URL of RabbitMQ say, and what is wrong with it?"""

from __future__ import annotations

from pathlib import Path

import pytest

from mq.rabbit_url import RabbitPlace, place_of
from mq.urls import open_broker
from system.errors import ConfigError


def test_a_bare_url_means_the_usual_server() -> None:
    assert place_of("amqp://") == RabbitPlace("localhost", 5672, "guest", "guest", "/")


def test_everything_may_be_said() -> None:
    place = place_of("amqps://ann:p%40ss@mq1:5000/a%2Fb?queue_type=classic&delivery_limit=7&heartbeat_s=9&wait_s=3&prefix=t.")
    assert (place.host, place.port, place.user, place.password, place.vhost, place.is_tls) == ("mq1", 5000, "ann", "p@ss", "a/b", True)
    assert (place.queue_type, place.delivery_limit, place.heartbeat_s, place.wait_s, place.prefix) == ("classic", 7, 9, 3, "t.")


@pytest.mark.parametrize(("url", "vhost"), [("amqp://h", "/"), ("amqp://h/", "/"), ("amqp://h/%2F", "/"), ("amqp://h/a", "a")])
def test_no_vhost_is_the_one_that_is_always_there(url: str, vhost: str) -> None:
    assert place_of(url).vhost == vhost


def test_tls_has_a_port_of_its_own() -> None:
    assert place_of("amqps://mq1").port == 5671


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("amqp://h:99999", "the port"),
        ("amqp://h/a/b", "%2F"),
        ("amqp://h/a#b", "%23"),
        ("amqp://h?color=red", "no option 'color'; options are queue_type"),
        ("amqp://h?queue_type=stream", "expected quorum or classic"),
        ("amqp://h?heartbeat_s=0", "heartbeat_s is '0'"),
        ("amqp://h?wait_s=soon", "wait_s is 'soon'"),
        ("amqp://h?prefix=" + 40 * "p", "39 bytes at most"),
        ("amqp://h?ca_file=/nowhere", "ca_file is for amqps://"),
        ("amqp://h?server_name=mq.test", "server_name is for amqps://"),
        ("amqps://h?server_name=", "server_name is empty"),
        ("amqps://h?verify=none", "no option 'verify'"),
        ("amqps://h?ca_file=/nowhere", "no such file"),
        ("amqps://h?cert_file=/nowhere", "go together"),
    ],
)
def test_what_is_wrong_is_said(url: str, words: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        place_of(url)
    assert words in str(refusal.value)


def test_all_faults_are_said_at_once_and_no_password() -> None:
    with pytest.raises(ConfigError) as refusal:
        place_of("amqp://ann:geheim@h/a/b?x=1&wait_s=0")
    assert len(refusal.value.faults) == 3
    assert "geheim" not in str(refusal.value)


def test_a_place_is_shown_without_its_password() -> None:
    place = place_of("amqp://ann:geheim@mq1/jobs")
    assert place.shown == "amqp://ann@mq1:5672/jobs"
    assert "geheim" not in repr(place)


def test_a_broker_is_made_without_a_word_to_the_server(tmp_path: Path) -> None:
    broker = open_broker("amqp://nowhere.invalid", file=None, var=tmp_path)
    broker.close()
    assert type(broker).__name__ == "RabbitBroker"
