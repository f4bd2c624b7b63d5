"""When is a cron expression due, in its time zone? `cron M H D MON DOW [in ZONE]`, over every change of clocks.

cronsim reads the five fields and walks the calendar, as Debian's cron does. It is given local times without a zone only: what becomes of
them when clocks change is decided here, because its own walk from inside a repeated hour leads into the past.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from system.errors import ScheduleError, TimezoneError
from system.timezones import change_over, showing, shown_until, zone_named

_SECOND = timedelta(seconds=1)
_ANY_DAY = datetime(2000, 1, 1)  # noqa: DTZ001  local
_FIELDS = (
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of the month", "1 to 31, L (the last) or LW (the last weekday)"),
    ("month", "1 to 12 or JAN to DEC"),
    ("day of the week", "0 (Sunday) to 6, or SUN to SAT; 1#2 for the second Monday, 1L for the last"),
)


@dataclass(frozen=True, slots=True)
class Cron:
    """Due when the clocks of `zone` show a time that `fields` match. `text` is as it was given.

    Where minute or hour begin with a star it repeats through the day: it fires whenever the clocks show such a time, twice where they
    show it twice. Else it names times of the day, each of which fires once: the first time it is shown, or, where clocks are
    put forward over it, at that moment (once for all the times in that gap).
    """

    text: str
    fields: str
    zone: ZoneInfo

    def last_fire(self, now: datetime) -> datetime:
        """Return the latest moment at or before `now`; in UTC."""
        marks = {shown_until(self.zone, now, fold): fold for fold in self._folds()}
        return max(showing(self.zone, self._before(mark), fold) for mark, fold in marks.items())

    def next_fire(self, now: datetime) -> datetime:
        """Return the earliest moment after `now`; in UTC."""
        marks = {shown_until(self.zone, now, fold): fold for fold in reversed(self._folds())}
        return min(showing(self.zone, self._after(mark), fold) for mark, fold in marks.items())

    def _folds(self) -> tuple[int, ...]:
        """Which showings of a time count. Both orders of time ascend, so the nearest fire is the nearest of either order."""
        return (0, 1) if self._repeats() else (0,)

    def _repeats(self) -> bool:
        return any(field.startswith("*") for field in self.fields.split()[:2])

    def _after(self, local: datetime) -> datetime:
        """Return the first time after `local` that matches, and is shown if it must be."""
        found = self._walk(local)
        while self._repeats() and (change := change_over(self.zone, found)) and change.is_gap:
            found = self._walk(change.high - _SECOND)
        return found

    def _before(self, local: datetime) -> datetime:
        """Return the last time at or before `local` that matches, and is shown if it must be."""
        found = self._walk(local.replace(microsecond=0) + _SECOND, is_back=True)
        while self._repeats() and (change := change_over(self.zone, found)) and change.is_gap:
            found = self._walk(change.low, is_back=True)
        return found

    def _walk(self, local: datetime, *, is_back: bool = False) -> datetime:
        # cronsim gives up after 50 years. What fires at all (parse_cron) does so within 40: a 29 February on a given day of the week.
        return next(CronSim(self.fields, local, reverse=is_back))


def parse_cron(text: str) -> Cron:
    """Return the schedule that `text` describes; raises ScheduleError, which names the text and what is wrong with it."""
    words = text.split()[1:]
    fields, rest = (words[: words.index("in")], words[words.index("in") :]) if "in" in words else (words, ["in", "UTC"])
    if len(fields) != len(_FIELDS) or len(rest) != 2:
        raise _refusal(text, f"write 'cron' and five fields ({', '.join(name for name, _ in _FIELDS)}), then 'in ZONE' or nothing")
    for at, (name, known) in enumerate(_FIELDS):
        alone = ["*"] * at + [fields[at]] + ["*"] * (len(_FIELDS) - at - 1)
        if not _is_legible(" ".join(alone)):
            raise _refusal(text, f"its {name} {fields[at]!r} can't be read: write *, or {known}, or a list 1,2, range 1-5 or step */2")
    try:
        zone = zone_named(rest[1])
    except TimezoneError as error:
        raise _refusal(text, str(error)) from error
    if not _fires(" ".join(fields)):
        day, month, weekday = fields[2:]
        raise _refusal(text, f"it would never fire: no date is in month {month}, on day of the month {day} and day of the week {weekday}")
    return Cron(text, " ".join(fields), zone)


def _is_legible(fields: str) -> bool:
    try:
        CronSim(fields, _ANY_DAY)
    except (CronSimError, ValueError):  # a number of thousands of digits is a ValueError
        return False
    return True


def _fires(fields: str) -> bool:
    """Return whether any day matches; cronsim looks through 50 years, and weekdays come back to the same dates after 28."""
    return _is_legible(fields) and next(CronSim(fields, _ANY_DAY), None) is not None


def _refusal(text: str, why: str) -> ScheduleError:
    return ScheduleError(f"{text!r} is not a schedule: {why}")
