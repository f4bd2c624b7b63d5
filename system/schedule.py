"""When is something due? The schedule grammar: `every N`, `at E,E,...` in UTC, and `cron M H D MON DOW [in ZONE]`.

E is `HH:MM` (daily), `*-HH:MM` (daily too) or `D-HH:MM` with D = 0 Monday .. 6 Sunday. N is in seconds. ZONE is an IANA name, UTC where
it is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from system.errors import ScheduleError

_EVENT = re.compile(r"(?:(?P<day>[0-6*])-)?(?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9])", re.ASCII)
_EVERY = re.compile(r"every +([0-9]+(?:\.[0-9]+)?)", re.ASCII)
_WEEK = timedelta(days=7)
LONGEST_S = 36_525 * 86_400  # of any duration: beyond a century the calendar's arithmetic would overflow


class Schedule(Protocol):
    """When something is due: `last_fire(now) <= now < next_fire(now)`, with no fire between them. Moments are aware; answers are in UTC."""

    @property
    def text(self) -> str:
        """The schedule as it was given."""

    def last_fire(self, now: datetime) -> datetime:
        """Return the latest fire at or before `now`."""

    def next_fire(self, now: datetime) -> datetime:
        """Return the earliest fire after `now`."""


@dataclass(frozen=True, slots=True)
class Every:
    """Due again and again, `seconds` apart. `text` is as it was given.

    That names no moments: whoever repeats by it counts from its own last time. As moments it holds nothing back, so any moment is one.
    """

    text: str
    seconds: float

    def last_fire(self, now: datetime) -> datetime:
        """Return `now`."""
        return now.astimezone(UTC)

    def next_fire(self, now: datetime) -> datetime:
        """Return the moment that follows `now` at once."""
        return now.astimezone(UTC) + timedelta.resolution


@dataclass(frozen=True, slots=True)
class At:
    """Due at moments of the week. `minutes` are minutes since Monday 00:00 UTC, ascending; `text` is as it was given."""

    text: str
    minutes: tuple[int, ...]

    def last_fire(self, now: datetime) -> datetime:
        """Return the latest moment at or before `now`."""
        monday = _monday(now)
        since = [monday + timedelta(minutes=m) for m in self.minutes]
        past = [moment for moment in since if moment <= now]
        return past[-1] if past else since[-1] - _WEEK

    def next_fire(self, now: datetime) -> datetime:
        """Return the earliest moment after `now`."""
        monday = _monday(now)
        since = [monday + timedelta(minutes=m) for m in self.minutes]
        future = [moment for moment in since if moment > now]
        return future[0] if future else since[0] + _WEEK

    def count(self, after: datetime, until: datetime) -> int:
        """Return how many moments are in `(after, until]`."""
        return self._until(until) - self._until(after)

    def _until(self, moment: datetime) -> int:
        """Return how many moments there are from a certain Monday until `moment`."""
        monday = _monday(moment)
        passed = sum(monday + timedelta(minutes=m) <= moment for m in self.minutes)
        return monday.toordinal() // 7 * len(self.minutes) + passed


def parse_schedule(text: str) -> Schedule:
    """Return the schedule that `text` describes; raises ScheduleError, which names the text and the grammar."""
    words = text.strip()
    if words.split()[:1] == ["cron"]:
        from system.cron import parse_cron  # late: most have no such schedule

        return parse_cron(text)
    every = _EVERY.fullmatch(words)
    if every and 0 < float(every[1]) <= LONGEST_S:
        return Every(text, float(every[1]))
    if words.startswith("at "):
        events = [_EVENT.fullmatch(part.strip()) for part in words[3:].split(",")]
        if all(events):
            return At(text, tuple(sorted({minute for event in events if event for minute in _minutes(event)})))
    raise ScheduleError(
        f"{text!r} is not a schedule: write 'every SECONDS' (> 0, at most a century), 'at HH:MM,D-HH:MM,...'"
        " (D is 0 Monday .. 6 Sunday, or *), or 'cron M H D MON DOW in ZONE'"
    )


def _minutes(event: re.Match[str]) -> list[int]:
    day, minute = event["day"] or "*", int(event["hour"]) * 60 + int(event["minute"])
    days = range(7) if day == "*" else [int(day)]
    return [d * 1440 + minute for d in days]


def _monday(now: datetime) -> datetime:
    moment = now.astimezone(UTC)
    return moment.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=moment.weekday())
