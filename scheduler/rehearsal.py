"""What would run when? The timetable played on a virtual clock, by the engine itself, with drawn durations and failures.

Everything is in memory: nothing is stored, no job is run. The same seed gives the same play.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from db.memory import MemoryStore
from db.model import Outcome, Session, UnitOfWork
from mq.broker import Delivery, Message
from mq.memory import MemoryBroker
from scheduler.desk import Desk
from scheduler.durations import Usual
from scheduler.engine import Engine
from scheduler.policy import SchedulerSettings
from scheduler.timetable import States, Timetable, id_of, ordinal_of
from system.calendars import Calendar
from system.clock import ManualClock
from system.context import REPORT_QUEUE, Context, ManagedProcess
from system.lanes import Lane, lane_of, managed_queues
from system.lifecycle import UOW_ACTIVE, UowEvent

_SCHEDULER, _WORKER, _BOX = "rehearsal-scheduler", "rehearsal-worker", "rehearsal"
# Beats are given with every step, so nothing is ever lost; a sweep that looks seldom lets time go in large steps.
_SWEEP_S = 86_400.0
_LONGEST_AFTER = timedelta(hours=48)
_SHORTEST_S, _SPREAD = 0.001, 0.4
_ENOUGH = 5  # runs tell how far they spread
_TENTH = 1.2816  # so many sigmas above its mean a normal distribution leaves a tenth
_WIDEST = 1.5  # one that was stuck once must not make all of them last for days


@dataclass(frozen=True, slots=True)
class Guess:
    """How a process's attempts go: `mean_s` on average, spread as a log-normal with `sigma`; a share of `failures` fails."""

    mean_s: float = 60.0
    sigma: float = _SPREAD
    failures: float = 0.0

    @classmethod
    def after(cls, usual: Usual, *, failures: float = 0.0) -> Guess:
        """Return the guess that attempts go as they usually did: half of them take longer than the median, and a tenth than `long_s`."""
        median_s = max(_SHORTEST_S, usual.seconds)
        sigma = _SPREAD if usual.runs < _ENOUGH else min(_WIDEST, math.log(max(1.0, usual.long_s / median_s)) / _TENTH)
        return cls(median_s * math.exp(sigma * sigma / 2), sigma, failures)

    def duration_s(self, dice: random.Random) -> float:
        """Draw a duration whose mean is `mean_s`."""
        return self.mean_s * dice.lognormvariate(-self.sigma * self.sigma / 2, self.sigma)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt as it would go. `due_at` is when its period was due, `asked_at` when its unit of work was requested."""

    process: str
    timeperiod: str
    number: int
    due_at: datetime | None
    asked_at: datetime
    began_at: datetime
    ended_at: datetime
    failed: bool

    @property
    def waited_s(self) -> float:
        """How long it waited for a slot."""
        return (self.began_at - self.asked_at).total_seconds()


@dataclass(slots=True)
class Totals:
    """What a play came to. `peak` attempts ran at once, first at `peak_at`; `unfinished` periods were due and not done at its end."""

    attempts: int = 0
    failed: int = 0
    busy_s: float = 0.0
    longest_wait_s: float = 0.0
    peak: int = 0
    peak_at: datetime | None = None
    unfinished: list[str] = field(default_factory=list)


class Rehearsal:
    """One play from `begin` until what became due before `end` is done. Every earlier period counts as finished."""

    def __init__(
        self, context: Context, begin: datetime, end: datetime, *, slots: int, guesses: Mapping[str, Guess], seed: int, default_start: str
    ) -> None:
        self._dice = random.Random(seed)  # noqa: S311  a play, no secret
        self._end = end
        self._slots = slots
        self._guesses = guesses
        self._context = _cut(context, begin, end, default_start)
        self._clock = ManualClock(begin)
        self._store, self._broker = MemoryStore(), MemoryBroker()
        queues = managed_queues(self._context)
        self._broker.declare([REPORT_QUEUE, *queues])
        self._consumers = [self._broker.consumer([queue for queue in queues if lane_of(queue) is lane]) for lane in Lane]
        for name, kind in ((_SCHEDULER, "scheduler"), (_WORKER, "worker")):
            self._store.open_session(Session(name, kind, _BOX, 1, 0.0, begin, slots=slots))
        settings = SchedulerSettings(timetable_start=default_start, sweep_s=_SWEEP_S, lease_s=4 * _SWEEP_S)
        self._engine = Engine(self._store, self._broker, self._context, self._clock, settings, session=_SCHEDULER)
        self._desk = Desk(self._store, self._broker, self._context, self._clock, settings)
        self._states = Timetable(self._context, default_start).states
        self._running: list[tuple[datetime, str, UnitOfWork]] = []
        self._waiting: list[Delivery] = []
        self.totals = Totals()

    def play(self) -> Iterator[Attempt]:
        """Yield every attempt as it ends, in order of time."""
        while True:
            now = self._clock.now()
            wait_s = self._engine.turn(now)
            self._begin_attempts(now)
            if wait_s <= 0:
                continue
            if now >= self._end and (not self._is_under_way() or now >= self._end + _LONGEST_AFTER):
                break
            self._clock.sleep(self._step_s(now, wait_s))
            yield from self._end_attempts()
        self.totals.unfinished = self._unfinished()

    def _unfinished(self) -> list[str]:
        """Return what was due and is not done: what is under way, and what never began."""
        table, now = self._desk.read(), self._clock.now()
        group, on = self._desk.topology.group, (name for name, states in table.states.items() if states.is_on)
        waiting = [(name, at) for name in on for at in table.due_embryos(name, now) if group(name, at)[-1] == at]
        return list(dict.fromkeys(f"{name} {table.period((name, at))}" for name, at in (*table.active, *waiting)))

    def _is_under_way(self) -> bool:
        return any(job.uow_state in UOW_ACTIVE for job in self._store.active_jobs())

    def _step_s(self, now: datetime, wait_s: float) -> float:
        """Return how far the clock may go until something happens."""
        until_s = [wait_s]
        if self._running:
            until_s.append((self._running[0][0] - now).total_seconds())
        if now < self._end:
            until_s.append((self._end - now).total_seconds())
        return max(0.001, min(until_s))

    def _begin_attempts(self, now: datetime) -> None:
        for name in (_SCHEDULER, _WORKER):
            self._store.beat(name, {})
        for consumer in self._consumers:  # live work goes first
            deliveries = consumer.take(max(0, self._slots - len(self._running)))
            claimed = self._store.claim([delivery.body for delivery in deliveries], _WORKER, now)
            consumer.acknowledge(deliveries)
            for uow in claimed:
                ended_at = now + timedelta(seconds=self._guesses[uow.process].duration_s(self._dice))
                heapq.heappush(self._running, (ended_at, uow.id, uow))
        if len(self._running) > self.totals.peak:
            self.totals.peak, self.totals.peak_at = len(self._running), now

    def _end_attempts(self) -> Iterator[Attempt]:
        now = self._clock.now()
        while self._running and self._running[0][0] <= now:
            ended_at, _, uow = heapq.heappop(self._running)
            failed = self._dice.random() < self._guesses[uow.process].failures
            event = UowEvent.FAILED if failed else UowEvent.DONE
            outcome = Outcome(uow.id, _WORKER, uow.fence, event, ended_at, uow.failures + failed, reason="drawn" if failed else "")
            self._store.finish([outcome])
            self._broker.publish([Message(REPORT_QUEUE, uow.id)])
            yield self._noted(uow, ended_at, failed=failed)

    def _noted(self, uow: UnitOfWork, ended_at: datetime, *, failed: bool) -> Attempt:
        began_at = uow.started_at or ended_at
        entry = self._context.managed.get(uow.process)
        due_at = self._due_at(uow) if entry else None
        name = uow.process if entry else uow.id.rsplit("/", 2)[0]  # of a fire: process/entry
        made = Attempt(name, uow.timeperiod, uow.failures + 1, due_at, uow.opened_at, began_at, ended_at, failed)
        totals = self.totals
        totals.attempts += 1
        totals.failed += failed
        totals.busy_s += (ended_at - began_at).total_seconds()
        totals.longest_wait_s = max(totals.longest_wait_s, made.waited_s if uow.failures == 0 else 0.0)
        return made

    def _due_at(self, uow: UnitOfWork) -> datetime:
        """Return when the period of a unit of work became due, by the schedule of its process too."""
        states = self._states[uow.process]
        return states.due_at(ordinal_of(states.qualifier, uow.timeperiod))


def _cut(context: Context, begin: datetime, end: datetime, default_start: str) -> Context:
    """Return `context` with the periods that become due in `[begin, end)` alone."""
    return replace(context, processes=tuple(
        _cut_one(p, begin, end, default_start, context.calendar_of(p.name)) if isinstance(p, ManagedProcess) else p
        for p in context.processes
    ))


def _cut_one(process: ManagedProcess, begin: datetime, end: datetime, default_start: str, calendar: Calendar) -> ManagedProcess:
    states, just = States(process, default_start, calendar), timedelta.resolution
    # What becomes due at the beginning is in, what becomes due at the end is out. All before counts as done, so nothing is to be caught up.
    first_id, last_id = (id_of(process.qualifier, states.due_end(moment - just)) for moment in (begin, end))
    return replace(process, start=first_id, end=last_id, catchup="all")
