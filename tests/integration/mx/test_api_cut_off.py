"""Is a request with an `Idempotency-Key` done once, wherever the store goes away while it is carried out, and is its answer told then?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from flask.testing import FlaskClient

from db.model import Command
from db.model_papers import Paper
from launcher.web.desk import WebDesk
from mx.api.idempotency import HEADER, REPEATED
from system.errors import BrokerAway, Unavailable
from tests.support.mx import app_over
from tests.support.steered import commands_of, give_up_on, steered, within

API = "/api/v1"
FREERUN = f"{API}/freerun/load"
# What changes something, with each command that it leaves behind: verb, process, period or entry or box.
CHANGES: dict[str, tuple[str, str, dict[str, Any], list[tuple[str, str, str]]]] = {
    "give": (
        "POST", f"{API}/commands", {"verb": "hold", "processes": ["sales_hourly", "sales_daily"], "timeperiod": "20261120", "why": "w"},
        [("hold", "sales_daily", "2026112000"), ("hold", "sales_hourly", "2026112000")],
    ),
    "switch": ("POST", f"{API}/processes/stock_daily/on", {"why": "w"}, [("on", "stock_daily", "")]),
    "trigger entry": ("POST", f"{FREERUN}/night/trigger", {"why": "w"}, [("freerun trigger", "load", "night")]),
    "create entry": (
        "PUT", f"{FREERUN}/new", {"why": "w", "trigger_frequency": "every 60"}, [("freerun create", "load", "new")],
    ),
    "change entry": ("PATCH", f"{FREERUN}/night", {"why": "w", "description": "d"}, [("freerun change", "load", "night")]),
    "delete entry": ("DELETE", f"{FREERUN}/night?why=w", {}, [("freerun delete", "load", "night")]),
    "box": ("PUT", f"{API}/boxes/b1/worker", {"why": "w", "is_on": False}, [("box stop", "worker", "b1")]),
    "forget": ("DELETE", f"{API}/boxes/b2?why=w", {}, [("box forget", "", "b2")]),
    "purge": ("POST", f"{API}/queues/queue_sales_hourly/purge", {"why": "w"}, [("queue purge", "queue_sales_hourly", "")]),
    "requeue": ("POST", f"{API}/dead-letters/requeue", {"why": "w"}, [("queue requeue", "q_dead_letters", "")]),
    "drop": ("POST", f"{API}/dead-letters/drop", {"why": "w"}, [("queue drop", "q_dead_letters", "")]),
}  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[WebDesk]:
    with steered(tmp_path) as opened:
        give_up_on(opened, ["sales_hourly/nothing"])
        yield opened


@pytest.fixture
def client(desk: WebDesk) -> FlaskClient:
    return app_over(desk).test_client()


@contextmanager
def failing(target: object, verb: str, *, at: int, is_done: bool) -> Iterator[None]:
    """Have the call number `at` of a verb raise Unavailable, before or after it is done."""
    whole, calls = getattr(target, verb), list[int]()

    def called(*given: Any, **named: Any) -> Any:
        calls.append(len(calls) + 1)
        if calls[-1] == at and not is_done:
            raise Unavailable("the store went away")
        found = whole(*given, **named)
        if calls[-1] == at:
            raise Unavailable("the answer of the store was lost")
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(target, verb, called)
        yield


def send(client: FlaskClient, change: str, key: str = "k") -> Any:
    """Send one of CHANGES with a key."""
    method, path, body, _ = CHANGES[change]
    return client.open(path, method=method, json=body or None, headers={HEADER: key})


def given(desk: WebDesk) -> list[tuple[str, str, str]]:
    """Return what was given."""
    return [(command.verb, command.process, command.timeperiod) for command in commands_of(desk)]


def check_done_once(desk: WebDesk, client: FlaskClient, change: str) -> None:
    """Fail unless a request that was sent once more was carried out once, and is answered so from now on."""
    answer, again = send(client, change), send(client, change)
    assert answer.status_code in (200, 202), answer.text
    assert sorted(given(desk)) == sorted(CHANGES[change][3])
    assert (again.status_code, again.data, again.headers[REPEATED]) == (answer.status_code, answer.data, "true")
    number = answer.get_json().get("number") or answer.get_json()["command"]
    assert number in [command.number for command in commands_of(desk)]


STEPS = [(change, verb, 1) for change in CHANGES for verb in ("put_paper", "latest_commands", "add_command")]
STEPS += [("give", "add_command", 2), ("box", "put_box_wishes", 1), ("forget", "drop_box", 1)]
BEFORE_AND_AFTER = pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])


@BEFORE_AND_AFTER
@pytest.mark.parametrize(("change", "verb", "at"), STEPS)
def test_what_is_cut_off_is_done_once_by_who_asks_again(
    desk: WebDesk, client: FlaskClient, change: str, verb: str, at: int, *, is_done: bool
) -> None:
    with failing(within(desk, lambda: desk.parts.store), verb, at=at, is_done=is_done):
        assert send(client, change).status_code == 503
    check_done_once(desk, client, change)


@BEFORE_AND_AFTER
@pytest.mark.parametrize(("verb", "at"), [("put_paper", 1), ("paper", 1), ("put_paper", 2), ("latest_commands", 1), ("add_command", 1)])
def test_who_asks_again_may_be_cut_off_too(desk: WebDesk, client: FlaskClient, verb: str, at: int, *, is_done: bool) -> None:
    store = within(desk, lambda: desk.parts.store)
    for step in (("add_command", 2), (verb, at)):
        with failing(store, step[0], at=step[1], is_done=is_done):
            assert send(client, "give").status_code == 503 or is_done
    check_done_once(desk, client, "give")


@BEFORE_AND_AFTER
def test_an_answer_that_could_not_be_kept_is_made_again(desk: WebDesk, client: FlaskClient, *, is_done: bool) -> None:
    with failing(within(desk, lambda: desk.parts.store), "put_paper", at=2, is_done=is_done):
        first = send(client, "give")
    again = send(client, "give")
    assert (first.status_code, again.data) == (202, first.data)
    assert len(given(desk)) == 2


def test_a_broker_that_is_away_leaves_the_key_free(desk: WebDesk, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = within(desk, lambda: desk.parts.joined.broker)

    def away(_: str) -> int:
        raise BrokerAway("no broker")

    with monkeypatch.context() as patch:
        patch.setattr(broker, "purge", away)
        assert send(client, "purge").status_code == 503
    check_done_once(desk, client, "purge")


def test_a_key_of_another_day_gives_its_command_again(desk: WebDesk, client: FlaskClient) -> None:
    send(client, "switch")
    desk.parts.roof.clock.sleep(86_401)
    send(client, "switch")
    assert [command.verb for command in commands_of(desk)] == ["on", "on"]


def test_a_request_that_goes_on_is_not_carried_on_by_another_one(
    desk: WebDesk, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = within(desk, lambda: desk.parts.store)
    whole, is_at_it, goes_on = store.add_command, Event(), Event()

    def slow(command: Command) -> int:
        is_at_it.set()
        assert goes_on.wait(10)
        return whole(command)

    monkeypatch.setattr(store, "add_command", slow)
    answers: list[Any] = []
    asking = Thread(target=lambda: answers.append(send(client.application.test_client(), "switch")))
    asking.start()
    assert is_at_it.wait(10)
    refused = send(client, "switch")
    goes_on.set()
    asking.join(10)
    assert (refused.status_code, "is being carried out" in refused.get_json()["detail"]) == (409, True)
    assert (answers[0].status_code, len(commands_of(desk))) == (202, 1)


def test_what_another_dashboard_was_ended_over_is_carried_on_in_a_while(desk: WebDesk, client: FlaskClient) -> None:
    with failing(within(desk, lambda: desk.parts.store), "add_command", at=1, is_done=True):
        assert send(client, "switch").status_code == 503
    other = app_over(desk).test_client()
    assert "in 2 minutes" in send(other, "switch").get_json()["detail"]
    desk.parts.roof.clock.sleep(121)
    check_done_once(desk, other, "switch")


def test_what_stands_under_a_key_tells_nothing_of_the_key(desk: WebDesk, client: FlaskClient) -> None:
    send(client, "switch", key="a-secret-key")
    papers: list[Paper] = desk.papers("idempotency", "", 10)
    assert [("a-secret-key" in paper.key, "a-secret-key" in paper.text) for paper in papers] == [(False, False)]
    assert "a-secret-key" not in commands_of(desk)[0].details
