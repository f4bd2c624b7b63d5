"""How does a test drive an engine by hand? One engine on the memory pair, and a worker that is nothing but its writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from db.entries import Entry
from db.memory import MemoryStore
from db.model import Command, Job, Outcome, Session, UnitOfWork
from db.store import Store
from mq.broker import Broker, Message
from mq.memory import MemoryBroker
from scheduler.desk import Desk
from scheduler.engine import Engine
from scheduler.policy import SchedulerSettings
from scheduler.timetable import ordinal_of
from system.clock import ManualClock
from system.context import REPORT_QUEUE, Context, FreerunProcess, ManagedProcess, timetable_tree_entry
from system.lanes import both_lanes, managed_queues
from system.lifecycle import JobState, UowEvent
from tests.support.contexts import managed

NOW = datetime(2020, 1, 1, tzinfo=UTC)
SETTINGS = SchedulerSettings()


def january(levels: Sequence[str] = ("hourly", "daily"), days: int = 1, **fields: Any) -> list[ManagedProcess]:
    """Return processes `flights_<level>` over the first days of January 2013; those with children wait for them."""
    bounds = {"hourly": ("2013010100", f"201301{days + 1:02}00"), "daily": ("2013010100", f"201301{days + 1:02}00")}
    bounds["monthly"] = ("2013010000", "2013020000")
    return [
        managed(
            f"flights_{level}",
            f"_{level}",
            **{"start": bounds[level][0], "end": bounds[level][1], "lag_s": 0.0, "blocking_type": "blocking_children", **fields},
        )
        for level in levels
    ]


def context(processes: Sequence[ManagedProcess | FreerunProcess], time_zone: str = "UTC", **dependent_on: Sequence[str]) -> Context:
    """Return a context with one tree per first part of the processes' names, all in one time zone."""
    trees: dict[str, list[str]] = {}
    for process in (p for p in processes if isinstance(p, ManagedProcess)):
        trees.setdefault(process.name.partition("_")[0], []).append(process.name)
    entries = {t: timetable_tree_entry(t, names, dependent_on.get(t, ()), time_zone=time_zone) for t, names in trees.items()}
    return Context(tuple(processes), entries)


