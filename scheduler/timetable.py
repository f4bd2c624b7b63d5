"""In which state is every period? One byte a period, addressed by its ordinal, and a record for each job that is under way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from datetime import datetime, timedelta
from functools import lru_cache

from db import contexts
from db.contexts import ContextRow
from db.entries import Entry
from db.model import Chunk, Job, ProcessRow, Switch, Turn
from scheduler.registry import kept_start, take_over
from system.calendars import UTC_CALENDAR, Calendar
from system.context import Context, ManagedProcess, first_period, period_after_last
from system.grouping import group_of
from system.lanes import HISTORY_PERIODS
from system.lifecycle import JOB_FINISHED, JobState
from system.schedule import Every, Schedule, parse_schedule
from system.timeperiod import Qualifier, Timeperiod, parse

FINISHED_BYTES = bytes(sorted(JOB_FINISHED))
_UNFINISHED = bytes(int(state not in JOB_FINISHED) for state in range(256))
_SKIPPED = int(JobState.SKIPPED)

Node = tuple[str, int]


@lru_cache(maxsize=65_536)
def id_of(qualifier: Qualifier, ordinal: int) -> str:
    """Return the id of a period by its number."""
    return Timeperiod(qualifier, ordinal).id


@lru_cache(maxsize=65_536)
def ordinal_of(qualifier: Qualifier, timeperiod: str) -> int:
    """Return the number of a period by its id; raises TimeperiodError."""
    return parse(qualifier, timeperiod).ordinal


def missed_ranges(qualifier: Qualifier, text: str) -> list[range]:
    """Return the ranges of periods that a switch has as `missed`."""
    return [range(*(ordinal_of(qualifier, period) for period in part.split(".."))) for part in text.split()]


class States:
    """The states of one process, a byte a period. `first` is its first period, `last` the first that it does not run (None: never).

    `switch` is what sets it apart from its context, None for nothing; `schedule` is the one in force; `missed` are not caught up.
    `edits` grows with every change, so that what was counted needs to be counted anew only after one.
    """

    __slots__ = (
        "_base", "_bytes", "_counted", "_settled", "calendar", "edits", "first", "last", "missed", "process", "qualifier", "schedule",
        "switch",
    )  # fmt: skip

    def __init__(self, process: ManagedProcess, default_start: str, calendar: Calendar = UTC_CALENDAR) -> None:
        self.process = process
        self.qualifier = process.qualifier
        self.calendar = calendar
        self.first = first_period(process, default_start, calendar).ordinal
        after = period_after_last(process)
        self.last = after.ordinal if after else None
        self.edits = 0
        self._counted: tuple[tuple[int, int, int], dict[JobState, int]] | None = None
        self.begin(self.first)
        self.schedule: Schedule = parse_schedule(process.trigger_frequency)
        self.switch: Switch | None = None
        self.missed: list[range] = []

    def begin(self, first: int) -> None:
        """Let the process begin with period `first`, with nothing loaded yet."""
        self.first = first
        self.edits += 1
        self._base = self.qualifier.chunk_start(self.qualifier.chunk_of(self.first))
        self._bytes = bytearray()
        self._settled = self.first  # no period before it is unfinished

    def copy(self) -> States:
        """Return these states to be changed apart."""
        found = copy(self)
        found._bytes = bytearray(self._bytes)
        return found

    def __getitem__(self, ordinal: int) -> int:
        at = ordinal - self._base
        return self._bytes[at] if 0 <= at < len(self._bytes) else 0

    def __setitem__(self, ordinal: int, state: int) -> None:
        self.edits += 1
        at = ordinal - self._base
        if at >= len(self._bytes):
            self._bytes.extend(bytes(at + 1 - len(self._bytes)))
        self._bytes[at] = state
        if ordinal < self._settled and state not in JOB_FINISHED:
            self._settled = ordinal

    @property
    def is_on(self) -> bool:
        """Whether the process is on."""
        return self.process.is_on if self.switch is None else self.switch.is_on

    @property
    def stored_end(self) -> int:
        """The first period behind all that were ever touched."""
        return self._base + len(self._bytes)

    def take(self, switch: Switch) -> None:
        """Take over how the process is switched."""
        self.switch = switch
        self.edits += 1
        self.schedule = parse_schedule(switch.frequency or self.process.trigger_frequency)
        self.missed = missed_ranges(self.qualifier, switch.missed)

    def is_missed(self, ordinal: int, job: Job | None) -> bool:
        """Return whether a period, if nothing has touched it, is not to be caught up. `job` is its record, None where it has none.

        A trigger touches it, a new generation, a look at its source. A hold does not: whoever is released goes on as if never held.
        """
        is_untouched = job is None or (job.state is JobState.EMBRYO and job.generation == 1 and job.again_at is None)
        return is_untouched and any(ordinal in found for found in self.missed)

    def has_run(self) -> bool:
        """Return whether any period has left EMBRYO."""
        return bool(self._bytes.strip(b"\0"))

    def clip(self, low: int, high: int) -> tuple[int, int]:
        """Return the part of `[low, high)` in which the process has periods; empty when low >= high."""
        return max(low, self.first), high if self.last is None else min(high, self.last)

    def between(self, low: int, high: int) -> bytes:
        """Return the states of `[low, high)`, a byte each."""
        found = bytes(self._bytes[low - self._base : high - self._base])
        return found + bytes(high - low - len(found))

    def next_embryo(self, low: int, high: int) -> int | None:
        """Return the first untouched (or reopened) period in `[low, high)`."""
        stored = len(self._bytes)
        at = self._bytes.find(0, low - self._base, high - self._base)
        if at >= 0:
            return at + self._base
        beyond = max(low, stored + self._base)
        return beyond if beyond < high else None

    def due_end(self, now: datetime) -> int:
        """Return the first period that is not due yet: it has not ended, or its lag is not over, or its schedule has not fired since.

        The schedule of a live process says how often it runs, not when its periods are over.
        """
        end = self._due_end(now)
        return max(self.first, end if self.last is None else min(end, self.last))

    def _due_end(self, now: datetime) -> int:
        """Return the first period that is not due yet, wherever the process begins and ends."""
        fired = now if self.process.is_live else self.schedule.last_fire(now)
        return self.calendar.containing(self.qualifier, fired - timedelta(seconds=self.process.lag_s))

    def history_end(self, now: datetime, after_s: float) -> int:
        """Return the first period that is no history: those before it became due over `after_s` and over two of their own lengths ago."""
        end = min(self._due_end(now - timedelta(seconds=after_s)), self._due_end(now) - HISTORY_PERIODS)
        return max(self.first, end)

    def due_at(self, ordinal: int) -> datetime:
        """Return when a period becomes due; of a live process: when it is closed for good."""
        ready = self.calendar.end(self.qualifier, ordinal) + timedelta(seconds=self.process.lag_s)
        return ready if self.process.is_live else self.schedule.next_fire(ready - timedelta.resolution)

    def open_end(self, now: datetime) -> int:
        """Return the first period of which nothing may run yet: that is not due, or of a live process whose group has not begun."""
        if not self.process.is_live:
            return self.due_end(now)
        end = group_of(self.qualifier, self.calendar.containing(self.qualifier, now), self.process.time_grouping).stop
        return max(self.first, end if self.last is None else min(end, self.last))

    def is_open(self, ordinal: int, now: datetime) -> bool:
        """Return whether a period of a live process is not over, so that its job can't be finished yet."""
        return self.process.is_live and ordinal >= self._due_end(now)

    def may_go_ahead(self, ordinal: int, now: datetime) -> bool:
        """Return whether a period may run ahead of its schedule: of a live process always, of others once it has ended."""
        return self.process.is_live or self.calendar.end(self.qualifier, ordinal) <= now

    def is_over_behind_end(self, ordinal: int, now: datetime) -> bool:
        """Return whether a period is due that began before the process was given an end in front of it."""
        return self.last is not None and self.last <= ordinal < self._due_end(now)

    def begin_at(self, ordinal: int) -> datetime:
        """Return when the group of a period begins."""
        group = group_of(self.qualifier, ordinal, self.process.time_grouping)
        return self.calendar.start(self.qualifier, group.start)

    def open_at(self, ordinal: int) -> datetime:
        """Return when `ordinal` may run first: when it is due, or when the group of a live process begins and its schedule fires."""
        if not self.process.is_live:
            return self.due_at(ordinal)
        return self.schedule.next_fire(self.begin_at(ordinal) - timedelta.resolution)

    def again_at(self, opened_at: datetime) -> datetime | None:
        """Return when a live process runs again after a run that was requested at `opened_at`; None for others."""
        if not self.process.is_live:
            return None
        schedule = self.schedule
        return opened_at + timedelta(seconds=schedule.seconds) if isinstance(schedule, Every) else schedule.next_fire(opened_at)

    def unfinished(self, low: int, high: int) -> Iterator[int]:
        """Yield the unfinished periods of `[low, high)`, oldest first. What is finished at the beginning of all is walked once."""
        begin = max(low, self._settled)
        if begin >= high:
            return
        found = self.between(begin, high).translate(_UNFINISHED)
        at = found.find(b"\1")
        if low <= self._settled:
            self._settled = begin + (at if at >= 0 else len(found))
        while at >= 0:
            yield begin + at
            at = found.find(b"\1", at + 1)

    def count_unfinished(self, low: int, high: int) -> int:
        """Return how many periods of `[low, high)` are unfinished."""
        begin = max(low, self._settled)
        return self.between(begin, high).translate(_UNFINISHED).count(1) if begin < high else 0

    def under_way(self) -> Iterator[int]:
        """Yield the periods that are active and not EMBRYO."""
        for state in (JobState.IN_PROGRESS, JobState.FINAL_RUN):
            at = self._bytes.find(state, self.first - self._base)
            while at >= 0:
                yield at + self._base
                at = self._bytes.find(state, at + 1)

    def newest(self, state: JobState, count: int) -> list[int]:
        """Return the latest periods in `state`, the latest first, at most `count`."""
        found: list[int] = []
        at = self._bytes.rfind(state)
        while at >= 0 and len(found) < count:
            found.append(at + self._base)
            at = self._bytes.rfind(state, 0, at)
        return found

    def load(self, chunk: Chunk) -> None:
        """Take over a stored chunk."""
        self.edits += 1
        self._settled = self.first
        at = chunk.first - self._base
        states = chunk.states[max(0, -at) :]
        at = max(0, at)
        if len(self._bytes) < at + len(states):
            self._bytes.extend(bytes(at + len(states) - len(self._bytes)))
        self._bytes[at : at + len(states)] = states

    def chunk(self, number: int, turn: int) -> Chunk:
        """Return chunk `number` as it stands, without the untouched bytes at its end."""
        first = self.qualifier.chunk_start(number)
        states = self.between(max(first, self._base), self.qualifier.chunk_start(number + 1)).rstrip(b"\0")
        return Chunk(self.process.name, number, first, states, turn)

    def counts(self, low: int, high: int) -> dict[JobState, int]:
        """Return how many periods of `[low, high)` are in each state. What was counted last is remembered until something changes."""
        key = self.edits, low, high
        if self._counted is None or self._counted[0] != key:
            states = self.between(low, high) if high > low else b""
            self._counted = key, {state: states.count(state) for state in JobState}
        return dict(self._counted[1])


