"""Was the demo run as promised? Judged by the marks of its jobs, its sinks and the store's records, by rules of its own.

Nothing here asks the product who waits for whom: a period's id without its trailing zeros begins the ids of all that lies inside it.
Each function returns breaches as texts, empty where all is well.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

from db.store import Store
from system.lifecycle import JOB_FINISHED, JobState, UowState
from tests.support.flights_work import Given, close_all

PREFIX = {"yearly": 4, "monthly": 6, "daily": 8, "hourly": 10}
LEVELS = {
    "flights": ("hourly", "daily", "monthly", "yearly"),
    "weather": ("hourly", "daily"),
    "delays": ("daily", "monthly"),
}
JobKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Mark:
    """What an attempt said of itself."""

    what: str
    job: JobKey
    fence: int
    pid: int
    at_s: float


def mark_of(line: str) -> Mark:
    """Return a line of `marks.txt` as a value."""
    what, job, fence, pid, at_s = line.split()
    process, _, timeperiod = job.partition("/")
    return Mark(what, (process, timeperiod), int(fence), int(pid), float(at_s))


def jobs_until(end: str) -> list[JobKey]:
    """Return every job of the demo before the hour `end`, inputs first, counted from the calendar alone."""
    first, last = datetime(2013, 1, 1, tzinfo=UTC), datetime.strptime(end, "%Y%m%d%H").replace(tzinfo=UTC)
    hours = [f"{first + timedelta(hours=n):%Y%m%d%H}" for n in range(int((last - first).total_seconds()) // 3600)]
    periods = {level: list(dict.fromkeys(hour[:length].ljust(10, "0") for hour in hours)) for level, length in PREFIX.items()}
    order = [("flights", "hourly"), ("weather", "hourly"), ("flights", "daily"), ("weather", "daily"), ("flights", "monthly")]
    order += [("flights", "yearly"), ("delays", "daily"), ("delays", "monthly")]
    return [(f"{tree}_{level}", period) for tree, level in order for period in periods[level]]


def inputs_of(job: JobKey) -> Iterator[tuple[str, str]]:
    """Yield process and beginning of the id of all that must have ended before `job` starts, indirect inputs too."""
    tree, _, level = job[0].partition("_")
    length = PREFIX[level]
    finer = [(tree, other) for other in LEVELS[tree] if PREFIX[other] > length]
    if tree == "delays":
        finer += [(other, each) for other in ("flights", "weather") for each in LEVELS[other] if PREFIX[each] >= length]
    for other_tree, other in finer:
        yield f"{other_tree}_{other}", job[1][:length]


def out_of_order(marks: Iterable[Mark]) -> list[str]:
    """Return the jobs that started before one of their inputs had ended for good, and those whose input never ended."""
    started: dict[JobKey, float] = {}
    last: dict[str, dict[str, tuple[float, str]]] = defaultdict(dict)
    for mark in marks:
        if mark.what == "start":
            started.setdefault(mark.job, mark.at_s)
        process, period = mark.job
        # The latest word of any attempt, also of one that was killed: nothing of an input may stir once its user runs.
        for length in PREFIX.values():
            known = last[process].get(period[:length], (0.0, ""))
            last[process][period[:length]] = max(known, (mark.at_s, f"{mark.what} of {period}"))
    found = []
    for job, at_s in started.items():
        for process, beginning in inputs_of(job):
            if beginning not in last[process]:
                found.append(f"{job} ran without {process} {beginning}*")
            elif last[process][beginning][0] > at_s:
                found.append(f"{job} started before the {last[process][beginning][1]} in {process}")
    return found


def without_end(marks: Iterable[Mark], jobs: Iterable[JobKey]) -> list[JobKey]:
    """Return the jobs of which no attempt ran to its end."""
    ended = {mark.job for mark in marks if mark.what == "end"}
    return [job for job in jobs if job not in ended]


def overlaps(marks: Iterable[Mark]) -> list[str]:
    """Return the attempts that ran beside another one at the same period: found out by the lock, or by a slot that ran one fence twice."""
    seen = list(marks)
    twice = Counter((mark.job, mark.fence) for mark in seen if mark.what == "start")
    return [f"{mark.job} fence {mark.fence}" for mark in seen if mark.what == "overlap"] + [
        f"{job} fence {fence} started {count} times" for (job, fence), count in twice.items() if count > 1
    ]


def not_once(marks: Iterable[Mark], jobs: Iterable[JobKey]) -> list[str]:
    """Return the jobs that did not start and end exactly once, which is what an undisturbed run owes."""
    count = Counter((mark.what, mark.job) for mark in marks)
    odd = {what for what, _ in count} - {"start", "end"}
    times = {job: (count["start", job], count["end", job]) for job in jobs}
    found = [f"{job}: {starts} starts, {ends} ends" for job, (starts, ends) in times.items() if (starts, ends) != (1, 1)]
    return found + [f"a mark says {what}" for what in odd]


def not_finished_once(store: Store, jobs: list[JobKey], written: Mapping[JobKey, tuple[int, int]]) -> list[str]:
    """Return what is wrong with the records: a job that is not finished, or more than once; a unit of work that is not;
    a result in the sink that is not from the very attempt whose outcome was counted.
    """
    settled: Counter[JobKey] = Counter()
    opened: dict[JobKey, list[str]] = defaultdict(list)
    states: dict[JobKey, JobState] = {}
    number = 0
    while batch := store.turns_after(number, 500):
        number = batch[-1].number
        for turn in batch:
            for uow in turn.opened:
                opened[uow.process, uow.timeperiod].append(uow.id)
            for job in turn.jobs:
                key = job.process, job.timeperiod
                settled[key] += job.state in JOB_FINISHED and states.get(key) not in JOB_FINISHED
                states[key] = job.state
    found = [f"{job.process} {job.timeperiod} is {job.state.label}" for job in store.active_jobs()]
    found += [f"{key} is not of the demo" for key in states.keys() - set(jobs)]
    for key in jobs:
        if settled[key] != 1 or len(opened[key]) != 1 or states[key] not in (JobState.PROCESSED, JobState.NOOP):
            found.append(f"{key}: settled {settled[key]} times, {states.get(key)}, units of work {opened[key]}")
    return found + list(_odd_results(store, {uow_id: key for key, ids in opened.items() for uow_id in ids}, written))


def _odd_results(store: Store, opened: Mapping[str, JobKey], written: Mapping[JobKey, tuple[int, int]]) -> Iterator[str]:
    ids = list(opened)
    for at in range(0, len(ids), 500):
        for uow in store.uows(ids[at : at + 500]):
            fence, rows = written.get(opened[uow.id], (0, -1))
            if uow.state is not (UowState.PROCESSED if rows else UowState.NOOP) or (uow.rows or 0, uow.fence) != (rows, fence):
                yield f"{uow.id} is {uow.state} with fence {uow.fence} and {uow.rows} rows, the sink has fence {fence} and {rows} rows"


def expect(end: str, source: Path, folder: Path) -> Path:
    """Return a sink filled by calling each job of the slice once, without Horarium: what every run must come to."""
    (folder / "source.sqlite").symlink_to(source.resolve())
    for process, timeperiod in jobs_until(end):
        tree, _, level = process.partition("_")
        getattr(import_module(f"examples.flights.jobs.{tree}"), level)(Given(process, timeperiod, folder))
    close_all(folder)
    return folder / "sink.sqlite"
