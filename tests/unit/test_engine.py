"""What does the engine decide, turn by turn, and what survives which accident?"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from db.memory import MemoryStore
from db.model import Chunk, Turn
from db.store import nothing
from mq.broker import Message
from mq.memory import MemoryBroker
from scheduler.desk import Desk
from scheduler.policy import SchedulerSettings
from scheduler.timetable import ordinal_of
from system.context import REPORT_QUEUE
from system.errors import BrokerError, Unavailable
from system.lifecycle import JobState, UowEvent
from system.timeperiod import DAILY
from tests.support.contexts import managed
from tests.support.lamp import NOW, Lamp, hours, january

HOUR = "flights_hourly/2013010100/1/1"


def test_everything_that_is_due_ends_in_order() -> None:
    lamp = Lamp(january(("hourly", "daily"), days=2))
    assert lamp.run() == 50
    assert lamp.state("flights_daily", "2013010200") is JobState.PROCESSED
    assert lamp.engine.second_look_found == 0


def test_a_day_opens_in_the_turn_that_settles_its_last_hour() -> None:
    lamp = Lamp(january())
    lamp.turn()
    lamp.work(*hours(23))
    assert lamp.requested() == ["flights_hourly/2013010123/1/1"]
    lamp.work("flights_hourly/2013010123/1/1")
    assert lamp.requested() == ["flights_daily/2013010100/1/1"]


def test_fault_2_periods_are_caught_up_in_parallel_oldest_first() -> None:
    lamp = Lamp(january(("hourly",), days=2))
    lamp.turn()
    assert len(lamp.requested()) == 48


def test_max_in_flight_is_kept_oldest_first() -> None:
    lamp = Lamp(january(("hourly",), max_in_flight=3))
    lamp.turn()
    assert lamp.requested() == hours(3)
    lamp.work(hours(2)[1])
    assert lamp.requested() == ["flights_hourly/2013010100/1/1", "flights_hourly/2013010102/1/1", "flights_hourly/2013010103/1/1"]


def test_at_most_a_window_of_a_queue_is_requested() -> None:
    lamp = Lamp(january(("hourly",)), SchedulerSettings(window_least=5, window_per_slot=1))
    lamp.turn(3)
    assert lamp.requested() == hours(5)


def test_what_is_claimed_makes_room_in_the_window() -> None:
    lamp = Lamp(january(("hourly",)), SchedulerSettings(window_least=5, window_per_slot=1))
    lamp.turn()
    lamp.claim(*hours(2))
    lamp.sweep()
    assert len(lamp.requested()) == 5


def test_a_process_that_is_off_waits() -> None:
    lamp = Lamp(january(("hourly",), is_on=False))
    lamp.turn(2)
    assert lamp.requested() == []


def test_fault_16_an_hour_that_is_still_open_is_left_alone() -> None:
    lamp = Lamp(january(("hourly",), start="2020010100", end="2020010200"))
    lamp.turn()
    assert lamp.requested() == []
    lamp.clock.sleep(3600)
    lamp.turn()
    assert lamp.requested() == ["flights_hourly/2020010100/1/1"]


def test_fault_3_due_times_come_from_the_calendar_so_run_time_makes_no_drift() -> None:
    lamp = Lamp(january(("hourly",), start="2020010100", end="2020010200"))
    opened = []
    for _ in range(5):
        lamp.clock.sleep(lamp.turn())
        lamp.clock.sleep(3601 - lamp.clock.monotonic() % 3600)  # a round that took its time
        lamp.turn()
        opened = lamp.requested()
    assert opened == [f"flights_hourly/20200101{h:02}/1/1" for h in range(5)]


def test_an_hour_without_data_is_noop_and_counts_as_finished() -> None:
    lamp = Lamp(january())
    lamp.turn()
    lamp.work(*hours(24), event=UowEvent.EMPTY)
    assert lamp.state("flights_hourly", "2013010100") is JobState.NOOP
    assert lamp.requested() == ["flights_daily/2013010100/1/1"]


def test_a_skipped_dependency_skips_its_dependants_at_once() -> None:
    fields: dict[str, Any] = {"start": "2013010100", "end": "2013010200", "lag_s": 0.0}
    flights = managed("flights_daily", "_daily", max_attempts=1, **fields)
    delays = managed("delays_daily", "_daily", blocking_type="blocking_dependencies", **fields)
    lamp = Lamp([flights, delays], delays=["flights"])
    lamp.turn()
    lamp.work("flights_daily/2013010100/1/1", event=UowEvent.FAILED)
    assert lamp.state("flights_daily", "2013010100") is JobState.SKIPPED
    assert lamp.state("delays_daily", "2013010100") is JobState.SKIPPED
    assert "flights_daily 2013010100" in lamp.job("delays_daily", "2013010100").reason


def test_a_parent_that_ran_too_early_runs_once_more_before_it_finishes() -> None:
    lamp = Lamp(january(("hourly", "daily"), blocking_type="blocking_normal"))
    lamp.turn()
    lamp.work("flights_daily/2013010100/1/1")
    assert lamp.state("flights_daily", "2013010100") is JobState.IN_PROGRESS
    lamp.work(*hours(24))
    assert lamp.requested() == ["flights_daily/2013010100/1/2"]
    lamp.work("flights_daily/2013010100/1/2")
    assert lamp.state("flights_daily", "2013010100") is JobState.PROCESSED


# -- failures and losses


def test_a_failed_attempt_is_due_again_after_its_backoff() -> None:
    lamp = Lamp(january(("hourly",), end="2013010101", backoff_s=10.0))
    lamp.turn()
    lamp.work(HOUR, event=UowEvent.FAILED)
    assert lamp.requested() == []
    lamp.clock.sleep(13)
    lamp.turn()
    assert lamp.requested() == [HOUR]
    assert lamp.uow(HOUR).failures == 1


def test_the_backoff_survives_a_new_scheduler() -> None:
    lamp = Lamp(january(("hourly",), end="2013010101", backoff_s=10.0))
    lamp.turn()
    lamp.work(HOUR, event=UowEvent.FAILED)
    lamp.store.close_sessions(["scheduler-1"])
    lamp.engine = lamp.another_engine("scheduler-2")
    lamp.turn(2)
    assert lamp.requested() == []
    lamp.clock.sleep(13)
    lamp.turn()
    assert lamp.requested() == [HOUR]


def test_used_up_attempts_skip_the_job_with_the_reason() -> None:
    lamp = Lamp(january(("hourly",), end="2013010101", max_attempts=1))
    lamp.turn()
    lamp.finish(lamp.claim(HOUR)[0], UowEvent.FAILED, reason="no disk")
    lamp.turn()
    assert lamp.state("flights_hourly", "2013010100") is JobState.SKIPPED
    assert lamp.job("flights_hourly", "2013010100").reason == "failed: 1 attempt failed, last: no disk"
    assert lamp.uow(HOUR).state == "state_canceled"


def test_life_support_ends_after_its_hours() -> None:
    lamp = Lamp(january(("hourly",), end="2013010101", life_support_hours=1.0))
    lamp.turn()
    lamp.work(HOUR, event=UowEvent.FAILED)
    lamp.clock.sleep(3601)
    lamp.turn()
    lamp.work(HOUR, event=UowEvent.FAILED)
    assert lamp.state("flights_hourly", "2013010100") is JobState.SKIPPED


def test_on_failure_hold_waits_for_a_release() -> None:
    lamp = Lamp(january(("hourly",), end="2013010101", max_attempts=1, on_failure="hold"))
    lamp.turn()
    lamp.work(HOUR, event=UowEvent.FAILED)
    assert "1 attempt failed" in lamp.job("flights_hourly", "2013010100").held
    number = lamp.give("release", "flights_hourly", "2013010100")
    assert (lamp.desk.answer(number).state, lamp.requested()) == ("done", [HOUR])
    lamp.work(HOUR)
    assert lamp.state("flights_hourly", "2013010100") is JobState.PROCESSED


def test_a_closed_session_voids_its_claims_at_once_as_a_loss() -> None:
    lamp = Lamp(january(("hourly",), end="2013010101"))
    lamp.turn()
    lamp.claim(HOUR)
    lamp.store.close_sessions(["worker-1"])
    lamp.broker.publish([Message(REPORT_QUEUE, "session:worker-1")])
    lamp.turn()
    assert (lamp.requested(), lamp.uow(HOUR).losses, lamp.uow(HOUR).failures) == ([HOUR], 1, 0)


def test_what_was_lost_overtakes_what_waits() -> None:
    lamp = Lamp(january(("hourly",)))
    lamp.turn()
    consumer = lamp.broker.consumer(["queue_flights_hourly_backfill"])
    consumer.acknowledge(consumer.take(1))
    lamp.claim(HOUR)
    lamp.store.close_sessions(["worker-1"])
    lamp.sweep()
    assert consumer.take(1)[0].body == HOUR


def test_a_session_is_lost_only_after_its_beat_stood_still_for_the_lease() -> None:
    lamp = Lamp(january(("hourly",), end="2013010101"))
    lamp.turn()
    lamp.claim(HOUR)
    for _ in range(14):
        lamp.sweep()
    assert lamp.requested() == []
    lamp.sweep()
    lamp.sweep()
    assert lamp.requested() == [HOUR]
    assert not lamp.store.beat("worker-1", {}).is_open


def test_fault_5_a_long_job_that_beats_is_never_requested_again() -> None:
    lamp = Lamp(january(("hourly",), end="2013010101"))
    lamp.turn()
    lamp.claim(HOUR)
    for _ in range(300):
        lamp.clock.sleep(50)
        lamp.store.beat("worker-1", {})
        lamp.turn()
    assert (lamp.requested(), lamp.uow(HOUR).state) == ([], "state_in_progress")


def test_a_claim_lost_too_often_is_held() -> None:
    lamp = Lamp(january(("hourly",), end="2013010101"))
    lamp.turn()
    for n in range(6):
        lamp.open_session(f"doomed-{n}")
        lamp.claim(HOUR, session=f"doomed-{n}")
        lamp.store.close_sessions([f"doomed-{n}"])
        lamp.sweep()
    assert "lost 6 times" in lamp.job("flights_hourly", "2013010100").held
    lamp.give("release", "flights_hourly", "2013010100")
    assert (lamp.requested(), lamp.uow(HOUR).losses) == ([HOUR], 1)


def test_fault_26_the_old_owners_outcome_is_refused_after_its_claim_was_voided() -> None:
    lamp = Lamp(january(("hourly",), end="2013010101"))
    lamp.turn()
    old = lamp.claim(HOUR)[0]
    lamp.store.close_sessions(["worker-1"])
    lamp.sweep()
    lamp.open_session("worker-2")
    new = lamp.claim(HOUR, session="worker-2")[0]
    assert not lamp.finish(old)
    assert lamp.finish(new)
    assert (old.fence, new.fence) == (1, 2)


def test_fault_11_a_dead_workers_uow_costs_one_message_and_is_never_stuck() -> None:
    lamp = Lamp(january(("hourly",), end="2013010101"))
    lamp.turn()
    consumer = lamp.broker.consumer(["queue_flights_hourly_backfill"])
    consumer.acknowledge(consumer.take(10))
    lamp.claim(HOUR)
    lamp.store.close_sessions(["worker-1"])
    for _ in range(20):
        lamp.sweep()
    assert (lamp.requested(), len(consumer.take(100))) == ([HOUR], 1)


def test_fault_28_who_is_busy_is_read_off_claims() -> None:
    lamp = Lamp(january(("hourly",)), SchedulerSettings(window_least=5, window_per_slot=1))
    lamp.turn()
    for uow in lamp.claim(*hours(5)):
        lamp.finish(uow, report=False)
        lamp.broker.publish([Message(REPORT_QUEUE, uow.id)] * 3)
    lamp.turn()
    assert lamp.requested() == [f"flights_hourly/20130101{h:02}/1/1" for h in range(5, 10)]


# -- accidents


def test_a_lost_report_is_found_by_the_sweep() -> None:
    lamp = Lamp(january(("hourly",), end="2013010101"))
    lamp.turn()
    lamp.finish(lamp.claim(HOUR)[0], report=False)
    lamp.sweep()
    assert lamp.state("flights_hourly", "2013010100") is JobState.PROCESSED


def test_fault_4_a_vanished_message_is_sent_again_within_two_sweeps() -> None:
    lamp = Lamp(january(("hourly",), end="2013010101"))
    lamp.turn()
    lamp.broker.purge("queue_flights_hourly_backfill")
    lamp.sweep()
    lamp.sweep()
    assert lamp.broker.depths(["queue_flights_hourly_backfill"]) == {"queue_flights_hourly_backfill": 1}


def test_fault_4_a_message_to_an_undeclared_queue_is_an_error_not_a_loss() -> None:
    with pytest.raises(BrokerError, match="nowhere"):
        MemoryBroker().publish([Message("nowhere", HOUR)])


def test_nothing_is_sent_again_while_the_queue_still_holds_it() -> None:
    lamp = Lamp(january(("hourly",), end="2013010101"))
    lamp.turn()
    for _ in range(10):
        lamp.sweep()
    assert lamp.broker.depths(["queue_flights_hourly_backfill"]) == {"queue_flights_hourly_backfill": 1}


def test_a_second_scheduler_follows_and_leads_when_the_first_is_gone() -> None:
    lamp = Lamp(january(("hourly",), end="2013010102"))
    lamp.turn()
    second = lamp.another_engine("scheduler-2")
    second.turn(lamp.clock.now())
    assert not second.leads
    lamp.store.close_sessions(["scheduler-1"])
    second.turn(lamp.clock.now())
    assert second.leads


@pytest.mark.parametrize("missing", [2, 3, 4])
def test_who_follows_across_turns_that_are_being_removed_reads_everything_again(missing: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lamp = Lamp(january(("hourly",)))
    second, desk = lamp.another_engine("scheduler-2"), Desk(lamp.store, lamp.broker, lamp.context, lamp.clock, lamp.settings)
    second.turn(lamp.clock.now())
    desk._read()
    lamp.turn()
    for hour in hours(3):
        lamp.work(hour)
    read = lamp.store.turns_after
    monkeypatch.setattr(lamp.store, "turns_after", lambda number, limit: [t for t in read(number, limit) if t.number != missing])
    second.turn(lamp.clock.now())
    leaders = lamp.engine._timetable
    assert leaders is not None
    for table in (second._timetable, desk._read()):
        assert table is not None
        assert (table.head, table.active) == (5, leaders.active)


def test_fault_26_a_paused_leader_that_wakes_up_does_no_harm() -> None:
    lamp = Lamp(january(("hourly",), end="2013010102"))
    lamp.turn()
    second = lamp.another_engine("scheduler-2")
    lamp.store.close_sessions(["scheduler-1"])
    second.turn(lamp.clock.now())
    lamp.finish(lamp.claim(*hours(1))[0])
    lamp.turn(2)
    assert not lamp.engine.leads
    assert len(lamp.store.turns_after(0, 100)) == second.head


def test_a_turn_whose_answer_was_lost_is_not_inserted_twice() -> None:
    class Forgetful(MemoryStore):
        failing = True

        def insert_turn(self, turn: Turn) -> bool:
            done = super().insert_turn(turn)
            if self.failing and turn.jobs:
                self.failing = False
                raise Unavailable("the answer was lost")
            return done

    lamp = Lamp(january(("hourly",), end="2013010102"), store=Forgetful())
    with pytest.raises(Unavailable):
        lamp.turn(2)
    assert lamp.run() == 2
    assert [turn.number for turn in lamp.store.turns_after(0, 100)] == list(range(1, lamp.engine.head + 1))


def test_a_turn_that_was_inserted_and_not_projected_is_replayed_at_take_over() -> None:
    class Broken(MemoryStore):
        broken = False

        def project(self, turn: Turn, chunks: Any, on_requested: Any = nothing) -> None:
            if self.broken and turn.jobs:
                raise Unavailable("gone")
            super().project(turn, chunks, on_requested)

    store = Broken()
    lamp = Lamp(january(("hourly",), end="2013010102"), store=store)
    store.broken = True
    with pytest.raises(Unavailable):
        lamp.turn(2)
    store.broken = False
    lamp.store.close_sessions(["scheduler-1"])
    lamp.engine = lamp.another_engine("scheduler-2")
    lamp.turn(2)
    assert lamp.requested() == hours(2)


def test_fault_8_an_older_turn_never_overwrites_a_newer_one() -> None:
    lamp = Lamp(january(("hourly",), end="2013010101"))
    lamp.run()
    old = lamp.store.turns_after(0, 100)[1]
    lamp.store.project(old, [Chunk("flights_hourly", 24156, 0, b"", old.number)])
    assert lamp.job("flights_hourly", "2013010100").state is JobState.PROCESSED
    assert lamp.state("flights_hourly", "2013010100") is JobState.PROCESSED


def test_fault_9_a_broker_that_breaks_and_comes_back_is_used_again() -> None:
    class Moody(MemoryBroker):
        away = False

        def publish(self, messages: Any) -> None:
            if self.away:
                raise Unavailable("no broker")
            super().publish(messages)

        def consumer(self, queues: Any) -> Any:
            if self.away:
                raise Unavailable("no broker")
            return super().consumer(queues)

    broker = Moody()
    lamp = Lamp(january(("hourly",), end="2013010102"), broker=broker)
    broker.away = True
    lamp.turn(3)
    broker.away = False
    lamp.turn()
    assert broker.depths(["queue_flights_hourly_backfill"]) == {"queue_flights_hourly_backfill": 2}
    assert lamp.run() == 2


def test_fault_29_the_age_of_the_last_successful_turn_is_known() -> None:
    lamp = Lamp(january(("hourly",), end="2013010101"))
    lamp.turn()
    lamp.clock.sleep(7)
    assert lamp.engine.turned_at == NOW
    assert lamp.another_engine("scheduler-2").turned_at is None


# -- history


class Counting(MemoryStore):
    """Counts calls by verb."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()

    def __getattribute__(self, name: str) -> Any:
        if name in ("insert_turn", "turns_after", "project", "active_jobs", "jobs", "chunks", "uows", "sessions", "open_commands"):
            self.calls[name] += 1
        return super().__getattribute__(name)


def calls_of_a_round(years: int) -> Counter[str]:
    """Return the store calls of a round that settles one report, with `years` of finished hours behind it."""
    store = Counting()
    begin, end = f"{2019 - years}010100", "2019010100"
    hourly = january(("hourly",), start=begin, end="2019010102")[0]
    first, last = (ordinal_of(DAILY, text) * 24 for text in (begin, end))
    qualifier = hourly.qualifier
    for number in range(qualifier.chunk_of(first), qualifier.chunk_of(last - 1) + 1):
        low, high = qualifier.chunk_start(number), qualifier.chunk_start(number + 1)
        store.project(Turn(1, "old", NOW), [Chunk("flights_hourly", number, low, b"\3" * (high - low), 1)])
    store.insert_turn(Turn(1, "old", NOW))
    lamp = Lamp([hourly], store=store)
    lamp.turn()
    lamp.finish(lamp.claim("flights_hourly/2019010100/1/1")[0])
    store.calls.clear()
    lamp.turn()
    return store.calls


def test_fault_25_a_round_makes_the_same_store_calls_however_much_is_finished() -> None:
    assert calls_of_a_round(1) == calls_of_a_round(40)
    assert calls_of_a_round(1)["chunks"] == 0
