"""Do `launch.py context plan` and `apply` show, ask and do what they say?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.lamp import Lamp, context, january, with_fields
from tests.support.pretended_roof import LampRoof, Terminal


@pytest.fixture
def lamp() -> Lamp:
    lamp = Lamp(january())
    lamp.run()
    return lamp


@pytest.fixture
def terminal(lamp: Lamp, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """Return a terminal whose context begins a day earlier than the registered one."""
    terminal = Terminal(LampRoof(lamp), capsys)
    terminal.roof.__dict__["context"] = context([replace(p, start="2012123100") for p in january()])
    return terminal


def test_a_plan_says_what_would_come_into_being_and_how_to_say_yes(terminal: Terminal) -> None:
    assert terminal.run("context", "plan") == 0
    assert "start was '2013010100' and is '2012123100' now" in terminal.out
    assert "24 periods (2012123100 to 2012123123) come into being and will run" in terminal.out
    assert terminal.out.rstrip().endswith("say yes by: launch.py context apply")


def test_a_context_that_changes_nothing_says_so(lamp: Lamp, terminal: Terminal) -> None:
    terminal.roof.__dict__["context"] = lamp.context
    assert terminal.run("context", "plan") == 0
    assert terminal.out == "the context changes nothing of the timetable\n"
    assert terminal.run("context", "apply", "--yes") == 0
    assert terminal.out.endswith("nothing needs a yes\n")


def test_apply_does_nothing_where_nobody_is_asked(lamp: Lamp, terminal: Terminal) -> None:
    head = len(lamp.store.turns_after(0, 1_000))
    assert terminal.run("context", "apply") == 1
    assert "add --yes" in terminal.err
    assert len(lamp.store.turns_after(0, 1_000)) == head


def test_apply_registers_and_says_what_follows(lamp: Lamp, terminal: Terminal) -> None:
    assert terminal.run("context", "apply", "--yes") == 0
    assert "running schedulers take it up within seconds" in terminal.out
    lamp.turn(2)
    assert not lamp.engine.leads
    assert terminal.json("context", "plan")["needs_yes"] is False


def test_apply_as_json_is_one_document(terminal: Terminal) -> None:
    document = terminal.json("context", "apply", "--yes")
    assert (document["turn"] > 0, document["is_reopened"]) == (True, False)


def test_another_qualifier_is_refused(terminal: Terminal) -> None:
    terminal.roof.__dict__["context"] = context(with_fields(january(), "flights_hourly", {"time_qualifier": "_daily"}))
    for command in (("plan",), ("apply", "--yes")):
        assert terminal.run("context", *command) == 1
        assert "give it a new name" in terminal.err


def test_what_would_run_again_is_said_before_it_does(lamp: Lamp, terminal: Terminal) -> None:
    terminal.roof.__dict__["context"] = context([*january(), *january(("monthly",), end="2013020000")])
    assert terminal.run("context", "plan") == 0
    assert "flights_monthly: new, taken up by itself" in terminal.out
    terminal.roof.__dict__["context"] = context(with_fields(january(), "flights_hourly", {"time_grouping": 3}))
    assert terminal.run("context", "plan") == 0
    assert "with --reopen 9 jobs would run again, in order" in terminal.out