class Timetable:
    """All periods of all managed processes, the jobs that are under way, and all freerun entries; changed by applying records only.

    `is_outdated`: a turn that was applied lets a process begin elsewhere, so that all of it is to be read anew.
    """

    def __init__(self, context: Context, default_start: str) -> None:
        self.states = {name: States(process, default_start, context.calendar_of(name)) for name, process in context.managed.items()}
        self.active: dict[Node, Job] = {}
        self.entries: dict[tuple[str, str], Entry] = {}
        self.registered: dict[str, ProcessRow] = {}
        self.contexts: dict[tuple[str, str], ContextRow] = {}
        self.head = 0
        self.is_outdated = False

    def load(
        self,
        chunks: Iterable[Chunk],
        jobs: Iterable[Job],
        entries: Iterable[Entry] = (),
        switches: Iterable[Switch] = (),
        registered: Iterable[ProcessRow] = (),
    ) -> None:
        """Take over what the store holds; what belongs to a retired process, or lies before the start of one, is left out."""
        self.registered = {row.name: row for row in registered}
        for row in self.registered.values():
            if self._moves(row):
                states = self.states[row.name]
                states.begin(ordinal_of(states.qualifier, row.start))
        self.take(switches)
        for chunk in chunks:
            if chunk.process in self.states:
                self.states[chunk.process].load(chunk)
        for job in jobs:
            if self._has(job):
                self.put(job)
        self.entries.update((entry.key, entry) for entry in entries)

    def _moves(self, row: ProcessRow) -> bool:
        """Return whether a process begins elsewhere than here, as it was registered."""
        states = self.states.get(row.name)
        start = kept_start(states.process, row) if states is not None else ""
        return states is not None and start not in ("", id_of(states.qualifier, states.first))

    def take(self, switches: Iterable[Switch]) -> None:
        """Take over how processes are switched."""
        for switch in switches:
            states = self.states.get(switch.process)
            # What was read may hold later turns than the one that is applied.
            if states is not None and (states.switch is None or states.switch.turn <= switch.turn):
                states.take(switch)

    def _has(self, job: Job) -> bool:
        states = self.states.get(job.process)
        return states is not None and ordinal_of(states.qualifier, job.timeperiod) >= states.first

    def node(self, job: Job) -> Node:
        """Return the node of a job."""
        return job.process, ordinal_of(self.states[job.process].qualifier, job.timeperiod)

    def before(self, job: Job) -> Job | None:
        """Return the job under way that `job` is to replace, None where there is none."""
        return self.active.get(self.node(job)) if job.process in self.states else None

    def put(self, job: Job) -> Node:
        """Set a job as it stands now; returns its node."""
        node = self.node(job)
        self.set(node, job)
        return node

    def set(self, node: Node, job: Job) -> None:
        """Set the job of `node` as it stands now."""
        self.states[job.process][node[1]] = job.state
        if job.state in JOB_FINISHED:
            self.active.pop(node, None)
        else:
            self.active[node] = job

    def apply(self, turn: Turn) -> None:
        """Apply a committed turn. Turns are applied in order."""
        for job in turn.jobs:
            if self._has(job):
                self.put(job)
        self.take(turn.switches)
        self.meet(turn.entries)
        for row in turn.registered:
            before = self.registered.get(row.name)
            self.is_outdated |= (before is None or before.turn < row.turn) and self._moves(row)
        take_over(self.registered, turn.registered)
        contexts.take_over(self.contexts, turn.contexts)
        self.head = turn.number

    def meet(self, entries: Iterable[Entry]) -> None:
        """Take over entries, but for what is known of a later turn: what was read may hold later ones than the one that is applied."""
        for entry in entries:
            known = self.entries.get(entry.key)
            if known is None or known.turn < entry.turn:
                self.entries[entry.key] = entry

    def strays(self) -> dict[str, list[str]]:
        """Return the timeperiods, by process, that are under way by their byte and have no record that says so."""
        found: dict[str, list[str]] = {}
        for name, states in self.states.items():
            for ordinal in states.under_way():
                if (name, ordinal) not in self.active:
                    found.setdefault(name, []).append(self.period((name, ordinal)))
        return found

    def nodes(self, turn: Turn) -> list[Node]:
        """Return the nodes of a turn's jobs; those that `load` would leave out are left out."""
        return [self.node(job) for job in turn.jobs if self._has(job)]

    def chunks_of(self, nodes: Iterable[Node], turn: int) -> list[Chunk]:
        """Return the chunks that hold `nodes`, each once."""
        touched = {(name, self.states[name].qualifier.chunk_of(ordinal)) for name, ordinal in nodes}
        return [self.states[name].chunk(number, turn) for name, number in sorted(touched)]

    def period(self, node: Node) -> str:
        """Return the id of a node's period."""
        return id_of(self.states[node[0]].qualifier, node[1])

    def is_unfinished(self, node: Node) -> bool:
        """Return whether `node` is a period that its process has, and that is not finished."""
        states = self.states[node[0]]
        low, high = states.clip(node[1], node[1] + 1)
        return low < high and states[low] not in JOB_FINISHED

    def unfinished(self, process: str, low: int, high: int) -> tuple[int, int | None]:
        """Return how many periods of `[low, high)` are unfinished, and the first of them. Periods outside the process's own don't count."""
        states = self.states[process]
        low, high = states.clip(low, high)
        if low >= high:
            return 0, None
        found = states.between(low, high)
        left = len(found.translate(None, FINISHED_BYTES))
        return left, low + _first_active(found) if left else None

    def skipped(self, process: str, low: int, high: int) -> tuple[int, int | None]:
        """Return how many periods of `[low, high)` are SKIPPED, and the first of them."""
        states = self.states[process]
        low, high = states.clip(low, high)
        found = states.between(low, high) if low < high else b""
        count = found.count(_SKIPPED)
        return count, low + found.find(_SKIPPED) if count else None

    def due_embryos(self, process: str, now: datetime) -> Iterator[int]:
        """Yield the untouched periods of a process that are due, oldest first."""
        states = self.states[process]
        high = states.due_end(now)
        ordinal = states.next_embryo(states.first, high)
        while ordinal is not None:
            yield ordinal
            ordinal = states.next_embryo(ordinal + 1, high)


def has_gap(head: int, turns: Sequence[Turn]) -> bool:
    """Return whether a turn is missing behind turn `head` or among those that were read after it: not every store removes many at once."""
    return turns[-1].number != head + len(turns)


def _first_active(states: bytes) -> int:
    places = [states.find(state) for state in JobState if state not in JOB_FINISHED]
    return min(place for place in places if place >= 0)
