"""Does a worker go on by itself, with real threads and real time? On the memory pair, and on the embedded one where it is to be woken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from db.memory import MemoryStore
from db.model import MACHINE, Cancel
from db.store import Store
from db.urls import open_store
from mq.broker import Broker, Consumer, Message
from mq.memory import MemoryBroker
from mq.urls import open_broker
from system.clock import RealClock
from system.context import REPORT_QUEUE, Context
from system.context_watch import ContextWatch
from system.errors import BrokerError
from system.lifecycle import UowState
from system.processes import machine
from tests.support.builders import turn, uow
from tests.support.contexts import context_of, managed
from tests.support.virtual_slots import VirtualSlots
from tests.support.waiting import wait_until
from tests.support.workplace import BACKFILL_QUEUE, QUEUE, ShakyBroker, ShakyStore, taking
from workers.policy import WorkerSettings
from workers.service import WorkerService, queues_on
from workers.slots import Slots, Task

CLOCK = RealClock()
CONTEXT = context_of({"flights": ["hourly"]})
QUICK = WorkerSettings(beat_s=0.05, poll_s=0.05, stop_grace_s=0.2, end_grace_s=0.1)
UOW_ID = "flights_hourly/2024010101/1/1"


@contextmanager
def at_work(
    store: Store, broker: Broker, slots: Slots, settings: WorkerSettings = QUICK, watch: ContextWatch | None = None
) -> Iterator[WorkerService]:
    """Run a worker's service in a thread; stops it at the end, and fails the test where it does not."""
    service = WorkerService(store, broker, slots, CONTEXT, CLOCK, settings, "box-1", watch)
    thread = Thread(target=service.run)
    thread.start()
    try:
        yield service
    finally:
        service.stop()
        thread.join(10.0)
    assert not thread.is_alive()


def offer(store: Store, broker: Broker, hour: int = 1) -> str:
    """Open a unit of work, publish it, and return its id."""
    period = f"20240101{hour:02}"
    opened = uow(f"flights_hourly/{period}/1/1", queue=QUEUE, start_timeperiod=period, end_timeperiod=f"20240101{hour + 1:02}")
    store.project(turn(hour, opened=[opened]), [])
    broker.declare([QUEUE, REPORT_QUEUE])
    broker.publish([Message(QUEUE, opened.id)])
    return opened.id


def reach(store: Store, state: UowState, uow_id: str = UOW_ID) -> float:
    """Wait until a unit of work is in that state; returns the seconds it took."""
    return wait_until(lambda: store.uows([uow_id])[0].state is state, what=state.label if hasattr(state, "label") else state)


def test_a_service_works_and_leaves_without_a_trace() -> None:
    store, broker = MemoryStore(), MemoryBroker()
    with at_work(store, broker, VirtualSlots(2, CLOCK, taking(0.05))):
        reach(store, UowState.PROCESSED, offer(store, broker))
        (found,) = store.sessions()
        assert (found.kind, found.box, found.slots, found.queues) == ("worker", "box-1", 2, (QUEUE, BACKFILL_QUEUE))
    assert store.sessions() == []


def test_fault_30_beats_go_on_while_the_work_thread_hangs() -> None:
    store, broker, slots = MemoryStore(), MemoryBroker(), HangingSlots()
    with at_work(store, broker, slots):
        offer(store, broker)
        wait_until(slots.entered.is_set)
        before = store.sessions()[0].beat
        wait_until(lambda: store.sessions()[0].beat >= before + 5)
        assert not slots.left.is_set()
        slots.leave.set()


def test_fault_9_a_broker_that_fails_for_a_while_does_not_end_the_listening() -> None:
    store, broker = MemoryStore(), ShakyBroker([])
    with at_work(store, broker, VirtualSlots(2, CLOCK, taking(0.0))):
        wait_until(lambda: broker.connections == 2)  # one for each lane
        broker.is_away = True
        CLOCK.sleep(0.3)
        broker.is_away = False
        reach(store, UowState.PROCESSED, offer(store, broker))
    assert broker.connections == 4


def test_queues_that_were_made_with_other_options_are_worked_off_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    class Differing(MemoryBroker):
        def declare(self, queues: Sequence[str]) -> None:
            raise BrokerError("has this queue with other properties")

    store, broker = MemoryStore(), Differing()
    MemoryBroker.declare(broker, [QUEUE, BACKFILL_QUEUE, REPORT_QUEUE])
    offered = offer(store, MemoryBroker())
    broker.publish([Message(QUEUE, offered)])
    with at_work(store, broker, VirtualSlots(2, CLOCK, taking(0.0))):
        reach(store, UowState.PROCESSED, offered)
    assert "has this queue with other properties" in caplog.text


