"""Which span of time is a period's, and does a parent get exactly the time of its children? By brute force, from ids and the zone alone.

Right where no clocks are changed, as in the days that histories are about; what changes of clocks do is shown by the property tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo

from system.context import Context, ManagedProcess
from system.timeperiod import HOURLY, Qualifier, Timeperiod, parse
from tests.support.virtual_slots import Mark

Node = tuple[str, str]
Span = tuple[datetime, datetime]
_ABOUT = range(-40, 41)


def zones_of(context: Context) -> dict[str, str]:
    """Return the time zone of each process's tree."""
    return {name: tree.time_zone for tree in context.trees.values() for name in tree.enclosed_processes}


def span_of(process: ManagedProcess, zone: str, text: str) -> Span:
    """Return when a period begins and ends; hours are those of UTC."""
    first = parse(process.qualifier, text)
    return _moment(process.qualifier, zone, first), _moment(process.qualifier, zone, first.shift(1))


def group_around(process: ManagedProcess, text: str) -> list[str]:
    """Return the periods that run together with one: from the one after a group's end to the next end, as REFERENCE 1.1 has it."""
    return _group(process.qualifier, process.time_grouping, process.end, text)


@cache
def _group(qualifier: Qualifier, size: int, stop: str, text: str) -> list[str]:
    period = parse(qualifier, text)
    if size == 1:
        return [text]
    low = high = period
    while not _is_end(low.shift(-1), size) and _unit_of(low.shift(-1)) == _unit_of(period):
        low = low.shift(-1)
    while not _is_end(high, size) and (not stop or high.shift(1).id < stop):
        high = high.shift(1)
    return [Timeperiod(qualifier, ordinal).id for ordinal in range(low.ordinal, high.ordinal + 1)]


def _is_end(period: Timeperiod, size: int) -> bool:
    token = int(_token_of(period))
    return (token > 0 and token % size == 0) or _unit_of(period.shift(1)) != _unit_of(period)


def _token_of(period: Timeperiod) -> str:
    return period.id[8:] if period.qualifier is HOURLY else period.id[6:8] if period.id[6:8] != "00" else period.id[4:6]


def _unit_of(period: Timeperiod) -> str:
    return period.id[:8] if period.qualifier is HOURLY else period.id[:6] if period.id[6:8] != "00" else period.id[:4]


def _moment(qualifier: Qualifier, zone: str, period: Timeperiod) -> datetime:
    return period.start if qualifier is HOURLY else period.start.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def counterparts(process: ManagedProcess, other: ManagedProcess, zones: Mapping[str, str], text: str) -> list[int]:
    """Return the periods of `other` that belong to a period: dates to dates; hours to the date in which they begin."""
    period = parse(process.qualifier, text)
    is_finer = other.qualifier >= process.qualifier
    if (process.qualifier is HOURLY) == (other.qualifier is HOURLY):
        return list(period.inside(other.qualifier)) if is_finer else [period.within(other.qualifier).ordinal]
    low, high = span_of(process, zones[process.name], text)
    if is_finer:
        hours = range(HOURLY.ordinal_of(low) - 1, HOURLY.ordinal_of(high) + 1)
        return [hour for hour in hours if low <= Timeperiod(HOURLY, hour).start < high]
    near = [Timeperiod(other.qualifier, period.within(other.qualifier).ordinal + away) for away in _ABOUT]
    spans = {date.ordinal: span_of(other, zones[other.name], date.id) for date in near}
    return [ordinal for ordinal, span in spans.items() if span[0] <= low < span[1]]


def wrong_sums(context: Context, children: Mapping[Node, Sequence[Node]], marks: Iterable[Mark]) -> list[str]:
    """Return the parents that ran whose children, as they ran, do not make up their window without a gap and without an overlap.

    Of a child that was skipped before it ran its own span counts. Only the time for which the children's process has periods counts.
    """
    zones, managed = zones_of(context), context.managed
    ran = {node_of(mark): (datetime.fromisoformat(mark.start), datetime.fromisoformat(mark.end)) for mark in marks}
    wrong = []
    for node, found in children.items():
        if node not in ran or not found:
            continue
        child = managed[found[0][0]]
        if child.time_grouping > 1 and zones[child.name] != "UTC":
            continue  # a group of hours may reach over the end of a zone's day
        whole = [_moment(child.qualifier, zones[child.name], parse(child.qualifier, bound)) for bound in (child.start, child.end)]
        groups = {each: group_around(child, each[1]) for each in found}
        own = {
            each: (span_of(child, zones[child.name], group[0])[0], span_of(child, zones[child.name], group[-1])[1])
            for each, group in groups.items()
            if group[-1] == each[1]
        }
        spans = sorted(ran.get(each) or span for each, span in own.items())
        low, high = max(ran[node][0], whole[0]), min(ran[node][1], whole[1])
        bounds = [low, *(end for _, end in spans)]
        if bounds != [*(max(start, whole[0]) for start, _ in spans), high]:
            wrong.append(f"{node[0]} {node[1]} is from {low} to {high}, its children are {found[0][1]} to {found[-1][1]}")
    return wrong


def node_of(mark: Mark) -> Node:
    """Return whose attempt a mark is of."""
    process, timeperiod = mark.uow_id.split("/")[:2]
    return process, timeperiod
