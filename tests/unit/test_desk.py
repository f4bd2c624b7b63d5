"""What does the desk answer, from the store alone?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from db.memory import MemoryStore
from db.model import Turn
from scheduler.blockers import Blocker
from scheduler.desk import Desk
from scheduler.policy import SchedulerSettings
from system.context import dependency_entry
from system.errors import NotFound, TimeperiodError
from system.lifecycle import UowEvent
from tests.support.lamp import NOW, Lamp, context, hours, january, with_fields


def leaf(blocker: Blocker) -> Blocker:
    """Return the only leaf cause."""
    (found,) = blocker.leaves()
    return found


def day() -> Lamp:
    """Return a lamp whose 24 hours are requested."""
    lamp = Lamp(january())
    lamp.turn()
    return lamp


def test_the_reason_goes_down_to_the_leaf_cause() -> None:
    lamp = day()
    why = lamp.desk.why("flights_daily", "2013010100")
    assert why.causes[0].text == "24 unfinished in flights_hourly, first 2013010100"
    waits = "is one of 24 that wait in the backfill queue queue_flights_hourly_backfill; live work goes first"
    assert leaf(why).text == f"flights_hourly/2013010100/1/1 {waits}"


def running(lamp: Lamp) -> None:
    lamp.claim(*hours(1))


def ending(lamp: Lamp) -> None:
    lamp.claim(*hours(1))
    lamp.give("cancel", "flights_hourly", "2013010100")


def failing(lamp: Lamp) -> None:
    lamp.finish(lamp.claim(*hours(1))[0], UowEvent.FAILED, reason="no disk")
    lamp.turn()


def without_worker(lamp: Lamp) -> None:
    lamp.store.close_sessions(["worker-1"])


def with_workers_elsewhere(lamp: Lamp) -> None:
    lamp.store.close_sessions(["worker-1"])
    lamp.open_session("worker-2", slots=8, queues=["queue_flights_daily"])


def with_a_gone_worker(lamp: Lamp) -> None:
    lamp.claim(*hours(1))
    lamp.store.close_sessions(["worker-1"])


def after_a_hard_stop(lamp: Lamp) -> None:
    lamp.claim(*hours(1))
    lamp.store.close_sessions(["worker-1", "scheduler-1"])


def unsettled(lamp: Lamp) -> None:
    lamp.finish(lamp.claim(*hours(1))[0])


@pytest.mark.parametrize(
    ("scene", "kind", "text"),
    [
        (running, "unit of work", "flights_hourly/2013010100/1/1 is running on box-1 for under 1 s"),
        (ending, "ending", "is being ended on box-1"),
        (failing, "retry", "attempt 1 failed (no disk), the next is due at 2020-01-01 00:00:0"),
        (without_worker, "worker", "and no worker runs"),
        (with_workers_elsewhere, "worker", "and no worker takes from it: see present_on_boxes of flights_hourly"),
        (with_a_gone_worker, "worker", "is gone: the next turn makes it due again"),
        (after_a_hard_stop, "scheduler", "no scheduler leads"),
        (unsettled, "turn", "ended: the next turn settles it"),
    ],
)
def test_each_standing_of_a_unit_of_work_is_said(scene: Callable[[Lamp], None], kind: str, text: str) -> None:
    lamp = day()
    scene(lamp)
    found = leaf(lamp.desk.why("flights_daily", "2013010100"))
    assert found.kind == kind
    assert text in found.text


def test_only_slots_of_workers_that_take_from_a_queue_are_counted() -> None:
    lamp = Lamp(january(), begins=datetime(2013, 1, 1, 12, tzinfo=UTC))  # so that it is live
    lamp.turn()
    lamp.open_session("worker-2", slots=8, queues=["queue_flights_daily"])
    assert leaf(lamp.desk.why("flights_hourly", "2013010100")).text.endswith("wait in queue_flights_hourly for one of 2 slots")
    lamp.store.beat("worker-2", {"new_queues": "queue_rates queue_flights_hourly"})
    assert leaf(lamp.desk.why("flights_hourly", "2013010100")).text.endswith("for one of 10 slots")


def test_a_held_job_says_what_to_press() -> None:
    lamp = Lamp(january(max_attempts=1, on_failure="hold"))
    lamp.turn()
    lamp.work(*hours(1), event=UowEvent.FAILED)
    found = leaf(lamp.desk.why("flights_daily", "2013010100"))
    assert (found.kind, found.look) == ("held", "launch.py job release flights_hourly 2013010100 --why TEXT")


def test_a_closed_window_is_said() -> None:
    lamp = Lamp(january(), SchedulerSettings(window_least=5, window_per_slot=1))
    lamp.turn()
    found = leaf(lamp.desk.why("flights_hourly", "2013010123"))
    assert (found.kind, found.text) == ("queue window", "5 units of work wait in queue_flights_hourly_backfill, which is its window")


def test_a_process_that_is_off_or_full_says_so() -> None:
    lamp = Lamp(with_fields(january(), "flights_hourly", {"is_on": False}))
    lamp.turn()
    assert leaf(lamp.desk.why("flights_hourly", "2013010100")).kind == "off"
    full = Lamp(january(max_in_flight=1))
    full.turn()
    assert leaf(full.desk.why("flights_hourly", "2013010101")).kind == "in flight"


def test_an_open_period_says_when_it_is_due() -> None:
    lamp = Lamp(january(("hourly",), start="2020010100", end="2020010200"))
    assert leaf(lamp.desk.why("flights_hourly", "2020010100")).text == "the period is due at 2020-01-01 01:00:00Z"


@pytest.mark.parametrize(("timeperiod", "kind"), [("2012123123", "before start"), ("2013010200", "after end")])
def test_periods_that_a_process_does_not_have_say_so(timeperiod: str, kind: str) -> None:
    assert leaf(day().desk.why("flights_hourly", timeperiod)).kind == kind


def test_what_lies_before_the_start_of_an_input_counts_as_done_and_is_named() -> None:
    depends = [dependency_entry("rates_daily", last=3)]
    days, rates = january(("daily",), depends_on=depends), [replace(p, name="rates_daily") for p in january(("daily",))]
    lamp = Lamp([*days, *rates])
    (before,) = lamp.desk.why("flights_daily", "2013010100").notes
    assert before == "rates_daily 2012123000 to 2012123100 (2 periods) are before its start: count as done"
    lamp.run()
    assert lamp.desk.why("flights_daily", "2013010100").notes == (before,)
    assert lamp.desk.why("rates_daily", "2013010100").notes == ()


def test_a_part_before_the_start_is_no_good_period_where_one_of_several_is_enough() -> None:
    needs = [dependency_entry("rates_daily", offset=offset, last=2, any_of=True) for offset in (0, -1)]
    some = [with_fields(january(("daily",)), "flights_daily", {"depends_on": [need]}) for need in needs]
    rates = [replace(p, name="rates_daily") for p in january(("daily",))]
    assert [Lamp([*days, *rates]).desk.why("flights_daily", "2013010100").notes for days in some] == [
        (), ("rates_daily 2012123000 to 2012123100 (2 periods) are before its start: count as done",)
    ]  # fmt: skip


def test_a_single_period_before_the_start_of_a_level_below_is_named() -> None:
    hours = with_fields(january(), "flights_hourly", {"start": "2013010101"})
    assert Lamp(hours).desk.why("flights_daily", "2013010100").notes == ("flights_hourly 2013010100 is before its start: counts as done",)


def test_a_finished_job_says_so() -> None:
    lamp = day()
    lamp.work(*hours(1))
    assert leaf(lamp.desk.why("flights_hourly", "2013010100")).kind == "finished"


def test_without_a_leader_that_is_the_reason() -> None:
    lamp = Lamp(january(("hourly",), end="2013010101"))
    lamp.store.close_sessions(["scheduler-1"])
    assert leaf(lamp.desk.why("flights_hourly", "2013010100")).text == "no scheduler leads"
    assert lamp.desk.health().leader == ""


def test_a_leader_whose_turns_fail_is_the_reason_too() -> None:
    lamp = Lamp(january(("hourly",), end="2013010101"))
    lamp.store.beat("scheduler-1", {"turned_at": lamp.clock.now().isoformat()})
    lamp.clock.sleep(9)
    assert leaf(lamp.desk.why("flights_hourly", "2013010100")).kind != "scheduler"
    lamp.clock.sleep(2)
    found = leaf(lamp.desk.why("flights_hourly", "2013010100"))
    assert (found.kind, found.text, found.look) == ("scheduler", "scheduler-1 leads and its turns fail", "log/scheduler.log on box-1")


def test_unknown_names_are_refused() -> None:
    lamp = day()
    with pytest.raises(NotFound, match="no managed process 'flihgts'"):
        lamp.desk.why("flihgts", "2013010100")
    with pytest.raises(TimeperiodError, match="no hourly timeperiod"):
        lamp.desk.why("flights_hourly", "2013013200")


def test_counts_are_of_the_periods_that_are_due() -> None:
    lamp = day()
    lamp.work(*hours(3))
    daily, hourly = lamp.desk.timetable()
    assert (hourly.due, hourly.finished, hourly.active) == (24, 3, 21)
    assert (daily.due, daily.finished, daily.first, daily.last) == (1, 0, "2013010100", "2013010100")


def test_progress_follows_to_the_end() -> None:
    lamp = day()
    assert not lamp.desk.progress().is_done
    lamp.run()
    progress = lamp.desk.progress()
    assert (progress.is_done, progress.due, progress.finished) == (True, 25, 25)
    assert lamp.desk.totals() == {"jobs": 25, "uows": 25}


def test_nothing_is_done_while_a_command_waits_for_its_answer() -> None:
    lamp = day()
    lamp.run()
    lamp.desk.give("reprocess", "flights_hourly", "2013010105", "ann", "late data")
    assert not lamp.desk.progress().is_done
    lamp.run()
    assert lamp.desk.progress().is_done


def test_what_waits_for_a_held_job_only_is_stuck() -> None:
    lamp = Lamp(january(("hourly", "daily"), max_attempts=1, on_failure="hold"))
    lamp.turn()
    lamp.work(*hours(1), event=UowEvent.FAILED)
    assert not lamp.desk.progress().is_stuck
    lamp.run()
    assert (lamp.desk.progress().is_stuck, lamp.desk.progress().held) == (True, 1)


def held_hour() -> Lamp:
    """Return a lamp whose only hour is held."""
    lamp = Lamp(january(("hourly",), end="2013010101", max_attempts=1, on_failure="hold"))
    lamp.turn()
    lamp.work(*hours(1), event=UowEvent.FAILED)
    lamp.turn()
    return lamp


def test_what_no_scheduler_has_taken_up_yet_is_not_stuck() -> None:
    lamp = held_hour()
    longer = context(january(("hourly",), end="2013010103"))
    assert lamp.desk.progress().is_stuck
    assert not Desk(lamp.store, lamp.broker, longer, lamp.clock, lamp.settings).progress().is_stuck


def test_what_a_waiting_command_may_free_is_not_stuck() -> None:
    lamp = held_hour()
    lamp.desk.give("release", "flights_hourly", "2013010100", "ann", "the disk is back")
    assert not lamp.desk.progress().is_stuck


def test_seconds_are_from_the_first_turn_to_the_last_that_moved_a_job() -> None:
    lamp = day()
    lamp.clock.sleep(10)
    lamp.run()
    lamp.clock.sleep(100)
    lamp.turn()
    assert lamp.desk.seconds() == 10.0


def test_fault_29_health_is_the_age_of_the_last_successful_turn() -> None:
    lamp = day()
    lamp.store.beat("scheduler-1", {"turned_at": lamp.clock.now().isoformat()})
    lamp.clock.sleep(90)
    health = lamp.desk.health()
    assert (health.leader, health.last_turn_age_s) == ("scheduler-1", 90.0)


class CountingTurns(MemoryStore):
    """A store that counts the turns that it hands out."""

    handed = 0

    def turns_after(self, number: int, limit: int) -> list[Turn]:
        found = super().turns_after(number, limit)
        self.handed += len(found)
        return found


def test_how_long_it_took_is_told_without_walking_all_turns() -> None:
    store = CountingTurns()
    lamp = Lamp(january(("hourly",)), store=store)
    lamp.clock.sleep(60)
    lamp.run()
    lamp.clock.sleep(3600)
    moved = lamp.engine.head
    for number in range(moved + 1, moved + 1_001):
        store.project(made := Turn(number, "scheduler-1", lamp.clock.now()), [])
        store.insert_turn(made)
    assert lamp.desk.read().head == moved + 1_000
    store.handed = 0
    assert lamp.desk.seconds() == 60.0
    assert store.handed < 1_600
    assert lamp.desk.totals() == {"jobs": 24, "uows": 24}
    assert store.handed < 1_600


def test_watermarks_follow_each_turn_and_are_counted_once_for_it() -> None:
    lamp = day()
    before = lamp.desk.watermarks()
    assert all(one is other for one, other in zip(before, lamp.desk.watermarks(), strict=True))
    lamp.work(*hours(3))
    assert [mark.through for mark in lamp.desk.watermarks()] == ["2013010102", ""]


def test_a_process_that_left_is_told_with_what_it_left_behind() -> None:
    lamp = day()
    lamp.work(*hours(3))
    left = Desk(lamp.store, lamp.broker, context(january(("hourly",))[:0]), lamp.clock, lamp.settings).retired()
    found = {level.process: (level.is_retired, level.finished, level.active, level.tree) for level in left}
    assert found == {"flights_hourly": (True, 3, 21, "flights"), "flights_daily": (True, 0, 0, "flights")}


def test_a_store_that_was_restored_from_a_backup_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    lamp, restored = day(), Lamp(january())
    lamp.run()
    assert lamp.desk.progress().is_done
    restored.turn()
    monkeypatch.setattr(lamp.desk, "_store", restored.store)
    lamp.clock.sleep(10)
    assert lamp.desk.progress().finished == 0


def test_a_restored_store_that_has_come_further_than_what_was_read_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    lamp, restored = day(), Lamp(january(), begins=NOW + timedelta(hours=1))
    lamp.work(*hours(3))
    assert lamp.desk.progress().finished == 3
    restored.turn()
    for uow_id in reversed(hours(24)):
        restored.work(uow_id)
    assert restored.engine.head > lamp.engine.head
    monkeypatch.setattr(lamp.desk, "_store", restored.store)
    assert lamp.desk.progress() == restored.desk.progress()
    assert lamp.desk.timetable() == restored.desk.timetable()
