"""What runs on this box? `launch.py query`, from the pid files and the machine itself: it needs no store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click
from rich.markup import escape

from launcher.alone import SUPERVISOR, pid_path, singles
from launcher.parts import Roof
from launcher.say import say
from launcher.screen import json_option, show, show_json, table_of
from supervisor.local_crew import run_folder
from system import processes
from system.clock import RealClock
from system.processes import PidFile
from system.usage import Usage, usage_of

RUNS, STOPPED, GONE, STRANGER, MISSING = "runs", "stopped by a signal", "gone", "gone, a stranger has its pid", "does not run"


@dataclass(frozen=True, slots=True)
class Found:
    """One process of the box. `kept_by` says how it was started: as a daemon, by `launch.py up`, or by the supervisor.

    `cpu_s` is what it and all below it have used since it began, `memory_bytes` what they hold; for a supervisor it is its own alone.
    """

    name: str
    kept_by: str
    pid: int
    state: str
    age_s: float
    cpu_s: float
    memory_bytes: int

    @property
    def is_running(self) -> bool:
        """Whether it is there, be it stopped by a signal."""
        return self.state in (RUNS, STOPPED)


def found_on(var: Path) -> list[Found]:
    """Return what the pid files of a folder name, the supervisor first; it is there even where it does not run."""
    daemons = [(pid_path(var, name), "") for name in singles(var)]
    kept = [(path, SUPERVISOR) for path in sorted(run_folder(var).glob("*.pid"))]
    said = [(path.stem, keeper, processes.read_pid_file(path)) for path, keeper in (*daemons, *kept)]
    usage = usage_of(file.identity for name, _, file in said if file and name != SUPERVISOR)
    usage |= usage_of((file.identity for name, _, file in said if file and name == SUPERVISOR), is_alone=True)
    rows = [_row(name, keeper, file, usage.get(file.identity) if file else None) for name, keeper, file in said]
    return rows if SUPERVISOR in singles(var) else [Found(SUPERVISOR, "", 0, MISSING, 0.0, 0.0, 0), *rows]


def _row(name: str, keeper: str, file: PidFile | None, usage: Usage | None) -> Found:
    if file is None:
        return Found(name, keeper, 0, GONE, 0.0, 0.0, 0)
    kept_by = keeper or file.mark
    if usage is None:
        state = GONE if processes.identity_of(file.pid) is None else STRANGER
        return Found(name, kept_by, file.pid, state, 0.0, 0.0, 0)
    age_s = RealClock().monotonic() - file.created_s
    state = STOPPED if usage.is_stopped else RUNS
    return Found(name, kept_by, file.pid, state, round(age_s, 1), round(usage.cpu_s, 2), usage.memory_bytes)


@click.command("query")
@json_option
@click.pass_obj
def query_command(roof: Roof, *, as_json: bool) -> int:
    """Show what runs on this box. Exit code 1 where its supervisor does not."""
    rows = found_on(roof.settings.folder)
    if as_json:
        show_json(rows)
    else:
        table = table_of("name", "kept by", "pid", "state", "age", "CPU s", "memory", right=["pid", "age", "CPU s", "memory"])
        for row in rows:
            table.add_row(*_cells(row))
        show(table)
        if not rows[0].is_running:
            has_rest = any(row.is_running for row in rows)
            say(f"next: launch.py start{' adopts what runs; launch.py stop ends it' if has_rest else ', or launch.py up'}")
    return 0 if rows[0].is_running else 1


def _cells(row: Found) -> list[str]:
    style = {RUNS: "green", MISSING: "dim"}.get(row.state, "yellow")
    state = f"[{style}]{row.state}[/{style}]"
    if not row.is_running:
        return [escape(row.name), row.kept_by, str(row.pid or "-"), state, "-", "-", "-"]
    return [escape(row.name), row.kept_by, str(row.pid), state, age(row.age_s), f"{row.cpu_s:,.1f}", size(row.memory_bytes)]


def age(seconds: float) -> str:
    """Return a duration by its two largest units, such as `3 d 4 h`."""
    whole = int(seconds)
    for name, unit, finer, small in (("d", 86_400, "h", 3_600), ("h", 3_600, "min", 60), ("min", 60, "s", 1)):
        if whole >= unit:
            return f"{whole // unit} {name} {whole % unit // small} {finer}"
    return f"{whole} s"


def size(count: int) -> str:
    """Return an amount of memory in MB; a dash for none."""
    return f"{count / 1e6:,.0f} MB" if count else "-"
