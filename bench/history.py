"""Does history cost anything? Rounds that settle 100 reports, with 10,000 and with 10,000,000 finished periods behind them.

Both stores are real SQLite files with a job, a unit of work and a chunk byte for each finished period; the rounds of both alternate in
one run, so that the ratio of their medians can be trusted. Then start-up: 100 processes with ten years of hours, finished and untouched.

    python -m bench.history [--periods 10000000] [--rounds 60]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing as mp
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from db.model import Chunk, Job, Outcome, Session, Turn, UnitOfWork
from db.store import Store
from db.urls import open_store
from mq.broker import Broker, Message
from mq.memory import MemoryBroker
from scheduler.engine import Engine
from scheduler.policy import SchedulerSettings
from scheduler.timetable import States
from system.clock import RealClock
from system.context import REPORT_QUEUE, Context, ManagedProcess, managed_context_entry, timetable_tree_entry
from system.lanes import managed_queues
from system.lifecycle import JobState, UowEvent, UowState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOURS_OF_TEN_YEARS = 87_672  # 2013 to 2022
RUN = uuid4().hex
SETTINGS = SchedulerSettings(sweep_s=3600.0, window_least=400)


def context(count: int) -> Context:
    """Return `count` processes of hours, from 2013 on; the years from 2023 are left to do."""
    processes = tuple(
        managed_context_entry(f"p{n}", "a.b", f"p{n}", "_hourly", start="2013010100", end="2026010100", lag_s=0.0) for n in range(count)
    )
    return Context(processes, {p.name: timetable_tree_entry(p.name, [p.name]) for p in processes})


def finished(process: ManagedProcess, count: int) -> Iterable[tuple[Chunk, list[Job], list[UnitOfWork]]]:
    """Yield the first `count` periods of a process as finished ones, chunk by chunk."""
    states, done = States(process, "2020010100"), UowState.PROCESSED
    low = states.first
    while low < states.first + count:
        number = states.qualifier.chunk_of(low)
        high = min(states.qualifier.chunk_start(number + 1), states.first + count)
        ids = [states.qualifier.template.format(s.year, s.month, s.day, s.hour) for s in map(states.qualifier.start_of, range(low, high))]
        jobs = [Job(process.name, i, JobState.PROCESSED, NOW, 1, run=1, fence=1, uow_state=done) for i in ids]
        uows = [
            UnitOfWork(f"{process.name}/{i}/1/1", process.name, i, process.queue, i, i, NOW, 1, done, 1, "old", rows=1, finished_at=NOW)
            for i in ids
        ]
        yield Chunk(process.name, number, states.qualifier.chunk_start(number), bytes([JobState.PROCESSED]) * (high - low), 1), jobs, uows
        low = high


def fill(store: Store, parts: Context, periods: int, *, with_records: bool = True) -> None:
    """Write `periods` finished periods, spread evenly over the processes."""
    store.insert_turn(Turn(1, "old", NOW))
    each = periods // len(parts.managed)
    for process in parts.managed.values():
        for chunk, jobs, uows in finished(process, min(each, HOURS_OF_TEN_YEARS)):
            turn = Turn(1, "old", NOW, tuple(jobs), tuple(uows)) if with_records else Turn(1, "old", NOW)
            store.project(turn, [chunk])


class Counted:
    """A store that counts the calls made to it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        self.calls[name] += 1
        return getattr(self.store, name)


