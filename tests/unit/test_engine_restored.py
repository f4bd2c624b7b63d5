"""Does a job go on whose unit of work the store lacks, as a dump may have it that was made while all ran?"""

from __future__ import annotations

from typing import Any

import pytest

from db.model import CommandState
from scheduler.freerun_desk import FreerunDesk
from scheduler.reopening import with_reopen
from system.context import freerun_context_entry
from system.lifecycle import JobState, UowEvent
from tests.support.dumped import Dumped, restored
from tests.support.lamp import Lamp, hours, january

HOUR, DAY = "flights_hourly/2013010100/1/1", "flights_daily/2013010100/1/1"


def one_hour(**fields: Any) -> Lamp:
    lamp = Lamp(january(("hourly",), end="2013010101", **fields), store=Dumped())
    lamp.turn()
    return lamp


def test_what_was_requested_is_put_back_and_runs_and_its_log_says_so() -> None:
    lamp = restored(one_hour(), HOUR)
    assert lamp.requested() == [HOUR]
    lamp.work(HOUR)
    assert lamp.state("flights_hourly", "2013010100") is JobState.PROCESSED
    assert f"{HOUR} was not in the store, and was put back" in [e.text for e in lamp.store.events("flights_hourly", "2013010100", 10)]


def test_it_is_put_back_once_and_sent_to_its_queue() -> None:
    lamp = one_hour()
    lamp.broker.consumer(["queue_flights_hourly_backfill"]).take(10)
    restored(lamp, HOUR)
    assert len([uow for turn in lamp.store.turns_after(0, 100) for uow in turn.opened if uow.id == HOUR]) == 2
    lamp.sweep()
    assert len([uow for turn in lamp.store.turns_after(0, 100) for uow in turn.opened if uow.id == HOUR]) == 2


def test_its_fence_goes_on_from_what_its_job_knows() -> None:
    lamp = one_hour()
    lamp.work(HOUR)
    lamp.give("reprocess", "flights_hourly", "2013010100")
    again = "flights_hourly/2013010100/2/1"
    assert restored(lamp, again).claim(again)[0].fence == 2


def test_whoever_ran_it_is_too_late() -> None:
    lamp = one_hour()
    uow = lamp.claim(HOUR)[0]
    restored(lamp, HOUR)
    assert not lamp.finish(uow)
    lamp.work(HOUR)
    assert lamp.state("flights_hourly", "2013010100") is JobState.PROCESSED


def test_one_that_failed_waits_for_its_next_attempt() -> None:
    lamp = one_hour(max_attempts=2)
    lamp.work(HOUR, event=UowEvent.FAILED)
    restored(lamp, HOUR)
    assert lamp.requested() == []
    lamp.pass_s(1_000)
    assert lamp.requested() == [HOUR]
    assert lamp.claim(HOUR)[0].failures == 1


def test_one_that_is_held_stays_so_and_can_be_released() -> None:
    lamp = one_hour(max_attempts=1, on_failure="hold")
    lamp.work(HOUR, event=UowEvent.FAILED)
    restored(lamp, HOUR)
    assert lamp.requested() == []
    lamp.give("release", "flights_hourly", "2013010100")
    assert lamp.requested() == [HOUR]


@pytest.mark.parametrize(
    ("verb", "ends_as"), [("skip", JobState.SKIPPED), ("cancel", JobState.SKIPPED), ("reprocess", JobState.IN_PROGRESS)]
)
def test_every_command_about_it_is_answered(verb: str, ends_as: JobState) -> None:
    lamp = restored(one_hour(), HOUR)
    number = lamp.give(verb, "flights_hourly", "2013010100")
    lamp.sweep()
    lamp.turn(2)
    assert lamp.desk.answer(number).state is CommandState.DONE
    assert lamp.state("flights_hourly", "2013010100") is ends_as


@pytest.mark.parametrize(("verb", "ends_as"), [("skip", JobState.SKIPPED), ("reprocess", JobState.IN_PROGRESS)])
def test_one_that_was_called_off_ends(verb: str, ends_as: JobState) -> None:
    lamp = one_hour()
    lamp.claim(HOUR)
    lamp.give(verb, "flights_hourly", "2013010100")
    restored(lamp, HOUR)
    lamp.sweep()
    lamp.turn(2)
    assert lamp.state("flights_hourly", "2013010100") is ends_as


def test_a_change_of_the_context_that_reopens_goes_over_it() -> None:
    lamp = Lamp(january(), store=Dumped())
    lamp.turn()
    lamp.work(*hours(24))
    assert lamp.requested() == [DAY]
    (row,) = [row for row in lamp.store.processes() if row.name == "flights_hourly"]
    restored(lamp, DAY)
    table = lamp.engine._timetable
    assert table is not None
    table.registered[row.name] = with_reopen(row, "2013010105..2013010106")
    lamp.sweep()
    lamp.run()
    assert lamp.job("flights_daily", "2013010100").generation == 2
    assert lamp.desk.progress().is_done


def one_fire() -> tuple[Lamp, str]:
    """Return a lamp whose one fire's unit of work is gone."""
    lamp = Lamp([freerun_context_entry("load", "night", "jobs.load", "load", "every 60")], store=Dumped())
    lamp.pass_s(60)
    (fire,) = lamp.fires()
    return restored(lamp, f"{fire}/1"), fire


def test_a_fire_whose_unit_of_work_is_gone_runs() -> None:
    lamp, fire = one_fire()
    assert lamp.fires() == [fire]
    lamp.work(f"{fire}/1")
    assert lamp.entry("night").succeeded == 1


def test_a_fire_whose_unit_of_work_is_gone_can_be_canceled() -> None:
    lamp, _ = one_fire()
    FreerunDesk(lamp.store, lamp.broker, lamp.context, lamp.clock).give("cancel", "load", "night", "ann", "test", {})
    lamp.turn(2)
    lamp.sweep()
    assert (lamp.entry("night").canceled, lamp.entry("night").runs) == (1, ())
