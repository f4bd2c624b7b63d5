"""Are inputs and users of a period exact opposites, and is no accepted context one in which a period waits for itself?"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from graphlib import TopologicalSorter

from hypothesis import assume, given
from hypothesis import strategies as st

from scheduler.trees import Topology
from system.calendars import Calendar
from system.context import Context, Dependency, ManagedProcess, dependency_entry, timetable_tree_entry
from system.context_check import check
from system.errors import ConfigError
from system.grouping import largest_grouping
from system.timeperiod import HOURLY, QUALIFIERS, Timeperiod, containing
from tests.support.contexts import managed

LEVELS = ["_hourly", "_daily", "_monthly", "_yearly"]
ZONES = ["UTC", "UTC", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "Pacific/Honolulu", "Asia/Kolkata", "Pacific/Apia"]
# Bounds of months and years, leap days among them, and whatever lies between.
MOMENTS = st.one_of(
    st.sampled_from([datetime(2016, 2, 29, 23, tzinfo=UTC), datetime(2015, 12, 31, 23, tzinfo=UTC), datetime(2100, 3, 1, tzinfo=UTC)]),
    st.datetimes(datetime(1999, 1, 1), datetime(2101, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  the strategy adds the zone
)


@st.composite
def processes(draw: st.DrawFn, name: str) -> ManagedProcess:
    """Return a process of any level and grouping, maybe with an end near 2016-02-29."""
    level = draw(st.sampled_from(LEVELS))
    qualifier = QUALIFIERS[level]
    end = ""
    if draw(st.booleans()):
        end = containing(qualifier, datetime(2016, 2, 29, 22, tzinfo=UTC)).shift(draw(st.integers(0, 4))).id
    grouping = draw(st.integers(1, largest_grouping(qualifier)))
    return managed(f"{name}{level}", level, token=name, start="", end=end, time_grouping=grouping)


def is_over(topology: Topology, name: str, ordinal: int) -> bool:
    """Return whether a process has ended before a period: it has no groups then, and nobody asks for one."""
    last = topology[name].last
    return last is not None and ordinal >= last


def counterparts(user: ManagedProcess, other: ManagedProcess, own: int, zones: tuple[str, str]) -> Iterable[int]:
    """Return the periods that one of `user` means in `other`: dates by dates, hours by when the days of `zones` begin."""
    period, is_finer = Timeperiod(user.qualifier, own), other.qualifier >= user.qualifier
    if (user.qualifier is HOURLY) == (other.qualifier is HOURLY):
        return period.inside(other.qualifier) if is_finer else [period.within(other.qualifier).ordinal]
    if not is_finer:
        return [Calendar(zones[1]).containing(other.qualifier, period.start)]
    low, high = (Calendar(zones[0]).start(user.qualifier, bound) for bound in (own, own + 1))
    wide = range(HOURLY.ordinal_of(low) - 1, HOURLY.ordinal_of(high) + 2)
    return [hour for hour in wide if low <= Timeperiod(HOURLY, hour).start < high]


def needed_by_hand(
    user: ManagedProcess, other: ManagedProcess, need: Dependency, group: range, topology: Topology, zones: tuple[str, str]
) -> set[int]:
    """Return what a group needs, period by period, as REFERENCE 1.3 says it."""
    found = set()
    for own in group:
        for counterpart in counterparts(user, other, own, zones):
            found |= {counterpart + need.offset - back for back in range(need.last)}
    ends = {topology.group(other.name, ordinal)[-1] for ordinal in found if not is_over(topology, other.name, ordinal)}
    return {end for end in ends if user.name != other.name or end not in group}


@given(st.data(), MOMENTS, st.integers(-3, 1), st.integers(1, 10), st.booleans(), st.sampled_from(ZONES), st.sampled_from(ZONES))
def test_the_users_of_a_period_are_those_that_need_it(
    data: st.DataObject, moment: datetime, offset: int, last: int, own: bool, here: str, there: str
) -> None:
    other = data.draw(processes("a"))
    user = other if own else data.draw(processes("b"))
    need = dependency_entry(other.name, min(offset, -1) if own else offset, last)
    trees = {z: timetable_tree_entry(z, [p.name], time_zone=zone) for z, p, zone in (("u", user, here), ("o", other, there))}
    context = Context(tuple({p.name: p for p in (other, user)}.values()), trees)
    plain = Topology(context)
    object.__setattr__(user, "depends_on", (need,))
    topology = Topology(Context(context.processes, trees))
    at = containing(user.qualifier, moment).ordinal
    for ordinal in {plain.group(user.name, n)[-1] for n in range(at - 2, at + 3) if not is_over(plain, user.name, n)}:
        group = plain.group(user.name, ordinal)
        needed = topology.needed_of(user.name, ordinal, other.name, need.offset, need.last)
        ends = {end for end in topology.ends_of(other.name, needed) if not is_over(plain, other.name, end)}
        assert ends == needed_by_hand(user, other, need, group, plain, (there if own else here, there))
        assert all((user.name, ordinal) in topology.affected_by(other.name, end) for end in ends)
    of = containing(other.qualifier, moment).ordinal
    if is_over(plain, other.name, of):
        return
    for user_name, found in topology.affected_by(other.name, of):
        assert is_over(plain, user_name, found) or of in topology.needed_of(user_name, found, other.name, need.offset, need.last)


@st.composite
def contexts(draw: st.DrawFn) -> Context:
    """Return a checked context of two to four processes that depend on each other in any way that the check accepts."""
    given = [draw(processes(name)) for name in "abcd"[: draw(st.integers(2, 4))]]
    names = [p.name for p in given]
    needs = st.builds(dependency_entry, st.sampled_from(names), st.integers(-40, 2), st.integers(1, 3))
    for process in given:
        object.__setattr__(process, "depends_on", tuple(draw(st.lists(needs, max_size=2))))
        object.__setattr__(process, "end", "")
    try:
        return check(given, [timetable_tree_entry(name, [name], time_zone=draw(st.sampled_from(ZONES))) for name in names])
    except ConfigError:
        assume(False)
        raise


def _around(ordinal: int) -> range:
    return range(ordinal - 40, ordinal + 40)


def _both(one: range, other: range) -> range:
    return range(max(one.start, other.start), min(one.stop, other.stop))


@given(contexts(), MOMENTS)
def test_no_accepted_context_has_a_period_that_waits_for_itself(context: Context, moment: datetime) -> None:
    topology = Topology(context)
    near = {p.name: _around(containing(p.qualifier, moment).ordinal) for p in context.managed.values()}
    graph: dict[tuple[str, int], set[tuple[str, int]]] = {}
    for name, process in context.managed.items():
        for ordinal in topology.ends_of(name, near[name]):
            graph[name, ordinal] = {
                (other, end)
                for need in process.needs
                for other in need.processes
                for end in topology.ends_of(other, _both(near[other], topology.needed_of(name, ordinal, other, need.offset, need.last)))
            }
    assert len(list(TopologicalSorter(graph).static_order())) >= len(graph)
