"""Is every period of a range as it should be? Reads all records of the range, a bounded page at a time, and lists what is wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from db.model import Job
from db.store import Store
from scheduler.audit import LATE, MISSING, Finding, has_worked, out_of_order, overlaps, ran_twice, stale, without_unit, wrong_record
from scheduler.board import Board
from scheduler.decisions import Close, Open
from scheduler.desk import Desk
from scheduler.job_uows import uows_of
from scheduler.lateness import late, late_since
from scheduler.policy import SchedulerSettings
from scheduler.timetable import Node, Timetable, ordinal_of
from scheduler.trees import Topology
from system.context import Context
from system.lifecycle import JOB_FINISHED, JobState

PAGE = 500
_GRACE = timedelta(seconds=60)  # what became due just now may wait for the next turn


@dataclass(frozen=True, slots=True)
class Span:
    """The periods `[low, high)` of a process, by their ordinals."""

    process: str
    low: int
    high: int


@dataclass(slots=True)
class Audit:
    """What was looked at and found. `is_led`: somebody leads; where nobody does, what is owed a decision waits for that."""

    is_led: bool = False
    periods: int = 0
    finished: int = 0
    archived: int = 0
    findings: list[Finding] = field(default_factory=list)


class RangeAudit:
    """Looks at ranges of periods, through a desk. What was found missing may have been in motion: `still` looks at it once more."""

    def __init__(self, desk: Desk, store: Store, context: Context, settings: SchedulerSettings) -> None:
        self._desk = desk
        self._store = store
        self._context = context
        self._settings = settings
        self._topology = Topology(context)

    def spans(self, processes: Iterable[str], low: datetime | None, high: datetime | None, now: datetime) -> list[Span]:
        """Return the periods of `processes` that have begun by `now`, those that begin in `[low, high)` where that is given."""
        found = []
        for name in processes:
            states = self._desk.read().states[name]
            first, end = states.first, states.open_end(now)
            if low is not None:
                at = states.calendar.containing(states.qualifier, low)
                first = max(first, at + (states.calendar.start(states.qualifier, at) < low))
            if high is not None:
                at = states.calendar.containing(states.qualifier, high)
                end = min(end, at + (states.calendar.start(states.qualifier, at) < high))
            found.append(Span(name, first, max(first, end)))
        return found

    def look(self, spans: Iterable[Span], now: datetime) -> Audit:
        """Return what is wrong in `spans`, process by process, the oldest first."""
        health = self._desk.health()
        audit = Audit(is_led=bool(health.leader))
        slots = sum(session.slots for session in health.sessions if session.kind == "worker")
        for span in spans:
            for low in range(span.low, span.high, PAGE):
                page = Span(span.process, low, min(span.high, low + PAGE))
                self._page(page, audit, now, slots)
        return audit

    def still(self, found: Iterable[Finding], now: datetime) -> list[Finding]:
        """Return those findings that stand when their periods are looked at once more."""
        kept = []
        for finding in found:
            ordinal = ordinal_of(self._context.managed[finding.process].qualifier, finding.timeperiod)
            again = self.look([Span(finding.process, ordinal, ordinal + 1)], now).findings
            kept += [other for other in again if other.kind == finding.kind]
        return kept

    def _page(self, page: Span, audit: Audit, now: datetime, slots: int) -> None:
        table = self._desk.read()
        states = table.states[page.process]
        names = [table.period((page.process, ordinal)) for ordinal in range(page.low, page.high)]
        jobs = self._jobs(page.process, names)
        bytes_ = states.between(page.low, page.high)
        is_archived = self._store.floor(page.process).generation > 0
        audit.periods += len(names)
        found = []
        for name, byte in zip(names, bytes_, strict=True):
            state, job = JobState(byte), jobs.get(name)
            audit.finished += state in JOB_FINISHED
            audit.archived += is_archived and state in JOB_FINISHED and job is None
            found.append(wrong_record(page.process, name, state, job, is_archived=is_archived))
        found += self._of_runs(page.process, list(jobs.values()))
        found += self._stale(page.process, table, [job for job in jobs.values() if has_worked(job)])
        found += self._late(page, table, now)
        if audit.is_led:
            found += self._owed(page, table, now, slots)
        audit.findings += [finding for finding in found if finding is not None]

    def _jobs(self, process: str, timeperiods: Sequence[str]) -> dict[str, Job]:
        """Return records, as the turns have them that are not projected yet."""
        number = self._store.projected_turn()
        found = {}
        for at in range(0, len(timeperiods), PAGE):
            found.update({job.timeperiod: job for job in self._store.jobs(process, timeperiods[at : at + PAGE])})
        wanted = set(timeperiods)
        while turns := self._store.turns_after(number, PAGE):
            number = turns[-1].number
            found.update({j.timeperiod: j for turn in turns for j in turn.jobs if j.process == process and j.timeperiod in wanted})
        return found

    def _of_runs(self, process: str, jobs: Sequence[Job]) -> Iterator[Finding | None]:
        is_live = self._context.managed[process].is_live
        uows = uows_of(self._store, jobs)
        for job in jobs:
            own = uows.get(job.timeperiod, [])
            yield without_unit(job, own)
            yield ran_twice(job, own, is_live=is_live)
            yield from overlaps(own)

    def _stale(self, process: str, table: Timetable, jobs: Sequence[Job]) -> Iterator[Finding]:
        """Yield what finished without an input: what the job knows, or what the inputs' own records say."""
        nodes = {job.timeperiod: self._inputs(process, table, job) for job in jobs}
        wanted: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for inputs in nodes.values():
            for name, ordinal in inputs:
                wanted[name][table.period((name, ordinal))] = None
        records = {name: self._jobs(name, list(periods)) for name, periods in wanted.items()}
        for job in jobs:
            found = [records[name].get(table.period((name, ordinal))) for name, ordinal in nodes[job.timeperiod]]
            since = job.opened_turn
            # Whoever was registered anew since has other inputs than the run had.
            known = [other for other in found if other and not _is_changed(table, other.process, since)]
            finding = out_of_order(job) or (None if _is_changed(table, process, since) else stale(job, known))
            if finding:
                yield finding

    def _inputs(self, process: str, table: Timetable, job: Job) -> list[Node]:
        node = process, ordinal_of(table.states[process].qualifier, job.timeperiod)
        place = self._topology[process]
        spans = [(place.child, self._topology.awaited_of(*node))] if place.child else []
        spans += [(other, self._topology.needed_of(*node, other)) for other in place.dependencies]
        for need in place.needs:
            spans += [(other, self._topology.needed_of(*node, other, need.offset, need.last)) for other in need.processes]
        return [(name, ordinal) for name, inside in spans for ordinal in range(*table.states[name].clip(inside.start, inside.stop))]

    def _late(self, page: Span, table: Timetable, now: datetime) -> Iterator[Finding]:
        states = table.states[page.process]
        for ordinal in late(states, self._topology, now):
            if ordinal >= page.high:
                return
            if ordinal >= page.low:
                name, since = table.period((page.process, ordinal)), late_since(states, ordinal)
                said = f"its deadline was {since:%Y-%m-%d %H:%M:%S}Z", f"it is {JobState(states[ordinal]).label}"
                look = f"launch.py job why {page.process} {name}"
                yield Finding(page.process, name, LATE, "it is past its deadline and not finished", said, look)

    def _owed(self, page: Span, table: Timetable, now: datetime, slots: int) -> Iterator[Finding]:
        """Yield the due periods that nobody holds up and of which nothing is under way."""
        states = table.states[page.process]
        ordinals = list(states.unfinished(page.low, min(page.high, states.due_end(now - _GRACE))))
        if not ordinals or not states.is_on:
            return
        board = self._board(table, now, slots)
        for ordinal in ordinals:
            node = page.process, ordinal
            decision = board.decision(node)
            lane = board.frontiers[page.process].lane(ordinal)
            if isinstance(decision, Close) or (isinstance(decision, Open) and not board.refusal(page.process, lane)):
                name, owed = table.period(node), "to be run" if isinstance(decision, Open) else "to be finished"
                said = f"due since {states.due_at(ordinal):%Y-%m-%d %H:%M:%S}Z", f"nothing is under way, last turn {table.head}"
                yield Finding(page.process, name, MISSING, f"it is owed {owed}, and nothing keeps it", said, "launch.py status")

    def _board(self, table: Timetable, now: datetime, slots: int) -> Board:
        board = Board(self._context, self._topology, table, self._settings, now)
        board.resume(self._store.uows([job.uow_id for job in table.active.values() if job.run]))
        board.size_windows(slots)
        return board


def _is_changed(table: Timetable, process: str, turn: int) -> bool:
    row = table.registered.get(process)
    return row is not None and row.turn > turn
