"""What do the commands for freerun entries print, and with which exit code?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from scheduler.attention import of_entries
from system.context import freerun_context_entry
from system.lifecycle import UowEvent
from tests.support.lamp import Lamp
from tests.support.pretended_roof import LampRoof, Terminal


@pytest.fixture
def lamp() -> Lamp:
    lamp = Lamp([freerun_context_entry("load", name, "jobs.load", "load", "at 03:00", overlap="queue 2") for name in ("night", "noon")])
    lamp.turn()
    return lamp


@pytest.fixture
def terminal(lamp: Lamp, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(LampRoof(lamp), capsys)


def test_entries_are_listed_with_their_next_fire(terminal: Terminal) -> None:
    found = {row["entry"]: (row["state"], row["next_fire"]) for row in terminal.json("freerun", "list")}
    assert found == dict.fromkeys(("night", "noon"), ("on", "2020-01-01T03:00:00+00:00"))
    assert terminal.run("freerun", "list", "--process", "load") == 0
    assert "2020-01-01 03:00:00Z" in terminal.out


def test_list_shows_entries_as_they_are_in_force_and_those_that_commands_made(lamp: Lamp, terminal: Terminal) -> None:
    terminal.run("freerun", "off", "load", "night", "--why", "repairs", "--wait", "0")
    terminal.run("freerun", "create", "load", "dawn", "--schedule", "every 60", "--why", "more", "--wait", "0")
    lamp.turn()
    rows = {row["process"]: row for row in terminal.json("list")}
    assert [(rows[f"load/{name}"]["on"], rows[f"load/{name}"]["context_on"]) for name in ("night", "noon", "dawn")] == [
        ("off", "on"), ("on", "on"), ("on", ""),
    ]  # fmt: skip
    assert "repairs" in rows["load/night"]["said"]
    assert rows["load/noon"]["said"] == ""


@pytest.mark.parametrize("command", [("freerun", "list"), ("list",)])
def test_long_lists_are_cut_and_say_so(terminal: Terminal, command: tuple[str, ...]) -> None:
    assert terminal.run(*command, "--limit", "1") == 0
    assert ("noon" in terminal.out, "1 of 2; --limit shows more" in terminal.out) == (False, True)
    assert (len(terminal.json(*command)), len(terminal.json(*command, "--limit", "1"))) == (2, 1)


def test_the_next_fires_are_shown(terminal: Terminal) -> None:
    assert terminal.run("freerun", "next", "load", "night", "--count", "2") == 0
    assert terminal.out.splitlines() == ["2020-01-01 03:00:00Z", "2020-01-02 03:00:00Z"]
    assert terminal.json("freerun", "next", "load", "night", "--count", "1")["next"] == ["2020-01-01T03:00:00+00:00"]


def test_a_command_is_stored_and_said(lamp: Lamp, terminal: Terminal) -> None:
    given = ("--schedule", "every 60", "--arg", "depth=2", "--arg", "who=ann")
    assert terminal.run("freerun", "change", "load", "night", *given, "--why", "x", "--wait", "0") == 0
    assert terminal.out.startswith("stored as command 1\n")
    lamp.turn()
    assert terminal.json("freerun", "show", "load", "night")["given"] == {
        "trigger_frequency": "every 60", "arguments": {"depth": 2, "who": "ann"},
    }  # fmt: skip


def test_an_entry_is_shown_with_what_was_given(lamp: Lamp, terminal: Terminal) -> None:
    terminal.run("freerun", "off", "load", "night", "--why", "repairs", "--wait", "0")
    lamp.turn()
    assert terminal.run("freerun", "show", "load", "night") == 0
    assert "it is switched off by" in terminal.out
    assert "launch.py freerun on load night" in terminal.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "laod", "night"), "there is no freerun process 'laod'; did you mean load?"),
        (("create", "load", "x", "--schedule", "every 0", "--why", "x"), "'every 0' is not a schedule"),
        (("create", "load", "x", "--schedule", "every 5", "--overlap", "queue", "--why", "x"), "overlap 'queue' is unknown"),
        (("change", "load", "night", "--arg", "depth", "--why", "x"), "--arg 'depth' is no NAME=VALUE"),
        (("trigger", "load", "night", "--why", " "), "--why is empty"),
    ],
)
def test_wrong_input_is_said_and_nothing_is_stored(lamp: Lamp, terminal: Terminal, words: tuple[str, ...], said: str) -> None:
    assert terminal.run("freerun", *words) == 2
    assert said in terminal.err
    assert lamp.store.open_commands(1) == []


def test_an_entry_that_is_unknown_is_refused_with_a_near_one(terminal: Terminal) -> None:
    assert terminal.run("freerun", "show", "load", "nigth") == 2
    assert "did you mean night?" in terminal.err


def needs_of(terminal: Terminal) -> list[tuple[str, str, str]]:
    """Return what needs a person of entries, as a status says it."""
    first = terminal.json("status")["overview"]["needs"]["first"]
    return [(need["kind"], need["process"], need["timeperiod"]) for need in first if need["process"]]


def test_an_entry_that_is_as_it_should_be_needs_nobody(lamp: Lamp, terminal: Terminal) -> None:
    lamp.pass_s(3 * 3600)
    lamp.work(*[f"{fire}/1" for fire in lamp.fires()])
    assert needs_of(terminal) == []


@pytest.mark.parametrize(
    ("fields", "kind"), [({}, "failing"), ({"max_attempts": 1, "on_failure": "hold"}, "held"), ({"max_attempts": 1}, "failing")]
)
def test_a_fire_that_fails_is_held_or_was_given_up_needs_a_person(
    fields: dict[str, Any], kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lamp = Lamp([freerun_context_entry("load", "night", "jobs.load", "load", "at 03:00", **fields)])
    lamp.pass_s(3 * 3600)
    lamp.work(*[f"{fire}/1" for fire in lamp.fires()], event=UowEvent.FAILED)
    terminal = Terminal(LampRoof(lamp), capsys)
    assert needs_of(terminal) == [(kind, "load", "night")]
    assert terminal.run("status") == 0
    assert "launch.py freerun" in terminal.out


def test_fires_that_were_missed_lately_need_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    lamp = Lamp([freerun_context_entry("load", "night", "jobs.load", "load", "at 03:00,04:00,05:00")])
    lamp.turn()
    lamp.clock.sleep(6 * 3600)
    lamp.turn(2)
    terminal = Terminal(LampRoof(lamp), capsys)
    terminal.roof.clock.sleep(6 * 3600)
    assert needs_of(terminal) == [("missed", "load", "night")]
    assert list(of_entries(lamp.store.entries(), lamp.clock.now() + timedelta(hours=24))) == []
