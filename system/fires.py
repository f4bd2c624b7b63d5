"""At which moments does a freerun entry fire? A function of its schedule and its name, and of nothing that ever ran: so nothing drifts."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice

from system.schedule import At, Every, Schedule, parse_schedule

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
SHORTEST_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Fires:
    """The moments that `schedule` names for one entry, the same whoever asks, and however late.

    `every N` names them N seconds apart from a fixed moment on, which is `phase` after 1970 began.
    """

    schedule: Schedule
    step: timedelta
    phase: timedelta

    def after(self, moment: datetime) -> datetime:
        """Return the first fire after `moment`."""
        return self._every(moment, 1) if self.step else self.schedule.next_fire(moment)

    def last(self, moment: datetime) -> datetime:
        """Return the last fire at or before `moment`."""
        return self._every(moment, 0) if self.step else self.schedule.last_fire(moment)

    def coming(self, after: datetime, count: int) -> list[datetime]:
        """Return the first `count` fires after a moment."""
        found = []
        for _ in range(count):
            after = self.after(after)
            found.append(after)
        return found

    def latest(self, after: datetime, until: datetime, most: int) -> list[datetime]:
        """Return the fires in `(after, until]`, the last `most` of them, ascending."""
        return list(islice(self._back(after, until), most))[::-1]

    @property
    def is_walked(self) -> bool:
        """Whether fires can only be counted by going from one to the next, each of which costs as much as a decision."""
        return not self.step and not isinstance(self.schedule, At)

    def count(self, after: datetime, until: datetime, most: int) -> int:
        """Return how many fires are in `(after, until]`; where they are walked, counted up to `most`."""
        if self.step:
            return max(0, (self.last(until) - self.last(after)) // self.step)
        if isinstance(self.schedule, At):
            return max(0, self.schedule.count(after, until))
        return sum(1 for _ in islice(self._back(after, until), most))

    def _back(self, after: datetime, until: datetime) -> Iterator[datetime]:
        found = self.last(until)
        while found > after:
            yield found
            found = self.last(found - timedelta.resolution)

    def _every(self, moment: datetime, later: int) -> datetime:
        origin = _EPOCH + self.phase
        return origin + ((moment - origin) // self.step + later) * self.step


def fires_of(schedule: str, name: str) -> Fires:
    """Return the fires of the entry called `name`; raises ScheduleError.

    Entries of one schedule that is `every N` are spread over its seconds by their names: else ten thousand of them would fire at once.
    """
    parsed = _parsed(schedule)
    if not isinstance(parsed, Every):
        return Fires(parsed, timedelta(), timedelta())
    step = timedelta(seconds=parsed.seconds)
    phase = timedelta() if step % _SECOND else _SECOND * (zlib.crc32(name.encode()) % (step // _SECOND))
    return Fires(parsed, step, phase)


def fire_id(moment: datetime) -> str:
    """Return the id of a fire by its schedule, such as `20261121030000`; with microseconds where they are not 0."""
    at = moment.astimezone(UTC)
    return f"{at:%Y%m%d%H%M%S}" + (f"{at.microsecond:06}" if at.microsecond else "")


def trigger_id(moment: datetime, taken: str) -> str:
    """Return the id of a fire that somebody asked for: with milliseconds, so never that of one by schedule; later than `taken`."""
    at = moment.astimezone(UTC)
    found = f"{at:%Y%m%d%H%M%S}{at.microsecond // 1000:03}"
    if found > taken:
        return found
    return trigger_id(moment_of(taken) + timedelta(milliseconds=1), "")


def moment_of(fire: str) -> datetime:
    """Return the moment that a fire's id names; raises ValueError where it names none."""
    if not (len(fire) in (14, 17, 20) and fire.isascii() and fire.isdecimal()):
        raise ValueError(f"{fire!r} is no fire: write YYYYMMDDHHMMSS, as `launch.py freerun show` prints it")
    return datetime.strptime(fire[:14], "%Y%m%d%H%M%S").replace(microsecond=int(fire[14:].ljust(6, "0")), tzinfo=UTC)


@lru_cache(maxsize=4096)
def _parsed(schedule: str) -> Schedule:
    return parse_schedule(schedule)
