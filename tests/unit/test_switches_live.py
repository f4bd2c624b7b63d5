"""What do on, off, another schedule and a trigger do to processes that run while their period is open?"""

from __future__ import annotations

from typing import Any

import pytest

from db.model import Command
from scheduler.policy import SchedulerSettings
from system.lifecycle import JobState
from tests.support.lamp import Lamp, january
from tests.support.spring import HOUR, Spring

PLACE = ("flights_hourly", "2020010100")


def live(**fields: Any) -> Lamp:
    """Return an engine at the start of 2020-01-01 whose continuous hour has done its first run."""
    given = {
        "start": "2020010100", "end": "2020010200", "state_machine_name": "continuous", "trigger_frequency": "every 600",
        "blocking_type": "blocking_normal", **fields,
    }  # fmt: skip
    lamp = Lamp(january(("hourly",), **given), SchedulerSettings(lease_s=1e9))
    lamp.turn()
    lamp.work(f"{HOUR}/1/1")
    return lamp


def spring() -> Spring:
    """Return the same of a recomputing hour, of whose source one row was seen."""
    made = Spring(0)
    made.work(f"{HOUR}/1/1")
    return made


def after(lamp: Lamp, seconds: float) -> list[str]:
    """Return what is requested some time later."""
    lamp.clock.sleep(seconds)
    lamp.turn(4)
    return lamp.requested()


def trigger(lamp: Lamp, timeperiod: str = PLACE[1]) -> Command:
    """Trigger a period and return the answered command."""
    number = lamp.give("trigger", PLACE[0], timeperiod)
    lamp.turn(4)
    return lamp.desk.answer(number)


# -- continuous


def test_an_open_period_has_no_further_run_while_off_and_the_next_one_at_once_when_on() -> None:
    lamp = live()
    lamp.switch("off")
    assert after(lamp, 1_300) == []
    assert lamp.desk.why(*PLACE).leaves()[0].kind == "off"
    lamp.switch("on")
    assert after(lamp, 0) == [f"{HOUR}/1/2"]


def test_on_before_the_next_run_is_due_does_not_bring_it_forward() -> None:
    lamp = live()
    lamp.switch("off")
    lamp.switch("on")
    assert (after(lamp, 599), after(lamp, 1)) == ([], [f"{HOUR}/1/2"])


def test_a_run_that_was_requested_ends_while_off_and_is_followed_by_none() -> None:
    lamp = live()
    assert after(lamp, 600) == [f"{HOUR}/1/2"]
    lamp.switch("off")
    lamp.work(f"{HOUR}/1/2")
    assert (lamp.job(*PLACE).good_runs, after(lamp, 600)) == (2, [])


def test_a_final_run_waits_while_off() -> None:
    lamp = live(end="2020010101")
    lamp.switch("off")
    assert (after(lamp, 7_200), lamp.state(*PLACE)) == ([], JobState.IN_PROGRESS)
    lamp.switch("on")
    assert (after(lamp, 0), lamp.state(*PLACE)) == ([f"{HOUR}/1/2"], JobState.FINAL_RUN)


@pytest.mark.parametrize(("frequency", "next_s"), [("every 60", 60), ("every 1200", 1_200), ("at 00:30", 1_700), ("cron */5 * * * *", 200)])
def test_another_schedule_holds_at_once_for_the_open_period(frequency: str, next_s: int) -> None:
    lamp = live()
    assert after(lamp, 100) == []
    assert lamp.switch("frequency", frequency=frequency).answer.endswith("it is on")
    assert (after(lamp, next_s - 1), after(lamp, 1)) == ([], [f"{HOUR}/1/2"])


def test_another_schedule_does_not_hold_up_the_final_run() -> None:
    lamp = live(end="2020010101")
    lamp.switch("frequency", frequency="at 23:30")
    assert (after(lamp, 3_600), lamp.state(*PLACE)) == ([f"{HOUR}/1/2"], JobState.FINAL_RUN)


