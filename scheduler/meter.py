"""What does a system that works measure of itself? Told by the turns that a desk reads anyhow, so that nothing walks through history.

Counts begin with this process and only grow, as metrics of the kind counter do; gauges are what is now.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from db.entries import Entry
from db.model import Job, Session, Turn, UnitOfWork
from db.store import Store
from mq.broker import Broker
from scheduler.audit_count import counted
from scheduler.desk import Desk
from scheduler.gauges import Gauge, Gauges
from scheduler.health import Health
from scheduler.tally import LONG_S, ROUNDS_FACT, Tally, tally_of
from scheduler.timetable import Timetable, ordinal_of
from scheduler.trees import Topology
from system.context import DEAD_QUEUE, Context
from system.errors import BrokerError, Unavailable
from system.lanes import lane_of
from system.lifecycle import UOW_FINISHED, UowState

log = logging.getLogger(__name__)
# So many ended units of work are read at once, to be timed; more come with the next look. What lies beyond the second is not timed.
_AT_ONCE, _MOST_WAITING = 1_000, 50_000
FENCED_FACT = "fenced"
_KINDS = ("scheduler", "worker", "supervisor")


@dataclass(frozen=True, slots=True)
class Measures:
    """All figures. `turn_age_s` is None where nobody leads, `rounds` before its scheduler told of any.

    `ended` counts units of work by (process, state), `fires` by (process, how they ended), `failed_attempts` by process. `missing` and
    `findings` are of the leader's last count, None before it. `depths` is None where the broker did not answer.
    """

    leads: bool
    turns: int
    turn_age_s: float | None
    rounds: Tally | None
    gauges: Sequence[Gauge]
    durations: Mapping[str, Tally]
    waits: Mapping[str, Tally]
    ended: Mapping[tuple[str, str], int]
    failed_attempts: Mapping[str, int]
    fires: Mapping[tuple[str, str], int]
    leases_expired: int
    fenced_reports: int
    findings: Mapping[str, int] | None
    depths: Mapping[str, int] | None
    dead_letters: int | None
    sessions: Mapping[str, int]
    slots: int
    open_commands: int = 0


@dataclass(slots=True)
class _Counts:
    """What only grows."""

    ended: Counter[tuple[str, str]] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    durations: dict[str, Tally] = field(default_factory=dict)
    waits: dict[str, Tally] = field(default_factory=dict)
    leases: int = 0
    fenced: int = 0


class Meter:
    """Follows the turns that a desk reads, and measures. Belongs to the thread that the desk belongs to; `follow` comes before `read`."""

    def __init__(self, store: Store, broker: Broker) -> None:
        self._store = store
        self._broker = broker
        self._counts = _Counts()
        self._to_read: deque[tuple[str, bool]] = deque(maxlen=_MOST_WAITING)  # ids, and whether each is counted already
        self._fenced_of: dict[str, int] = {}

    def follow(self, desk: Desk, context: Context, queues: Sequence[str]) -> None:
        """Go on with this desk, which may have another context than the one before."""
        self._desk, self._topology, self._gauges = desk, Topology(context), Gauges()
        self._queues = list(queues)
        desk.follow(self._take)

    def read(self, now: datetime) -> Measures:
        """Return the figures as of the last turn; a constant number of calls to the store. Raises Unavailable."""
        health, table = self._desk.health(), self._desk.read()
        entries = self._desk.entries()
        self._time_what_ended()
        self._count_fenced(health.sessions)
        depths = self._depths()
        leader = next((s for s in health.sessions if s.id == health.leader), None)
        audit = counted(leader.facts) if leader else None
        counts = self._counts
        return Measures(
            leads=bool(health.leader), turns=table.head, turn_age_s=health.last_turn_age_s,
            rounds=tally_of(leader.facts.get(ROUNDS_FACT, "")) if leader else None,
            gauges=self._gauges.of(table, self._topology, now), durations=counts.durations, waits=counts.waits, ended=counts.ended,
            failed_attempts=counts.failed, fires=_fires(entries), leases_expired=counts.leases, fenced_reports=counts.fenced,
            findings=audit.counts if audit else None, depths=depths and {q: depths.get(q, 0) for q in self._queues if q != DEAD_QUEUE},
            dead_letters=None if depths is None else depths.get(DEAD_QUEUE, 0), sessions=_kinds(health),
            slots=sum(session.slots for session in health.sessions if session.kind == "worker"),
            open_commands=len(self._store.open_commands(_AT_ONCE)),
        )  # fmt: skip

    def _take(self, turn: Turn, before: Timetable) -> None:
        """Learn from one more turn, and the timetable before it."""
        for job in turn.jobs:
            self._gauges.touch(job.process)
            states = before.states.get(job.process)
            was = before.active.get((job.process, ordinal_of(states.qualifier, job.timeperiod))) if states else None
            if was is not None:
                self._compare(was, job)
        for switch in turn.switches:
            self._gauges.touch(switch.process)
        for entry in turn.entries:
            self._compare_fires(before.entries.get(entry.key), entry)
        self._counts.leases += len(turn.lost)

    def _compare(self, was: Job, job: Job) -> None:
        """Learn from what became of the unit of work of a job."""
        if was.uow_state in UOW_FINISHED:
            return
        if was.uow_id != job.uow_id:  # it has ended and the next one is opened, by one turn: its own record alone tells how
            if was.uow_state is not None:
                self._to_read.append((was.uow_id, False))
            return
        if job.failures > was.failures:
            self._counts.failed[job.process] += job.failures - was.failures
        if job.uow_state is not None and job.uow_state in UOW_FINISHED:
            self._counts.ended[job.process, job.uow_state.value] += 1
            self._to_read.append((job.uow_id, True))

    def _compare_fires(self, was: Entry | None, entry: Entry) -> None:
        """Learn which fires of an entry have ended, and how: of several at once the last one that succeeded may have found nothing."""
        going = {run.fire for run in entry.runs}
        gone = [run.fire for run in (was.runs if was else ()) if run.fire not in going]
        if was is None or not gone:
            return
        good = min(len(gone), max(0, entry.succeeded - was.succeeded))
        empty = int(good > 0 and entry.last_end == UowState.NOOP.value)
        for state, count in ((UowState.PROCESSED, good - empty), (UowState.NOOP, empty), (UowState.CANCELED, len(gone) - good)):
            self._counts.ended[entry.process, state.value] += count
        self._to_read.extend((entry.uow_id(fire), True) for fire in gone)

    def _time_what_ended(self) -> None:
        asked = [self._to_read.popleft() for _ in range(min(_AT_ONCE, len(self._to_read)))]
        try:
            found = self._store.uows([uow_id for uow_id, _ in asked]) if asked else []
        except Unavailable:
            self._to_read.extendleft(reversed(asked))
            raise
        uncounted = {uow_id for uow_id, is_counted in asked if not is_counted}
        for uow in found:
            if uow.id in uncounted and uow.state in UOW_FINISHED:
                self._counts.ended[uow.process, uow.state.value] += 1
            self._time(uow)

    def _time(self, uow: UnitOfWork) -> None:
        counts = self._counts
        if uow.started_at is None or uow.finished_at is None:
            return
        counts.durations.setdefault(uow.process, Tally(LONG_S)).add((uow.finished_at - uow.started_at).total_seconds())
        counts.waits.setdefault(lane_of(uow.queue).value, Tally(LONG_S)).add((uow.started_at - uow.opened_at).total_seconds())

    def _count_fenced(self, sessions: Iterable[Session]) -> None:
        """Add what workers say of their reports that the fence refused, since they were asked last."""
        now = {s.id: int(s.facts.get(FENCED_FACT, "0")) for s in sessions if s.kind == "worker"}
        self._counts.fenced += sum(max(0, count - self._fenced_of.get(name, 0)) for name, count in now.items())
        self._fenced_of = now

    def _depths(self) -> dict[str, int] | None:
        try:
            return self._broker.depths([*dict.fromkeys((*self._queues, DEAD_QUEUE))])
        except (BrokerError, Unavailable) as error:
            log.debug("no depths of the queues: %s", error)
            return None


def _fires(entries: Iterable[Entry]) -> dict[tuple[str, str], int]:
    found: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        for name in ("succeeded", "failed", "canceled", "overlapped", "missed"):
            found[entry.process, name] += getattr(entry, name)
    return found


def _kinds(health: Health) -> dict[str, int]:
    return {kind: sum(s.kind == kind for s in health.sessions) for kind in _KINDS}
