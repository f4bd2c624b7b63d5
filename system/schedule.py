"""When is something due? The schedule grammar: `every N` and `at E,E,...`, all in UTC.

E is `HH:MM` (daily), `*-HH:MM` (daily too) or `D-HH:MM` with D = 0 Monday .. 6 Sunday. N is in seconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from system.errors import ScheduleError

_EVENT = re.compile(r"(?:(?P<day>[0-6*])-)?(?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9])", re.ASCII)
_EVERY = re.compile(r"every +([0-9]+(?:\.[0-9]+)?)", re.ASCII)
_WEEK = timedelta(days=7)
_LONGEST_S = 36_525 * 86_400  # beyond a century the calendar's arithmetic would overflow


@dataclass(frozen=True, slots=True)
class Every:
    """Due again and again, `seconds` apart. `text` is as it was given."""

    text: str
    seconds: float


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


Schedule = Every | At


def parse_schedule(text: str) -> Schedule:
    """Return the schedule that `text` describes; raises ScheduleError, which names the text and the grammar."""
    words = text.strip()
    every = _EVERY.fullmatch(words)
    if every and 0 < float(every[1]) <= _LONGEST_S:
        return Every(text, float(every[1]))
    if words.startswith("at "):
        events = [_EVENT.fullmatch(part.strip()) for part in words[3:].split(",")]
        if all(events):
            return At(text, tuple(sorted({minute for event in events if event for minute in _minutes(event)})))
    raise ScheduleError(
        f"{text!r} is not a schedule: write 'every SECONDS' (> 0, at most a century) or 'at HH:MM,D-HH:MM,...'"
        " (D is 0 Monday .. 6 Sunday, or *)"
    )


def _minutes(event: re.Match[str]) -> list[int]:
    day, minute = event["day"] or "*", int(event["hour"]) * 60 + int(event["minute"])
    days = range(7) if day == "*" else [int(day)]
    return [d * 1440 + minute for d in days]


def _monday(now: datetime) -> datetime:
    moment = now.astimezone(UTC)
    return moment.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=moment.weekday())