def test_a_trigger_runs_the_open_period_now_and_the_frequency_counts_from_there() -> None:
    lamp = live()
    after(lamp, 100)
    assert trigger(lamp).state == "done"
    assert lamp.requested() == [f"{HOUR}/1/2"]
    lamp.work(f"{HOUR}/1/2")
    assert (after(lamp, 599), after(lamp, 1)) == ([], [f"{HOUR}/1/3"])


def test_a_trigger_of_a_live_period_that_can_not_run_is_refused_with_the_reason() -> None:
    lamp = live()
    assert trigger(lamp, "2020010101").answer == "2020010101 begins at 2020-01-01 01:00:00Z: nothing of it can run before"
    after(lamp, 600)
    assert "is under way" in trigger(lamp).answer
    lamp.work(f"{HOUR}/1/2")
    lamp.switch("off")
    assert "`launch.py process on flights_hourly --why TEXT` first" in trigger(lamp).answer


# -- recomputing


def test_a_source_is_not_asked_while_off_and_is_when_on() -> None:
    found = spring()
    asked = len(found.prober.asked)
    found.switch("off")
    found.come(10)
    assert (after(found, 1_300), len(found.prober.asked)) == ([], asked)
    found.switch("on")
    assert after(found, 0) == [f"{HOUR}/1/2"]
    assert found.slice(2) == {"lowest": 0, "highest": 10, "count": 2, "after": 0}


def test_another_schedule_says_when_the_source_is_asked() -> None:
    found = spring()
    found.come(1)
    found.switch("frequency", frequency="every 60")
    assert (after(found, 59), after(found, 1)) == ([], [f"{HOUR}/1/2"])


def test_another_schedule_does_not_hold_up_the_final_run_of_a_source_that_was_away() -> None:
    found = spring()
    found.source.fault = "connection refused"
    assert (after(found, 3_600), found.now_is()) == ([], JobState.IN_PROGRESS)
    found.switch("frequency", frequency="at 23:30")
    found.source.fault = ""
    assert (after(found, 29), found.now_is()) == ([], JobState.IN_PROGRESS)
    assert "connection refused; it is asked again at 2020-01-01 01:00:30Z" in found.why().text
    assert (after(found, 1), found.now_is()) == ([], JobState.PROCESSED)


def test_another_schedule_does_not_hold_up_the_first_run_of_a_source_that_was_away() -> None:
    found = Spring()
    found.source.fault = "connection refused"
    assert after(found, 600) == []
    found.switch("frequency", frequency="at 23:30")
    found.source.fault = ""
    found.come(1)
    assert (after(found, 29), after(found, 1)) == ([], [f"{HOUR}/1/1"])


def test_another_schedule_says_when_a_source_that_was_away_is_asked_for_a_further_run() -> None:
    found = spring()
    found.source.fault = "connection refused"
    after(found, 600)
    found.switch("frequency", frequency="every 60")
    found.source.fault = ""
    found.come(1)
    assert (after(found, 59), after(found, 1)) == ([], [f"{HOUR}/1/2"])


def test_a_trigger_asks_the_source_at_once() -> None:
    found = spring()
    found.come(1)
    assert trigger(found).state == "done"
    assert found.requested() == [f"{HOUR}/1/2"]


def test_a_trigger_makes_no_run_of_nothing_new() -> None:
    found = spring()
    asked = len(found.prober.asked)
    trigger(found)
    assert (found.requested(), len(found.prober.asked)) == ([], asked + 1)
    assert "its source has nothing new" in found.why().text


def test_nothing_new_at_the_close_finishes_the_hour_only_when_it_is_on_again() -> None:
    found = spring()
    found.switch("off")
    assert (after(found, 3_700), found.now_is()) == ([], JobState.IN_PROGRESS)
    found.switch("on")
    assert (after(found, 0), found.now_is()) == ([], JobState.PROCESSED)