def test_fault_9_an_error_that_nobody_expected_is_logged_and_the_loop_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    store, broker = MemoryStore(), SillyBroker()
    with at_work(store, broker, VirtualSlots(2, CLOCK, taking(0.0))):
        reach(store, UowState.PROCESSED, offer(store, broker))
    assert "a turn failed" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_a_beat_that_fails_unexpectedly_is_not_the_last_one(caplog: pytest.LogCaptureFixture) -> None:
    store, broker = SillyStore([]), MemoryBroker()
    with at_work(store, broker, VirtualSlots(2, CLOCK, taking(0.0))):
        wait_until(lambda: any(found.beat >= 2 for found in store.sessions()))
    assert "a beat failed" in caplog.text


def test_a_cancel_reaches_an_attempt_with_the_next_beat() -> None:
    store, broker = MemoryStore(), MemoryBroker()
    slots = VirtualSlots(1, CLOCK, taking(600.0))
    settings = WorkerSettings(beat_s=0.05, poll_s=60.0, stop_grace_s=0.0, end_grace_s=0.1)
    offer(store, broker)
    with at_work(store, broker, slots, settings) as service:
        reach(store, UowState.IN_PROGRESS)
        store.project(turn(50, cancels=[Cancel(UOW_ID, "ann: wrong")]), [])
        wait_until(lambda: slots.marks[0].end_s is not None, what="the attempt's end")
        service.stop()  # virtual slots wake nobody
        reach(store, UowState.CANCELED)


def test_a_session_that_someone_closed_is_replaced_at_once() -> None:
    store, broker = MemoryStore(), MemoryBroker()
    settings = WorkerSettings(beat_s=0.05, poll_s=60.0)
    with at_work(store, broker, VirtualSlots(1, CLOCK, taking(0.0)), settings):
        wait_until(lambda: len(store.sessions()) == 1)
        first = store.sessions()[0].id
        store.close_sessions([first])
        wait_until(lambda: [found.id for found in store.sessions()] not in ([], [first]))


def test_an_idle_worker_stops_at_once_though_it_would_sleep_long() -> None:
    store, broker = MemoryStore(), MemoryBroker()
    begun = CLOCK.monotonic()
    with at_work(store, broker, VirtualSlots(1, CLOCK, taking(0.0)), WorkerSettings(poll_s=60.0)):
        wait_until(lambda: len(store.sessions()) == 1)
    assert CLOCK.monotonic() - begun < 5.0


def test_an_idle_worker_looks_once_a_poll_and_not_more() -> None:
    store, broker = MemoryStore(), CountingBroker()
    with at_work(store, broker, VirtualSlots(1, CLOCK, taking(0.0)), WorkerSettings(poll_s=0.2)):
        wait_until(lambda: broker.takes >= 2)
        assert wait_until(lambda: broker.takes >= 12) > 3 * 0.2


