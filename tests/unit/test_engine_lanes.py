"""Does live work overtake backfill in the engine: in its windows, in its limits, and whatever was opened before?"""

from __future__ import annotations

from typing import Any

from db.memory import MemoryStore
from scheduler.policy import SchedulerSettings
from system.lanes import Lane, lane_of
from system.lifecycle import UowEvent
from tests.support.builders import uow
from tests.support.lamp import Lamp, january

SMALL = SchedulerSettings(window_least=3, window_per_slot=0)
QUEUE, BACKFILL = "queue_flights_hourly", "queue_flights_hourly_backfill"
FIRST_OLD, FIRST_LIVE, NEWEST = "flights_hourly/2019122800/1/1", "flights_hourly/2019123023/1/1", "flights_hourly/2019123122/1/1"


def lamp_of(settings: SchedulerSettings = SMALL, **fields: Any) -> Lamp:
    """Return an engine over four days of hours up to now, lag 5 minutes: the last 24 of them are live."""
    return Lamp(january(("hourly",), **{"start": "2019122800", "end": "", "lag_s": 300.0, **fields}), settings)


def test_each_lane_has_its_own_window_and_messages() -> None:
    lamp = lamp_of()
    lamp.turn()
    assert lamp.broker.depths([QUEUE, BACKFILL]) == {QUEUE: 3, BACKFILL: 3}
    assert lamp.requested() == [f"flights_hourly/{period}/1/1" for period in (
        "2019122800", "2019122801", "2019122802", "2019123023", "2019123100", "2019123101",
    )]  # fmt: skip


def test_a_year_of_backfill_never_holds_up_the_hour_that_becomes_due_now() -> None:
    lamp = Lamp(january(("hourly",), start="2019010100", end="", lag_s=0.0), SchedulerSettings(looks=20, window_least=1_000))
    lamp.work(*[name for name in lamp.requested() if lane_of(lamp.uow(name).queue) is Lane.LIVE])
    lamp.clock.sleep(3_600)
    lamp.turn()
    assert "flights_hourly/2020010100/1/1" in lamp.requested()


def test_backfill_leaves_a_place_of_max_in_flight_to_live_work() -> None:
    lamp = lamp_of(max_in_flight=3, start="2019122800")
    lamp.turn()
    while any(lane_of(lamp.uow(name).queue) is Lane.LIVE for name in lamp.requested()):
        lamp.work(*[name for name in lamp.requested() if lane_of(lamp.uow(name).queue) is Lane.LIVE])
    assert lamp.requested() == [FIRST_OLD, "flights_hourly/2019122801/1/1"]
    lamp.clock.sleep(3_600)
    lamp.turn()
    assert lamp.requested()[2:] == ["flights_hourly/2019123123/1/1"]


def test_a_single_place_goes_to_live_work_first_and_to_backfill_after_it() -> None:
    lamp = lamp_of(max_in_flight=1)
    opened = []
    for _ in range(26):
        lamp.turn()
        opened += lamp.requested()
        lamp.work(*lamp.requested())
    assert [opened[0], opened[23], opened[24]] == [FIRST_LIVE, NEWEST, FIRST_OLD]


def test_history_of_a_process_that_ended_long_ago_has_all_places() -> None:
    lamp = Lamp(january(("hourly",), max_in_flight=3))
    lamp.turn()
    assert len(lamp.requested()) == 3


def test_a_retry_stays_in_the_lane_in_which_it_was_opened() -> None:
    lamp = lamp_of(SchedulerSettings())
    lamp.turn()
    lamp.work(FIRST_LIVE, event=UowEvent.FAILED)
    lamp.turn()
    lamp.broker.purge(QUEUE)
    lamp.clock.sleep(2 * 86_400)
    lamp.turn(3)
    assert FIRST_LIVE in [d.body for d in lamp.broker.consumer([QUEUE]).take(100)]


def test_what_an_older_version_opened_for_history_in_the_one_queue_of_then_still_runs() -> None:
    lamp = Lamp(january(("hourly",), end="2013010101"), store=(store := MemoryStore()))
    (one,) = (lamp.turn(), lamp.requested())[1]
    store._put_uow(uow(one, queue=QUEUE))
    lamp.store.close_sessions(["scheduler-1"])
    lamp.engine = lamp.another_engine("scheduler-2")
    lamp.broker.purge(BACKFILL)
    lamp.turn(2)
    lamp.sweep()
    assert lamp.broker.depths([QUEUE, BACKFILL]) == {QUEUE: 1, BACKFILL: 0}
    lamp.work(one)
    assert lamp.desk.progress().is_done


def test_in_order_history_is_not_overtaken_by_its_own_live_periods() -> None:
    lamp = lamp_of(in_order=True)
    lamp.turn()
    assert lamp.requested() == [FIRST_OLD]


def test_a_held_job_takes_no_place_of_max_in_flight() -> None:
    lamp = Lamp(january(("hourly",), max_in_flight=1, max_attempts=1, on_failure="hold"))
    lamp.turn()
    lamp.work("flights_hourly/2013010100/1/1", event=UowEvent.FAILED)
    lamp.turn(2)
    assert lamp.job("flights_hourly", "2013010100").held
    assert lamp.requested() == ["flights_hourly/2013010101/1/1"]


def test_a_released_job_waits_for_a_place_and_goes_before_what_is_new() -> None:
    lamp = Lamp(january(("hourly",), max_in_flight=1, max_attempts=1, on_failure="hold"))
    lamp.turn()
    lamp.work("flights_hourly/2013010100/1/1", event=UowEvent.FAILED)
    lamp.turn(2)
    lamp.give("release", "flights_hourly", "2013010100")
    assert lamp.requested() == ["flights_hourly/2013010101/1/1"]
    lamp.work("flights_hourly/2013010101/1/1")
    assert lamp.requested() == ["flights_hourly/2013010100/1/1"]


def test_a_released_job_keeps_waiting_for_its_place_under_another_scheduler() -> None:
    lamp = Lamp(january(("hourly",), max_in_flight=1, max_attempts=1, on_failure="hold"))
    lamp.turn()
    lamp.work("flights_hourly/2013010100/1/1", event=UowEvent.FAILED)
    lamp.turn(2)
    lamp.give("release", "flights_hourly", "2013010100")
    lamp.store.close_sessions(["scheduler-1"])
    lamp.engine = lamp.another_engine("scheduler-2")
    lamp.turn(3)
    assert lamp.requested() == ["flights_hourly/2013010101/1/1"]


def test_why_tells_the_lane_and_that_live_work_goes_first() -> None:
    lamp = lamp_of(max_in_flight=5)
    lamp.turn()
    (leaf,) = lamp.desk.why("flights_hourly", "2019122823").leaves()
    assert leaf.kind in ("queue window", "in flight")
    lamp.work(*[name for name in lamp.requested() if lane_of(lamp.uow(name).queue) is Lane.LIVE])
    (waiting,) = lamp.desk.why("flights_hourly", "2019122800").leaves()
    assert "live work goes first" in waiting.text
