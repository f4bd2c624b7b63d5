"""How long from a child's outcome to its parent's function? At 20 units of work a second; prints one JSON line, in milliseconds.

From the moment at which the worker writes the child's outcome (so the write itself counts) to the first line of the parent's function.

    python -m bench.latency [--store mongodb://host:port] [--broker amqp://user:password@host:port/]
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from datetime import datetime
from pathlib import Path

from bench.rig import environment, run_until_done
from bench.servers import add_options, pair
from db.store import Store
from db.urls import open_store


def main() -> None:
    """Measure once and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    given = parser.parse_args()
    print(json.dumps(measure(given.store, given.broker)))


def measure(store_url: str, broker_url: str) -> dict[str, float]:
    """Return the figures of one run."""
    with tempfile.TemporaryDirectory() as folder:
        var = Path(folder) / "var"
        var.mkdir()
        with pair(store_url, broker_url, var) as urls:
            # 0.2 s a child and two chains: 10 children and 10 parents a second.
            run_until_done(environment(var, "latency_context.py", {"BENCH_MARKS": folder, "HORARIUM_WORKERS": "2", **urls}))
            store = open_store(urls["HORARIUM_STORE_URL"])
            entered = dict(entered_at(Path(folder) / "entered"))
            waits_ms = sorted(1000 * (at - finished_at(store, *node).timestamp()) for node, at in entered.items())
            store.close()
    return {
        "parents": len(waits_ms),
        "p50_ms": round(statistics.median(waits_ms), 2),
        "p99_ms": round(waits_ms[int(len(waits_ms) * 0.99)], 2),
        "max_ms": round(waits_ms[-1], 2),
    }


def entered_at(marks: Path) -> list[tuple[tuple[str, str], float]]:
    """Return when each parent was entered: its process and timeperiod, and the seconds since the epoch."""
    rows = (line.split() for line in marks.read_text(encoding="utf-8").splitlines())
    return [((process, timeperiod), float(at)) for process, timeperiod, at in rows]


def finished_at(store: Store, parent: str, timeperiod: str) -> datetime:
    """Return when the child of `parent` was reported as finished by its worker."""
    uow = store.uows([f"{parent.replace('parent', 'child')}/{timeperiod}/1/1"])[0]
    assert uow.finished_at is not None
    return uow.finished_at


if __name__ == "__main__":
    main()
