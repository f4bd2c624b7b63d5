"""What does a system cost that has nothing to do? CPU of all its processes; the seconds from `up` to the first
started job, and those of CPU until then, which other load on the machine does not move.

    python -m bench.idle [--seconds 30]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from bench.rig import environment, running

TICKS = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text()
        except OSError:
            continue
        children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(folder.name))
    found = [pid]
    for parent in found:
        found.extend(children.get(parent, []))
    return found


def cpu_s(pids: list[int]) -> float:
    """Return the CPU seconds that processes have used."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def main() -> None:
    """Measure once and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        extra = {"BENCH_MARKS": folder, "BENCH_END": "2013010102", "HORARIUM_WORKERS": "2", "BENCH_PACE": "0.01"}
        began = time.time()
        with running(environment(Path(folder) / "var", "latency_context.py", extra)) as process:
            first_s = _first_start(Path(folder) / "entered", process) - began
            up_cpu_s = cpu_s(tree(process.pid))
            time.sleep(5)
            pids = tree(process.pid)
            before, since = cpu_s(pids), time.perf_counter()
            time.sleep(seconds)
            used = (cpu_s(pids) - before) / (time.perf_counter() - since)
    up = {"up_to_first_job_s": round(first_s, 2), "up_to_first_job_cpu_s": round(up_cpu_s, 2)}
    print(json.dumps({"processes": len(pids), "idle_cpu_percent_of_a_core": round(100 * used, 2), **up}))


def _first_start(marks: Path, process: subprocess.Popen[bytes]) -> float:
    while not marks.exists():
        if process.poll() is not None:
            raise SystemExit("launch.py up has ended")
        time.sleep(0.01)
    return float(marks.read_text().split()[2])


if __name__ == "__main__":
    main()
