"""Does a system say of itself what it did? Counts that grow with the turns, gauges of what is, and nothing read twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from db.entries import Entry, Run
from db.model import Turn, UnitOfWork
from launcher.queue import queues_of
from mq.memory import MemoryBroker
from scheduler import meter
from scheduler.meter import Measures, Meter
from scheduler.tally import SHORT_S, Tally, tally_of
from system.errors import Unavailable
from system.lifecycle import UowEvent, UowState
from tests.support.lamp import NOW, Lamp, hours, january


class Metered(Lamp):
    """A day of hours, and a meter over its desk."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(january(("hourly",), start="2013010100", end="2013010200", **fields))
        self.turn()
        self.desk.read()
        self.meter = Meter(self.store, self.broker)
        self.meter.follow(self.desk, self.context, list(queues_of(self.context)))

    def measures(self) -> Measures:
        return self.meter.read(self.clock.now())


def test_jobs_are_counted_by_state_and_what_ended_is_timed() -> None:
    lamp = Metered()
    for uow in lamp.claim(*hours(2)):
        lamp.clock.sleep(1.5)
        lamp.finish(uow)
    lamp.turn(2)
    told = lamp.measures()
    gauge = told.gauges[0]
    assert (gauge.counts["state_processed"], gauge.counts["state_in_progress"] + gauge.counts["state_embryo"]) == (2, 22)
    assert dict(told.ended) == {("flights_hourly", "state_processed"): 2}
    assert sum(told.durations["flights_hourly"].counts) == 2
    assert told.durations["flights_hourly"].total_s == pytest.approx(4.5)
    assert sum(told.waits["backfill"].counts) == 2


def test_all_that_ended_is_counted_though_only_so_much_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter, "_AT_ONCE", 1)
    monkeypatch.setattr(meter, "_MOST_WAITING", 2)
    lamp = Metered()
    lamp.run()
    told = [lamp.measures() for _ in range(3)]
    assert [sum(each.ended.values()) for each in told] == [24] * 3
    assert sum(told[-1].durations["flights_hourly"].counts) == 2


def test_fires_that_ended_are_counted_by_how(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter, "_AT_ONCE", 0)
    lamp = Metered()
    begun = Entry("load", "often", 1, NOW, runs=tuple(Run(str(at), UowState.REQUESTED, NOW) for at in range(4)))
    after = replace(begun, runs=begun.runs[3:], fired=4, succeeded=2, failed=1, last_end=UowState.NOOP.value)
    for entry in (begun, after):
        lamp.store.insert_turn(Turn(lamp.desk.read().head + 1, "scheduler-1", NOW, entries=(entry,)))
    lamp.desk.read()
    states = {state.removeprefix("state_"): count for (process, state), count in lamp.measures().ended.items() if process == "load"}
    assert states == {"processed": 1, "noop": 1, "canceled": 1}


def test_what_ended_in_the_turn_that_opened_the_next_is_counted() -> None:
    lamp = Metered()
    job = lamp.store.jobs("flights_hourly", ["2013010100"])[0]
    lamp.finish(lamp.claim(*hours(1))[0])
    after = replace(job, run=job.run + 1, uow_state=UowState.REQUESTED)
    lamp.store.insert_turn(Turn(lamp.desk.read().head + 1, "scheduler-1", NOW, jobs=(after,)))
    assert dict(lamp.measures().ended) == {("flights_hourly", "state_processed"): 1}


def test_what_was_timed_is_not_timed_again() -> None:
    lamp = Metered()
    lamp.work(hours(1)[0])
    assert [sum(lamp.measures().ended.values()) for _ in range(3)] == [1, 1, 1]


def test_watermark_and_lag_are_those_of_the_oldest_period_that_is_not_finished() -> None:
    lamp = Metered()
    assert lamp.measures().gauges[0].complete_until is None
    lamp.work(hours(3)[0])
    lamp.work(hours(3)[2])
    gauge = lamp.measures().gauges[0]
    assert gauge.complete_until is not None
    assert gauge.complete_until.hour == 1
    assert gauge.lag_s == (NOW - gauge.complete_until - timedelta(hours=1)).total_seconds()


def test_where_all_is_finished_nothing_lags() -> None:
    lamp = Metered()
    lamp.run()
    gauge = lamp.measures().gauges[0]
    assert (gauge.lag_s, gauge.counts["state_embryo"], gauge.counts["state_processed"]) == (0.0, 0, 24)


@pytest.mark.parametrize("grouping", [1, 3])
def test_late_periods_are_counted_as_the_list_of_them_counts(grouping: int) -> None:
    lamp = Metered(deadline=60.0, time_grouping=grouping)
    assert lamp.measures().gauges[0].late == lamp.desk.late()[0].count == 24 // grouping


def test_failed_attempts_and_held_jobs_are_counted() -> None:
    lamp = Metered(max_attempts=1, on_failure="hold")
    lamp.work(hours(1)[0], event=UowEvent.FAILED)
    lamp.turn()
    told = lamp.measures()
    assert dict(told.failed_attempts) == {"flights_hourly": 1}
    assert told.gauges[0].phases == {"held": 1}


def test_a_lost_session_counts_as_an_expired_lease() -> None:
    lamp = Metered()
    lamp.open_session("worker-2", slots=1)
    lamp.measures()
    turn = Turn(lamp.desk.read().head + 1, "scheduler-1", NOW, lost=("worker-2",))
    lamp.store.insert_turn(turn)
    assert lamp.measures().leases_expired == 1


def test_what_the_fence_refused_is_added_up_over_the_workers() -> None:
    lamp = Metered()
    for count in ("1", "3"):
        lamp.store.beat("worker-1", {"fenced": count})
        told = lamp.measures()
    assert told.fenced_reports == 3


def test_a_worker_that_begins_anew_takes_nothing_back() -> None:
    lamp = Metered()
    for count in ("3", "0", "1"):
        lamp.store.beat("worker-1", {"fenced": count})
        told = lamp.measures()
    assert told.fenced_reports == 4


def test_depths_are_told_of_every_queue_and_dead_letters_apart() -> None:
    told = Metered().measures()
    assert told.depths is not None
    assert told.depths["queue_flights_hourly_backfill"] == 24
    assert (told.dead_letters, "q_dead_letters" in told.depths) == (0, False)


def test_a_broker_that_is_away_takes_away_its_own_figures_only(monkeypatch: pytest.MonkeyPatch) -> None:
    lamp = Metered()

    def away(_: object, __: object) -> dict[str, int]:
        raise Unavailable("away")

    monkeypatch.setattr(MemoryBroker, "depths", away)
    told = lamp.measures()
    assert (told.depths, told.dead_letters, told.leads) == (None, None, True)


def test_what_could_not_be_read_is_timed_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    lamp = Metered()
    lamp.work(hours(1)[0])
    real = lamp.store.uows

    def away(_: object) -> list[UnitOfWork]:
        raise Unavailable("away")

    monkeypatch.setattr(lamp.store, "uows", away)
    with pytest.raises(Unavailable):
        lamp.measures()
    monkeypatch.setattr(lamp.store, "uows", real)
    assert sum(lamp.measures().ended.values()) == 1


def test_a_tally_survives_being_told() -> None:
    tally = Tally(SHORT_S)
    for seconds in (0.005, 0.0051, 99.0, -1.0):
        tally.add(seconds)
    found = tally_of(tally.text())
    assert found is not None
    assert (found.counts[:2], found.counts[-1]) == ([2, 1], 1)
    assert found.total_s == pytest.approx(99.0101)
    assert tally_of("") is None
