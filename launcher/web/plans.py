"""What would a command touch? The plans of the desk, several of them as one, folded so that thousands of periods can be read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from mx.models.plans import PlanGroup, PlanPart, RunningNow, Verb, WhatIf
from mx.models.plans import Span as Folded
from scheduler.desk import Desk
from scheduler.effects import has_unit
from scheduler.plans import PREVIEWS, Action, Plan, Step
from scheduler.timetable import Node, Timetable, id_of
from system import timeplaces as places
from system.context import Context
from system.errors import NotFound, Refused

_MOST_PARTS, _MOST_SPANS, _MOST_RUNNING = 100, 30, 20
_RUNS = (Action.REOPEN, Action.REOPEN_AFTER, Action.RELEASE, Action.TRIGGER)


@dataclass(frozen=True, slots=True)
class Part:
    """A range of periods of one process, `[low, high)`."""

    process: str
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Planned:
    """A part with the plan for it. `is_given`: it does something that no part before it does."""

    part: Part
    plan: Plan
    is_given: bool


def parts_of(context: Context, order: Sequence[str], processes: Sequence[str], timeperiod: str, until: str) -> list[Part]:
    """Return a part for each of `processes`, inputs first; raises NotFound, TimeperiodError, or Refused where there are too many."""
    for name in processes:
        if name not in context.managed:
            raise NotFound(f"there is no managed process {name!r}")
    if not processes:
        raise Refused("no process is named: choose one or more")
    if len(processes) > _MOST_PARTS:
        raise Refused(f"{len(processes):,} processes are too many at once: choose at most {_MOST_PARTS}")
    found = []
    for name in sorted(dict.fromkeys(processes), key=order.index):
        inside = places.periods(context.managed[name].qualifier, timeperiod, until)
        found.append(Part(name, inside.start, inside.stop))
    return found


def folded(nodes: Iterable[Node]) -> list[Part]:
    """Return nodes as ranges of periods in a row, process by process in the order in which these come first."""
    by_process: dict[str, list[int]] = {}
    for name, ordinal in nodes:
        by_process.setdefault(name, []).append(ordinal)
    found = []
    for name, ordinals in by_process.items():
        for _, run in groupby(enumerate(sorted(ordinals)), key=lambda pair: pair[1] - pair[0]):
            own = [ordinal for _, ordinal in run]
            found.append(Part(name, own[0], own[-1] + 1))
    return found


def texts(table: Timetable, part: Part) -> tuple[str, str]:
    """Return a part as a command says it: the first period, and the first that is left out; that is empty for a single one."""
    qualifier = table.states[part.process].qualifier
    return id_of(qualifier, part.low), id_of(qualifier, part.high) if part.high - part.low != 1 else ""


def planned(desk: Desk, verb: str, parts: Sequence[Part]) -> list[Planned]:
    """Return the plan of each part; one that only does what parts before it do is not to be given."""
    if verb not in PREVIEWS:
        raise Refused(f"there is no plan for {verb!r}: use one of {', '.join(PREVIEWS)}")
    table, known, found = desk.read(), set[Node](), []
    for part in parts:
        timeperiod, until = texts(table, part)
        plan = desk.plan(verb, part.process, timeperiod, until=until)
        nodes = {step.node for step in plan.steps}
        found.append(Planned(part, plan, bool(nodes - known)))
        known |= nodes
    return found


def what_if(desk: Desk, verb: Verb, asked: tuple[str, str], found: Sequence[Planned]) -> WhatIf:
    """Return plans as one. `asked` is what was asked for: the first period or place, and the one that is left out."""
    table = desk.read()
    whole = Plan(tuple({step.node: step for each in found for step in each.plan.steps}.values()))
    expected = desk.forecast(whole)
    by_process: dict[tuple[str, Action], list[Step]] = {}
    took: dict[str, float] = {}
    for step, seconds in zip(whole.steps, expected.steps, strict=True):
        by_process.setdefault((step.node[0], step.action), []).append(step)
        if seconds is not None:
            took[step.node[0]] = seconds
    named = {(each.part.process, ordinal) for each in found for ordinal in range(each.part.low, each.part.high)}
    groups = [_group(table, action, steps, took.get(name), named) for (name, action), steps in by_process.items()]
    running = [step for step in whole.steps if step.job is not None and has_unit(step.job)]
    is_known = any(group.runs for group in groups) and len(expected.unknown) < len({group.process for group in groups if group.runs})
    return WhatIf(
        verb=verb,
        timeperiod=asked[0],
        until=asked[1],
        parts=tuple(_part(table, each) for each in found),
        groups=tuple(groups),
        total=len(whole.steps),
        counts=whole.counts(),
        running=tuple(
            RunningNow(process=s.node[0], timeperiod=table.period(s.node), action=s.action.value) for s in running[:_MOST_RUNNING]
        ),
        running_total=len(running),
        expected_s=expected.seconds if is_known else None,
        chain_s=expected.chain_s if is_known else None,
        slots=expected.slots,
        unknown=expected.unknown,
        turn=table.head,
    )


def _part(table: Timetable, each: Planned) -> PlanPart:
    timeperiod, until = texts(table, each.part)
    refusal = each.plan.refusal
    return PlanPart(
        process=each.part.process, timeperiod=timeperiod, until=until, steps=len(each.plan.steps), is_given=each.is_given, refusal=refusal
    )


def _group(table: Timetable, action: Action, steps: Sequence[Step], seconds: float | None, named: set[Node]) -> PlanGroup:
    name = steps[0].node[0]
    qualifier = table.states[name].qualifier
    ranges = folded(step.node for step in steps)
    return PlanGroup(
        process=name,
        qualifier=qualifier.noun,
        action=action.value,
        count=len(steps),
        spans=tuple(
            Folded(first=id_of(qualifier, r.low), last=id_of(qualifier, r.high - 1), count=r.high - r.low) for r in ranges[:_MOST_SPANS]
        ),
        spans_total=len(ranges),
        is_named=any(step.node in named for step in steps),
        expected_s=seconds,
        runs=action in _RUNS,
    )
