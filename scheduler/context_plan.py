"""What would a changed context do to the timetable? The plan as data, and the one turn that says yes to it.

Pure but for what is read of the store. The turn only registers; nothing is recomputed by it unless it was told so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from db.contexts import ContextRow
from db.model import ProcessRow, Turn
from db.store import Store
from scheduler.board import Board
from scheduler.context_order import older, read_contexts
from scheduler.inputs import inputs_of
from scheduler.plans import reprocess_nodes
from scheduler.policy import SchedulerSettings
from scheduler.registry import QUALIFIER, Change, Fit, facts_of, fit, read_registered
from scheduler.reopening import ranges_of, with_reopen
from scheduler.settlement import is_operators_skip
from scheduler.timetable import Node, States, Timetable, id_of
from scheduler.trees import Topology
from system.context import Context
from system.errors import StoreError
from system.grouping import group_of
from system.lifecycle import JOB_FINISHED, JobState
from system.timeperiod import Qualifier, parse, qualifier_named

_DONE = (JobState.PROCESSED, JobState.NOOP)
_TRIES = 1_000


@dataclass(frozen=True, slots=True)
class Span:
    """Some periods of one process: how many, and the first and the last of them. `finished` of them are."""

    count: int = 0
    first: str = ""
    last: str = ""
    finished: int = 0


@dataclass(frozen=True, slots=True)
class ProcessPlan:
    """What a context does to one process. `kind` is one of new, changed, back, retired, unchanged.

    `appears` are periods that are due and come into being, `vanishes` those that go out of view, their history kept. `incomplete` are
    finished ones that get unfinished inputs, or stand for another group; they stay finished. With `--reopen` they run again with all
    that uses them: `reopens` jobs of this process.
    """

    process: str
    kind: str
    changes: tuple[str, ...] = ()
    appears: Span = Span()
    vanishes: Span = Span()
    incomplete: Span = Span()
    reopens: int = 0


@dataclass(frozen=True, slots=True)
class ContextPlan:
    """What a context does to the timetable. `needs_yes`: it is not led by before it is applied. `refusal`: it can't be applied at all.

    `older` says that it led before and was replaced since, empty where not.
    """

    processes: tuple[ProcessPlan, ...]
    needs_yes: bool
    refusal: str
    reopen: dict[str, str]
    older: str = ""

    @property
    def reopens(self) -> int:
        """Return how many jobs run again with `--reopen`."""
        return sum(process.reopens for process in self.processes)


def plan_context(store: Store, context: Context, settings: SchedulerSettings, now: datetime, *, box: str = "") -> ContextPlan:
    """Return what leading by `context` of `box` would do, against what is registered and led by now."""
    registered = read_registered(store)
    found = fit(registered, context, settings.timetable_start, now, 0)
    refusal = found.refusal if any(change.field == QUALIFIER for change in found.changes) else ""
    if refusal:
        changed = dict.fromkeys(change.process for change in found.changes)
        processes = tuple(ProcessPlan(name, "changed", _said(found, name)) for name in changed)
        return ContextPlan(processes, needs_yes=True, refusal=refusal, reopen={})
    table = Timetable(context, settings.timetable_start)
    table.load(store.chunks(list(context.managed)), store.active_jobs(), registered=registered.values())
    topology = Topology(context)
    incomplete = _incomplete(table, topology, found, now)
    for name, row in registered.items():
        if name in table.states:
            incomplete.setdefault(name, set()).update(_regrouped(table.states[name], row, context, now))
    board = Board(context, topology, table, settings, now)
    reopens = _reopens(board, store, [(name, ordinal) for name, ordinals in incomplete.items() for ordinal in sorted(ordinals)])
    names = [*context.managed, *(row.name for row in found.rows if row.name not in context.managed)]
    plans = [_process_plan(store, table, registered, found, name, now) for name in names]
    plans = [
        replace(plan, incomplete=_span(table, plan.process, incomplete.get(plan.process, set())), reopens=reopens.get(plan.process, 0))
        for plan in plans
    ]
    reopen = {name: ranges_of(table.states[name].qualifier, ordinals) for name, ordinals in incomplete.items() if ordinals}
    shown = tuple(plan for plan in plans if plan.kind != "unchanged" or plan.incomplete.count or plan.reopens)
    is_older = older(read_contexts(store), context.digest, box)
    return ContextPlan(shown, bool(found.changes or is_older), "", reopen, is_older)


def apply_context(
    store: Store, context: Context, settings: SchedulerSettings, now: datetime, plan: ContextPlan, *, who: str, reopen: bool, box: str = ""
) -> int:
    """Register `context` by a turn of its own and return its number, 0 where there is nothing to say yes to.

    Whoever leads by the old context finds its next turn taken, and sees that its context does not fit any more. Raises StoreError where
    the plan does not hold any more.
    """
    session = f"context-apply-{who}-{uuid4().hex[:12]}"
    for _ in range(_TRIES):
        registered = read_registered(store)
        number = _last_turn(store) + 1
        found = fit(registered, context, settings.timetable_start, now, number)
        if {c.process: _said(found, c.process) for c in found.changes} != {p.process: p.changes for p in plan.processes if p.changes}:
            raise StoreError("somebody else has changed what is registered meanwhile: look at `launch.py context plan` again")
        rows = {row.name: row for row in found.rows} if found.changes else {}
        for name, ranges in plan.reopen.items() if reopen else ():
            rows[name] = with_reopen(replace(rows.get(name) or registered[name], turn=number), ranges)
        if not rows and not plan.older:
            return 0
        mine = ContextRow(context.digest, box, now, number)
        if store.insert_turn(Turn(number, session, now, registered=tuple(rows.values()), contexts=(mine,))):
            return number
    raise StoreError("the scheduler decides so much just now that the change finds no place between its turns: try again in a moment")


def _process_plan(store: Store, table: Timetable, registered: dict[str, ProcessRow], found: Fit, name: str, now: datetime) -> ProcessPlan:
    row, states = registered.get(name), table.states.get(name)
    said = _said(found, name)
    if states is None:
        assert row is not None, f"{name} is neither in the context nor registered"
        return ProcessPlan(name, "retired", said, vanishes=_retired(store, row, now))
    due = states.due_end(now)
    if row is None:
        return ProcessPlan(name, "new", said, appears=_range(states.qualifier, range(states.first, due)))
    old_first, old_last = _bounds(row, states.qualifier)
    old = _old_states(store, states, old_first)
    grown = [range(states.first, min(old_first, due)), range(max(old_last, states.first), due) if old_last is not None else range(0)]
    end = due if old_last is None else min(old_last, max(due, states.calendar.containing(states.qualifier, now)))
    cut = [range(old_first, min(states.first, end)), range(max(states.last, old_first), end) if states.last is not None else range(0)]
    vanished = [ordinal for part in cut for ordinal in part]
    finished = sum(1 for ordinal in vanished if old[ordinal] in JOB_FINISHED)
    kind = "changed" if said else "back" if row.retired_at else "unchanged"
    appears = _range(states.qualifier, *grown) if kind != "unchanged" else Span()
    return ProcessPlan(name, kind, said, appears, replace(_range(states.qualifier, *cut), finished=finished))


def _retired(store: Store, row: ProcessRow, now: datetime) -> Span:
    """Return the history of a process that left: its periods from its start to now."""
    qualifier = qualifier_named(str(facts_of(row)["qualifier"]))
    first, last = _bounds(row, qualifier)
    end = qualifier.ordinal_of(now) if last is None else min(last, qualifier.ordinal_of(now))
    finished = sum(chunk.states.count(state) for chunk in store.chunks([row.name]) for state in JOB_FINISHED)
    return replace(_range(qualifier, range(first, end)), finished=finished)


def _bounds(row: ProcessRow, qualifier: Qualifier) -> tuple[int, int | None]:
    """Return the first period that was registered, and the first that was not run any more."""
    end = str(facts_of(row).get("end") or "")
    return parse(qualifier, row.start).ordinal, parse(qualifier, end).ordinal if end else None


def _old_states(store: Store, states: States, first: int) -> States:
    """Return the states of a process from its old start on, where that was earlier."""
    if first >= states.first:
        return states
    old = States(replace(states.process, start=id_of(states.qualifier, first), end=""), "", states.calendar)
    for chunk in store.chunks([states.process.name]):
        old.load(chunk)
    return old


def _incomplete(table: Timetable, topology: Topology, found: Fit, now: datetime) -> dict[str, set[int]]:
    """Return the finished periods, by process, that have an unfinished input: those that the change can have brought about, or all."""
    changed = {row.name for row in found.rows if row.name in table.states}
    below = {other for name in changed for other in _inputs(topology, name)}
    sources = (changed | below) or set(table.states)
    candidates = {user for name in sources for ordinal in _unfinished(table, name, now) for user in topology.affected_by(name, ordinal)}
    incomplete: dict[str, set[int]] = {}
    for process, ordinal in candidates:
        states = table.states[process]
        is_done = states[ordinal] in _DONE and ordinal in range(*states.clip(ordinal, ordinal + 1))
        if is_done and any(entry.unfinished for entry in inputs_of(table, topology, (process, ordinal)) if not entry.is_order):
            incomplete.setdefault(process, set()).add(ordinal)
    return incomplete


def _inputs(topology: Topology, name: str) -> Iterator[str]:
    place = topology[name]
    yield from (place.child,) if place.child else ()
    yield from place.dependencies
    yield from (other for need in place.needs for other in need.processes)


def _unfinished(table: Timetable, name: str, now: datetime) -> Iterator[int]:
    yield from table.due_embryos(name, now)
    yield from table.states[name].under_way()


def _regrouped(states: States, row: ProcessRow, context: Context, now: datetime) -> Iterator[int]:
    """Yield the finished periods that stand for another group than before."""
    old, new = int(facts_of(row).get("grouping") or 1), context.managed[row.name].time_grouping
    if old == new:
        return
    for ordinal in range(states.first, states.due_end(now)):
        if states[ordinal] in _DONE:
            group = group_of(states.qualifier, ordinal, new)
            if group[-1] == ordinal and group_of(states.qualifier, ordinal, old) != group:
                yield ordinal


def _reopens(board: Board, store: Store, nodes: list[Node]) -> dict[str, int]:
    """Return how many jobs by process a reopening of `nodes` touches. What an operator skipped is left out."""
    touched: dict[str, list[Node]] = {}
    for node in reprocess_nodes(board, nodes) if nodes else ():
        if board.timetable.states[node[0]][node[1]] != JobState.EMBRYO:
            touched.setdefault(node[0], []).append(node)
    counts = {}
    for process, found in touched.items():
        skipped = [board.timetable.period(node) for node in found if board.timetable.states[process][node[1]] == JobState.SKIPPED]
        kept = sum(1 for job in store.jobs(process, skipped) if is_operators_skip(job)) if skipped else 0
        counts[process] = len(found) - kept
    return counts


def _last_turn(store: Store) -> int:
    number = store.projected_turn()
    while turns := store.turns_after(number, 500):
        number = turns[-1].number
    return number


def _said(found: Fit, name: str) -> tuple[str, ...]:
    return tuple(_text(change) for change in found.changes if change.process == name)


def _text(change: Change) -> str:
    return str(change).partition(": ")[2]


def _range(qualifier: Qualifier, *parts: range) -> Span:
    found = [part for part in parts if part]
    if not found:
        return Span()
    return Span(sum(map(len, found)), id_of(qualifier, found[0][0]), id_of(qualifier, found[-1][-1]))


def _span(table: Timetable, process: str, ordinals: set[int]) -> Span:
    if not ordinals:
        return Span()
    qualifier = table.states[process].qualifier
    return Span(len(ordinals), id_of(qualifier, min(ordinals)), id_of(qualifier, max(ordinals)), len(ordinals))
