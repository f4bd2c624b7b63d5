"""What do `launch.py process ...` and `job trigger` print, and with which exit code?"""

from __future__ import annotations

import getpass
import os
from unittest.mock import Mock

import pytest

from launcher.web.gate import local_name
from tests.support.lamp import Lamp, january
from tests.support.pretended_roof import LampRoof, Terminal


@pytest.fixture
def lamp() -> Lamp:
    return Lamp(january(("hourly", "daily")))


@pytest.fixture
def terminal(lamp: Lamp, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(LampRoof(lamp), capsys)


def test_several_processes_are_switched_at_once(lamp: Lamp, terminal: Terminal) -> None:
    assert terminal.run("process", "off", "flights_hourly", "flights_daily", "--why", "disk swap") == 0
    assert "done: flights_daily is off" in terminal.out
    assert [standing.is_on for standing in lamp.desk.standings()] == [False, False]


def test_show_says_who_and_why_and_by_which_schedule(terminal: Terminal) -> None:
    terminal.run("process", "off", "flights_hourly", "--why", "disk swap")
    terminal.run("process", "frequency", "flights_hourly", "at 03:30", "--why", "later")
    terminal.run("process", "show", "flights_hourly")
    assert f"by {getpass.getuser()}: disk swap" in terminal.out
    assert "at 03:30 (the context: every 60" in terminal.out
    (found,) = terminal.json("process", "show", "flights_hourly")
    assert (found["is_on"], found["schedule"], found["own_schedule"], found["why"]) == (False, "at 03:30", "every 60", "disk swap")


@pytest.mark.parametrize("error", [KeyError("uid not found"), OSError("no username set")])  # by the version of Python
def test_who_has_no_name_on_this_machine_is_named_by_number(
    lamp: Lamp, terminal: Terminal, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getpass, "getuser", Mock(side_effect=error))
    assert terminal.run("process", "off", "flights_hourly", "--why", "disk swap") == 0
    assert terminal.run("job", "hold", "flights_daily", "2013010100", "--why", "disk swap") in (0, 1)
    assert [command.who for command in lamp.store.latest_commands(0, 2)] == [f"uid {os.getuid()}"] * 2
    assert local_name() == f"uid {os.getuid()} (local)"


def test_answers_come_as_a_list_for_programs(terminal: Terminal) -> None:
    (answered,) = terminal.json("process", "reset", "flights_hourly", "--why", "test")
    assert (answered["state"], answered["verb"]) == ("refused", "reset")
    assert terminal.run("process", "reset", "flights_hourly", "--why", "test") == 1


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("off", "flights_hourl", "--why", "x"), "did you mean flights_hourly"),
        (("off", "flights_hourly", "--why", " "), "--why is empty"),
        (("off", "flights_hourly"), "--why"),
        (("frequency", "flights_hourly", "sometimes", "--why", "x"), "'sometimes' is not a schedule"),
        (("on", "--why", "x"), "PROCESS"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_stored(lamp: Lamp, terminal: Terminal, argv: tuple[str, ...], said: str) -> None:
    assert terminal.run("process", *argv) == 2
    assert said in terminal.err
    assert lamp.store.open_commands(1) == []


def test_without_a_scheduler_the_command_waits(lamp: Lamp, terminal: Terminal) -> None:
    lamp.store.close_sessions(["scheduler-1"])
    assert terminal.run("process", "off", "flights_hourly", "--why", "x", "--wait", "0") == 0
    assert "stored as command 1" in terminal.out
    assert "no scheduler leads" in terminal.out


def test_a_trigger_is_answered(terminal: Terminal) -> None:
    assert terminal.run("job", "trigger", "flights_hourly", "2013010100", "--why", "x") == 1
    assert "refused: 2013010100 is due already" in terminal.err


def test_commands_that_wait_for_a_scheduler_are_told_by_the_status(lamp: Lamp, terminal: Terminal) -> None:
    lamp.store.close_sessions(["scheduler-1"])
    assert terminal.run("process", "off", "flights_hourly", "--why", "x", "--wait", "0") == 0
    assert terminal.json("status")["open_commands"] == 1
    assert terminal.run("status") == 0
    assert "1 command stored and not carried out yet" in terminal.out
