"""Which periods are late, since when, and how is that shown?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from scheduler.lateness import late
from scheduler.timetable import Timetable
from scheduler.trees import Topology
from system.lifecycle import JobState
from system.schedule import LONGEST_S
from system.timeperiod import LAST_YEAR
from tests.support.contexts import managed
from tests.support.lamp import NOW, Lamp, context, hours, january
from tests.support.pretended_roof import LampRoof, Terminal

FIELDS: dict[str, Any] = {"start": "2020010100", "end": "2020010300", "deadline": 7200.0}
FIRST = "flights_hourly/2020010100/1/1"


def after(seconds: float, **fields: Any) -> Lamp:
    """Return a lamp with hours that have a deadline, so many seconds into 2020."""
    lamp = Lamp(january(("hourly",), **FIELDS | fields))
    lamp.clock.sleep(seconds)
    lamp.turn(2)
    return lamp


@pytest.mark.parametrize(("seconds", "count"), [(3600, 0), (3 * 3600 - 1, 0), (3 * 3600, 1), (5 * 3600, 3)])
def test_a_period_is_late_from_its_deadline_on(seconds: float, count: int) -> None:
    lamp = after(seconds)
    assert lamp.desk.timetable()[0].late == count


def test_what_is_finished_is_not_late_and_what_is_reopened_is() -> None:
    lamp = after(3 * 3600)
    lamp.work(FIRST)
    assert lamp.desk.late() == []
    lamp.give("reprocess", "flights_hourly", "2020010100")
    assert [found.first for found in lamp.desk.late()] == ["2020010100"]


def test_a_late_process_says_since_when_and_why() -> None:
    lamp = after(4 * 3600)
    (found,) = lamp.desk.late()
    assert (found.count, found.first, found.since) == (2, "2020010100", NOW + timedelta(hours=3))
    assert found.why is not None
    assert found.why.text.endswith("is state_in_progress, late since 2020-01-01 03:00:00Z")


def test_without_a_deadline_nothing_is_late() -> None:
    assert after(20 * 3600, deadline=None).desk.late() == []


def test_of_a_group_its_end_alone_is_late() -> None:
    lamp = after(12 * 3600, time_grouping=3, trigger_frequency="at 23:30")
    assert [line.timeperiod for line in lamp.desk.jobs(["flights_hourly"], "late", 10).lines] == ["2020010103", "2020010106", "2020010109"]


def test_the_list_shows_late_jobs_and_can_be_asked_for_them_alone() -> None:
    lamp = after(4 * 3600)
    lines = lamp.desk.jobs(["flights_hourly"], "", 10).lines
    assert [line.late_since is not None for line in lines] == [True, True, False, False]
    found = lamp.desk.jobs(["flights_hourly"], "late", 1)
    assert (found.total, found.lines[0].timeperiod) == (2, "2020010100")


def test_status_says_what_is_late_and_what_to_press(capsys: pytest.CaptureFixture[str]) -> None:
    lamp = Lamp(january(("hourly",), **FIELDS))
    lamp.switch("off")
    lamp.clock.sleep(4 * 3600)
    lamp.turn()
    roof = LampRoof(lamp)
    roof.clock = lamp.clock
    terminal = Terminal(roof, capsys)
    assert terminal.run("status") == 0
    assert "flights_hourly: 2 late, 2020010100 since 2020-01-01 03:00:00Z" in terminal.out
    assert "launch.py process on flights_hourly --why TEXT" in terminal.out


def test_what_was_finished_long_ago_is_walked_once() -> None:
    made = context([managed("flights_hourly", start="2010010100", deadline=3600.0)])
    states, topology = Timetable(made, "2010010100").states["flights_hourly"], Topology(made)
    for ordinal in range(states.first, states.first + 80_000):
        states[ordinal] = JobState.PROCESSED
    assert next(late(states, topology, NOW)) == states.first + 80_000
    states[states.first + 7] = JobState.EMBRYO
    assert next(late(states, topology, NOW)) == states.first + 7


def test_hours_that_are_over_long_ago_and_run_now_are_late() -> None:
    lamp = Lamp(january(("hourly",), deadline=600.0))
    lamp.turn()
    lamp.work(*hours(20))
    assert lamp.desk.timetable()[0].late == 4


@pytest.mark.parametrize("field", ["lag_s", "deadline"])
def test_the_longest_lag_and_deadline_that_the_check_lets_pass_can_be_reckoned_with(field: str) -> None:
    fields: dict[str, Any] = {**FIELDS, "start": f"{LAST_YEAR}123123", "end": "", "deadline": None, field: LONGEST_S}
    lamp = Lamp(january(("hourly",), **fields))
    lamp.turn(2)
    assert lamp.desk.late() == []
    assert lamp.desk.why("flights_hourly", f"{LAST_YEAR}123123").text