def test_a_published_message_wakes_an_idle_worker_on_the_embedded_pair(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/horarium.db")
    store.prepare()
    broker = open_broker("embedded:", file=store.file, var=tmp_path)  # type: ignore[attr-defined]
    broker.prepare()
    with at_work(store, broker, VirtualSlots(1, CLOCK, taking(600.0)), WorkerSettings(poll_s=60.0, stop_grace_s=0.0)):
        wait_until(lambda: len(store.sessions()) == 1)
        offer(store, broker)
        assert reach(store, UowState.IN_PROGRESS) < 2.0
    assert store.sessions() == []
    broker.close()
    store.close()


def test_queues_are_those_of_processes_that_may_run_on_this_box() -> None:
    names = {"a": None, "b": "box-[12]", "c": "box", "d": "other"}
    context = Context(tuple(managed(f"{name}_hourly", present_on_boxes=boxes) for name, boxes in names.items()), {})
    assert queues_on(context, "box-1") == ("queue_a_hourly", "queue_a_hourly_backfill", "queue_b_hourly", "queue_b_hourly_backfill")


def test_a_worker_without_any_queue_idles_and_stops() -> None:
    store = MemoryStore()
    service = WorkerService(store, MemoryBroker(), VirtualSlots(1, CLOCK, taking(0.0)), Context((), {}), CLOCK, QUICK, "box-1")
    thread = Thread(target=service.run)
    thread.start()
    wait_until(lambda: any(found.beat for found in store.sessions()))
    service.stop()
    service.stop()
    thread.join(10.0)
    assert (thread.is_alive(), store.sessions()) == (False, [])


class HangingSlots(VirtualSlots):
    """Slots whose start takes until `leave` is set."""

    def __init__(self) -> None:
        super().__init__(1, CLOCK, taking(0.0))
        self.entered, self.leave, self.left = Event(), Event(), Event()

    def start(self, task: Task) -> None:
        self.entered.set()
        self.leave.wait(10.0)
        self.left.set()
        super().start(task)


class SillyBroker(MemoryBroker):
    """A broker whose first consumer has a bug."""

    is_silly = True

    def consumer(self, queues: object) -> Consumer:
        if self.is_silly:
            self.is_silly = False
            raise ZeroDivisionError("a bug")
        return super().consumer([QUEUE])


class SillyStore(ShakyStore):
    """A store whose first beat has a bug."""

    def _enter(self, verb: str) -> None:
        super()._enter(verb)
        if verb == "beat" and self._journal.count("beat") == 1:
            raise ZeroDivisionError("a bug")


class CountingBroker(ShakyBroker):
    """A broker that counts the looks for messages."""

    def __init__(self) -> None:
        super().__init__([])
        self.takes = 0

    def look(self) -> None:
        if self.is_away:
            raise BrokerError("the broker is away")
        self.takes += 1


def test_live_work_that_comes_while_backfill_holds_its_share_starts_at_once_on_the_embedded_pair(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/horarium.db")
    store.prepare()
    broker = open_broker("embedded:", file=store.file, var=tmp_path)  # type: ignore[attr-defined]
    broker.prepare()
    slots = VirtualSlots(2, CLOCK, taking(600.0), kept_for_live=1)
    with at_work(store, broker, slots, WorkerSettings(poll_s=60.0, stop_grace_s=0.0)):
        wait_until(lambda: len(store.sessions()) == 1)
        broker.declare([QUEUE, BACKFILL_QUEUE])
        old = [f"flights_hourly/20230101{hour:02}/1/1" for hour in range(3)]
        store.project(turn(2, opened=[uow(name, queue=BACKFILL_QUEUE) for name in old]), [])
        broker.publish([Message(BACKFILL_QUEUE, name) for name in old])
        reach(store, UowState.IN_PROGRESS, old[0])
        assert reach(store, UowState.IN_PROGRESS, offer(store, broker)) < 2.0
        assert [store.uows([name])[0].state for name in old[1:]] == [UowState.REQUESTED] * 2
    broker.close()
    store.close()


def test_a_context_that_it_refuses_is_told_with_its_beats_until_it_is_mended(tmp_path: Path) -> None:
    store, broker = MemoryStore(), MemoryBroker()
    watch = ContextWatch(tmp_path / "context.py", CONTEXT, lambda: CONTEXT, lambda _: "")
    watch.look()
    with at_work(store, broker, VirtualSlots(1, CLOCK, taking(0.05)), watch=watch):
        wait_until(lambda: any("can't be read" in s.facts.get("refused", "") for s in store.sessions()), what="the refusal to be told")
        (tmp_path / "context.py").write_text("")
        watch.look()
        wait_until(lambda: all("refused" not in s.facts for s in store.sessions()), what="the refusal to be over")
        assert [session.facts[MACHINE] for session in store.sessions()] == [machine()]
    assert store.sessions() == []


def test_the_queues_of_a_context_that_it_takes_up_are_told_with_its_beats(tmp_path: Path) -> None:
    store, broker = MemoryStore(), MemoryBroker()
    (tmp_path / "context.py").write_text("")
    watch = ContextWatch(tmp_path / "context.py", CONTEXT, lambda: context_of({"flights": ["hourly", "daily"]}), lambda _: "")
    with at_work(store, broker, VirtualSlots(1, CLOCK, taking(0.05)), watch=watch):
        wait_until(lambda: any(s.takes_from == (QUEUE, BACKFILL_QUEUE) for s in store.sessions()), what="its own queues")
        watch.look()
        new = ("queue_flights_daily", "queue_flights_daily_backfill")
        wait_until(lambda: any(s.takes_from == (QUEUE, BACKFILL_QUEUE, *new) for s in store.sessions()), what="the new queues")
