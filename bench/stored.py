"""Fills a store as a large deployment leaves it: 1,000 processes, 10,000,000 stored periods, and everything a page may have to show.

The chunks hold every period; jobs and units of work have records as far back as a deployment keeps them by default. Beside them there is
work under way in every condition (running, requested, failing, held, waiting, late), an hour of turns, commands, events, freerun entries,
workers on ten boxes with what they printed. It is always the same; its clock stands at NOW (`HORARIUM_TRIAL_CLOCK`).

    python -m bench.stored --folder FOLDER [--store URL] [--trees 250] [--days 60]
"""

from __future__ import annotations

import argparse
import os
import random
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from bench.rig import environment
from bench.stored_records import answer_to, boxes, commands, crew, entries, events_of, fires_of, under_way
from db.model import Chunk, Job, Session, Turn, UnitOfWork
from db.store import Store
from launcher.parts import Roof
from scheduler.registry import fit
from scheduler.timetable import States, id_of
from system.clock import ManualClock
from system.context import Context, ManagedProcess
from system.lanes import managed_queues
from system.lifecycle import JobState, UowState

NOW = datetime(2026, 6, 15, 12, 30, tzinfo=UTC)
DEFAULT_START = "2022010100"
BEHIND_EVERY = 5  # every fifth tree has work to do
BEHIND = timedelta(days=3)
TURNS = 1200  # in the last hour
_ENDS = (JobState.PROCESSED, JobState.NOOP, JobState.SKIPPED)
_UOW_STATES = {JobState.PROCESSED: UowState.PROCESSED, JobState.NOOP: UowState.NOOP, JobState.SKIPPED: UowState.CANCELED}


@dataclass(frozen=True)
class Size:
    """How large the store is to be: `days` is how far back jobs and units of work have records, `periods` (0: all) how many are stored."""

    trees: int = 250
    days: int = 60
    periods: int = 0


def settings_of(var: Path, size: Size, store_url: str = "") -> dict[str, str]:
    """Return the environment of the deployment, in folder `var`; its clock begins at NOW when a process of it starts."""
    extra = {
        "HORARIUM_TIMETABLE_START": DEFAULT_START, "HORARIUM_TRIAL_CLOCK": f"{NOW:%Y-%m-%dT%H:%M}@1", "HORARIUM_BOX": "box-01",
        "BENCH_TREES": str(size.trees), **({"HORARIUM_STORE_URL": store_url} if store_url else {}),
    }  # fmt: skip
    return environment(var, "stored_context.py", extra)


def roof_of(environ: Mapping[str, str]) -> Roof:
    """Return the roof over it, with a clock that stands still."""
    os.environ["BENCH_TREES"] = environ["BENCH_TREES"]  # the context is read in this process
    plain = {name: value for name, value in environ.items() if name != "HORARIUM_TRIAL_CLOCK"}
    return Roof(plain, given_clock=ManualClock(NOW))


def make(roof: Roof, size: Size) -> dict[str, int]:
    """Fill an empty store; returns what it holds."""
    Path(roof.settings.folder).mkdir(parents=True, exist_ok=True)
    with roof.joined() as parts:
        parts.broker.declare(managed_queues(roof.context))
        return Filler(parts.store, roof.context, size).fill()