class Lamp:
    """An engine, its store and broker, and hands to do a worker's writes with. The engine leads from the start."""

    def __init__(
        self,
        processes: Sequence[ManagedProcess | FreerunProcess],
        settings: SchedulerSettings = SETTINGS,
        *,
        store: Store | None = None,
        broker: Broker | None = None,
        begins: datetime = NOW,
        time_zone: str = "UTC",
        **dependent_on: Sequence[str],
    ) -> None:
        self.context = context(processes, time_zone, **dependent_on)
        self.store = store or MemoryStore()
        self.broker = broker or MemoryBroker()
        self.clock = ManualClock(begins)
        self.settings = settings
        self.broker.declare([REPORT_QUEUE, *both_lanes(p.queue for p in processes)])
        self.open_session("worker-1", slots=2)
        self.engine = self.another_engine("scheduler-1")
        self.desk = Desk(self.store, self.broker, self.context, self.clock, settings)
        self.turn()

    def another_engine(self, session: str) -> Engine:
        """Return a further engine with an open session."""
        self.open_session(session, kind="scheduler")
        return Engine(self.store, self.broker, self.context, self.clock, self.settings, session=session)

    def open_session(self, name: str, *, kind: str = "worker", slots: int = 0, queues: Sequence[str] | None = None) -> None:
        """Open a session of box-1; a worker takes from all queues, or from `queues`."""
        taken = managed_queues(self.context) if queues is None and kind == "worker" else queues or ()
        self.store.open_session(Session(name, kind, "box-1", 1, 0.0, NOW, slots=slots, queues=tuple(taken)))

    def turn(self, times: int = 1) -> float:
        """Let the engine do rounds; returns what the last one returned."""
        return [self.engine.turn(self.clock.now()) for _ in range(times)][-1]

    def sweep(self) -> None:
        """Let the time of a sweep pass, and the engine do a round and look at what came of it."""
        self.clock.sleep(self.settings.sweep_s)
        self.turn(2)

    def claim(self, *ids: str, session: str = "worker-1") -> list[UnitOfWork]:
        """Claim `ids`, in their order."""
        won = {uow.id: uow for uow in self.store.claim(ids, session, self.clock.now())}
        return [won[i] for i in ids if i in won]

    def finish(self, uow: UnitOfWork, event: UowEvent = UowEvent.DONE, *, report: bool = True, reason: str = "") -> bool:
        """Write an outcome and report it; returns whether it was written."""
        failures = uow.failures + (event is UowEvent.FAILED)
        outcome = Outcome(uow.id, uow.session, uow.fence, event, self.clock.now(), failures, reason=reason)
        written = bool(self.store.finish([outcome]))
        if report and written:
            self.broker.publish([Message(REPORT_QUEUE, uow.id)])
        return written

    def work(self, *ids: str, event: UowEvent = UowEvent.DONE) -> None:
        """Claim and finish `ids`, and let the engine settle them."""
        for uow in self.claim(*ids):
            self.finish(uow, event)
        self.turn()

    def requested(self) -> list[str]:
        """Return the ids of the units of work that wait, oldest first."""
        jobs = [job for job in self.store.active_jobs() if job.run]
        uows = self.store.uows([job.uow_id for job in jobs])
        return sorted(uow.id for uow in uows if uow.state == "state_requested")

    def fires(self) -> list[str]:
        """Return the fires that wait for a worker as `process/entry/fire`, in the order of their ids."""
        ids = [entry.uow_id(run.fire) for entry in self.store.entries() for run in entry.runs]
        return sorted(uow.id.removesuffix("/1") for uow in self.store.uows(ids) if uow.state == "state_requested")

    def entry(self, name: str, process: str = "load") -> Entry:
        """Return a freerun entry's record."""
        return next(entry for entry in self.store.entries() if entry.key == (process, name))

    def pass_s(self, seconds: float) -> None:
        """Let time pass, and the engine do the rounds that it asks for."""
        until_s = self.clock.monotonic() + seconds
        while (wait_s := self.turn()) <= until_s - self.clock.monotonic():
            self.clock.sleep(max(wait_s, 0.001))
        self.clock.sleep(until_s - self.clock.monotonic())
        self.turn()

    def run(self, rounds: int = 1_000) -> int:
        """Finish everything that is requested until nothing is; returns how many units of work that took."""
        done = 0
        for _ in range(rounds):
            wait_s = self.turn()
            won = self.claim(*self.requested())
            for uow in won:
                self.finish(uow)
            done += len(won)
            if not won and wait_s > 0:
                break
        return done

    def uow(self, uow_id: str) -> UnitOfWork:
        """Return a unit of work as it stands."""
        return self.store.uows([uow_id])[0]

    def job(self, process: str, timeperiod: str) -> Job:
        """Return a job's record."""
        return self.store.jobs(process, [timeperiod])[0]

    def state(self, process: str, timeperiod: str) -> JobState:
        """Return a job's state as the chunks have it."""
        qualifier = self.context.managed[process].qualifier
        ordinal = ordinal_of(qualifier, timeperiod)
        for chunk in self.store.chunks([process]):
            if chunk.number == qualifier.chunk_of(ordinal) and ordinal - chunk.first < len(chunk.states):
                return JobState(chunk.states[ordinal - chunk.first])
        return JobState.EMBRYO

    def switch(self, verb: str, process: str = "flights_hourly", frequency: str = "") -> Command:
        """Switch a process, let the engine take it up, and return the answered command."""
        number = self.desk.switch(verb, process, "ann", "disk swap", frequency=frequency)
        self.turn()
        return self.desk.answer(number)

    def give(self, verb: str, process: str, timeperiod: str, until: str = "") -> int:
        """Give a command and let the engine take it up."""
        number = self.desk.give(verb, process, timeperiod, "ann", "test", until=until)
        self.turn()
        return number


def hours(count: int, process: str = "flights_hourly") -> list[str]:
    """Return the ids of the first units of work of the first hours of 2013-01-01."""
    return [f"{process}/20130101{hour:02}/1/1" for hour in range(count)]


def with_fields(processes: Sequence[ManagedProcess], name: str, fields: Mapping[str, Any]) -> list[ManagedProcess]:
    """Return `processes` with some fields of one of them changed."""
    return [replace(p, **fields) if p.name == name else p for p in processes]
