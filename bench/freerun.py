"""How late do ten thousand freerun entries fire, and what does the engine cost meanwhile? Everything real: scheduler, workers, slots.

A fire's lateness is counted from its moment to when the turn that made it was decided, and to when a worker had claimed it. Prints
one JSON line.

    python -m bench.freerun [--entries 10000] [--schedule "every 60"] [--seconds 60] [--workers 1]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from bench.idle import cpu_s, tree
from bench.rig import environment, running
from db.urls import open_store
from system.errors import HorariumError
from system.fires import moment_of

_WARM_UP_S = 10.0
_MILLISECOND = timedelta(milliseconds=1)


def main() -> None:
    """Measure once and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=10_000)
    parser.add_argument("--schedule", default="every 60")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--workers", default="1")
    given = parser.parse_args()
    extra = {"BENCH_ENTRIES": str(given.entries), "BENCH_SCHEDULE": given.schedule, "HORARIUM_WORKERS": given.workers}
    with tempfile.TemporaryDirectory() as folder:
        var = Path(folder) / "var"
        with running(environment(var, "freerun_context.py", extra)) as process:
            first = _first_turn(var)
            time.sleep(_WARM_UP_S)
            engine = [pid for pid in tree(process.pid) if "process_starter.py scheduler" in _words(pid)]
            before, since = cpu_s(engine), time.perf_counter()
            began = time.time()
            time.sleep(given.seconds)
            passed_s = time.perf_counter() - since
            used = cpu_s(engine) - before
        found = figures(var, began, began + given.seconds - 1.0)
    cores = {"engine_cores": round(used / passed_s, 3), "load": round(os.getloadavg()[0], 1)}
    print(json.dumps({"entries": given.entries, "schedule": given.schedule, "first_turn": first, **found, **cores}))


def figures(var: Path, began: float, until: float) -> dict[str, float]:
    """Return how many fires there were between two moments, and how late, in milliseconds."""
    store = open_store(f"sqlite:///{var / 'horarium.db'}")
    decided: dict[str, float] = {}
    number = turns_made = 0
    while turns := store.turns_after(number, 500):
        for turn in turns:
            for uow in turn.opened:
                moment = moment_of(uow.timeperiod)
                if began <= moment.timestamp() < until:
                    decided[uow.id] = (turn.decided_at - moment) / _MILLISECOND
            turns_made += began <= turn.decided_at.timestamp() < until
        number = turns[-1].number
    ids = list(decided)
    uows = [uow for at in range(0, len(ids), 500) for uow in store.uows(ids[at : at + 500])]
    counts = [(entry.fired, entry.overlapped, entry.missed) for entry in store.entries()]
    store.close()
    started = [(uow.started_at - moment_of(uow.timeperiod)) / _MILLISECOND for uow in uows if uow.started_at]
    return {
        "fires": len(decided),
        "turns": turns_made,
        **{f"decided_ms_{name}": value for name, value in _spread(list(decided.values())).items()},
        **{f"claimed_ms_{name}": value for name, value in _spread(started).items()},
        "unclaimed": len(decided) - len(started),
        "overlapped": sum(count[1] for count in counts),
        "missed": sum(count[2] for count in counts),
    }


def _spread(found: list[float]) -> dict[str, float]:
    ordered = sorted(found) or [0.0]
    parts = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    return {name: round(ordered[min(len(ordered) - 1, int(len(ordered) * part))], 1) for name, part in parts.items()}


def _first_turn(var: Path) -> int:
    """Wait until the entries are registered; returns the number of turns by then."""
    while not (var / "horarium.db").exists():
        time.sleep(0.1)
    store = open_store(f"sqlite:///{var / 'horarium.db'}")
    while True:
        with contextlib.suppress(HorariumError):  # the tables may not be there yet
            if store.entries():
                return store.projected_turn()
        time.sleep(0.2)


def _words(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:  # it was one of those that end at once
        return ""


if __name__ == "__main__":
    main()
