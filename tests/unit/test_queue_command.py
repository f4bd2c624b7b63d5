"""Can the queues be looked at, and one be emptied, without an accident?"""

from __future__ import annotations

import io
import sys

import pytest

from db.model import CommandState
from launcher.who import who
from system.context import DEAD_QUEUE
from tests.support.lamp import Lamp, january
from tests.support.pretended_roof import LampRoof, Terminal

QUEUE = "queue_flights_hourly_backfill"


class Person(io.StringIO):
    """Somebody at a terminal who types one line."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def lamp() -> Lamp:
    lamp = Lamp(january())
    lamp.turn()
    return lamp


@pytest.fixture
def terminal(lamp: Lamp, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(LampRoof(lamp), capsys)


def test_every_queue_is_listed_with_its_depth_and_its_readers(terminal: Terminal) -> None:
    document = {row["queue"]: row for row in terminal.json("queue", "list")}
    assert document[QUEUE] == {"queue": QUEUE, "messages": 24, "of": ["flights_hourly"]}
    assert document["q_uow_status"]["of"] == ["scheduler"]
    assert terminal.run("queue", "list") == 0
    assert [QUEUE, "24", "flights_hourly"] in [line.split() for line in terminal.out.splitlines()]


def test_a_queue_is_purged_where_yes_was_said(lamp: Lamp, terminal: Terminal) -> None:
    assert terminal.json("queue", "purge", QUEUE, "--yes") == {"queue": QUEUE, "dropped": 24}
    assert lamp.broker.depths([QUEUE]) == {QUEUE: 0}


def test_who_empties_a_queue_or_drops_dead_letters_stands_in_the_audit_log(lamp: Lamp, terminal: Terminal) -> None:
    assert terminal.run("queue", "purge", QUEUE, "--yes", "--why", "a flood") == 0
    lamp.broker.declare([DEAD_QUEUE])
    assert terminal.run("queue", "dead", "--drop") == 0
    assert terminal.run("queue", "dead", "--requeue", "--why", "mended") == 0
    found = [(each.verb, each.process, each.who, each.why, each.state) for each in reversed(lamp.store.latest_commands(0, 9))]
    assert found == [
        ("queue purge", QUEUE, who(), "a flood", CommandState.DONE), ("queue drop", DEAD_QUEUE, who(), "", CommandState.DONE),
        ("queue requeue", DEAD_QUEUE, who(), "mended", CommandState.DONE),
    ]  # fmt: skip


def test_without_anybody_to_ask_nothing_is_purged(lamp: Lamp, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert terminal.run("queue", "purge", QUEUE) == 1
    assert "nobody is there to be asked (drop 24 messages of queue_flights_hourly_backfill?): add --yes" in terminal.err
    assert lamp.broker.depths([QUEUE]) == {QUEUE: 24}


@pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, 0), ("n\n", 1, 24), ("\n", 1, 24), ("", 1, 24)])
def test_a_person_is_asked(
    lamp: Lamp, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, left: int
) -> None:
    monkeypatch.setattr(sys, "stdin", Person(answer))
    assert terminal.run("queue", "purge", QUEUE) == code
    assert lamp.broker.depths([QUEUE]) == {QUEUE: left}


def test_an_unknown_queue_is_refused_with_the_near_names(terminal: Terminal) -> None:
    assert terminal.run("queue", "purge", "queue_flight_hourly", "--yes") == 2
    assert "did you mean queue_flights_hourly" in terminal.err
    assert terminal.run("queue", "purge", "zebra", "--yes") == 2
    assert "`launch.py queue list` shows them" in terminal.err


def test_what_was_purged_is_asked_for_anew_by_the_sweep(lamp: Lamp, terminal: Terminal) -> None:
    assert terminal.run("queue", "purge", QUEUE, "--yes") == 0
    for _ in range(5):
        lamp.clock.sleep(lamp.settings.sweep_s)
        lamp.turn()
    assert lamp.broker.depths([QUEUE]) == {QUEUE: 24}