class Side:
    """One engine over one store, with a worker that is nothing but its writes."""

    def __init__(self, file: Path, processes: int, periods: int) -> None:
        self.store = open_store(f"sqlite:///{file}")
        self.store.prepare()
        parts = context(processes)
        if not self.store.projected_turn():
            fill(self.store, parts, periods)
        self.broker: Broker = MemoryBroker()
        queues = managed_queues(parts)
        self.broker.declare([REPORT_QUEUE, *queues])
        self.consumer = self.broker.consumer(queues)
        for kind in ("scheduler", "worker"):
            self.store.open_session(Session(f"{kind}-{RUN}", kind, "box", 1, 0.0, NOW, slots=2))
        self.counted = Counted(self.store)
        self.engine = Engine(self.counted, self.broker, parts, RealClock(), SETTINGS, session=f"scheduler-{RUN}")  # type: ignore[arg-type]
        for _ in range(3):
            self.engine.turn(NOW)

    def round(self) -> tuple[float, Counter[str]]:
        """Let 100 units of work be reported and settled; returns the milliseconds of the engine's round and its store calls."""
        deliveries = self.consumer.take(100)
        won = self.store.claim([d.body for d in deliveries], f"worker-{RUN}", NOW)
        self.consumer.acknowledge(deliveries)
        done = self.store.finish([Outcome(u.id, u.session, u.fence, UowEvent.DONE, NOW, rows=1) for u in won])
        assert len(done) == 100
        self.broker.publish([Message(REPORT_QUEUE, uow_id) for uow_id in done])
        self.counted.calls.clear()
        began = time.perf_counter()
        self.engine.turn(NOW)
        return 1000 * (time.perf_counter() - began), Counter(self.counted.calls)


def start_up(file: str, processes: int, answer: Any) -> None:
    """Measure, in a process of its own, how long an engine takes to lead and decide, and its memory at most."""
    store = open_store(f"sqlite:///{file}")
    store.prepare()
    store.open_session(Session(f"scheduler-{RUN}", "scheduler", "box", 1, 0.0, NOW))
    parts, broker = context(processes), MemoryBroker()
    broker.declare([REPORT_QUEUE, *managed_queues(parts)])
    began = time.perf_counter()
    engine = Engine(store, broker, parts, RealClock(), SETTINGS, session=f"scheduler-{RUN}")
    engine.turn(NOW)
    engine.turn(NOW)
    seconds = time.perf_counter() - began
    # Not getrusage: its maximum starts with that of the process that started this one.
    peak_kb = next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    store.close()
    answer.put({"seconds": round(seconds, 2), "peak_mb": round(int(peak_kb) / 1024, 1), "leads": engine.leads})


def start_up_of(folder: Path, name: str, periods: int) -> dict[str, Any]:
    """Return the start-up figures of 100 processes with `periods` finished periods behind them."""
    file = folder / f"{name}.db"
    store = open_store(f"sqlite:///{file}")
    store.prepare()
    if periods and not store.projected_turn():
        fill(store, context(100), periods, with_records=False)
    store.close()
    spawn = mp.get_context("spawn")
    answer: Any = spawn.Queue()
    child = spawn.Process(target=start_up, args=(str(file), 100, answer))
    child.start()
    found: dict[str, Any] = answer.get(timeout=120)
    child.join()
    return found


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--periods", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--folder", default=None, help="where the files stay and are used again (about 6 GB)")
    given = parser.parse_args()
    with nullcontext(given.folder) if given.folder else tempfile.TemporaryDirectory() as folder:
        processes = max(1, -(-given.periods // HOURS_OF_TEN_YEARS))
        sides = [Side(Path(folder) / "short.db", processes, 10_000), Side(Path(folder) / "long.db", processes, given.periods)]
        rounds: list[list[tuple[float, Counter[str]]]] = [[], []]
        for _ in range(given.rounds):
            for side, found in zip(sides, rounds, strict=True):
                found.append(side.round())
        short, long = (statistics.median(ms for ms, _ in found) for found in rounds)
        calls = [found[-1][1] for found in rounds]
        for side in sides:
            side.store.close()
        shown = {
            "periods": given.periods,
            "processes": processes,
            "short_ms": round(short, 2),
            "long_ms": round(long, 2),
            "ratio": round(long / short, 3),
            "store_calls": dict(calls[1]),
            "same_store_calls": calls[0] == calls[1],
            "start_up_finished": start_up_of(Path(folder), "finished", 100 * HOURS_OF_TEN_YEARS),
            "start_up_untouched": start_up_of(Path(folder), "untouched", 0),
        }
    print(json.dumps(shown))


if __name__ == "__main__":
    main()
