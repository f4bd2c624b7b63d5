"""What does a large deployment's store hold beside its history? Workers and boxes, work under way in every condition, commands, entries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from db.entries import Entry, Run
from db.model import Answer, Command, CommandState, Event, Job, Outcome, OutputPiece, Session, UnitOfWork
from db.model_boxes import BoxChild, BoxReport, BoxWish
from db.store import Store
from scheduler.timetable import id_of
from system.context import FreerunProcess, ManagedProcess
from system.lifecycle import JobState, UowEvent, UowState

BOXES = tuple(f"box-{n:02}" for n in range(1, 11))
WORKERS_OF_A_BOX = 4
BROKEN = "ValueError: area table has no column 'carrier'"
_LINES = "".join(f"2026-06-15 12:29:{n % 60:02} read {n * 1000} rows of the source\n" for n in range(200))


def crew(now: datetime) -> list[Session]:
    """Return the sessions that are open: a scheduler, ten supervisors, forty workers."""
    since = now - timedelta(days=9)
    found = [Session("scheduler-box-01", "scheduler", BOXES[0], 100, 1.0, since, beat=7)]
    found += [Session(f"supervisor-{box}", "supervisor", box, 90, 1.0, since, beat=7) for box in BOXES]
    for n in range(len(BOXES) * WORKERS_OF_A_BOX):
        box = BOXES[n // WORKERS_OF_A_BOX]
        found.append(Session(f"worker-{n:02}", "worker", box, 200 + n, 1.0, since, beat=7, slots=4, facts={"running": "1"}))
    return found


@dataclass(frozen=True)
class UnderWay:
    """Jobs of one process that have begun, with their units of work, and what a worker then did to these."""

    jobs: tuple[Job, ...]
    uows: tuple[UnitOfWork, ...]
    claims: tuple[str, ...]
    failing: tuple[str, ...]
    session: str
    at: datetime

    def act(self, store: Store) -> None:
        """Let the worker claim, print, and fail at some."""
        won = {uow.id: uow for uow in store.claim(self.claims, self.session, self.at)}
        failures = [Outcome(i, self.session, won[i].fence, UowEvent.FAILED, self.at, failures=3, reason=BROKEN) for i in self.failing]
        store.finish(failures)
        store.append_output([OutputPiece(uow_id, 1, 0, _LINES) for uow_id in self.claims])


def under_way(process: ManagedProcess, low: int, turn: int, now: datetime, worker: Session) -> UnderWay:
    """Return the first six unfinished periods of a process: two run, one is requested, one fails, one is held, one waits for nobody."""
    ids = [id_of(process.qualifier, ordinal) for ordinal in range(low, low + 6)]
    at, began = now - timedelta(hours=2), now - timedelta(minutes=20)
    running, requested, invalid = UowState.IN_PROGRESS, UowState.REQUESTED, UowState.INVALID
    base = [Job(process.name, period, JobState.IN_PROGRESS, at, turn, run=1, uow_state=requested, opened_turn=turn) for period in ids]
    jobs = (
        replace(base[0], uow_state=running), replace(base[1], uow_state=running), base[2],
        replace(base[3], uow_state=invalid, failures=3, failing_since=at, retry_at=now + timedelta(minutes=9), reason=BROKEN),
        replace(base[4], uow_state=invalid, failures=3, failing_since=at, held=f"failed for good: {BROKEN}", reason=BROKEN),
        Job(process.name, ids[5], JobState.EMBRYO, at, turn, held="held by ann: the source is being moved"),
    )  # fmt: skip
    uows = tuple(
        UnitOfWork(job.uow_id, job.process, job.timeperiod, process.queue, job.timeperiod, job.timeperiod, at, turn) for job in jobs[:5]
    )
    claims = tuple(uows[n].id for n in (0, 1, 3, 4))
    return UnderWay(jobs, uows, claims, (uows[3].id, uows[4].id), worker.id, began)


def events_of(jobs: Sequence[Job], turn: int, now: datetime) -> Iterator[Event]:
    """Yield a few events of each job."""
    for job in jobs:
        for place in range(3):
            yield Event(job.process, job.timeperiod, turn, place, now - timedelta(hours=3 - place), ("hold", "release", "reprocess")[place],
                        "ann", "the source came late")  # fmt: skip


def commands(now: datetime, processes: Sequence[str], count: int = 1_000) -> Iterator[Command]:
    """Yield what operators asked for in the last weeks."""
    for n in range(count):
        verb = ("reprocess", "skip", "hold", "release")[n % 4]
        yield Command(verb, processes[n * 4 % len(processes)], f"202605{n % 28 + 1:02}00", ("ann", "ben", "cleo")[n % 3],
                      f"late rows of delivery {n}", now - timedelta(minutes=30 * (count - n)))  # fmt: skip


def answer_to(command: Command) -> Answer:
    """Return how the engine answered."""
    if command.number % 7 == 0:
        return Answer(command.number, CommandState.REFUSED, "too late: processed")
    return Answer(command.number, CommandState.DONE, "28 jobs")


def entries(context: Mapping[tuple[str, str], FreerunProcess], now: datetime, turn: int) -> Iterator[Entry]:
    """Yield the records of all freerun entries: some run, some fail, some were changed by an operator."""
    for n, (process, name) in enumerate(context):
        fire = f"{now - timedelta(minutes=n % 50):%Y%m%d%H%M%S}"
        is_bad = n % 10 == 0
        run = Run(fire, UowState.INVALID if is_bad else UowState.IN_PROGRESS, now, failures=2 * is_bad, reason=BROKEN if is_bad else "")
        yield Entry(
            process, name, turn, now - timedelta(minutes=n % 50), fired=100 + n, succeeded=90, failed=5, canceled=1, missed=n % 3,
            runs=(run,) if n % 5 == 0 else (), last_fire=fire, last_end="processed", ended_at=now - timedelta(minutes=n % 50),
        )  # fmt: skip


def fires_of(entry: Entry, queue: str, turn: int, count: int = 20) -> Iterable[UnitOfWork]:
    """Yield the units of work of an entry's last fires, all finished."""
    for n in range(1, count):
        at = entry.since - timedelta(days=n)
        fire = f"{at:%Y%m%d%H%M%S}"
        state = UowState.CANCELED if n % 9 == 0 else UowState.PROCESSED
        yield UnitOfWork(entry.uow_id(fire), entry.process, fire, queue, fire, fire, at, turn, state, 1, "worker-01",
                         rows=5, started_at=at, finished_at=at + timedelta(seconds=40), runs_as=entry.name)  # fmt: skip


def boxes(store: Store, now: datetime) -> None:
    """Say what the supervisors say: ten boxes with a scheduler on one and four workers on each, one of them in a crash loop."""
    reports, wishes = [], []
    for n, box in enumerate(BOXES):
        is_bad = n == 7
        children = tuple(
            BoxChild(f"worker.{k}", 0 if is_bad and k == 1 else 200 + 4 * n + k, 1.0, 0.3, 90_000_000, 5 * is_bad, is_bad and k == 1,
                     "ended with 1 five times in a row" if is_bad and k == 1 else "")
            for k in range(1, 1 + WORKERS_OF_A_BOX)
        )  # fmt: skip
        reports += [BoxReport(box, "worker", WORKERS_OF_A_BOX, now, f"supervisor-{box}", children)]
        if n < 2:
            reports += [BoxReport(box, "scheduler", 1, now, f"supervisor-{box}", (BoxChild("scheduler", 100, 1.0, 0.1, 70_000_000),))]
    wishes.append(BoxWish(BOXES[9], "worker", is_on=False, who="ben", why="the disk is replaced", given_at=now))
    store.put_box_reports(reports)
    store.put_box_wishes(wishes)
