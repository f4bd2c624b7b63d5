"""What does a person at the desk see, and what can be asked for? The questions of launcher and dashboard, answered from the store.

Works in any process: it reads the same records and decides by the same functions as the engine, so it gives the same reasons.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain

from db.entries import Entry
from db.model import Command, Job, Session, Turn, UnitOfWork
from db.store import Store
from mq.broker import Broker, Message
from scheduler.blockers import Blocker
from scheduler.board import Board
from scheduler.commands import plan_of
from scheduler.decisions import Ask, Close, Open
from scheduler.durations import Durations, Forecast, Usual, forecast
from scheduler.events import LogEntry, log_of
from scheduler.health import Health, Stall, health_of, stall_of
from scheduler.joblist import LATE, PHASES, JobLine, JobList, active_lines, nodes_in
from scheduler.lateness import Late, late, late_at, late_count, late_since
from scheduler.levels import Level, Progress, by_process, level_of, retired_level
from scheduler.plans import Plan
from scheduler.policy import SchedulerSettings
from scheduler.recent import Recent
from scheduler.registry import read_registered, retired
from scheduler.switches import Standing, standing
from scheduler.timetable import Node, Timetable, has_gap
from scheduler.totals import seconds_until, totals
from scheduler.trees import Topology
from scheduler.watermark import Watermark, Watermarks
from scheduler.why import Scene, explain
from system.calendars import UTC_CALENDAR
from system.clock import Clock
from system.context import REPORT_QUEUE, Context
from system.errors import BrokerError, NotFound, Unavailable
from system.lifecycle import JOB_FINISHED, UOW_FINISHED, JobState, UowState
from system.schedule import Every
from system.timeperiod import parse

log = logging.getLogger(__name__)
_PROVE_EVERY_S = 2.0
_TURNS_AT_ONCE = 500
_WITH_A_WORKER = (UowState.REQUESTED, UowState.IN_PROGRESS)


@dataclass(frozen=True, slots=True)
class JobView:
    """One job as it stands. `job` and `uow` are None where nothing was opened yet; `why` says what it waits for.

    `start` and `end` are the bounds of its period, or of its group, on the clocks of `time_zone`.
    `archived`: it is finished, and its record is not kept any more.
    """

    process: str
    timeperiod: str
    time_zone: str
    start: datetime
    end: datetime
    state: str
    job: Job | None
    uow: UnitOfWork | None
    why: Blocker
    archived: bool
    usual: Usual | None = None


class Desk:
    """Reads for one person or page at a time; not for several threads. Every question may raise Unavailable."""

    def __init__(self, store: Store, broker: Broker, context: Context, clock: Clock, settings: SchedulerSettings) -> None:
        self._store = store
        self._broker = broker
        self._context = context
        self._clock = clock
        self._settings = settings
        self._topology = Topology(context)
        self._timetable: Timetable | None = None
        self._entries_of: Timetable | None = None  # the one that knows all entries
        self._leader = ""
        self._last: tuple[str, datetime] | None = None
        self._proved_s = 0.0
        self._watermarks = Watermarks()
        self._recent: Recent | None = None
        self._sessions: list[Session] | None = None  # while `still`
        self._followers: list[Callable[[Turn, Timetable], None]] = []

    # -- what is

    def timetable(self) -> list[Level]:
        """Return the counts of every process, tree by tree, coarsest level first."""
        table, now = self._read(), self._clock.now()
        by_tree = [(t.name, n) for t in self._context.trees.values() for n in sorted(t.enclosed_processes, key=self._fineness)]
        jobs = by_process(table)
        return [level_of(table, self._topology, tree, name, now, jobs.get(name, {})) for tree, name in by_tree]

    def retired(self) -> list[Level]:
        """Return what the processes that left the context have left behind, by name."""
        rows = retired(self._read().registered.values(), self._context.managed)
        chunks, jobs = list(self._store.chunks([row.name for row in rows])) if rows else [], self._store.active_jobs() if rows else []
        return [
            retired_level(row, [c for c in chunks if c.process == row.name], [j for j in jobs if j.process == row.name]) for row in rows
        ]

    def progress(self, counted: Sequence[Level] | None = None) -> Progress:
        """Return the sums over all processes that are on. `counted` is the timetable's levels, where they were asked for before."""
        table = self._read()
        levels = [level for level in (self.timetable() if counted is None else counted) if table.states[level.process].is_on]
        due, finished, active, held, failing = (
            sum(getattr(level, field) for level in levels) for field in ("due", "finished", "active", "held", "failing")
        )
        has_command = bool(self._store.open_commands(1))
        is_done = due == finished and active == sum(level.open for level in levels) and not has_command
        is_stuck = held > 0 and not is_done and not has_command and not self._goes_on()
        return Progress(due, finished, active, held, failing, is_done, is_stuck)

    def held_up_by_off(self) -> list[str]:
        """Return the processes that are off and that the others wait for with all they have left; none where anything goes on by itself.

        For one who waits for the end of all: it walks all that is unfinished.
        """
        table, now = self._read(), self._clock.now()
        if all(states.is_on for states in table.states.values()) or self._store.open_commands(1) or self._goes_on():
            return []
        first = {name: self._first_left(name, now) for name, states in table.states.items() if states.is_on}
        left = [(name, table.period((name, ordinal))) for name, ordinal in first.items() if ordinal is not None]
        leaves = [leaf for why in self.whys(left, has_usual=False) for leaf in why.leaves()]
        is_for_persons = all(leaf.kind in ("off", "held") for leaf in leaves)
        return sorted({leaf.process for leaf in leaves if leaf.kind == "off"}) if is_for_persons else []

    def _first_left(self, process: str, now: datetime) -> int | None:
        states, group = self._read().states[process], self._topology.group
        return next((at for at in states.unfinished(states.first, states.due_end(now)) if group(process, at)[-1] == at), None)

    def watermarks(self) -> list[Watermark]:
        """Return up to where each process is complete."""
        return self._watermarks.of(self._read(), self._clock.now())

    def late(self, explained: int = 10, *, has_usual: bool = True) -> list[Late]:
        """Return the processes that have late periods, the longest late first; for the first `explained` what they wait for.

        Without `has_usual` that doesn't say how long a unit of work usually takes, and nothing is read for it.
        """
        table, now = self._read(), self._clock.now()
        found = []
        for name, states in table.states.items():
            first = next(late(states, self._topology, now), None)
            since = None if first is None else late_since(states, first)
            if first is not None and since is not None:
                found.append(Late(name, late_count(states, self._topology, now), table.period((name, first)), since))
        found.sort(key=lambda each: each.since)
        reasons = self.whys([(each.process, each.first) for each in found[:explained]], has_usual=has_usual)
        return [replace(each, why=why) for each, why in zip(found, reasons, strict=False)] + found[explained:]

    def standings(self) -> list[Standing]:
        """Return how every managed process stands: on or off, since when, by whom, and by which schedule."""
        table, now = self._read(), self._clock.now()
        return [standing(states, now) for states in table.states.values()]

    def next_due(self) -> tuple[datetime, str] | None:
        """Return when the next process is due by a schedule that names moments, and which; None where none has one."""
        table, now = self._read(), self._clock.now()
        due = [s for s in table.states.values() if s.is_on and not isinstance(s.schedule, Every)]
        return min(((states.schedule.next_fire(now), states.process.name) for states in due), default=None)

    def health(self) -> Health:
        """Return who leads and when it last did a round that succeeded. The age is by wall clocks: to be shown."""
        table = self._read()
        if self._sessions is not None:
            return health_of(self._leader, table.head, self._sessions, self._clock.now())
        return health_of(self._leader, table.head, self._store.sessions(), self._clock.now())

    def stall(self) -> Stall | None:
        """Return why nothing is scheduled, None where something is."""
        return self._stall(self.health())

    def _stall(self, health: Health) -> Stall | None:
        return stall_of(health, self._settings.stalled_after_s)

    @contextmanager
    def still(self) -> Iterator[None]:
        """Let all questions inside be answered as of one moment: turns and sessions are read once, at the beginning."""
        self._read()
        self._sessions = self._store.sessions()
        try:
            yield
        finally:
            self._sessions = None

    def recent(self) -> Recent:
        """Return what the last hour's turns came to. The first calls read a bounded number of turns of before each."""
        table = self._read()
        if self._recent is None or self._recent.table is not table:
            if self._recent is None:
                self.follow(lambda turn, before: self._recent.take(turn, before) if self._recent else None)
            self._recent = Recent(table)
        self._recent.look_back(self._store, self._clock.now())
        return self._recent

    def job(self, process: str, timeperiod: str) -> JobView:
        """Return one job with its unit of work and what it waits for; raises NotFound or TimeperiodError."""
        node = self._node(process, timeperiod)
        found = self._store.jobs(process, [timeperiod])
        job = found[0] if found else None
        uows = self._store.uows([job.uow_id]) if job else []
        states = self._read().states[process]
        calendar, group = states.calendar, self._topology.group(*node)
        zone = calendar.time_zone if calendar.moves(states.qualifier) else UTC_CALENDAR.time_zone
        start, end = (calendar.shown(states.qualifier, ordinal) for ordinal in (group.start, group.stop))
        usual = Durations(self._store, self._read()).of(process)
        state, uow = JobState(states[node[1]]), uows[0] if uows else None
        is_archived = job is None and state in JOB_FINISHED
        return JobView(process, timeperiod, zone, start, end, state.label, job, uow, self.why(process, timeperiod), is_archived, usual)

    def why(self, process: str, timeperiod: str) -> Blocker:
        """Return why a job is not running now, down to the leaf causes; raises NotFound or TimeperiodError."""
        return self.whys([(process, timeperiod)])[0]

    def whys(self, periods: Sequence[tuple[str, str]], *, has_usual: bool = True) -> list[Blocker]:
        """Return why each of some jobs, by process and period, is not running now; what is read is read once for all of them."""
        nodes = [self._node(process, timeperiod) for process, timeperiod in periods]
        if not nodes:
            return []
        board, uows = self._board(set().union(*(self._topology.inputs_of(name) for name in dict.fromkeys(node[0] for node in nodes))))
        health = self.health()
        board.size_windows(sum(s.slots for s in health.sessions if s.kind == "worker"))
        usual = Durations(self._store, self._read()).of if has_usual else lambda _: None
        scene = Scene(board, uows, {s.id: s for s in health.sessions}, self._stall(health), usual)
        return [explain(scene, node) for node in nodes]

    def plan(self, verb: str, process: str, timeperiod: str, *, until: str = "") -> Plan:
        """Return what a command would touch if it were given now, without giving it; raises NotFound or TimeperiodError."""
        for text in (timeperiod, *((until,) if until else ())):
            self._node(process, text)
        board, _ = self._board(())  # a plan goes by the jobs' own records
        return plan_of(Command(verb, process, timeperiod, "", "", self._clock.now(), until), board, self._store)

    def forecast(self, plan: Plan) -> Forecast:
        """Return how long `plan` will take, by what its processes took lately and with the slots there are now."""
        slots = sum(session.slots for session in self._store.sessions() if session.kind == "worker")
        limits = {name: process.max_in_flight for name, process in self._context.managed.items()}
        return forecast(plan, self._topology, Durations(self._store, self._read()).of_all, limits, slots)

    def jobs(self, processes: Sequence[str], state: str, limit: int) -> JobList:
        """Return the first `limit` jobs of `processes`: what needs a person, what runs, then what is finished, newest first.

        `state` keeps those in one state (`processed`, `embryo`, ...), in one of PHASES, or those that are late; empty: all but EMBRYO.
        """
        table, now = self._read(), self._clock.now()
        if state == LATE:
            found = [(name, ordinal) for name in processes for ordinal in late(table.states[name], self._topology, now)]
            return JobList(self._lines(table, found[:limit], now), len(found))
        # Only these can be with a worker.
        asked = [job.uow_id for job in table.active.values() if job.process in processes and job.uow_state in _WITH_A_WORKER]
        uows = {uow.id: uow for uow in self._store.uows(asked)}
        active = active_lines(table, processes, uows, now)
        if state:
            # What was reopened and has not run yet is EMBRYO with a record; it is found among the others below.
            active = [line for line in active if state in (line.phase, line.state.removeprefix("state_")) and state != "embryo"]
        named = {each.label.removeprefix("state_"): each for each in JobState}
        if state in PHASES or (state and named[state] not in JOB_FINISHED | {JobState.EMBRYO}):
            return JobList(active[:limit], len(active))
        nodes, total = nodes_in(table, processes, named.get(state), self._clock.now(), max(0, limit - len(active)))
        return JobList([*active[:limit], *self._lines(table, nodes, now)], len(active) + total)

    def _lines(self, table: Timetable, nodes: Sequence[Node], now: datetime) -> list[JobLine]:
        places = [(node[0], table.period(node)) for node in nodes]
        jobs = {(j.process, j.timeperiod): j for j in self._store.jobs_at(places)} if places else {}
        lines = []
        for node in nodes:
            period, job = table.period(node), jobs.get((node[0], table.period(node)))
            states, state = table.states[node[0]], JobState(table.states[node[0]][node[1]])
            since = None if state in JOB_FINISHED else late_at(states, node, now)
            lines.append(JobLine(node[0], period, state.label, "", job.changed_at if job else None, job.reason if job else "", since))
        return lines

    def log(self, process: str, timeperiod: str, limit: int) -> list[LogEntry]:
        """Return what happened to a job, oldest first: the last `limit` entries; raises NotFound or TimeperiodError."""
        self._node(process, timeperiod)
        found = self._store.jobs(process, [timeperiod])
        uows, events = self._store.uows_of(process, timeperiod, limit), self._store.events(process, timeperiod, limit)
        return log_of(found[0] if found else None, uows, events)[-limit:]

    def output(self, process: str, timeperiod: str) -> str:
        """Return what the attempts of a job's current unit of work printed, in order, empty when nothing is known."""
        self._node(process, timeperiod)
        found = self._store.jobs(process, [timeperiod])
        return "".join(piece.text for piece in self._store.output(found[0].uow_id)) if found else ""

    def totals(self) -> dict[str, int]:
        """Return how many jobs are finished, and how many units of work are kept. Counts records: for a report, not for a page."""
        return totals(self.timetable(), self._store)

    def seconds(self) -> float:
        """Return the seconds from the first turn that is kept to the last that moved a job; 0 before the first."""
        return seconds_until(self._read().head, self._store)

    # -- what is asked for

    def give(
        self, verb: str, process: str, timeperiod: str, who: str, why: str, *, until: str = "", facts: Mapping[str, object] | None = None
    ) -> int:
        """Store a command about `[timeperiod, until)`, or `timeperiod` alone, and return its number; its answer comes by `answer`.

        `facts` are kept with it, for whoever gave it. Raises NotFound or TimeperiodError.
        """
        for text in (timeperiod, *((until,) if until else ())):
            self._node(process, text)
        return self.tell(Command(verb, process, timeperiod, who, why, self._clock.now(), until, details=json.dumps(facts) if facts else ""))

    def switch(
        self, verb: str, process: str, who: str, why: str, *, frequency: str = "", facts: Mapping[str, object] | None = None
    ) -> int:
        """Store a command that switches a process: on, off, frequency or reset. Returns its number; raises NotFound.

        `facts` are kept with it, for whoever gave it.
        """
        if process not in self._context.managed:
            raise NotFound(f"there is no managed process {process!r}: `launch.py list` shows them")
        details = {**({"frequency": frequency} if frequency else {}), **(facts or {})}
        return self.tell(Command(verb, process, "", who, why, self._clock.now(), details=json.dumps(details) if details else ""))

    def tell(self, command: Command) -> int:
        """Store a command that was checked, let the scheduler know, and return its number."""
        number = self._store.add_command(command)
        try:
            self._broker.declare([REPORT_QUEUE])  # no scheduler may have run yet
            self._broker.publish([Message(REPORT_QUEUE, f"command:{number}")])
        except (BrokerError, Unavailable) as error:
            log.warning("command %d is stored; the scheduler will find it by its sweep: %s", number, error)
        return number

    def answer(self, number: int) -> Command:
        """Return a command as it stands; raises NotFound."""
        return self._store.command(number)

    # -- reading

    def read(self) -> Timetable:
        """Return the timetable as of the last turn. To be looked at, never to be changed."""
        return self._read()

    def follow(self, take: Callable[[Turn, Timetable], None]) -> None:
        """Hand each turn that is read from now on to `take`, with the timetable before it; not one that was archived before it was read."""
        self._followers.append(take)

    @property
    def topology(self) -> Topology:
        """Who waits for whom in the context of this desk."""
        return self._topology

    def entries(self) -> Collection[Entry]:
        """Return all freerun entries as of the last turn. The first call reads all of them, the next ones what has changed."""
        table = self._read()
        if self._entries_of is not table:
            table.meet(self._store.entries())
            self._entries_of = table
        return table.entries.values()

    def _read(self) -> Timetable:
        """Return the timetable as of the last turn; only the first call reads all of it."""
        if self._sessions is not None and self._timetable is not None:
            return self._timetable
        if self._timetable is not None and self._is_to_be_proved() and self._is_of_another_past(self._timetable.head):
            self._timetable = None
        if self._timetable is None:
            self._timetable = Timetable(self._context, self._settings.timetable_start)
            self._timetable.head = self._store.projected_turn()
            chunks, active = self._store.chunks(list(self._context.managed)), self._store.active_jobs()
            rows = read_registered(self._store).values()
            self._timetable.load(chunks, active, switches=self._store.switches(), registered=rows)
            last = self._store.turns_after(self._timetable.head - 1, 1) if self._timetable.head else []
            self._leader = last[0].session if last else ""
            self._last = (last[0].session, last[0].decided_at) if last else None
        while turns := self._store.turns_after(self._timetable.head, _TURNS_AT_ONCE):
            # What lies between was archived meanwhile; or these go on from turns of a backup that are not those that were read here.
            is_behind = has_gap(self._timetable.head, turns) and self._timetable.head < self._store.projected_turn()
            if is_behind or self._is_of_another_past(self._timetable.head):
                self._timetable = None
                return self._read()
            for turn in turns:
                for take in self._followers:
                    take(turn, self._timetable)
                self._timetable.apply(turn)
                self._leader, self._last = turn.session, (turn.session, turn.decided_at)
            if self._timetable.is_outdated:
                self._timetable = None
                return self._read()
        return self._timetable

    def _is_to_be_proved(self) -> bool:
        """Return whether it is time to look, now and then also while no turns come, whether the store was restored."""
        now_s = self._clock.monotonic()
        if now_s - self._proved_s < _PROVE_EVERY_S:
            return False
        self._proved_s = now_s
        return True

    def _is_of_another_past(self, head: int) -> bool:
        """Return whether the last turn that was read is not the store's turn of that number: a backup was restored."""
        if not head:
            return False
        found = self._store.turns_after(head - 1, 1)
        if not found:
            return self._store.projected_turn() < head
        return found[0].number == head and self._last not in (None, (found[0].session, found[0].decided_at))

    def _goes_on(self) -> bool:
        """Return whether something runs, or the next turn has something to open or to close. Walks what is unfinished until it finds it."""
        table, now = self._read(), self._clock.now()
        # What runs on an open period goes on for ever, and leads to nothing that is due.
        under_way = {n: j for n, j in table.active.items() if not table.states[n[0]].is_open(n[1], now)}
        if any(self._is_at_work(job) for job in under_way.values()):
            return True
        board = Board(self._context, self._topology, table, self._settings, now)
        on = {name for name, states in table.states.items() if states.is_on}
        active = (node for node in under_way if node[0] in on)
        due = ((name, ordinal) for name in sorted(on) for ordinal in table.due_embryos(name, now))
        return any(isinstance(board.decision(node), Open | Close | Ask) for node in chain(active, due))

    def _is_at_work(self, job: Job) -> bool:
        """Return whether a unit of work waits for a worker, is with one, or will be tried again: that of a process that is off will not."""
        if job.held or job.uow_state is None or job.uow_state in UOW_FINISHED:
            return False
        return job.uow_state is not UowState.INVALID or self._read().states[job.process].is_on

    def _board(self, processes: Collection[str]) -> tuple[Board, dict[str, UnitOfWork]]:
        """Return a board as the engine would have it now, and by id the units of work under way, both as far as `processes` go."""
        table = self._read()
        uows = {uow.id: uow for uow in self._store.uows([job.uow_id for job in table.active.values() if job.process in processes])}
        board = Board(self._context, self._topology, table, self._settings, self._clock.now(), only=processes)
        board.resume(uows.values())
        return board, uows

    def _node(self, process: str, timeperiod: str) -> tuple[str, int]:
        if process not in self._context.managed:
            raise NotFound(f"there is no managed process {process!r}: `launch.py list` shows them")
        return process, parse(self._context.managed[process].qualifier, timeperiod).ordinal

    def _fineness(self, process: str) -> int:
        return self._context.managed[process].qualifier.fineness
