"""Do the days of a zone begin with an hour of UTC, and by how much are they moved? Looked up from day to day, to the end of 2100.

Offsets are compared a week apart, and day by day where they differ: no zone moves its clocks and back within a week.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from system.calendars import opening
from system.context import ManagedProcess, Tree, first_period
from system.entry_check import is_texts, qualifier_of
from system.errors import TimeperiodError, TimezoneError
from system.timeperiod import DAILY, Qualifier, Timeperiod, start_of
from system.timezones import zone_named, zone_names

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

SINCE = "1970010100"
_LAST_DAY = date(2100, 12, 31).toordinal()
_WEEK = 7
_SECOND = timedelta(seconds=1)


def zone_faults(tree: Tree, processes: Mapping[str, ManagedProcess], default_start: str = SINCE) -> Iterator[str]:
    """Yield what is wrong with the time zone of a tree: there is none of that name, or its days cut hours of the tree in two.

    Looked at from where the hours start; `default_start` is the hourly id at which processes without a start of their own do.
    """
    if not isinstance(tree.time_zone, str):
        yield f"time_zone {tree.time_zone!r} is no text: write an IANA name, such as 'Europe/Berlin'"
        return
    if not is_zone(tree.time_zone):
        yield from _unknown(tree.time_zone)
        return
    members = [processes[name] for name in tree.enclosed_processes if name in processes] if is_texts(tree.enclosed_processes) else []
    for process in members:
        qualifier, since = qualifier_of(process), start_day(process, default_start)
        off = first_off(tree.time_zone, qualifier, since) if qualifier and qualifier > DAILY else None
        if qualifier and off is not None:
            yield _off_fault(tree.time_zone, process, qualifier, off)


def is_zone(name: object) -> bool:
    """Return whether there is a time zone of that name."""
    # All trees without a zone of their own are in UTC: no start should read the names of all zones for them.
    return isinstance(name, str) and (name == "UTC" or name in zone_names())


def start_day(process: ManagedProcess, default_start: str) -> int:
    """Return the day of UTC on which a process starts; that of `default_start` where its own start can't be read."""
    try:
        return DAILY.ordinal_of(first_period(process, default_start).start)
    except (TimeperiodError, TypeError):
        return DAILY.ordinal_of(start_of(DAILY, date(1970, 1, 1).toordinal()))


def first_off(time_zone: str, fine: Qualifier, since: int) -> int | None:
    """Return the first day from day number `since` on that does not open together with a period of `fine`; None when there is none."""
    if time_zone == "UTC":
        return None
    return next((day for day in _days_that_differ(time_zone, since) if _is_off(time_zone, fine, day)), None)


@lru_cache(maxsize=1024)
def shifts(time_zone: str, since: int) -> tuple[int, int]:
    """Return by how many seconds days open before those of UTC, at the least and at the most, from day number `since` on."""
    if time_zone == "UTC":
        return 0, 0
    found = {start_of(DAILY, day) - opening(time_zone, DAILY, day) for day in _days_that_differ(time_zone, since)}
    return min(found) // _SECOND, max(found) // _SECOND


@lru_cache(maxsize=1024)
def _days_that_differ(time_zone: str, since: int) -> tuple[int, ...]:
    """Return day `since`, and those of every week in which clocks are changed, with the day after it."""
    zone, found = zone_named(time_zone), [since]
    before = _offset(zone, since)
    for day in range(since + _WEEK, max(_LAST_DAY, since + 2 * _WEEK), _WEEK):
        after = _offset(zone, day)
        if after != before:
            found += range(day - _WEEK, day + 2)
        before = after
    return tuple(found)


def _offset(zone: ZoneInfo, day: int) -> timedelta | None:
    return datetime.fromordinal(day).replace(tzinfo=zone).utcoffset()


def _is_off(time_zone: str, fine: Qualifier, day: int) -> bool:
    moment = opening(time_zone, DAILY, day)
    return start_of(fine, fine.ordinal_of(moment)) != moment


def _unknown(name: str) -> Iterator[str]:
    try:
        zone_named(name)
    except TimezoneError as error:
        yield f"time_zone {error}"


def _off_fault(time_zone: str, process: ManagedProcess, fine: Qualifier, day: int) -> str:
    moment = opening(time_zone, DAILY, day)
    title = (
        f"time_zone {time_zone!r} has days that begin between two {fine.noun} periods of {process.name!r}: "
        f"{Timeperiod(DAILY, day).id} begins at {moment:%Y-%m-%d %H:%M:%S}Z"
    )
    later = next((d for d in _days_that_differ(time_zone, _LAST_DAY - 366) if _is_off(time_zone, fine, d)), None)
    if later is not None:
        return f"{title}; take {process.name!r} into a tree of its own, in UTC, or choose another zone"
    last = max(d for d in _days_that_differ(time_zone, day) if _is_off(time_zone, fine, d))
    return f"{title}; let {process.name!r} start after {Timeperiod(DAILY, last).id}, or choose another zone"
