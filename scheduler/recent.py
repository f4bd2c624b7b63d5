"""What happened in the last hour, minute by minute? Counted out of the turns that a desk follows, and of a bounded number before them.

Only turns are looked at: what a minute shows is what was decided in it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from db.model import Job, Turn
from db.store import Store
from scheduler.timetable import Timetable
from system.lifecycle import JOB_FINISHED, UOW_FINISHED, JobState

SPAN = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)
_AT_ONCE = 250  # turns of before that one question may read
_MOST = 30_000  # turns that are kept: 8 a second


@dataclass(frozen=True, slots=True)
class Minute:
    """What was decided in one minute: how many jobs were finished, by state, and how many units of work were open at the most."""

    at: datetime
    processed: int
    noop: int
    skipped: int
    open: int


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one turn came to; `more` is by how many the open units of work grew."""

    at: datetime
    processed: int
    noop: int
    skipped: int
    more: int


class Recent:
    """The turns of the last hour, as a few numbers each. Follows by `take`, looks back by `look_back`, a little at each call."""

    def __init__(self, table: Timetable) -> None:
        self.table = table
        self._seen: deque[_Seen] = deque(maxlen=_MOST)
        self._oldest = table.head  # the next turn to look back at
        self._is_whole = table.head == 0

    def take(self, turn: Turn, table: Timetable) -> None:
        """Take in a turn that was just made, `table` being the timetable before it."""
        self._seen.append(_seen(turn, sum(_is_open(job) - _is_open(table.before(job)) for job in turn.jobs)))

    def look_back(self, store: Store, now: datetime) -> None:
        """Read some turns of before, until all of the last hour are known. May raise Unavailable."""
        if self._is_whole:
            return
        low = max(0, self._oldest - _AT_ONCE)
        found = [turn for turn in store.turns_after(low, self._oldest - low) if turn.number <= self._oldest]
        room = _MOST - len(self._seen)  # without room nothing, or the oldest would push out the newest
        self._seen.extendleft(_seen(turn, _growth(turn)) for turn in reversed(found[max(0, len(found) - room) :]))
        self._oldest = low
        is_far = not found or found[0].decided_at < now - SPAN  # the rest is archived, or older than anybody asks for
        self._is_whole = low == 0 or is_far or len(self._seen) >= _MOST

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left to look back at."""
        return self._is_whole

    def known_from(self, now: datetime) -> datetime | None:
        """Return from when on all is known; None while nothing is."""
        if self._is_whole and len(self._seen) < _MOST:
            return now - SPAN
        return self._seen[0].at if self._seen else None

    def minutes(self, now: datetime) -> list[Minute]:
        """Return the last 60 minutes, the oldest first. How many units of work are open is known now, and counted back from
        there, as far as the turns are known: before that it is 0.
        """
        while self._seen and self._seen[0].at < now - SPAN - _MINUTE:
            self._seen.popleft()
        first = now.replace(second=0, microsecond=0) - 59 * _MINUTE
        slots: list[list[_Seen]] = [[] for _ in range(60)]
        for seen in self._seen:
            at = (seen.at - first) // _MINUTE
            if 0 <= at < 60:
                slots[at].append(seen)
        level = sum(_is_open(job) for job in self.table.active.values())
        found, known_from = [], self.known_from(now) or now
        for number in reversed(range(60)):
            begins = first + number * _MINUTE
            most = level if begins + _MINUTE > known_from else 0
            for seen in reversed(slots[number]):
                level = max(0, level - seen.more)
                most = max(most, level)
            found.append(_minute(begins, slots[number], most))
        return found[::-1]


def _minute(at: datetime, seen: Sequence[_Seen], most: int) -> Minute:
    return Minute(at, sum(s.processed for s in seen), sum(s.noop for s in seen), sum(s.skipped for s in seen), most)


def _seen(turn: Turn, more: int) -> _Seen:
    finished = [job.state for job in turn.jobs if job.state in JOB_FINISHED]
    counts = (finished.count(JobState.PROCESSED), finished.count(JobState.NOOP), finished.count(JobState.SKIPPED))
    return _Seen(turn.decided_at, *counts, more)


def _is_open(job: Job | None) -> bool:
    return job is not None and job.state not in JOB_FINISHED and job.uow_state is not None and job.uow_state not in UOW_FINISHED


def _growth(turn: Turn) -> int:
    """Return by how many the open units of work grew in a turn of which it is not known what was before it: a close guess."""
    opened = {uow.id for uow in turn.opened}
    ended = sum(1 for job in turn.jobs if job.run and job.uow_state in UOW_FINISHED and job.changed_at == turn.decided_at)
    return sum(1 for job in turn.jobs if job.uow_id in opened) - ended
