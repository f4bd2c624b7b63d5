"""What follows when a process is switched on or off, gets another schedule, or is triggered; and what is caught up?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from db.model import Command
from scheduler.desk import Desk
from system.context import Context
from system.errors import NotFound
from system.lifecycle import JobState, UowEvent
from tests.support.contexts import managed
from tests.support.lamp import NOW, Lamp, context, hours, january

OPEN: dict[str, Any] = {"start": "2020010100", "end": "2020010300"}  # the lamp's clock begins at 2020-01-01 00:00
HOURS = [f"flights_hourly/20200101{hour:02}/1/1" for hour in range(24)]


def pass_hours(lamp: Lamp, count: float) -> None:
    """Let time pass, and the engine do what that brings."""
    lamp.clock.sleep(count * 3600)
    lamp.turn(2)


def led_anew(lamp: Lamp, made: Context | None = None) -> Lamp:
    """Let another scheduler lead, with `made` as its context."""
    lamp.context = made or lamp.context
    lamp.store.close_sessions([lamp.store.turns_after(lamp.engine.head - 1, 1)[0].session])
    lamp.engine = lamp.another_engine(f"scheduler-{lamp.engine.head + 1}")
    lamp.turn(3)
    return lamp


# -- on and off


def test_off_stops_what_is_not_requested_yet_and_on_lets_it_go_on_at_once() -> None:
    lamp = Lamp(january(("hourly",), max_in_flight=2))
    lamp.turn()
    assert lamp.switch("off").answer == "flights_hourly is off: its periods wait; what runs goes on"
    lamp.work(*hours(2))
    assert (lamp.requested(), lamp.state("flights_hourly", "2013010101")) == ([], JobState.PROCESSED)
    assert lamp.switch("on").answer == "flights_hourly is on"
    assert lamp.requested() == ["flights_hourly/2013010102/1/1", "flights_hourly/2013010103/1/1"]


def test_a_failed_attempt_of_a_process_that_is_off_waits() -> None:
    lamp = Lamp(january(("hourly",), end="2013010101"))
    lamp.turn()
    lamp.switch("off")
    lamp.work(*hours(1), event=UowEvent.FAILED)
    pass_hours(lamp, 1)
    assert lamp.requested() == []
    assert lamp.desk.why("flights_hourly", "2013010100").leaves()[0].kind == "off"
    lamp.switch("on")
    assert lamp.requested() == hours(1)


def test_why_says_since_when_by_whom_and_what_to_press() -> None:
    lamp = Lamp(january(("hourly",), **OPEN))
    lamp.switch("off")
    pass_hours(lamp, 3)
    (leaf,) = lamp.desk.why("flights_hourly", "2020010101").leaves()
    assert leaf.text == "flights_hourly is off since 2020-01-01 00:00:00Z, by ann: disk swap"
    assert (leaf.kind, leaf.since, leaf.look) == ("off", NOW, "launch.py process on flights_hourly --why TEXT")


def test_why_of_a_process_that_the_context_switched_off() -> None:
    lamp = Lamp(january(("hourly",), is_on=False))
    (leaf,) = lamp.desk.why("flights_hourly", "2013010100").leaves()
    assert leaf.text == "flights_hourly is off since 2020-01-01 00:00:00Z, switched off in the context"


@pytest.mark.parametrize(
    ("verbs", "answer"),
    [
        (("on",), "flights_hourly is on as before, now whatever the context says"),
        (("on", "on"), "nothing was changed: flights_hourly is on since 2020-01-01 00:00:00Z, by ann: disk swap"),
        (("off", "off"), "nothing was changed: flights_hourly is off since 2020-01-01 00:00:00Z, by ann: disk swap"),
        (("reset",), "nothing was changed: flights_hourly is as the context has it"),
        (("off", "reset"), "flights_hourly is as the context has it: on, 'every 60'"),
    ],
)
def test_an_answer_says_what_came_of_it(verbs: tuple[str, ...], answer: str) -> None:
    lamp = Lamp(january(("hourly",)))
    assert [lamp.switch(verb) for verb in verbs][-1].answer == answer


def test_an_unknown_process_is_refused_by_the_engine_too() -> None:
    lamp = Lamp(january(("hourly",)))
    number = lamp.desk.tell(Command("off", "flights_daily", "", "ann", "test", NOW))
    lamp.turn(3)
    assert "there is no managed process" in lamp.desk.answer(number).answer
    with pytest.raises(NotFound):
        lamp.desk.switch("off", "flights_daily", "ann", "test")


def test_fault_19_a_new_context_does_not_wipe_what_an_operator_switched() -> None:
    lamp = Lamp(january(("hourly",), **OPEN))
    lamp.switch("off")
    lamp.switch("frequency", frequency="at 06:00")
    led_anew(lamp, context(january(("hourly",), trigger_frequency="every 30", description="another", is_on=True, **OPEN)))
    (found,) = lamp.desk.standings()
    assert (found.is_on, found.who, found.schedule, found.schedule_who) == (False, "ann", "at 06:00", "ann")
    pass_hours(lamp, 12)
    assert lamp.requested() == []


def test_a_context_that_switches_a_process_off_and_on_is_followed_where_no_operator_has_spoken() -> None:
    processes = january(("hourly",), **OPEN)
    lamp = led_anew(Lamp(processes), context([replace(p, is_on=False) for p in processes]))
    pass_hours(lamp, 2)
    assert lamp.requested() == []
    led_anew(lamp, context(processes))
    assert lamp.requested() == HOURS[:2]


def test_a_new_scheduler_reads_how_processes_are_switched() -> None:
    lamp = Lamp(january(("hourly",), **OPEN))
    lamp.switch("off")
    pass_hours(led_anew(lamp), 2)
    assert lamp.requested() == []


# -- schedules


def test_fault_17_another_kind_of_schedule_leaves_the_process_on() -> None:
    lamp = Lamp(january(("hourly",), **OPEN))
    answer = lamp.switch("frequency", frequency="at 03:30").answer
    assert answer == "flights_hourly runs 'at 03:30', no longer 'every 60'; it is on"
    pass_hours(lamp, 2)
    assert lamp.requested() == []
    pass_hours(lamp, 1.5)
    assert lamp.requested() == HOURS[:3]
    lamp.switch("frequency", frequency="cron 0 5 * * *")
    pass_hours(lamp, 1.5)
    assert lamp.requested() == HOURS[:5]
    lamp.switch("frequency", frequency="every 10")
    pass_hours(lamp, 1)
    assert lamp.requested() == HOURS[:6]


def test_a_schedule_changes_at_once_in_both_directions() -> None:
    lamp = Lamp(january(("hourly",), trigger_frequency="at 23:30", **OPEN))
    pass_hours(lamp, 4)
    assert lamp.requested() == []
    lamp.switch("frequency", frequency="every 60")
    assert lamp.requested() == HOURS[:4]
    lamp.switch("reset")
    pass_hours(lamp, 4)
    assert lamp.requested() == HOURS[:4]


def test_the_engine_wakes_at_the_new_schedules_time() -> None:
    lamp = Lamp(january(("hourly",), trigger_frequency="at 23:30", **OPEN), replace(Lamp(january()).settings, sweep_s=1e6))
    lamp.switch("frequency", frequency="at 01:15")
    wait_s = lamp.turn()
    assert timedelta(seconds=wait_s) == timedelta(hours=1, minutes=15)


def test_what_ran_before_runs_again_at_once_under_whatever_schedule() -> None:
    lamp = Lamp(january(("hourly",), **OPEN))
    pass_hours(lamp, 1)
    lamp.work(HOURS[0])
    lamp.switch("frequency", frequency="at 23:30")
    lamp.give("reprocess", "flights_hourly", "2020010100")
    assert lamp.requested() == ["flights_hourly/2020010100/2/1"]


@pytest.mark.parametrize("text", ["sometimes", "at 25:00", "every 0", ""])
def test_a_schedule_that_is_none_is_refused(text: str) -> None:
    lamp = Lamp(january(("hourly",)))
    answered = lamp.switch("frequency", frequency=text)
    assert answered.state == "refused"
    assert lamp.desk.standings()[0].schedule == "every 60"


# -- trigger now


def test_a_trigger_runs_a_period_before_its_schedule() -> None:
    lamp = Lamp(january(("hourly",), trigger_frequency="at 23:30", **OPEN))
    pass_hours(lamp, 3)
    lamp.give("trigger", "flights_hourly", "2020010101")
    assert lamp.requested() == [HOURS[1]]
    lamp.work(HOURS[1])
    pass_hours(lamp, 20.5)
    assert lamp.requested() == [HOURS[0], *HOURS[2:23]]


def test_a_triggered_period_waits_behind_its_gate_also_under_another_scheduler() -> None:
    daily = managed("flights_daily", "_daily", trigger_frequency="at 23:30", blocking_type="blocking_children", **OPEN | {"lag_s": 0.0})
    lamp = Lamp([*january(("hourly",), **OPEN), daily])
    pass_hours(lamp, 24)
    lamp.give("trigger", "flights_daily", "2020010100")
    led_anew(lamp)
    assert lamp.requested() == HOURS
    lamp.work(*HOURS)
    assert lamp.requested() == ["flights_daily/2020010100/1/1"]


def refused_trigger(lamp: Lamp, timeperiod: str = "2020010100") -> str:
    """Return the refusal of a trigger."""
    answered = lamp.desk.answer(lamp.give("trigger", "flights_hourly", timeperiod))
    assert answered.state == "refused"
    return answered.answer


def test_a_trigger_that_makes_no_sense_is_refused_with_what_to_press() -> None:
    lamp = Lamp(january(("hourly",), **OPEN))
    assert refused_trigger(lamp) == "2020010100 is open until 2020-01-01 01:00:00Z: it runs after its end"
    pass_hours(lamp, 1)
    assert "is under way: `launch.py job why flights_hourly 2020010100`" in refused_trigger(lamp)
    lamp.work(HOURS[0])
    assert "is finished: `launch.py job reprocess" in refused_trigger(lamp)
    lamp.switch("off")
    pass_hours(lamp, 1)
    assert "`launch.py process on flights_hourly --why TEXT` first" in refused_trigger(lamp, "2020010101")


def test_a_trigger_of_what_is_held_or_due_already_is_refused() -> None:
    lamp = Lamp(january(("hourly",), trigger_frequency="at 23:30", **OPEN))
    lamp.give("hold", "flights_hourly", "2020010100")
    pass_hours(lamp, 2)
    assert "is held: `launch.py job release" in refused_trigger(lamp)
    waiting = Lamp(january(("hourly",), max_in_flight=1, **OPEN))
    pass_hours(waiting, 3)
    assert "is due already: `launch.py job why" in refused_trigger(waiting, "2020010101")


# -- catching up


@pytest.mark.parametrize(("catchup", "run"), [("all", 48), ("none", 0), (1, 1), (5, 5), (48, 48), (100, 48)])
def test_what_was_missed_before_the_first_registration_runs_as_catchup_says(catchup: str | int, run: int) -> None:
    lamp = Lamp(january(("hourly",), days=2, catchup=catchup))
    assert lamp.run() == run
    assert lamp.desk.timetable()[0].finished == 48
    assert lamp.state("flights_hourly", "2013010100") is (JobState.PROCESSED if run == 48 else JobState.NOOP)


def test_what_is_not_caught_up_says_so_and_counts_as_done() -> None:
    lamp = Lamp([*january(("hourly",), catchup="none"), *january(("daily",), blocking_type="blocking_all")])
    assert lamp.run() == 1
    assert lamp.job("flights_hourly", "2013010100").reason == "not caught up"
    assert lamp.state("flights_daily", "2013010100") is JobState.PROCESSED


def test_what_is_not_caught_up_ends_after_what_it_is_made_of() -> None:
    lamp = Lamp([*january(("hourly",)), *january(("daily",), catchup="none")])
    lamp.turn(2)
    assert lamp.state("flights_daily", "2013010100") is JobState.EMBRYO
    lamp.work(*hours(24))
    assert lamp.state("flights_daily", "2013010100") is JobState.NOOP


def test_a_reprocess_runs_what_was_not_caught_up() -> None:
    lamp = Lamp(january(("hourly",), catchup="none"))
    lamp.run()
    lamp.give("reprocess", "flights_hourly", "2013010105")
    assert lamp.requested() == ["flights_hourly/2013010105/2/1"]


@pytest.mark.parametrize(("catchup", "found"), [("all", range(6)), ("none", [0, 5]), (2, [0, 3, 4, 5])])
def test_what_was_missed_while_off_runs_as_catchup_says(catchup: str | int, found: list[int]) -> None:
    lamp = Lamp(january(("hourly",), catchup=catchup, **OPEN))
    pass_hours(lamp, 1)
    lamp.switch("off")
    pass_hours(lamp, 4)
    lamp.switch("on")
    pass_hours(lamp, 1)
    assert lamp.requested() == [HOURS[n] for n in found]


def test_what_waited_before_it_was_switched_off_still_runs() -> None:
    lamp = Lamp(january(("hourly",), catchup="none", max_in_flight=1, **OPEN))
    pass_hours(lamp, 3)
    lamp.switch("off")
    pass_hours(lamp, 2)
    assert lamp.switch("on").answer == "flights_hourly is on; 2 missed periods are not caught up: catchup='none'"
    assert lamp.run() == 3
    assert lamp.state("flights_hourly", "2020010103") is JobState.NOOP


def test_two_times_off_are_both_remembered() -> None:
    lamp = Lamp(january(("hourly",), catchup="none", max_in_flight=1, **OPEN))
    pass_hours(lamp, 1)
    for verb in ("off", "on"):
        lamp.switch(verb)
        lamp.clock.sleep(7200)
    for verb in ("off", "on"):
        lamp.switch(verb)
        lamp.clock.sleep(7200)
    lamp.run()
    states = [lamp.state("flights_hourly", f"20200101{hour:02}") for hour in range(9)]
    assert [state is JobState.NOOP for state in states] == [False, True, True, False, False, True, True, False, False]


def test_a_process_that_was_registered_off_has_missed_all_before_it_is_switched_on() -> None:
    lamp = Lamp(january(("hourly",), is_on=False, catchup=1))
    lamp.turn(2)
    lamp.switch("on")
    assert (lamp.run(), lamp.state("flights_hourly", "2013010122")) == (1, JobState.NOOP)


def test_what_is_not_caught_up_outlives_a_change_of_scheduler_half_way() -> None:
    lamp = Lamp(january(("hourly",), days=2, catchup=3), replace(Lamp(january()).settings, looks=5))
    lamp.turn()
    led_anew(lamp, context(january(("hourly",), days=2, catchup=3)))
    assert lamp.run() == 3
    assert lamp.engine.second_look_found == 0


def test_ten_years_of_hours_are_passed_over_in_turns_of_bounded_size() -> None:
    lamp = Lamp(january(("hourly",), start="2010010100", end="2020010100", catchup="none"))
    lamp.run()
    turns = lamp.store.turns_after(0, 10_000)
    assert max(len(turn.jobs) for turn in turns) <= 2_000
    assert sum(len(turn.jobs) for turn in turns) == 87_648


def test_a_process_that_ran_before_there_were_switches_has_missed_nothing() -> None:
    lamp = Lamp(january(("hourly",), max_in_flight=1))
    lamp.turn()
    lamp.work(*hours(1))
    led_anew(lamp, context(january(("hourly",), max_in_flight=1, catchup="none")))
    assert lamp.run() == 23


@pytest.mark.parametrize(("catchup", "found"), [("none", []), (1, ["2013010121"]), (2, ["2013010118", "2013010121"])])
def test_catchup_counts_whole_groups(catchup: str | int, found: list[str]) -> None:
    lamp = Lamp(january(("hourly",), time_grouping=6, end="2013010122", catchup=catchup))
    lamp.run()
    done = [f"20130101{hour:02}" for hour in range(22) if lamp.state("flights_hourly", f"20130101{hour:02}") is JobState.PROCESSED]
    assert done == found


def test_what_was_held_and_released_is_not_caught_up_all_the_same() -> None:
    lamp = Lamp([*january(("hourly",)), *january(("daily",), catchup="none")])
    lamp.turn(2)
    for verb in ("hold", "release"):
        lamp.give(verb, "flights_daily", "2013010100")
    assert (lamp.run(), lamp.job("flights_daily", "2013010100").reason) == (24, "not caught up")


def test_what_was_held_released_and_triggered_is_caught_up() -> None:
    lamp = Lamp([*january(("hourly",)), *january(("daily",), catchup="none")])
    lamp.turn(2)
    for verb in ("hold", "release", "trigger"):
        lamp.give(verb, "flights_daily", "2013010100")
    assert (lamp.run(), lamp.state("flights_daily", "2013010100")) == (25, JobState.PROCESSED)


def test_a_live_period_that_was_missed_and_is_open_again_does_not_run() -> None:
    hourly, day = january(("hourly",), start="2019123100", end="2020010100"), {"start": "2019123100", "end": "2020010200"}
    fields: dict[str, Any] = {"state_machine_name": "continuous", "catchup": "none", "blocking_type": "blocking_normal", **day}
    lamp = Lamp([*hourly, *january(("daily",), **fields)])
    lamp.turn(2)
    led_anew(lamp, context([*hourly, *january(("daily",), lag_s=3600.0, **fields)]))
    desk = Desk(lamp.store, lamp.broker, lamp.context, lamp.clock, lamp.settings)
    (leaf,) = desk.why("flights_daily", "2019123100").leaves()
    assert (leaf.kind, leaf.text) == ("open period", "it is not to be caught up, and not over before 2020-01-01 01:00:00Z")
    assert "flights_daily/2019123100/1/1" not in lamp.requested()
    lamp.run()
    pass_hours(lamp, 1)
    assert lamp.job("flights_daily", "2019123100").reason == "not caught up"
