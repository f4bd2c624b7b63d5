"""Does `launch.py job list` show the jobs that are there, those first that need a person?"""

from __future__ import annotations

import pytest

from db.model import Job, UnitOfWork
from scheduler.joblist import PHASES, phase_of
from system.clock import ManualClock
from system.lifecycle import JobState, UowEvent, UowState
from tests.support.lamp import Lamp, hours, january
from tests.support.pretended_roof import LampRoof, Terminal

NOW = ManualClock().now()


@pytest.fixture
def lamp() -> Lamp:
    """Two hours finished, one held, one failing, the others requested."""
    lamp = Lamp(january(max_attempts=2, on_failure="hold"))
    lamp.turn()
    lamp.work(*hours(2))
    held, failing = hours(4)[2:]
    lamp.work(held, event=UowEvent.FAILED)
    lamp.clock.sleep(600.0)
    lamp.turn()
    lamp.work(held, failing, event=UowEvent.FAILED)
    return lamp


@pytest.fixture
def terminal(lamp: Lamp, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(LampRoof(lamp), capsys)


@pytest.mark.parametrize(
    ("held", "is_failing", "uow", "phase"),
    [
        ("5 losses", True, UowState.IN_PROGRESS, "held"),
        ("", True, UowState.INVALID, "failing"),
        ("", True, UowState.IN_PROGRESS, "running"),
        ("", False, UowState.IN_PROGRESS, "running"),
        ("", False, UowState.REQUESTED, "requested"),
        ("", False, UowState.PROCESSED, "waiting"),
        ("", False, None, "waiting"),
    ],
)
def test_the_phase_of_a_job_says_what_it_is_at(held: str, is_failing: bool, uow: UowState | None, phase: str) -> None:
    job = Job("a", "2013010100", JobState.IN_PROGRESS, NOW, 1, held=held, failing_since=NOW if is_failing else None)
    record = UnitOfWork("a/1/1/1", "a", "1", "q", "1", "2", NOW, 1, state=uow) if uow else None
    assert phase_of(job, record) == phase


def test_what_needs_a_person_comes_first_and_what_is_finished_last_newest_first(terminal: Terminal) -> None:
    lines = terminal.json("job", "list")["lines"]
    phases = [line["phase"] for line in lines if line["phase"]]
    assert phases == sorted(phases, key=PHASES.index)
    assert [(line["timeperiod"], line["phase"]) for line in lines[:2]] == [("2013010102", "held"), ("2013010103", "failing")]
    assert [line["timeperiod"] for line in lines if line["state"] == "state_processed"] == ["2013010101", "2013010100"]


@pytest.mark.parametrize(
    ("state", "count"), [("held", 1), ("failing", 1), ("requested", 20), ("processed", 2), ("in_progress", 22), ("noop", 0), ("embryo", 1)]
)
def test_a_state_or_a_phase_keeps_its_own_jobs(terminal: Terminal, state: str, count: int) -> None:
    document = terminal.json("job", "list", "--state", state)
    assert (document["total"], len(document["lines"])) == (count, count)


def test_the_limit_is_told_with_how_many_there_are(terminal: Terminal) -> None:
    assert terminal.run("job", "list", "--limit", "3") == 0
    assert len(terminal.out.splitlines()) == 5
    assert "3 of 24; --limit shows more" in terminal.out


def test_only_one_process_is_listed_where_it_is_named(terminal: Terminal) -> None:
    assert {line["process"] for line in terminal.json("job", "list", "--process", "flights_hourly")["lines"]} == {"flights_hourly"}
    assert terminal.run("job", "list", "--process", "flights_daily") == 0
    assert terminal.out == "no job of flights_daily is under way or finished; `launch.py timetable` counts all periods\n"


def test_a_reopened_job_is_listed_once(lamp: Lamp, terminal: Terminal) -> None:
    assert terminal.run("job", "reprocess", "flights_hourly", "2013010100", "--why", "late") == 0
    lines = terminal.json("job", "list", "--state", "embryo")["lines"] + terminal.json("job", "list")["lines"]
    found = [(line["process"], line["timeperiod"]) for line in lines]
    assert sum(node == ("flights_hourly", "2013010100") for node in found) == 1


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("--process", "flight"), "there is no managed process 'flight'"),
        (("--state", "hold"), "'hold' is not one of 'held'"),
        (("--limit", "0"), "'--limit'"),
    ],
)
def test_what_is_not_there_is_a_usage_error(terminal: Terminal, argv: tuple[str, ...], expected: str) -> None:
    assert terminal.run("job", "list", *argv) == 2
    assert expected in terminal.err


def test_before_anything_was_opened_it_says_where_to_look(capsys: pytest.CaptureFixture[str]) -> None:
    assert Terminal(LampRoof(Lamp(january())), capsys).run("job", "list") == 0
