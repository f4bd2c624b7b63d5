"""How does a test run a whole deployment? A folder with a small context, `launch.py` over it, and what its jobs say of themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from system import processes
from system.processes import Identity
from tests.support.waiting import wait_until
from tests.support.whole_lines import whole_lines

ROOT = Path(__file__).resolve().parents[2]

CONTEXT = """
from system.context import managed_context_entry, timetable_tree_entry
def entry(level, **fields):
    return managed_context_entry("a_" + level, "jobs." + level, "a", "_" + level, start="2024010100", end="{last}", lag_s=0.0, **fields)
process_context = [entry("hourly", {fields}), entry("daily", blocking_type="blocking_children")]
timetable_context = [timetable_tree_entry("a", ["a_hourly", "a_daily"])]
report = "jobs.report"
"""

# Each attempt marks its start and its end, so that overlap is judged by what ran, not by what was claimed.
JOBS = """
import json, os, time
from pathlib import Path
HERE = Path(__file__).parent
def mark(work, what):
    with (HERE / "marks").open("a") as file:
        file.write(f"{{what}} {{work.process}} {{work.timeperiod}} {{work.fence}} {{os.getppid()}} {{time.monotonic()}}\\n")
def hourly(work):
    mark(work, "start")
    time.sleep({seconds})
    if (HERE / "broken").exists():
        raise RuntimeError("the source is broken")
    mark(work, "end")
    return 1
def daily(work):
    mark(work, "start")
    mark(work, "end")
    return 24
def report(out_json, facts):
    print(json.dumps(facts))
    return 0
"""


@dataclass(frozen=True)
class Mark:
    """What an attempt said of itself."""

    what: str
    job: tuple[str, str]
    fence: int
    at_s: float


class Deployment:
    """A folder with a context, its jobs, and what was started over it."""

    def __init__(self, folder: Path, *, days: int = 2, seconds: float = 0.01, fields: str = "") -> None:
        self.folder, self.var = folder, folder / "var"
        last = f"202401{days + 1:02}00"
        (folder / "context.py").write_text(CONTEXT.format(last=last, fields=fields))
        (folder / "jobs.py").write_text(JOBS.format(seconds=seconds))
        self.environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith("HORARIUM_")},
            "HORARIUM_CONTEXT": str(folder / "context.py"), "HORARIUM_VAR": str(self.var),
            "HORARIUM_BOX": "box-1", "HORARIUM_STOP_GRACE_S": "3", "HORARIUM_MX_LISTEN": "none",
        }
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *argv: str) -> subprocess.Popen[str]:
        """Start `launch.py` and go on."""
        call = [sys.executable, str(ROOT / "launch.py"), *argv]
        self.started.append(subprocess.Popen(call, env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return self.started[-1]

    def call(self, *argv: str, within_s: float = 60.0) -> tuple[int, str, str]:
        """Run `launch.py` to its end; returns exit code, stdout, stderr."""
        process = self.start(*argv)
        out, err = process.communicate(timeout=within_s)
        return process.returncode, out, err

    def marks(self) -> list[Mark]:
        """Return what the attempts said, in the order of writing."""
        words = [line.split() for line in whole_lines(self.folder / "marks")]
        return [Mark(w[0], (w[1], w[2]), int(w[3]), float(w[5])) for w in words]

    def ended(self) -> Counter[tuple[str, str]]:
        """Return how often each job ended well."""
        return Counter(mark.job for mark in self.marks() if mark.what == "end")

    def identity(self, name: str) -> Identity | None:
        """Return the process that runs under `name` now."""
        said = processes.read_pid_file(self.var / "run" / f"{name}.pid")
        return said.identity if said and processes.is_alive(said.identity) else None

    def kill(self, name: str) -> Identity:
        """Kill what runs under `name` once it runs."""
        wait_until(lambda: self.identity(name) is not None, what=f"{name} to run")
        who = self.identity(name)
        assert who is not None
        processes.end(who)
        return who

    def leftovers(self) -> list[str]:
        """Return the command lines of processes that belong to this deployment."""
        ours = str(self.folder).encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if ours in (folder / "environ").read_bytes() and int(folder.name) not in {p.pid for p in self.started}:
                    found.append((folder / "cmdline").read_text().replace("\0", " "))
            except OSError:
                continue
        return [text for text in found if text]

    def end(self) -> None:
        """End everything that was started, whatever became of it."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()
        for pid_file in [*(self.var / "daemons").glob("*.pid"), *(self.var / "run").glob("*.pid")]:
            said = processes.read_pid_file(pid_file)
            if said:
                processes.end(said.identity)


def overlaps(marks: list[Mark]) -> list[tuple[str, str]]:
    """Return the jobs of which an attempt started while an earlier one had not ended and went on to end."""
    bad, running = [], {}
    for mark in marks:
        if mark.what == "start":
            running[mark.job] = mark.fence
        elif running.get(mark.job) != mark.fence:
            bad.append(mark.job)
    return bad
