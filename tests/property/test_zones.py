"""Are days, months and years whole in every zone, over every change of clocks from 2000 to 2040? Found hour by hour, by clocks alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from hashlib import sha256
from importlib.resources import files
from itertools import accumulate
from zoneinfo import ZoneInfo

import pytest

from scheduler.timetable import States
from scheduler.trees import Topology
from system.calendars import Calendar
from system.context import Context, ManagedProcess, timetable_tree_entry
from system.context_check import check
from system.errors import ConfigError
from system.timeperiod import DAILY, HOURLY, MONTHLY, YEARLY, Timeperiod, containing
from system.zone_check import first_off
from tests.support.clock_changes import HOUR, MINUTE, ZONES, clock_changes, offset
from tests.support.contexts import managed

RESOLUTION = timedelta.resolution
SINCE = datetime(2000, 1, 1, tzinfo=UTC)
LEVELS = ("hourly", "daily", "monthly", "yearly")
# By a day and an hour at once, at midnight, over midnight and back behind it, for good, each year anew.
ODD = [
    "Pacific/Apia", "Pacific/Fakaofo", "America/Sao_Paulo", "America/Havana", "Asia/Beirut", "Asia/Amman", "America/Goose_Bay", "Asia/Gaza",
    "Africa/Casablanca", "Europe/Dublin", "Antarctica/Troll", "Antarctica/Casey", "Africa/Cairo", "America/Asuncion", "Atlantic/Azores",
]  # fmt: skip


def processes(start: datetime = SINCE) -> list[ManagedProcess]:
    """Return a process of each level whose periods are due as soon as they have ended."""
    qualifiers = {"hourly": HOURLY, "daily": DAILY, "monthly": MONTHLY, "yearly": YEARLY}
    return [managed(f"t_{level}", f"_{level}", lag_s=0.0, start=containing(qualifiers[level], start).id) for level in LEVELS]


def context_in(zone: str, start: datetime = SINCE) -> Context:
    """Return a checked tree of all levels in a zone; raises ConfigError."""
    return check(processes(start), [timetable_tree_entry("t", [f"t_{level}" for level in LEVELS], time_zone=zone)])


def days_of_hours(zone: ZoneInfo, since: datetime, until: datetime) -> dict[int, int]:
    """Return the day of each hour: the latest date that the clocks have shown by its start."""
    hours = range(HOURLY.ordinal_of(since - 48 * HOUR), HOURLY.ordinal_of(until))
    shown = [Timeperiod(HOURLY, hour).start.astimezone(zone).toordinal() for hour in hours]
    return {hour: day for hour, day in zip(hours, accumulate(shown, max), strict=True) if hour >= HOURLY.ordinal_of(since)}


def faults_of(zone: ZoneInfo, change: datetime) -> Iterator[str]:
    """Yield what is wrong with the days around a change of clocks, and with its month and year."""
    context = context_of(zone.key)
    topology, first, last = Topology(context), change.toordinal() - 2, change.toordinal() + 2
    found = days_of_hours(zone, change - 96 * HOUR, change + 120 * HOUR)
    for day in range(first, last + 1):
        hours = [hour for hour, of in found.items() if of == day]
        if list(topology.children_of("t_daily", day)) != hours:
            yield f"{zone.key} {date.fromordinal(day)}: {topology.children_of('t_daily', day)} are not {hours}"
        if hours and {topology.parent_of("t_hourly", hour) for hour in hours} != {day}:
            yield f"{zone.key} {date.fromordinal(day)}: is not the parent of its hours"
        yield from due_faults(zone, day, min(hour for hour, of in found.items() if of > day))
    yield from sum_faults(zone, change)


def due_faults(zone: ZoneInfo, day: int, end: int) -> Iterator[str]:
    """Yield what is wrong with when a day is due, which ends with the first hour of a later one."""
    states, due = states_of(zone.key), Timeperiod(HOURLY, end).start
    if states.due_at(day) != due:
        yield f"{zone.key} {date.fromordinal(day)}: is due at {states.due_at(day)}, not {due}"
    if not states.due_end(due - RESOLUTION) <= day < states.due_end(due):
        yield f"{zone.key} {date.fromordinal(day)}: is let in at another time than {due}"


def sum_faults(zone: ZoneInfo, change: datetime) -> Iterator[str]:
    """Yield what is wrong with the month and the year of a change: months are made of their days, years of their months."""
    calendar, topology = Calendar(zone.key), Topology(context_of(zone.key))
    month, year = (calendar.containing(qualifier, change) for qualifier in (MONTHLY, YEARLY))
    days, months = topology.children_of("t_monthly", month), topology.children_of("t_yearly", year)
    hours = [hour for day in days for hour in calendar.inside(DAILY, day, HOURLY)]
    if hours != list(calendar.inside(MONTHLY, month, HOURLY)) or len(months) != 12:
        yield f"{zone.key}: month number {month} is not the sum of its days"
    if sum(len(calendar.inside(MONTHLY, each, HOURLY)) for each in months) != len(calendar.inside(YEARLY, year, HOURLY)):
        yield f"{zone.key}: {year} is not the sum of its months"


@cache
def context_of(zone: str) -> Context:
    return context_in(zone)


@cache
def states_of(zone: str) -> States:
    context = context_of(zone)
    return States(context.managed["t_daily"], "2000010100", context.calendar_of("t_daily"))


@cache
def distinct_zones() -> list[ZoneInfo]:
    """Return one zone of those that are the same by other names."""
    data = files("tzdata") / "zoneinfo"
    return [ZoneInfo(name) for name in {sha256(data.joinpath(name).read_bytes()).digest(): name for name in ZONES}.values()]


def whole(zone: ZoneInfo) -> bool:
    """Return whether the clocks of a zone are whole hours from UTC's at every midnight from 2000 to 2040, by looking around each change."""
    sides = [SINCE, *(side for change in clock_changes(zone) for side in (change - MINUTE, change))]
    return all(offset(zone, side) % HOUR == timedelta(0) for side in sides)


