"""Does keeping house slow the engine? The latency of bench.latency over 1,000,000 old units of work, with the keeper and without, in turns.

One deployment, whose timetable grows by some days with each round; every other round archives what is old. Prints one JSON line: `ratio` is
the median with the keeper over that without; `whole_pass_s` is how long `launch.py db --archive` takes for the rest, at once.

    python -m bench.retention [--uows 1000000] [--rounds 6] [--days 5]
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

from bench.history import HOURS_OF_TEN_YEARS, context, fill
from bench.latency import entered_at, finished_at
from bench.rig import environment, report, run_until_done
from db.urls import open_store

SWITCHED = {False: "0", True: "90"}


def main() -> None:
    """Measure and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--days", type=int, default=5)
    given = parser.parse_args()
    waits: dict[bool, list[float]] = {False: [], True: []}
    with tempfile.TemporaryDirectory() as folder:
        var = Path(folder) / "var"
        fill_old(var, given.uows)
        left = [kept(var)]
        for number in range(given.rounds):
            waits[number % 2 == 1] += one_round(var, Path(folder), number, given.days)
            left.append(kept(var))
        began = time.perf_counter()
        report(settings(var, Path(folder), keeps=True, end="2013010100"), "db", "--archive")
        seconds = time.perf_counter() - began
        shown = {
            "old_uows": given.uows,
            "removed_by_keeper": sum(before - after for before, after in zip(left[1::2], left[2::2], strict=False)),
            "without": figures(waits[False]),
            "with": figures(waits[True]),
            "ratio": round(statistics.median(waits[True]) / statistics.median(waits[False]), 3),
            "whole_pass_s": round(seconds, 1),
            "whole_pass_uows": left[-1] - kept(var),
            "archive_mb": round(sum(file.stat().st_size for file in (var / "archive").iterdir()) / 1e6, 1),
        }
    print(json.dumps(shown))


def fill_old(var: Path, count: int) -> None:
    """Write `count` units of work that ended long ago, with their jobs and chunks."""
    var.mkdir()
    store = open_store(f"sqlite:///{var / 'horarium.db'}")
    store.prepare()
    fill(store, context(max(8, -(-count // HOURS_OF_TEN_YEARS))), count)
    store.close()


def kept(var: Path) -> int:
    """Return how many units of work the store has."""
    store = open_store(f"sqlite:///{var / 'horarium.db'}")
    count = store.sizes()["units of work"]
    store.close()
    return count


def settings(var: Path, folder: Path, *, keeps: bool, end: str) -> dict[str, str]:
    """Return the environment of a round, up to the hour `end`."""
    extra = {"BENCH_MARKS": str(folder), "BENCH_END": end, "HORARIUM_WORKERS": "2", "HORARIUM_KEEP_UOWS_DAYS": SWITCHED[keeps]}
    return environment(var, "latency_context.py", extra)


def one_round(var: Path, folder: Path, number: int, days: int) -> list[float]:
    """Run the next days of the timetable; returns the waits of its parents, in milliseconds."""
    end = date(2013, 1, 1) + timedelta(days=(number + 1) * days)
    (folder / "entered").unlink(missing_ok=True)
    environ = settings(var, folder, keeps=number % 2 == 1, end=f"{end:%Y%m%d}00")
    if number:
        report(environ, "context", "apply", "--yes")  # the end of its processes moved
    run_until_done(environ)
    store = open_store(f"sqlite:///{var / 'horarium.db'}")
    waits = [1000 * (at - finished_at(store, *node).timestamp()) for node, at in entered_at(folder / "entered")]
    store.close()
    return waits


def figures(waits_ms: list[float]) -> dict[str, float]:
    """Return what is said of a list of waits."""
    found = sorted(waits_ms)
    return {
        "parents": len(found),
        "p50_ms": round(statistics.median(found), 2),
        "p99_ms": round(found[int(len(found) * 0.99)], 2),
        "max_ms": round(found[-1], 2),
    }


if __name__ == "__main__":
    main()
