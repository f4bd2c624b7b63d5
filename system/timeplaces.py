"""How is time cut on the heat map? A place is a text: 2013, 201311, 20131104, 2013110413, 201311041307 name what contains the columns.

The length of a text says what it is: a year, a month, a day, an hour, a minute, a second; the empty text is all of time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from system.errors import TimeperiodError
from system.timeperiod import Qualifier, parse

_FORMATS = {4: "%Y", 6: "%Y%m", 8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_STEPS = {8: timedelta(days=1), 10: timedelta(hours=1), 12: timedelta(minutes=1), 14: timedelta(seconds=1)}
# By the length of a place: what its columns are.
UNITS = {0: "years", 4: "months", 6: "days", 8: "hours", 10: "minutes", 12: "seconds"}


@dataclass(frozen=True, slots=True)
class Place:
    """A unit of time, `[start, end)`."""

    text: str
    start: datetime
    end: datetime

    @property
    def unit(self) -> str:
        """What its columns are."""
        return UNITS[len(self.text)]

    def columns(self) -> Iterator[Place]:
        """Yield the places inside this one, the next finer ones."""
        at = self.start
        while at < self.end:
            inside = _place(at, len(self.text) + 2)
            yield inside
            at = inside.end

    def ordinals(self, qualifier: Qualifier) -> range:
        """Return the periods that begin inside, or, where they are longer, the one that contains it. By dates, whatever the zone."""
        first = qualifier.ordinal_of(self.start)
        return range(first, max(first + 1, qualifier.ordinal_of(self.end)))

    def beside(self, steps: int) -> Place | None:
        """Return the place just after (1) or before (-1) this one; None at the end of the calendar."""
        try:
            return _place(self.end if steps > 0 else self.start - timedelta(seconds=1), len(self.text))
        except (OverflowError, ValueError):
            return None


def read(text: str) -> Place:
    """Return the place that `text` names, which is not empty; raises TimeperiodError."""
    layout = _FORMATS.get(len(text))
    try:
        if layout is None or not (text.isascii() and text.isdigit()):
            raise ValueError(text)
        return _place(datetime.strptime(text, layout).replace(tzinfo=UTC), len(text))
    except (ValueError, OverflowError):
        known = "2013, 201311, 20131104 or 2013110413"
        raise TimeperiodError(f"{text!r} is no place in time: use a year, month, day or hour such as {known}") from None


def years(first: int, last: int) -> list[Place]:
    """Return the years from `first` to `last`."""
    return [_place(datetime(year, 1, 1, tzinfo=UTC), 4) for year in range(first, last + 1)]


def _place(at: datetime, length: int) -> Place:
    start = _cut(at, length)
    if length == 4:
        end = start.replace(year=start.year + 1)
    elif length == 6:
        end = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    else:
        end = start + _STEPS[length]
    return Place(f"{start.year:04}{start:%m%d%H%M%S}"[:length], start, end)


def _cut(at: datetime, length: int) -> datetime:
    """Return when the place begins whose text has `length` letters and that contains `at`."""
    day = at.replace(month=at.month if length > 4 else 1, day=at.day if length > 6 else 1, microsecond=0)
    return day.replace(hour=at.hour if length > 8 else 0, minute=at.minute if length > 10 else 0, second=at.second if length > 12 else 0)


def periods(qualifier: Qualifier, text: str, until: str) -> range:
    """Return the periods `[text, until)` by their ordinals, each given as an id of this qualifier or else as a place.

    Without `until` those of `text` alone: one period, or all that begin inside a place. Raises TimeperiodError.
    """
    first = _span(qualifier, text)
    if not until:
        return first
    last = _exact(qualifier, until)
    if last is None:
        place = read(until)
        last = qualifier.ordinal_of(place.start)
        last += qualifier.start_of(last) < place.start  # a longer period that reaches over it is touched
    return range(first.start, last)


def _span(qualifier: Qualifier, text: str) -> range:
    exact = _exact(qualifier, text)
    return read(text).ordinals(qualifier) if exact is None else range(exact, exact + 1)


def _exact(qualifier: Qualifier, text: str) -> int | None:
    try:
        return parse(qualifier, text).ordinal
    except TimeperiodError:
        return None
