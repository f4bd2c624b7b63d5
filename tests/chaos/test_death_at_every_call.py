"""Does everything end well when engine or worker dies at its n-th port call, for every n, before or after that call's effect?

Chaos without chance: one small timetable with all that calls ports (a failure, a cancel, a reprocess, a long job); the death; then
others in the place of the dead, undisturbed. The dead one's session stays open until its lease is over.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from db.model import Command, Session
from db.store import Store
from mq.broker import Broker
from mq.memory import MemoryBroker
from scheduler.engine import Engine
from scheduler.policy import SchedulerSettings
from scheduler.sweep import Sweep
from system.clock import ManualClock
from system.context import REPORT_QUEUE, Context, timetable_tree_entry
from system.lanes import Lane, lane_of, managed_queues
from system.lifecycle import JobState
from tests.support.contexts import managed
from tests.support.mortal import Act, Death, Mortal, Toll, behind_toll, broker_behind_toll
from tests.support.simulation_book import Book, Violation
from tests.support.simulation_covered import Covered
from tests.support.simulation_oracle import WatchedStore, judge
from tests.support.simulation_rows import Rows
from tests.support.virtual_slots import Mark, VirtualSlots
from workers.policy import WorkerSettings
from workers.presence import Presence
from workers.slots import Ending, Slots, Task
from workers.worker import Worker

LEASE_S = 4.0
ENGINE = SchedulerSettings(lease_s=LEASE_S, sweep_s=0.5, window_per_slot=0, window_least=4)
WORKER = WorkerSettings(slots=2, beat_s=0.5, lease_s=LEASE_S, margin_s=0.5)
HOURS = {"start": "2013010120", "end": "2013010200", "backoff_s": 0.1, "blocking_type": "blocking_children"}
DAY = {"start": "2013010100", "end": "2013010200", "backoff_s": 0.1, "blocking_type": "blocking_all"}
ROUND_S = 0.25
MOST_ROUNDS = 200


def pass_on(name: str, act: Act) -> object:
    """Charge nothing."""
    return act()


def context() -> Context:
    """Four hours and their day, and a day that depends on it."""
    processes = (
        managed("raw_hourly", "_hourly", **HOURS), managed("raw_daily", "_daily", **DAY), managed("sum_daily", "_daily", **DAY),
    )
    raw = timetable_tree_entry("raw", ["raw_hourly", "raw_daily"])
    return Context(processes, {"raw": raw, "sum": timetable_tree_entry("sum", ["sum_daily"], ["raw"])})


def attempt(task: Task) -> tuple[float, Ending, int | None]:
    """The second hour fails at first, the others but the first one take longer than a lease."""
    if task.timeperiod == "2013010121" and task.attempt == 1:
        return 0.1, Ending.FAILED, None
    return 1.5 * LEASE_S if task.timeperiod in ("2013010122", "2013010123") else 0.1, Ending.DONE, task.fence


class Place:
    """A store and a broker, and whoever lives on them. Rounds go on after a death with others in the place of the dead."""

    def __init__(self, *, engine: Toll = pass_on, worker: Toll = pass_on) -> None:
        self.clock = ManualClock()
        self.context = context()
        self.book = Book(self.context, ENGINE.history_s)
        self.store = WatchedStore(self.clock, self.book)
        self.broker = MemoryBroker()
        self.queues = managed_queues(self.context)
        self.broker.declare([REPORT_QUEUE, *self.queues])
        self.marks: list[Mark] = []
        self.engines: list[Engine] = []
        self.deaths: list[str] = []
        self._names = iter(range(1, 1_000))
        self._start_engine(engine)
        self._start_worker(worker)

    def _start_engine(self, toll: Toll) -> None:
        self._scheduler = f"scheduler-{next(self._names)}"
        self.store.open_session(Session(self._scheduler, "scheduler", "box", 1, 0.0, self.clock.now()))
        self.engines.append(Engine(*self._ports(toll), self.context, self.clock, ENGINE, session=self._scheduler))

    def _start_worker(self, toll: Toll) -> None:
        self._slots = VirtualSlots(2, self.clock, attempt, marks=self.marks)
        slots = behind_toll(Slots, self._slots, toll)  # type: ignore[type-abstract]
        store, broker = self._ports(toll)
        template = Session("", "worker", "box", 1, 0.0, self.clock.now(), slots=2)
        self._presence = Presence(store, self.clock, slots, template, WORKER, lambda: f"worker-{next(self._names)}")
        queues = {lane: [queue for queue in self.queues if lane_of(queue) is lane] for lane in Lane}
        self._worker = Worker(
            store, broker, lambda lane: broker.consumer(queues[lane]), slots, self.context, self.clock, WORKER, self._presence
        )

    def _ports(self, toll: Toll) -> tuple[Store, Broker]:
        store: Store = behind_toll(Store, self.store, toll)  # type: ignore[type-abstract]
        return store, broker_behind_toll(self.broker, toll)

    def round(self) -> None:
        """Let engine and worker do a turn each, and beat; put others in the place of the dead."""
        now = self.clock.now()
        try:
            self.store.beat(self._scheduler, {})
            self.engines[-1].turn(now)
        except Death as death:
            self.deaths.append(str(death))
            self._start_engine(pass_on)
        try:
            self._presence.turn(now)
            self._worker.turn(now)
        except Death as death:
            self.deaths.append(str(death))
            self._slots.kill()
            self._start_worker(pass_on)
        self.clock.sleep(ROUND_S)

    def run(self) -> None:
        """Do rounds until nothing is owed and every command is answered, and some more; raises Violation unless all went right."""
        for number in range(MOST_ROUNDS):
            if number == 4:
                self._give("reprocess", "raw_hourly", "2013010120")
            if number == 8:
                self._give("cancel", "raw_hourly", "2013010123")
            self.round()
            if number > 8 and not self.book.owed(self.store.every_job()) and not self.store.open_commands(1):
                break
        for _ in range(10):
            self.round()
        found = [engine.second_look_found for engine in self.engines]
        judge(self.book, self.store, self.marks, found, Covered(self.book, Rows(self.book)), is_calm=not self.deaths, has_jumps=False)

    def _give(self, verb: str, process: str, timeperiod: str) -> None:
        self.store.add_command(Command(verb, process, timeperiod, "ann", "test", self.clock.now()))


def lives(role: str, *, after: bool) -> Iterator[Place]:
    """Yield a place after each run with a death of `role` at call 0, 1, 2 ..., and in the end one without."""
    number = 0
    while True:
        place = Place(**{role: Mortal(number, after=after)})
        try:
            place.run()
        except Violation as found:
            pytest.fail(f"death of {role} {'after' if after else 'before'} its call {number} ({place.deaths}): {found}")
        yield place
        if not place.deaths:
            return
        number += 1


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


ENGINE_DIES_AT = {
    "projected_turn", "chunks", "active_jobs", "turns_after", "insert_turn", "project", "publish", "consumer", "take", "acknowledge",
    "uows", "sessions", "open_commands", "depths", "jobs_at",
}
WORKER_DIES_AT = {
    "open_session", "beat", "claim", "finish", "uows", "publish", "take", "acknowledge", "room", "start", "ended", "end", "extend",
    "output",
}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("role", "calls"), [("engine", ENGINE_DIES_AT), ("worker", WORKER_DIES_AT)], ids=["engine", "worker"])
def test_a_death_at_any_call_is_survived(role: str, calls: set[str], after: bool) -> None:
    places = list(lives(role, after=after))
    died_at = {name for place in places for name in place.deaths}
    assert not calls - died_at
    assert not {p.state for place in places for p in place.store.every_job().values()} - {JobState.PROCESSED, JobState.SKIPPED}


def test_without_the_sweep_there_are_deaths_that_are_not_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sweep, "messages_missing", lambda self, board: [])
    with pytest.raises(pytest.fail.Exception, match="owed when all was quiet"):
        list(lives("engine", after=True))
