"""What does a start cost? CPU of each kind of process until it is there (and ends when asked), and of many crash loops at once.

CPU of the process and all that it started, in ms; the least of several, as others on the machine only add to it. `loops` is the share of
a core, in percent, that a supervisor and 20 daemons that fail at once take in each of the first minutes; the first holds its own start.

    python -m bench.starts [--repeats 10] [--minutes 2]
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from bench.idle import tree
from bench.rig import ROOT, environment
from system.kernel_table import TICKS, TIMES, line_of

_PATIENCE_S = 30.0
# What is started, its context, and what its log says once it is there; a daemon ends by itself.
STARTS = {
    "daemon": ("crash_00", "crash_context.py", ""),
    "worker": ("worker.1", "latency_context.py", "opened session"),
    "scheduler": ("scheduler", "latency_context.py", "leads from turn"),
    "supervisor": ("supervisor", "crash_context.py", "opened session"),
}


def main() -> None:
    """Measure once and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--minutes", type=int, default=2)
    given = parser.parse_args()
    shown: dict[str, object] = {"python": min(_cpu_ms([sys.executable, "-c", "pass"], os.environ) for _ in range(given.repeats))}
    for kind in STARTS:
        shown[kind] = min(_start_ms(kind) for _ in range(given.repeats))
    shown["loops"] = _loops(given.minutes)
    print(json.dumps(shown))


def _start_ms(kind: str) -> float:
    """Return the CPU of one start in a fresh folder."""
    name, context, sign = STARTS[kind]
    with tempfile.TemporaryDirectory() as folder:
        var = Path(folder) / "var"
        extra = {"BENCH_MARKS": folder, "BENCH_BOX": "elsewhere"}
        command = [sys.executable, str(ROOT / "process_starter.py"), name]
        return _cpu_ms(command, environment(var, context, extra | _ALONE), var / "log" / f"{name}.log", sign)


def _cpu_ms(command: list[str], environ: Mapping[str, str], log: Path = Path(os.devnull), sign: str = "") -> float:
    """Return the CPU of a command; it is asked to end once its log has the `sign`, where there is one to wait for."""
    process = subprocess.Popen(command, env=dict(environ), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until_s = time.monotonic() + _PATIENCE_S
    while sign and not (log.exists() and sign in log.read_text()):
        if time.monotonic() > until_s:
            process.kill()
            raise SystemExit(f"{command[-1]} did not say that it {sign!r}")
        time.sleep(0.01)
    if sign:
        process.send_signal(signal.SIGTERM)
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0  # it was waited for
    return round(1000 * (usage.ru_utime + usage.ru_stime))


# A box without a scheduler, so that a supervisor keeps nothing but daemons.
_ALONE = {"HORARIUM_SCHEDULER_BOXES": "elsewhere"}


def _loops(minutes: int) -> list[float]:
    """Return the percentages of a core for each minute."""
    found, before = [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        environ = environment(Path(folder) / "var", "crash_context.py", _ALONE)
        process = subprocess.Popen([sys.executable, str(ROOT / "process_starter.py"), "supervisor"], env=environ)
        try:
            for _ in range(minutes):
                time.sleep(60)
                used = _used_s(process.pid)
                found.append(round(100 * (used - before) / 60, 1))
                before = used
        finally:
            process.terminate()
            process.wait(30)
    return found


def _used_s(pid: int) -> float:
    """Return the CPU seconds of a process and of all below it, those included that have ended."""
    lines = [line for one in tree(pid) if (line := line_of(one)) is not None]
    return sum(int(ticks) for line in lines for ticks in line[TIMES]) / TICKS


if __name__ == "__main__":
    main()
