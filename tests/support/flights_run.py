"""How does a test run the flights demo by `launch.py up`? In a folder of its own, and whatever happens nothing of it stays behind."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console

from examples.flights import load
from examples.flights.jobs.sink import TABLES
from supervisor.local_crew import folder_id
from system import processes
from system.clock import RealClock
from system.processes import Identity
from tests.support.flights_judge import Mark, mark_of
from tests.support.whole_lines import whole_lines

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "examples" / "flights" / "context.py"
JUDGED = ROOT / "tests" / "support" / "judged" / "context.py"
YEAR, JANUARY, FIVE_DAYS = "2014010100", "2013020100", "2013010600"

# What `launch.py report --json` must say of the year.
EXPECTED_YEAR = {
    "flights": 336_776, "cancelled": 8_255, "hours_processed": 6_936, "hours_noop": 1_824, "days": 365, "weather_rows": 26_115,
    "months": [27004, 24951, 28834, 28330, 28796, 28243, 29425, 29327, 27574, 28889, 27268, 28135],
    "origins": {"EWR": 120_835, "JFK": 111_279, "LGA": 104_662},
}  # fmt: skip

_CLOCK = RealClock()
_ROUNDS = 100


def loaded_source(fallback: Path) -> Path:
    """Return the raw data's file: the demo's where it has been loaded, else one fetched by pip into `fallback`; may skip the test."""
    demo = Path(os.environ.get("FLIGHTS_DATA", ROOT / "var" / "flights"))
    if (demo / "source.sqlite").exists():
        return (demo / "source.sqlite").resolve()
    try:
        load.load(fallback, Console(stderr=True))
    except load.LoadError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    return fallback / "source.sqlite"


class FlightsRun:
    """One deployment of the demo under `folder`, with its own data, marks and processes. Close it in the end.

    `end` is the first hour that is not run, `settings` are variables HORARIUM_*; the rest reaches `tests/support/judged/context.py`.
    """

    def __init__(
        self, folder: Path, source: Path, *, end: str = YEAR, context: Path = JUDGED, pace_s: float = 0.0, hold_s: float = 0.0,
        hold_at_once: int = 0, settings: Mapping[str, str] | None = None,
    ) -> None:
        self.var, self.marks_folder, self._log = folder / "var", folder / "marks", folder / "up.out"
        (self.marks_folder / "locks").mkdir(parents=True)
        self.var.mkdir()
        (self.var / "source.sqlite").symlink_to(source.resolve())
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HORARIUM_", "FLIGHTS_"))}
        self.environ = {
            **kept, "HORARIUM_CONTEXT": str(context), "HORARIUM_VAR": str(self.var), "HORARIUM_BOX": "box-1", "HORARIUM_WORKERS": "2",
            "HORARIUM_MX_LISTEN": "none",
            "FLIGHTS_DATA": str(self.var), "FLIGHTS_MARKS": str(self.marks_folder), "FLIGHTS_END": end, "FLIGHTS_PACE_S": str(pace_s),
            "FLIGHTS_HOLD_S": str(hold_s), "FLIGHTS_HOLD_AT_ONCE": str(hold_at_once), **(settings or {}),
        }  # fmt: skip
        self._started: list[subprocess.Popen[bytes]] = []
        self._said_before = 0

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start `launch.py WORDS`, without any `up --until-done`, as a user does, and go on."""
        with self._log.open("ab") as log:
            self._said_before = log.tell()
            call = [sys.executable, str(ROOT / "launch.py"), *(words or ("up", "--until-done"))]
            self._started.append(subprocess.Popen(call, env=self.environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
        return self._started[-1]

    def run(self, *, within_s: float) -> float:
        """Run to the end undisturbed; returns the seconds, and fails the test where it does not end well."""
        begun_s = _CLOCK.monotonic()
        code = self.start().wait(within_s)
        assert code == 0, self.said()
        return _CLOCK.monotonic() - begun_s

    def launch(self, *words: str, within_s: float = 60) -> str:
        """Return what `launch.py WORDS` prints, as a person would call it; raises CalledProcessError where it refuses."""
        call = [sys.executable, str(ROOT / "launch.py"), *words]
        done = subprocess.run(call, env=self.environ, stdin=subprocess.DEVNULL, capture_output=True, timeout=within_s, check=True)
        return done.stdout.decode()

    def has_begun(self) -> bool:
        """Return whether the last `up` that was started has found its servers, and says what it runs."""
        return b"running scheduler" in self._log.read_bytes()[self._said_before :]

    def said(self) -> str:
        """Return the last lines that `up` printed."""
        return self._log.read_text(errors="replace")[-3000:]

    def marks(self) -> list[Mark]:
        """Return what the attempts said, in the order of writing."""
        path = self.marks_folder / "marks.txt"
        return [mark_of(line) for line in whole_lines(path)]

    def count_ends(self) -> int:
        """Return how many attempts have run to their end."""
        path = self.marks_folder / "marks.txt"
        return path.read_bytes().count(b"end ") if path.exists() else 0

    def member(self, name: str) -> Identity | None:
        """Return the process that runs under `name` now, such as `worker.1`."""
        said = processes.read_pid_file(self.var / "run" / f"{name}.pid")
        return said.identity if said and processes.is_alive(said.identity) else None

    def hosts(self) -> list[Identity]:
        """Return the workers' forkservers."""
        workers = [self.member("worker.1"), self.member("worker.2")]
        return [host for worker in workers if worker for host in processes.children(worker)]

    def slots(self) -> list[Identity]:
        """Return the workers' slots."""
        return [slot for host in self.hosts() for slot in processes.children(host)]

    def leftovers(self) -> list[Identity]:
        """Return the processes of this deployment that run, but for `up` itself."""
        return [identity for identity, mark in processes.all_marked() if mark.startswith(folder_id(self.var) + ".")]

    def close(self) -> None:
        """End all that was started here, `up` first, so that nobody starts the others again."""
        for process in self._started:
            process.kill()
            process.wait()
        for _ in range(_ROUNDS):
            left = self.leftovers()
            if not left:
                return
            for identity in left:
                processes.end(identity)
            _CLOCK.sleep(0.05)
        raise AssertionError(f"these can't be ended: {self.leftovers()}")

    def sinks(self) -> dict[str, list[tuple[object, ...]]]:
        """Return all results, table by table, but for the fences they were written with."""
        return results(self.var / "sink.sqlite")

    def written(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Return the fence and the rows of what was written last, by process and timeperiod."""
        with closing(sqlite3.connect(self.var / "sink.sqlite")) as db:
            found = db.execute("SELECT process, timeperiod, fence, rows FROM written").fetchall()
        return {(process, timeperiod): (fence, rows) for process, timeperiod, fence, rows in found}


def results(sink: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return all that a sink holds, but for fences."""
    with closing(sqlite3.connect(sink)) as db:
        found = {table: db.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3").fetchall() for table in TABLES if table != "written"}
        return {**found, "written": db.execute("SELECT process, timeperiod, rows FROM written ORDER BY 1, 2").fetchall()}
