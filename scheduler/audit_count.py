"""How much of what finished lately is not as it should be? Counted every minute by the scheduler that leads, out of new turns alone.

The answer needs nothing that lives in memory only: whoever takes the lead counts the same turns again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from db.model import Job, Turn
from db.store import Store
from scheduler.audit import MISSING, ORDER, OVERLAP, TWICE, Finding, out_of_order, overlaps, ran_twice, wrong_record
from scheduler.job_uows import uows_of
from system.context import Context
from system.lifecycle import JOB_FINISHED

EVERY_S, PAUSE_S = 60.0, 0.02
WINDOW = timedelta(hours=24)
FACT = "audit"
# What is held at once: a turn may have thousands of jobs. A look takes so many turns, or as many as have so many jobs.
_TURNS_AT_ONCE, _JOBS_AT_ONCE, _TURNS_A_LOOK = 4, 500, 64
_MINUTE_S = 60
_COUNTED = (MISSING, TWICE, OVERLAP, ORDER)
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Counted:
    """What the last count came to: of `finished` periods that finished since `since`, how many findings there are of each kind.

    `first` names some of them, each as `process period: kind`.
    """

    at: datetime
    since: datetime
    finished: int
    counts: Mapping[str, int]
    first: tuple[str, ...] = ()


class AuditCount:
    """Counts, a page of turns at a time. `fact` is what the session tells of it, empty before the first count is done.

    It serves one session after another of its process, each with its own `context`.
    """

    def __init__(self, store: Store, context: Context, window: timedelta = WINDOW) -> None:
        self.context = context
        self._window = window
        self._store = store
        self._cursor: int | None = None
        self._counted_to: datetime | None = None
        self._finished: Counter[int] = Counter()  # by the minute
        self._found: dict[tuple[str, str, str], tuple[datetime, Finding]] = {}
        self.fact = ""

    def turn(self, now: datetime) -> float:
        """Look at the next turns; returns after how many seconds to look again. Raises Unavailable: nothing is forgotten then."""
        projected = self._store.projected_turn()
        cursor = self._begin(projected, now - self._window)
        jobs = turns = 0
        while jobs < _JOBS_AT_ONCE and turns < _TURNS_A_LOOK:
            found = [turn for turn in self._store.turns_after(cursor, _TURNS_AT_ONCE) if turn.number <= projected]
            self._judge(found)
            for turn in found:
                self._count(turn)
                cursor = self._cursor = turn.number
            jobs, turns = jobs + sum(len(turn.jobs) for turn in found), turns + len(found)
            if len(found) < _TURNS_AT_ONCE:
                self._tell(now)
                return EVERY_S
        return PAUSE_S

    def _begin(self, projected: int, since: datetime) -> int:
        """Return the turn to go on behind. Where all that was counted is too old by now, or of another past, this begins anew."""
        is_old = self._counted_to is not None and self._counted_to < since
        if self._cursor is not None and (is_old or projected < self._cursor):
            self._cursor = self._counted_to = None
            self._finished.clear()
            self._found.clear()
        if self._cursor is None:
            self._cursor = self._first_turn(since)
        return self._cursor

    def _count(self, turn: Turn) -> None:
        self._counted_to = turn.decided_at
        if count := sum(job.state in JOB_FINISHED for job in turn.jobs):
            self._finished[int(turn.decided_at.timestamp() // _MINUTE_S)] += count

    def _first_turn(self, since: datetime) -> int:
        """Return the last turn that was decided before `since`: halving, as turns come in the order of their times."""
        low, high = 0, self._store.projected_turn()
        while low < high:
            middle = (low + high) // 2
            found = self._store.turns_after(middle, 1)
            if found and found[0].decided_at < since:
                low = max(middle + 1, found[0].number)
            else:
                high = middle
        return low

    def _judge(self, turns: Iterable[Turn]) -> None:
        """Look at what finished in `turns`, as it was then, and at the records that there are of it now."""
        by_process: dict[str, list[tuple[datetime, Job]]] = {}
        for turn in turns:
            for job in turn.jobs:
                if job.state in JOB_FINISHED and job.process in self.context.managed:
                    by_process.setdefault(job.process, []).append((turn.decided_at, job))
        for process, jobs in by_process.items():
            is_archived = self._store.floor(process).generation > 0
            for first in range(0, len(jobs), _JOBS_AT_ONCE):
                self._judge_jobs(process, jobs[first : first + _JOBS_AT_ONCE], is_archived=is_archived)

    def _judge_jobs(self, process: str, jobs: Sequence[tuple[datetime, Job]], *, is_archived: bool) -> None:
        is_live = self.context.managed[process].is_live
        records = {job.timeperiod: job for job in self._store.jobs(process, [job.timeperiod for _, job in jobs])}
        uows = uows_of(self._store, [job for _, job in jobs])
        for at, job in jobs:
            own, record = uows.get(job.timeperiod, []), records.get(job.timeperiod)
            is_older = record is None or record.turn < job.turn
            lost = wrong_record(process, job.timeperiod, job.state, None, is_archived=is_archived) if is_older else None
            found = [lost, out_of_order(job), ran_twice(job, own, is_live=is_live), *overlaps(own)]
            for finding in [each for each in found if each]:
                self._found[process, job.timeperiod, finding.kind] = at, finding

    def _tell(self, now: datetime) -> None:
        since = now - self._window
        first = int(since.timestamp() // _MINUTE_S)
        self._finished = Counter({minute: count for minute, count in self._finished.items() if minute >= first})
        self._found = {key: (at, finding) for key, (at, finding) in self._found.items() if at >= since}
        counts = {kind: sum(key[2] == kind for key in self._found) for kind in _COUNTED}
        facts = {
            "at": now.isoformat(),
            "since": since.isoformat(),
            "finished": self._finished.total(),
            "counts": counts,
            "first": [f"{process} {timeperiod}: {kind}" for process, timeperiod, kind in list(self._found)[:_SHOWN]],
        }
        self.fact = json.dumps(facts)


def counted(facts: Mapping[str, str]) -> Counted | None:
    """Return what a session's facts tell of the last count, None where they tell nothing of one."""
    if not facts.get(FACT):
        return None
    told = json.loads(facts[FACT])
    at, since = datetime.fromisoformat(told["at"]), datetime.fromisoformat(told["since"])
    return Counted(at, since, told["finished"], told["counts"], tuple(told["first"]))
