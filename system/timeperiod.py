"""What is one interval of a timetable, and how do its id, its number and its bounds go together?

A qualifier is one entry of `QUALIFIERS`: to add one (minutes, weeks, quarters) add its entry here and nowhere else.
Ordinals count from a fixed calendar origin, 0001-01-01 00:00 UTC, so they never depend on what is configured.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from system.errors import TimeperiodError

# What is reckoned from a period's bounds (its group, lag, deadline, whoever uses it) goes on for up to a century or two, and has to
# stay inside the calendar: so no process begins in a later year.
LAST_YEAR = 9_799
_SECONDS_A_DAY = 86_400
_ID = re.compile(r"[0-9]+", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Qualifier:
    """One granularity of time.

    `fineness` orders qualifiers, coarser first. `chunk_of` maps an ordinal to the number of the enclosing unit whose states are
    stored together, `chunk_start` maps that number back to its first ordinal.
    """

    fineness: int
    name: str = field(compare=False)
    pattern: str = field(compare=False)
    template: str = field(compare=False)
    ordinal_of: Callable[[datetime], int] = field(compare=False, repr=False)
    start_of: Callable[[int], datetime] = field(compare=False, repr=False)
    chunk_of: Callable[[int], int] = field(compare=False, repr=False)
    chunk_start: Callable[[int], int] = field(compare=False, repr=False)

    @property
    def noun(self) -> str:
        """The name without its underscore, such as `hourly`."""
        return self.name.lstrip("_")


def _second(moment: datetime) -> int:
    return moment.toordinal() * _SECONDS_A_DAY + moment.hour * 3600 + moment.minute * 60 + moment.second


def _hour(moment: datetime) -> int:
    return moment.toordinal() * 24 + moment.hour


def _month(moment: datetime) -> int:
    return moment.year * 12 + moment.month - 1


def _start_of_second(ordinal: int) -> datetime:
    days, seconds = divmod(ordinal, _SECONDS_A_DAY)
    return _start_of_day(days) + timedelta(seconds=seconds)


def _start_of_hour(ordinal: int) -> datetime:
    days, hour = divmod(ordinal, 24)
    return _start_of_day(days).replace(hour=hour)


def _start_of_day(ordinal: int) -> datetime:
    day = date.fromordinal(ordinal)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _start_of_month(ordinal: int) -> datetime:
    return datetime(ordinal // 12, ordinal % 12 + 1, 1, tzinfo=UTC)


def _start_of_year(ordinal: int) -> datetime:
    return datetime(ordinal, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=4096)
def _month_of_hour(ordinal: int) -> int:
    return _month(_start_of_day(ordinal // 24))


QUALIFIERS: dict[str, Qualifier] = {
    q.name: q
    for q in (
        Qualifier(
            50, "_real_time", "YYYYMMDDHHMMSS", "{0:04}{1:02}{2:02}{3:02}{4:02}{5:02}", _second, _start_of_second,
            chunk_of=lambda n: n // 3600, chunk_start=lambda chunk: chunk * 3600,
        ),
        Qualifier(
            40, "_hourly", "YYYYMMDDHH", "{0:04}{1:02}{2:02}{3:02}", _hour, _start_of_hour,
            chunk_of=_month_of_hour, chunk_start=lambda chunk: _start_of_month(chunk).toordinal() * 24,
        ),
        Qualifier(
            30, "_daily", "YYYYMMDD00", "{0:04}{1:02}{2:02}00", date.toordinal, _start_of_day,
            chunk_of=lambda n: date.fromordinal(n).year, chunk_start=lambda chunk: date(chunk, 1, 1).toordinal(),
        ),
        Qualifier(
            20, "_monthly", "YYYYMM0000", "{0:04}{1:02}0000", _month, _start_of_month,
            chunk_of=lambda n: n // 12, chunk_start=lambda chunk: chunk * 12,
        ),
        Qualifier(
            10, "_yearly", "YYYY000000", "{0:04}000000", lambda moment: moment.year, _start_of_year,
            chunk_of=lambda n: n // 100, chunk_start=lambda chunk: chunk * 100,
        ),
    )
}

REAL_TIME, HOURLY, DAILY, MONTHLY, YEARLY = (QUALIFIERS[n] for n in ("_real_time", "_hourly", "_daily", "_monthly", "_yearly"))


@dataclass(frozen=True, slots=True, order=True)
class Timeperiod:
    """One interval `[start, end)`: a qualifier and the interval's number since the calendar's origin. Orders by time inside a qualifier."""

    qualifier: Qualifier
    ordinal: int

    @property
    def id(self) -> str:
        """The interval's id in its qualifier's format, such as `2024010107`."""
        s = self.start
        return self.qualifier.template.format(s.year, s.month, s.day, s.hour, s.minute, s.second)

    @property
    def start(self) -> datetime:
        """The instant at which the interval opens, aware, in UTC."""
        return start_of(self.qualifier, self.ordinal)

    @property
    def end(self) -> datetime:
        """The instant at which the interval has ended (excluded), aware, in UTC."""
        return start_of(self.qualifier, self.ordinal + 1)

    def shift(self, steps: int) -> Timeperiod:
        """Return the interval `steps` later (earlier when negative); raises TimeperiodError where the calendar has no such interval."""
        moved = Timeperiod(self.qualifier, self.ordinal + steps)
        moved.start, moved.end  # noqa: B018  refuses what `parse` would refuse: the calendar must be able to name both bounds
        return moved

    def within(self, qualifier: Qualifier) -> Timeperiod:
        """Return the coarser (or equal) interval that contains this one; raises TimeperiodError for a finer qualifier."""
        if qualifier.fineness > self.qualifier.fineness:
            raise TimeperiodError(f"{self} is {self.qualifier.noun}: no single {qualifier.noun} timeperiod contains it")
        return Timeperiod(qualifier, qualifier.ordinal_of(self.start))

    def inside(self, qualifier: Qualifier) -> range:
        """Return the ordinals of the finer (or equal) intervals inside this one, in order."""
        if qualifier.fineness < self.qualifier.fineness:
            raise TimeperiodError(f"{self} is {self.qualifier.noun}: it holds no {qualifier.noun} timeperiods")
        return range(qualifier.ordinal_of(self.start), qualifier.ordinal_of(self.end))

    def __str__(self) -> str:
        return self.id


def start_of(qualifier: Qualifier, ordinal: int) -> datetime:
    """Return when interval number `ordinal` opens, aware, in UTC; raises TimeperiodError outside years 1 to 9999."""
    try:
        return qualifier.start_of(ordinal)
    except (ValueError, OverflowError):
        raise TimeperiodError(f"{qualifier.noun} timeperiod number {ordinal} lies outside years 1 to 9999") from None


def parse(qualifier: Qualifier, text: str) -> Timeperiod:
    """Return the interval that `text` names; raises TimeperiodError, which names the id, the qualifier and the format.

    Only the exact id is taken: `2024010100` is an hour for `_hourly` and a day for `_daily`, `2024010107` no day.
    """
    period = _read(qualifier, text)
    if period is None or period.id != text:
        raise TimeperiodError(
            f"{text!r} is no {qualifier.noun} timeperiod: the format is {qualifier.pattern}, such as {_example(qualifier)}"
        )
    return period


def completed(qualifier: Qualifier, text: str) -> str:
    """Return an id that a person wrote without the zeros which its format ends with, such as `20130104` for a day, with them.

    Whatever is longer or shorter than that is returned as it is, for `parse` to refuse.
    """
    is_short = len(text) == len(qualifier.pattern.rstrip("0"))
    return text.ljust(len(qualifier.pattern), "0") if is_short else text


def containing(qualifier: Qualifier, moment: datetime) -> Timeperiod:
    """Return the interval that contains `moment` (aware); an interval contains its start and not its end."""
    return Timeperiod(qualifier, qualifier.ordinal_of(moment.astimezone(UTC)))


def qualifier_named(name: str) -> Qualifier:
    """Return the qualifier called `name`, such as `_hourly`; raises TimeperiodError that lists the known ones."""
    try:
        return QUALIFIERS[name]
    except KeyError:
        raise TimeperiodError(f"{name!r} is not a time qualifier: use one of {', '.join(QUALIFIERS)}") from None


def _read(qualifier: Qualifier, text: str) -> Timeperiod | None:
    if len(text) != len(qualifier.pattern) or not _ID.fullmatch(text):
        return None
    year, month, day, hour, minute, second = (int(text[a:b] or 0) for a, b in ((0, 4), (4, 6), (6, 8), (8, 10), (10, 12), (12, 14)))
    try:
        moment = datetime(year, month or 1, day or 1, hour, minute, second, tzinfo=UTC)
        period = Timeperiod(qualifier, qualifier.ordinal_of(moment))
        period.end  # noqa: B018  the last interval of year 9999 has no end that the calendar could name
    except (ValueError, TimeperiodError):
        return None
    return period


def _example(qualifier: Qualifier) -> str:
    return Timeperiod(qualifier, qualifier.ordinal_of(datetime(2015, 3, 14, 13, 27, 55, tzinfo=UTC))).id
