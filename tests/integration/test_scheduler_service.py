"""Does a scheduler start, lead, answer its bell, outlive trouble and stop, with real threads and a real file?"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any, cast

import pytest

from db.memory import MemoryStore
from db.model import MACHINE, BeatAnswer, Outcome, Session
from db.store import Store
from db.urls import open_store
from mq.broker import Broker, Message
from mq.memory import MemoryBroker
from mq.urls import open_broker
from scheduler import service
from scheduler.keeper import Keeper
from scheduler.policy import SchedulerSettings
from scheduler.service import SchedulerService
from scheduler.tally import ROUNDS_FACT, tally_of
from system.clock import RealClock
from system.context import REPORT_QUEUE, Context, source_entry
from system.context_watch import ContextWatch
from system.errors import BrokerAway, StoreError, Unavailable
from system.lanes import both_lanes
from system.lifecycle import JobState, UowEvent
from system.processes import machine
from tests.support.lamp import NOW, context, january
from tests.support.waiting import wait_until

SETTINGS = SchedulerSettings(beat_s=0.05, calm_beat_s=0.05, sweep_s=0.2, follow_s=0.05)
HOUR, DAY = "flights_hourly/2013010100/1/1", "flights_daily/2013010100/1/1"


class Running:
    """A scheduler that runs in a thread."""

    def __init__(
        self,
        store: Store,
        broker: Broker,
        parts: Context,
        watch: ContextWatch | None = None,
        *,
        box: str = "box-1",
        keeper: Keeper | None = None,
    ) -> None:
        self.loads: list[int] = []
        self.service = SchedulerService(store, broker, parts, RealClock(), SETTINGS, box, watch=watch, keeper=keeper)
        self.service.after_load = partial(self.loads.append, 1)
        self.thread = Thread(target=self.service.run)
        self.thread.start()

    def stop(self) -> None:
        self.service.stop()
        self.thread.join(10)
        assert not self.thread.is_alive()


@pytest.fixture
def started() -> Iterator[list[Running]]:
    """A list of schedulers that are stopped in the end."""
    found: list[Running] = []
    yield found
    for one in found:
        one.stop()


def one_hour() -> Context:
    return context(january(("hourly",), end="2013010101"))


def test_it_requests_what_is_due_and_settles_what_is_reported_on_sqlite(tmp_path: Path, started: list[Running]) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'h.db'}")
    store.prepare()
    broker = open_broker("embedded:", file=store.file, var=tmp_path)  # type: ignore[attr-defined]
    broker.prepare()
    started.append(Running(store, broker, one_hour()))
    store.open_session(Session("worker-1", "worker", "box-1", 1, 0.0, NOW))
    wait_until(lambda: bool(store.uows([HOUR])), what="the hour is requested")
    (uow,) = store.claim([HOUR], "worker-1", NOW)
    store.finish([Outcome(HOUR, "worker-1", uow.fence, UowEvent.DONE, NOW)])
    broker.publish([Message(REPORT_QUEUE, HOUR)])
    wait_until(lambda: not store.active_jobs(), what="the hour is finished")
    assert started[0].loads == [1]  # that it leads, once, however many turns it did
    started.pop().stop()
    broker.close()
    store.close()


def test_fault_29_its_beats_tell_when_the_last_turn_succeeded(started: list[Running]) -> None:
    store = MemoryStore()
    started.append(Running(store, MemoryBroker(), one_hour()))
    wait_until(lambda: any(s.facts.get("turned_at") for s in store.sessions()), what="a beat with the last turn's time")
    (session,) = store.sessions()
    assert (session.kind, session.facts["role"], session.facts[MACHINE]) == ("scheduler", "leads", machine())
    rounds = tally_of(session.facts[ROUNDS_FACT])
    assert rounds is not None
    assert sum(rounds.counts) > 0


def test_a_clean_stop_closes_its_session_and_another_leads_at_once(started: list[Running]) -> None:
    store, broker = MemoryStore(), MemoryBroker()
    first = Running(store, broker, one_hour())
    wait_until(lambda: bool(store.turns_after(0, 1)), what="the first leads")
    started.append(Running(store, broker, one_hour()))
    first.stop()
    wait_until(lambda: len({turn.session for turn in store.turns_after(0, 100)}) == 2, what="the second leads")
    assert len(store.sessions()) == 1


def test_a_clean_stop_lets_another_lead_before_a_long_batch_of_the_keeper_ends(started: list[Running]) -> None:
    begun, may_end = Event(), Event()

    class Slow:
        def turn(self, now: datetime) -> float:
            begun.set()
            may_end.wait(20)
            return 60.0

    store, broker = MemoryStore(), MemoryBroker()
    first = Running(store, broker, one_hour(), keeper=cast(Keeper, Slow()))
    try:
        assert begun.wait(20)
        started.append(Running(store, broker, one_hour()))
        first.service.stop()
        wait_until(lambda: len({turn.session for turn in store.turns_after(0, 100)}) == 2, what="the second leads")
        assert first.thread.is_alive()
    finally:
        may_end.set()
        first.stop()


def test_a_leader_whose_turns_fail_while_it_beats_lets_another_one_lead(started: list[Running]) -> None:
    def fail(board: object) -> bool:
        raise StoreError("this engine is ill")

    store, broker = MemoryStore(), MemoryBroker()
    started.append(Running(store, broker, one_hour()))
    wait_until(lambda: bool(store.turns_after(0, 1)), what="the first leads")
    ill = started[0].service._engine
    assert ill is not None
    ill._obey = fail  # type: ignore[method-assign]
    wait_until(lambda: ill.failed_rounds > 6, what="it tries alone again and again")
    assert [session.facts.get("trouble") for session in store.sessions()] == ["this engine is ill"]
    assert {turn.session for turn in store.turns_after(0, 100)} == {store.turns_after(0, 1)[0].session}
    started.append(Running(store, broker, one_hour()))
    wait_until(lambda: len({turn.session for turn in store.turns_after(0, 10_000)}) == 2, what="the second leads")
    wait_until(lambda: len(store.sessions()) == 2, what="the first one follows")


def test_a_scheduler_whose_session_was_closed_opens_a_new_one(started: list[Running]) -> None:
    store = MemoryStore()
    started.append(Running(store, MemoryBroker(), one_hour()))
    wait_until(lambda: bool(store.turns_after(0, 1)), what="it leads")
    (old,) = store.sessions()
    store.close_sessions([old.id])
    wait_until(lambda: [s.id for s in store.sessions()] not in ([], [old.id]), what="a new session")
    wait_until(lambda: store.turns_after(0, 100)[-1].session != old.id, what="it leads again")


def test_it_outlives_a_store_and_a_broker_that_fail_for_a_while(started: list[Running]) -> None:
    class Moody(MemoryStore):
        bad_calls = 3

        def turns_after(self, number: int, limit: int) -> Any:
            if self.bad_calls:
                self.bad_calls -= 1
                raise Unavailable("gone")
            return super().turns_after(number, limit)

        def beat(self, session_id: str, facts: dict[str, str]) -> BeatAnswer:
            if self.bad_calls:
                raise ValueError("nobody foresaw this")
            return super().beat(session_id, facts)

    store = Moody()
    started.append(Running(store, MemoryBroker(), one_hour()))
    wait_until(lambda: bool(store.uows([HOUR])), what="the hour is requested in the end")


def test_a_scheduler_whose_context_does_not_fit_what_is_registered_does_not_lead_and_says_so(started: list[Running]) -> None:
    store, broker = MemoryStore(), MemoryBroker()
    fits = Running(store, broker, one_hour())
    wait_until(lambda: bool(store.processes()), what="it is registered")
    fits.stop()
    count = len(store.turns_after(0, 100))
    started.append(Running(store, broker, context([replace(p, start="2012123100") for p in january(("hourly",), end="2013010101")])))
    wait_until(lambda: any("start was" in s.facts.get("refused", "") for s in store.sessions()), what="it says so")
    assert len(store.turns_after(0, 100)) == count


def test_a_changed_context_is_taken_up_without_a_restart(started: list[Running], tmp_path: Path) -> None:
    store, file = MemoryStore(), tmp_path / "context.py"
    file.write_text("one")
    old, new = one_hour(), context([*january(("hourly",), end="2013010101"), *january(("daily",))])
    watch = ContextWatch(file, old, lambda: old if file.read_text() == "one" else new, lambda _: "", interval_s=0.02)
    watch.start()
    started.append(Running(store, MemoryBroker(), old, watch))
    wait_until(lambda: len(store.processes()) == 1, what="the old one leads")
    count = started[0].service._audit
    file.write_text("another")
    wait_until(lambda: len(store.processes()) == 2, what="the new one leads")
    assert count is not None
    assert (started[0].service._audit, count.context) == (count, new)  # the count of the last day goes on
    watch.close()


def test_a_changed_context_is_led_by_while_the_broker_is_away_and_its_queues_are_declared_later(
    started: list[Running], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Moody(MemoryBroker):
        is_away = False

        def declare(self, queues: Sequence[str]) -> None:
            if self.is_away:
                raise BrokerAway("no broker")
            super().declare(queues)

    monkeypatch.setattr(service, "_LONGEST_PAUSE_S", 0.2)
    store, broker, file = MemoryStore(), Moody(), tmp_path / "context.py"
    file.write_text("one")
    old, new = one_hour(), context([*january(("hourly",), end="2013010101"), *january(("daily",), blocking_type="blocking_normal")])
    watch = ContextWatch(file, old, lambda: old if file.read_text() == "one" else new, lambda _: "", interval_s=0.02)
    watch.start()
    started.append(Running(store, broker, old, watch))
    wait_until(lambda: bool(store.uows([HOUR])), what="the old one leads")
    broker.is_away = True
    file.write_text("another")
    wait_until(lambda: bool(store.uows([DAY])), what="the new one leads without the broker")
    broker.is_away = False
    queues = both_lanes(["queue_flights_daily"])
    wait_until(lambda: sum(broker.depths(queues).values()) == 1, what="the day's message")
    watch.close()


def test_a_leader_that_takes_up_a_changed_context_leaves_no_gap_for_a_standby_that_has_the_older_one(
    started: list[Running], tmp_path: Path
) -> None:
    store, broker, file = MemoryStore(), MemoryBroker(), tmp_path / "context.py"
    file.write_text("one")
    old, new = one_hour(), context([*january(("hourly",), end="2013010101"), *january(("daily",))])
    watch = ContextWatch(file, old, lambda: old if file.read_text() == "one" else new, lambda _: "", interval_s=0.02)
    watch.start()
    started.append(Running(store, broker, old, watch))
    wait_until(lambda: len(store.processes()) == 1, what="the old one leads")
    started.append(Running(store, broker, old, box="box-2"))
    wait_until(lambda: len(store.sessions()) == 2, what="the standby is there")
    file.write_text("another")
    wait_until(lambda: len(store.processes()) == 2, what="the new one leads")
    wait_until(lambda: any("older context" in s.facts.get("refused", "") for s in store.sessions()), what="the standby says so")
    assert {turn.session.partition("-scheduler-")[0] for turn in store.turns_after(0, 1_000)} == {"box-1"}
    watch.close()


def test_a_recomputing_hour_is_requested_for_the_rows_of_its_source(tmp_path: Path, started: list[Running]) -> None:
    with sqlite3.connect(tmp_path / "rows.db") as rows:
        rows.execute("CREATE TABLE flights (id INTEGER PRIMARY KEY, at TIMESTAMP)")
        rows.executemany("INSERT INTO flights VALUES (?, ?)", [(4, "2013-01-01 00:10:00.000000"), (9, "2013-01-01 00:50:00.000000")])
    rows.close()
    source = source_entry(f"sqlite:///{tmp_path / 'rows.db'}", "flights", "at", "id")
    store = MemoryStore()
    parts = context(january(("hourly",), end="2013010101", state_machine_name="recomputing", source=source))
    started.append(Running(store, MemoryBroker(), parts))
    wait_until(lambda: bool(store.uows([HOUR])), what="the hour is requested")
    assert json.loads(store.uows([HOUR])[0].slice) == {"lowest": 4, "highest": 9, "count": 2, "after": None}


def test_a_late_row_has_its_finished_hour_run_again_once(tmp_path: Path, started: list[Running]) -> None:
    with closing(sqlite3.connect(tmp_path / "rows.db")) as rows, rows:
        rows.execute("CREATE TABLE flights (id INTEGER PRIMARY KEY, at TIMESTAMP)")
        rows.execute("INSERT INTO flights VALUES (4, '2013-01-01 00:10:00.000000')")
    store = MemoryStore()
    store.open_session(Session("worker", "worker", "box-1", 1, 0.0, NOW, slots=2))
    live: dict[str, Any] = {"state_machine_name": "recomputing", "trigger_frequency": "every 0.2", "late_s": 3e9}
    source = source_entry(f"sqlite:///{tmp_path / 'rows.db'}", "flights", "at", "id")
    started.append(Running(store, MemoryBroker(), context(january(("hourly",), end="2013010101", source=source, **live))))
    work(store, HOUR)
    with closing(sqlite3.connect(tmp_path / "rows.db")) as rows, rows:
        rows.execute("INSERT INTO flights VALUES (5, '2013-01-01 00:20:00.000000')")
    again = HOUR.replace("/1/1", "/2/1")
    work(store, again)
    assert json.loads(store.uows([again])[0].slice)["count"] == 2
    (job,) = store.jobs("flights_hourly", ["2013010100"])
    assert (job.state, job.generation) == (JobState.PROCESSED, 2)


def work(store: MemoryStore, uow_id: str) -> None:
    """Claim and finish a unit of work once it is requested; returns when its job is finished."""
    wait_until(lambda: bool(store.uows([uow_id])), what=f"{uow_id} is requested")
    (uow,) = store.claim([uow_id], "worker", RealClock().now())
    store.finish([Outcome(uow.id, uow.session, uow.fence, UowEvent.DONE, RealClock().now())])
    wait_until(lambda: store.jobs("flights_hourly", ["2013010100"])[0].state is JobState.PROCESSED, what="its hour is finished")