def is_taken(zone: str, start: datetime = SINCE) -> bool:
    """Return whether a tree of all levels may have a zone; where not, the one fault says why."""
    try:
        context_in(zone, start)
    except ConfigError as error:
        (fault,) = error.faults
        if f"time_zone {zone!r} has days that begin between two hourly periods of 't_hourly': " not in fault:
            raise
        return False
    return True


@pytest.mark.parametrize("name", ODD)
def test_fault_27_no_hour_is_lost_or_doubled_where_clocks_change_oddly(name: str) -> None:
    zone = ZoneInfo(name)
    assert clock_changes(zone)
    assert [fault for change in clock_changes(zone)[-12:] for fault in faults_of(zone, change)] == []


def test_fault_27_days_months_and_years_are_whole_over_all_changes_of_clocks_from_2000_to_2040() -> None:
    # Many zones share a change: the same instant, from the same offset to the same. One of them shows it for all.
    zones = [zone for zone in distinct_zones() if whole(zone)]
    alike = {(change, offset(zone, change - MINUTE), offset(zone, change)): zone for zone in zones for change in clock_changes(zone)}
    picked = list(alike.items())[::5]  # all of them where there is time: see below
    assert [fault for (change, _, _), zone in picked for fault in faults_of(zone, change)] == []
    assert len(alike) > 1_500


def test_a_zone_is_taken_over_hours_if_and_only_if_its_days_begin_with_one() -> None:
    picked = distinct_zones()[::4]
    assert [zone.key for zone in picked if is_taken(zone.key) != whole(zone)] == []
    assert 0 < sum(whole(zone) for zone in picked) < len(picked)


@pytest.mark.long
def test_every_zone_is_taken_over_hours_if_and_only_if_its_days_begin_with_one() -> None:
    assert [name for name in ZONES if is_taken(name) != whole(ZoneInfo(name))] == []


@pytest.mark.parametrize("name", ["America/Caracas", "Asia/Pyongyang"])
def test_a_zone_that_went_back_to_whole_hours_is_taken_from_then_on(name: str) -> None:
    last = clock_changes(ZoneInfo(name))[-1]
    assert not is_taken(name, last - 48 * HOUR)
    assert is_taken(name, last + 48 * HOUR)


@pytest.mark.long
def test_fault_27_every_day_month_and_year_of_every_zone_follows_the_one_before() -> None:
    wrong = [fault for zone in distinct_zones() for fault in _row_faults(zone)]
    assert wrong == []


@pytest.mark.long
def test_fault_27_every_zone_is_whole_over_each_of_its_own_changes() -> None:
    zones = [ZoneInfo(name) for name in ZONES if whole(ZoneInfo(name))]
    assert [fault for zone in zones for change in clock_changes(zone) for fault in faults_of(zone, change)] == []


def _row_faults(zone: ZoneInfo) -> Iterator[str]:
    """Yield the periods of 2000 to 2040 that do not begin at the first minute of their date, as the clocks show it."""
    calendar = Calendar(zone.key)
    is_whole = first_off(zone.key, HOURLY, SINCE.toordinal()) is None
    for day in range(date(2000, 1, 1).toordinal(), date(2041, 1, 1).toordinal()):
        start, end = calendar.start(DAILY, day), calendar.end(DAILY, day)
        before, after = (moment.astimezone(zone).toordinal() for moment in (start - MINUTE, start))
        if not before < day <= after or end < start or (start < end and calendar.containing(DAILY, end - MINUTE) != day):
            yield f"{zone.key} {date.fromordinal(day)} is from {start} to {end}"
        if is_whole and len(calendar.inside(DAILY, day, HOURLY)) * HOUR != end - start:
            yield f"{zone.key} {date.fromordinal(day)} does not sum up"
