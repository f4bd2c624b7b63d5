"""Does the dashboard show and steer all that the store knows while the broker is away, and is the broker back by itself?"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from launcher.web.desk import WebDesk
from system.context import DEAD_QUEUE
from tests.support.hub import Hub
from tests.support.mx import app_over, client_over
from tests.support.rabbit import own_place, url_of
from tests.support.steered import HOUR, SECRET, commands_of, steered
from tests.support.waiting import wait_until

LOOPBACK = "127.0.0.1"
REFUSED = f"amqp://ann:{SECRET}@{LOOPBACK}:1/"
QUEUE = "queue_sales_hourly"
PLACES = {"name": QUEUE, "queue": QUEUE, "process": "sales_hourly", "timeperiod": HOUR, "box": "b1", "tree": "sales"}
# They begin with a part of what is there, or take something that this deployment has not.
NOT_HERE = ("static", "login", "live", "printed", "output", "log", "files", "users", "account", "welcome", "progress", "commands")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[WebDesk]:
    """A desk whose broker refused every connection from the beginning on."""
    with steered(tmp_path, broker_url=REFUSED) as opened:
        yield opened


def paths_of(desk: WebDesk) -> list[str]:
    """Return the paths that can be read without more than this deployment has, of pages and API."""
    rules = [rule for rule in app_over(desk).url_map.iter_rules() if "GET" in (rule.methods or ()) and rule.arguments <= PLACES.keys()]
    found = [str(rule) for rule in rules if not any(word in rule.endpoint for word in NOT_HERE)]
    for name, value in PLACES.items():
        found = [path.replace(f"<{name}>", quote(value)) for path in found]
    return [path for path in found if not path.endswith((f"/logs/{QUEUE}", f"/logs/{QUEUE}/text", f"/process/{QUEUE}", "/api/v1/search"))]


def test_every_page_opens_and_the_first_one_says_that_the_broker_is_away(desk: WebDesk) -> None:
    client, paths = client_over(desk), paths_of(desk)
    assert len(paths) > 35
    refused = {path: answer.status_code for path in paths if (answer := client.get(path)).status_code not in (200, 302, 308)}
    assert refused == {"/readyz": 503, "/api/v1/dead-letters": 503}  # no scheduler leads here; the letters are the broker's alone
    page = client.get("/").text
    assert "no broker" in page
    assert f"RabbitMQ can&#39;t be reached at amqp://ann@{LOOPBACK}:1: connection refused" in page
    assert SECRET not in page


def test_what_only_the_broker_knows_is_said_to_be_not_known(desk: WebDesk) -> None:
    client = client_over(desk)
    assert "not known just now: the broker does not tell" in client.get(f"/queues/{QUEUE}").text
    assert "The broker does not tell how many messages wait: RabbitMQ can&#39;t be reached" in client.get("/queues").text
    assert client.get(f"/api/v1/queues/{QUEUE}").get_json()["messages"] is None
    told = client.get("/api/v1/queues?limit=1").get_json()
    assert (told["items"][0]["messages"], told["dead"], "RabbitMQ can't be reached" in told["fault"]) == (None, None, True)
    letters = client.get(f"/queues/{DEAD_QUEUE}")
    assert (letters.status_code, letters.text.count("The broker is away"), "Nothing is lost" in letters.text) == (503, 2, True)


def test_what_the_broker_must_do_is_refused_by_its_name(desk: WebDesk) -> None:
    client = client_over(desk)
    page = client.post(f"/queues/{QUEUE}/purge", data={"reason": "old"})
    assert (page.status_code, page.text.count("The broker is away"), "The store is away" in page.text) == (503, 2, False)
    told = client.post(f"/api/v1/queues/{QUEUE}/purge", json={"why": "old"})
    assert (told.status_code, "RabbitMQ can't be reached" in told.get_json()["detail"]) == (503, True)
    assert commands_of(desk) == []


def test_commands_are_given_all_the_same(desk: WebDesk) -> None:
    client = client_over(desk)
    given = client.post("/api/v1/processes/stock_daily/on", json={"why": "ready"})
    assert (given.status_code, [command.verb for command in commands_of(desk)]) == (202, ["on"])
    assert client.post("/boxes", data={"verb": "stop", "reason": "moved", "place": "b1/worker"}).status_code == 303


def test_a_broker_that_takes_a_connection_and_says_nothing_is_not_waited_for_again(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as mute:
        url = f"amqp://ann@{LOOPBACK}:{mute.getsockname()[1]}/?wait_s=1"
        with steered(tmp_path, broker_url=url) as desk:
            page = client_over(desk).get("/")
    assert (page.status_code, "no broker" in page.text, "The store is away" in page.text) == (200, True, False)


def test_a_broker_that_refuses_the_password_is_a_matter_of_the_broker_alone(tmp_path: Path) -> None:
    place = own_place(wait_s=5)
    with steered(tmp_path, broker_url=url_of(replace(place, password="wrong"))) as desk:
        client = client_over(desk)
        page, purge = client.get("/"), client.post(f"/queues/{QUEUE}/purge", data={"reason": "old"})
    assert (page.status_code, "refuses this user or password" in page.text) == (200, True)
    assert (purge.status_code, "The broker can&#39;t be used" in purge.text) == (503, True)


def test_files_of_tls_that_can_not_be_used_are_a_matter_of_the_broker_alone(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("this is none")
    with steered(tmp_path, broker_url=f"amqps://ann@{LOOPBACK}:1/?ca_file={tmp_path}/ca.pem") as desk:
        client = client_over(desk)
        answers = [client.get("/") for _ in range(2)]
    assert [(page.status_code, "ca.pem" in page.text) for page in answers] == [(200, True)] * 2


@pytest.mark.service
def test_a_broker_that_comes_is_asked_without_a_restart(tmp_path: Path) -> None:
    place = own_place(wait_s=5)
    with closing(socket.socket()) as ear:
        ear.bind((LOOPBACK, 0))  # and nobody listens: refused
        url = url_of(replace(place, host=LOOPBACK, port=ear.getsockname()[1]))
        with steered(tmp_path, broker_url=url) as desk:
            client = client_over(desk)
            assert says_broker_is_away(client)
            ear.listen()
            with Hub(LOOPBACK, place.host, place.port, ear=ear):
                wait_until(lambda: not says_broker_is_away(client), within_s=20, what="the broker to be back")
                assert client.get(f"/queues/{QUEUE}").text.count("not known just now") == 0
                assert "no work is handed out" not in client.get("/pulse").text


def says_broker_is_away(client: FlaskClient) -> bool:
    """Return whether the first page does."""
    page = client.get("/")
    assert page.status_code == 200
    return "no broker" in page.text
