"""Which instants does a time on the clocks of a zone name? None where clocks were put forward over it, two where they were put back.

Zones are those of the IANA data base, by the `tzdata` package where the system has none.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from system.errors import TimezoneError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Change:
    """The clocks of a zone are put from one offset to another at `instant` (UTC). `low` and `high` are naive local times.

    The times in `[low, high)` are never shown (`is_gap`), or are shown twice.
    """

    instant: datetime
    low: datetime
    high: datetime
    is_gap: bool


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Return the names of all zones; the same on every box, whatever its system has."""
    from importlib.resources import files  # late, as is what else only those need who have a zone

    return frozenset((files("tzdata") / "zones").read_text(encoding="ascii").split())


def zone_named(name: str) -> ZoneInfo:
    """Return the zone called `name`, such as `Europe/Berlin`; raises TimezoneError, which says what is near."""
    if name not in zone_names():  # asked first: a system's folder holds more, such as `localtime`, which differs from box to box
        import difflib

        names = sorted(zone_names())
        known = {name.rpartition("/")[2].casefold(): name for name in names} | {name.casefold(): name for name in names}
        near = dict.fromkeys(known[found] for found in difflib.get_close_matches(name.casefold(), known, n=3))
        hint = f"; did you mean {' or '.join(near)}?" if near else ", such as Europe/Berlin"
        raise TimezoneError(f"{name!r} is no time zone: write its IANA name{hint}")
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def change_over(zone: ZoneInfo, local: datetime) -> Change | None:
    """Return the change of clocks due to which `local` (naive) is never shown, or is shown twice; None when it is shown once."""
    before, after = (_offset(local.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    if before == after:
        return None
    low, high = sorted((local - before, local - after))  # as UTC: the change lies between, behind `low`
    seconds = range(1, (high - low) // _SECOND)
    passed = bisect_left(seconds, x=True, key=lambda s: _offset((low + s * _SECOND).replace(tzinfo=UTC).astimezone(zone)) == after)
    instant = (low + (passed + 1) * _SECOND).replace(microsecond=0, tzinfo=UTC)
    at = instant.replace(tzinfo=None)
    return Change(instant, at + min(before, after), at + max(before, after), is_gap=after > before)


def showing(zone: ZoneInfo, local: datetime, fold: int = 0) -> datetime:
    """Return when the clocks show `local` (naive), for the first (`fold` 0) or the last time (1), in UTC.

    A time that is never shown counts as the moment at which the clocks are put over it.
    """
    change = change_over(zone, local)
    if change is not None and change.is_gap:
        return change.instant
    return local.replace(tzinfo=zone, fold=fold).astimezone(UTC)


def shown_until(zone: ZoneInfo, now: datetime, fold: int = 0) -> datetime:
    """Return the latest local time (naive) that by `now` was shown for the first (`fold` 0) or for the last time (1)."""
    local = now.astimezone(zone)
    naive = local.replace(tzinfo=None, fold=0)
    change = change_over(zone, naive)
    if change is None or local.fold == fold:
        return naive
    return (change.low if fold else change.high) - timedelta.resolution


def _offset(moment: datetime) -> timedelta:
    offset = moment.utcoffset()
    assert offset is not None, "a zone always knows its offset"
    return offset