class Filler:
    """Writes into one store, turn by turn."""

    def __init__(self, store: Store, context: Context, size: Size) -> None:
        self._store, self._context, self._size = store, context, size
        self._chance = random.Random(1)
        self._head = 0
        self._periods = self._records = 0
        self._states: dict[str, States] = {}
        self._recent: list[Job] = []

    def fill(self) -> dict[str, int]:
        """Write everything."""
        sessions = crew(NOW)
        for session in sessions:
            self._store.open_session(session)
        self._register()
        for process in self._context.managed.values():
            self._history(process)
        active = self._under_way([each for each in sessions if each.kind == "worker"])
        self._turns()
        self._commands()
        boxes(self._store, NOW)
        return {"processes": len(self._states), "periods": self._periods, "records": self._records, "active": active, "turns": self._head}

    def _commit(self, chunks: Iterable[Chunk] = (), *, at: datetime = NOW, **fields: Any) -> None:
        self._head += 1
        turn = Turn(self._head, "scheduler-box-01", at, **fields)
        self._store.insert_turn(turn)
        self._store.project(turn, list(chunks))

    def _register(self) -> None:
        at = NOW - timedelta(days=1600)
        found = list(entries(self._context.freerun, NOW, 1))
        fires = [uow for entry in found for uow in fires_of(entry, self._context.freerun[entry.key].queue, 1)]
        self._commit(at=at, registered=fit({}, self._context, DEFAULT_START, at, 1).rows, entries=tuple(found), opened=tuple(fires))

    def _history(self, process: ManagedProcess) -> None:
        """Write what is finished of a process: chunks for all of it, records for what is recent."""
        states = self._states[process.name] = States(process, DEFAULT_START)
        low = states.first
        high = states.due_end(NOW - BEHIND if is_behind(process.name) else NOW)
        if self._size.periods:
            low = max(low, high - max(1, self._size.periods // len(self._context.managed)))
        for ordinal, state in enumerate(self._chance.choices(_ENDS, (980, 19, 1), k=high - low), low):
            states[ordinal] = state
        self._periods += high - low
        records = max(low, states.calendar.containing(states.qualifier, NOW - timedelta(days=self._size.days)))
        jobs = tuple(self._job(states, ordinal) for ordinal in range(records, high))
        self._records += len(jobs)
        if not is_behind(process.name):
            self._recent += jobs[-24:] if process.name.endswith("_hourly") else jobs[-1:]
        chunk_of = states.qualifier.chunk_of
        chunks = [states.chunk(number, self._head) for number in range(chunk_of(low), chunk_of(high - 1) + 1)]
        self._store.project(Turn(self._head, "old", NOW, jobs, tuple(self._uow(process, job) for job in jobs)), chunks)

    def _job(self, states: States, ordinal: int) -> Job:
        state, ended = JobState(states[ordinal]), states.calendar.end(states.qualifier, ordinal)
        return Job(
            states.process.name, id_of(states.qualifier, ordinal), state, ended + timedelta(seconds=self._chance.uniform(5, 600)),
            self._head, run=1, fence=1, uow_state=_UOW_STATES[state], reason="operator" if state is JobState.SKIPPED else "",
        )  # fmt: skip

    def _uow(self, process: ManagedProcess, job: Job) -> UnitOfWork:
        began = job.changed_at - timedelta(seconds=self._chance.lognormvariate(2.5, 0.8))
        return UnitOfWork(
            job.uow_id, job.process, job.timeperiod, process.queue, job.timeperiod, job.timeperiod, began, self._head,
            job.uow_state or UowState.PROCESSED, 1, f"worker-{self._chance.randrange(40):02}", rows=self._chance.randrange(100_000),
            reason=job.reason, started_at=began, finished_at=job.changed_at,
        )  # fmt: skip

    def _under_way(self, workers: list[Session]) -> int:
        """Leave jobs in every condition behind, in the trees that have work to do; returns how many."""
        count = 0
        for process in self._context.managed.values():
            if not (is_behind(process.name) and process.name.endswith("_hourly")):
                continue
            states = self._states[process.name]
            low = states.due_end(NOW - BEHIND)
            turn = self._head + 1
            found = under_way(process, low, turn, NOW, workers[count % len(workers)])
            for ordinal, job in enumerate(found.jobs, low):
                states[ordinal] = job.state
            touched = {states.qualifier.chunk_of(ordinal) for ordinal in (low, low + len(found.jobs) - 1)}
            chunks = [states.chunk(number, turn) for number in touched]
            self._commit(chunks, jobs=found.jobs, opened=found.uows, events=tuple(events_of(found.jobs, turn, NOW)))
            found.act(self._store)
            count += len(found.jobs)
        return count

    def _turns(self) -> None:
        """Let what is recent have ended in the last hour, in one turn every few seconds."""
        each = max(1, -(-len(self._recent) // TURNS))
        step = timedelta(hours=1) / max(1, -(-len(self._recent) // each))
        at, waiting = NOW - timedelta(hours=1), iter(self._recent)
        while some := list(islice(waiting, each)):
            at += step
            self._commit(at=at, jobs=tuple(replace(job, turn=self._head + 1, changed_at=at) for job in some))

    def _commands(self) -> None:
        """Let operators have asked for much; the last three are not answered yet."""
        for command in commands(NOW, list(self._context.managed)):
            self._store.add_command(command)
        self._commit(answers=tuple(answer_to(command) for command in self._store.open_commands(10_000)[:-3]))


def is_behind(process: str) -> bool:
    """Return whether a process is of a tree that has work to do."""
    return int(process.split("_")[1]) % BEHIND_EVERY == 0


def main() -> None:
    """Fill a store and say what it holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="HORARIUM_VAR of the deployment")
    parser.add_argument("--store", default="", help="another store than SQLite in that folder")
    parser.add_argument("--trees", type=int, default=250, help="of four processes each")
    parser.add_argument("--periods", type=int, default=0, help="how many are stored, the latest; 0: all")
    parser.add_argument("--days", type=int, default=60, help="how far back jobs and units of work have records")
    given = parser.parse_args()
    size = Size(given.trees, given.days, given.periods)
    environ = settings_of(given.folder.absolute(), size, given.store)
    began = time.perf_counter()
    print(make(roof_of(environ), size), f"{time.perf_counter() - began:.0f} s")
    print(" ".join(f"{name}={value}" for name, value in environ.items() if name.startswith(("HORARIUM_", "BENCH_"))))


if __name__ == "__main__":
    main()
