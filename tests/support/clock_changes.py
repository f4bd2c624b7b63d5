"""When are the clocks of a zone changed, and what does a schedule owe around that? Found minute by minute, without the product's code."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import accumulate, pairwise
from zoneinfo import ZoneInfo

from system.cron import Cron
from system.timezones import zone_names

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
ZONES = sorted(zone_names() - {"Factory"})
_STEP = timedelta(days=5)  # no zone changes its clocks twice in so short a time and back


@cache
def clock_changes(zone: ZoneInfo, since: int = 2000, until: int = 2040) -> tuple[datetime, ...]:
    """Return the instants of those years at which the zone's offset changes."""
    moment, end, found = datetime(since, 1, 1, tzinfo=UTC), datetime(until + 1, 1, 1, tzinfo=UTC), []
    while moment < end:
        if offset(zone, moment) != offset(zone, moment + _STEP):
            found.append(_bisected(zone, moment, moment + _STEP))
        moment += _STEP
    return tuple(found)


def _bisected(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    before = offset(zone, low)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        low, high = (middle, high) if offset(zone, middle) == before else (low, middle)
    return high.replace(microsecond=0)


def offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    """Return how far the zone's clocks are ahead of UTC."""
    ahead = moment.astimezone(zone).utcoffset()
    assert ahead is not None
    return ahead


def window_around(zone: ZoneInfo, change: datetime) -> tuple[datetime, datetime]:
    """Return the hours before and after a change, and as many as the clocks are moved by."""
    width = abs(offset(zone, change) - offset(zone, change - MINUTE))
    return change - 3 * HOUR - width, change + 3 * HOUR + width


def owed(cron: Cron, since: datetime, until: datetime) -> list[datetime]:
    """Return the fires in `[since, until)` that a cron of minutes and hours owes, by looking at the clock in every minute.

    One that repeats fires in every minute that matches. Any other fires when the clock first comes to a time, or beyond it.
    """
    minute, hour = cron.fields.split()[:2]
    times = {(h, m) for h in _numbers(hour, 24) for m in _numbers(minute, 60)}
    shown = [(at, at.astimezone(cron.zone).replace(tzinfo=None)) for at in _minutes(since - MINUTE, until)]
    if minute.startswith("*") or hour.startswith("*"):
        return [at for at, local in shown[1:] if (local.hour, local.minute) in times]
    latest = list(accumulate((local for _, local in shown), max))
    reached = zip(shown[1:], pairwise(latest), strict=True)
    return [at for (at, _), (old, new) in reached if any((t.hour, t.minute) in times for t in _minutes(old + MINUTE, new + MINUTE))]


def _minutes(since: datetime, until: datetime) -> Iterator[datetime]:
    while since < until:
        yield since
        since += MINUTE


def _numbers(field: str, end: int) -> set[int]:
    first, _, step = field.partition("/")
    return set(range(0, end, int(step or 1))) if first == "*" else {int(number) for number in field.split(",")}
