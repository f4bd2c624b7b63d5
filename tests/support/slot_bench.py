"""What the tests of the slots share: a worker's slots over a folder of their own, tasks, and bounded waiting."""

from __future__ import annotations

import itertools
import os
import select
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from system.clock import RealClock
from workers.processes import ProcessSlots
from workers.slots import Ended, Output, Task

JOBS = Path(__file__).with_name("jobs_for_slots.py")
PATIENCE_S = 20.0
_runs = itertools.count(1)


def task(classname: str = "", *, uow: str = "", **fields: Any) -> Task:
    """Return a task of the hour 05 of 2013-01-01; `classname` is a job of `jobs_for_slots`. Each is another unit of work."""
    process = fields.pop("process", "flights_hourly")
    return Task(
        uow or f"{process}/2013010105/1/{next(_runs)}", fields.pop("fence", 1), process, "2013010105", "_hourly",
        "2013010105", "2013010106", "2013-01-01T05:00:00+00:00", "2013-01-01T06:00:00+00:00",
        classname=classname and f"jobs.{classname}", **fields,
    )  # fmt: skip


def wait_until(condition: Callable[[], object], what: str = "the condition") -> None:
    """Return once `condition` holds; fails after `PATIENCE_S`."""
    clock = RealClock()
    until_s = clock.monotonic() + PATIENCE_S
    while not condition():
        assert clock.monotonic() < until_s, f"waited {PATIENCE_S} s for {what}"
        clock.sleep(0.005)


def marked(mark: str) -> list[int]:
    """Return the pids of living processes that carry a worker's mark."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            items = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"HORARIUM_WORKER=" + mark.encode() in items:
            found.append(int(folder.name))
    return found


def is_alive(pid: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def parent_of(pid: int) -> int:
    """Return the pid of a process's parent, 0 for one that is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


class Bench:
    """Slots over `folder`; collects what they say. A context manager that closes them."""

    def __init__(self, folder: Path, size: int = 1, **figures: Any) -> None:
        self.user = folder / "user"
        self.out = folder / "output"
        self.user.mkdir(parents=True, exist_ok=True)
        shutil.copy(JOBS, self.user / "jobs.py")
        self.clock = RealClock()
        self.mark = f"{os.getpid()}-{next(_runs)}"
        self.slots = ProcessSlots(size, self.user, self.out, self.clock, mark=self.mark, **figures)
        self.ended: list[Ended] = []
        self.pieces: list[Output] = []
        self.extend(1000.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.slots.close()

    def extend(self, seconds: float) -> None:
        """Let the slots live for `seconds` from now."""
        self.slots.extend(self.clock.monotonic() + seconds)

    def look(self) -> None:
        """Take in what the slots have to say."""
        self.ended += self.slots.ended()
        self.pieces += self.slots.output()

    def collect(self, count: int) -> list[Ended]:
        """Return the next `count` ends, waiting for them as a worker does."""
        before = len(self.ended)
        until_s = self.clock.monotonic() + PATIENCE_S
        self.look()
        while len(self.ended) < before + count:
            assert self.clock.monotonic() < until_s, f"only {self.ended[before:]} ended in {PATIENCE_S} s"
            select.select([self.slots.fileno()], [], [], 0.5)
            self.look()
        return self.ended[before:]

    def run(self, *tasks: Task) -> list[Ended]:
        """Start tasks and return their ends."""
        for one in tasks:
            self.slots.start(one)
        return self.collect(len(tasks))

    def run_one(self, one: Task) -> Ended:
        """Start a task and return its end."""
        return self.run(one)[0]

    def start_waiting(self, one: Task, path: Path) -> int:
        """Start a task that says in the file `path` that it runs; returns the pid it said."""
        self.slots.start(one)
        wait_until(lambda: path.exists() and path.read_text(), f"{one.uow_id} to start")
        return int(path.read_text())

    def text(self, uow_id: str = "") -> str:
        """Return what was printed, by one unit of work or by all."""
        return "".join(piece.text for piece in self.pieces if uow_id in ("", piece.uow_id))

    def slot_pids(self) -> list[int]:
        """Return the pids of all that is marked, but for the forkserver."""
        return [pid for pid in marked(self.mark) if parent_of(pid) != os.getpid()]

    def host_pid(self) -> int:
        """Return the forkserver's pid."""
        return next(pid for pid in marked(self.mark) if parent_of(pid) == os.getpid())
