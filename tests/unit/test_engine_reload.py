"""What becomes of what is under way when the context changes beneath it?"""

from __future__ import annotations

from typing import Any

from scheduler.attention import of_entries
from scheduler.audit import ran_twice
from scheduler.context_plan import apply_context, plan_context
from scheduler.desk import Desk
from scheduler.policy import SchedulerSettings
from system.context import FreerunProcess, ManagedProcess, freerun_context_entry
from system.lifecycle import JobState, UowEvent
from tests.support.lamp import Lamp, context, january

HOUR = "flights_hourly", "2020010100"
UOW = "/".join(HOUR)
QUIET = SchedulerSettings(lease_s=1e9)  # nobody beats here


def live(**fields: Any) -> list[ManagedProcess]:
    given = {"start": "2020010100", "end": "2020010200", "state_machine_name": "continuous", "trigger_frequency": "every 600"}
    return january(("hourly",), **{**given, "blocking_type": "blocking_normal", **fields})


def entry(schedule: str, **fields: Any) -> FreerunProcess:
    return freerun_context_entry("load", "night", "jobs.load", "load", schedule, **fields)


def reload(lamp: Lamp, *processes: ManagedProcess | FreerunProcess) -> None:
    """Let another scheduler lead by a changed context, as one does that takes it up."""
    lamp.context = context(processes)
    led = [session.id for session in lamp.store.sessions() if session.kind == "scheduler"]
    lamp.store.close_sessions(led)
    lamp.engine = lamp.another_engine(f"{led[0]}-again")
    lamp.desk = Desk(lamp.store, lamp.broker, lamp.context, lamp.clock, lamp.settings)
    lamp.turn(2)
    assert lamp.engine.leads, lamp.engine.refusal


def move(lamp: Lamp, *processes: ManagedProcess) -> None:
    """Let a changed context be applied, and lead by it."""
    changed, now = context(processes), lamp.clock.now()
    plan = plan_context(lamp.store, changed, lamp.settings, now)
    assert apply_context(lamp.store, changed, lamp.settings, now, plan, who="ann", reopen=False)
    reload(lamp, *processes)


def pass_s(lamp: Lamp, seconds: float) -> None:
    """Let time pass, and whatever is requested be done every ten minutes."""
    for _ in range(int(seconds) // 600):
        lamp.run()
        lamp.pass_s(600)
    lamp.run()


def test_an_open_hour_is_not_finished_before_its_end_by_a_machine_that_runs_after_it() -> None:
    lamp = Lamp(live(), QUIET)
    lamp.run()
    reload(lamp, *live(state_machine_name="discrete"))
    assert (lamp.state(*HOUR), lamp.requested()) == (JobState.IN_PROGRESS, [])
    assert "2020-01-01 01:00" in lamp.desk.why(*HOUR).leaves()[0].text
    lamp.pass_s(3_600)
    assert lamp.requested()[0] == f"{UOW}/1/2"
    lamp.run()
    assert lamp.state(*HOUR) is JobState.PROCESSED
    assert ran_twice(lamp.job(*HOUR), lamp.store.uows_of(*HOUR, 9), is_live=False) is None
    assert lamp.engine.second_look_found == 0


def test_an_open_hour_that_was_reopened_waits_for_its_end_once_its_machine_runs_after_it() -> None:
    lamp = Lamp(live(), QUIET)
    lamp.run()
    lamp.turn()
    lamp.give("reprocess", *HOUR)
    assert lamp.requested() == [f"{UOW}/2/1"]
    reload(lamp, *live(state_machine_name="discrete"))
    lamp.run()
    lamp.give("reprocess", *HOUR)
    assert (lamp.state(*HOUR), lamp.requested()) == (JobState.EMBRYO, [])
    lamp.pass_s(3_600)
    assert lamp.requested()[0] == f"{UOW}/3/1"


def test_an_open_hour_behind_a_new_end_is_brought_to_its_own_end() -> None:
    lamp = Lamp(live(start="2019123123"), QUIET)
    pass_s(lamp, 600)
    move(lamp, *live(start="2019123123", end="2020010100"))
    pass_s(lamp, 1_200)
    assert lamp.state(*HOUR) is JobState.IN_PROGRESS
    pass_s(lamp, 3_600)
    assert lamp.state(*HOUR) is JobState.PROCESSED
    assert lamp.requested() == []


def test_a_schedule_that_a_new_context_brings_owes_nothing_of_the_time_before() -> None:
    lamp = Lamp([entry("at 00:00", misfire="once")], QUIET)
    lamp.pass_s(40_000)
    reload(lamp, entry("every 60", misfire="once"))
    found = lamp.entry("night")
    assert (found.missed, found.fired) == (0, 0)


def test_an_entry_that_a_new_context_switches_on_owes_nothing_of_the_time_before() -> None:
    lamp = Lamp([entry("every 60", misfire="once", is_on=False)], QUIET)
    lamp.pass_s(40_000)
    reload(lamp, entry("every 60", misfire="once"))
    found = lamp.entry("night")
    assert (found.missed, found.fired) == (0, 0)


def test_a_fire_that_failed_needs_nobody_once_its_entry_has_left_the_context() -> None:
    lamp = Lamp([entry("every 60", max_attempts=1), *live()], QUIET)
    lamp.pass_s(60)
    lamp.work(*(f"{fire}/1" for fire in lamp.fires()), event=UowEvent.FAILED)
    assert [need.kind for need in of_entries(lamp.store.entries(), lamp.clock.now())] == ["failing"]
    reload(lamp, *live())
    assert list(of_entries(lamp.store.entries(), lamp.clock.now())) == []
