"""How long from a child's outcome to its parent's function? At 20 units of work a second; prints one JSON line, in milliseconds.

From the moment at which the worker writes the child's outcome (so the write itself counts) to the first line of the parent's function.

    python -m bench.latency
"""

from __future__ import annotations

import json
import statistics
import tempfile
from datetime import datetime
from pathlib import Path

from bench.rig import environment, run_until_done
from db.store import Store
from db.urls import open_store


def main() -> None:
    """Measure once and print it."""
    with tempfile.TemporaryDirectory() as folder:
        # 0.2 s a child and two chains: 10 children and 10 parents a second.
        run_until_done(environment(Path(folder) / "var", "latency_context.py", {"BENCH_MARKS": folder, "HORARIUM_WORKERS": "2"}))
        store = open_store(f"sqlite:///{Path(folder) / 'var' / 'horarium.db'}")
        entered = dict(entered_at(Path(folder) / "entered"))
        waits_ms = sorted(1000 * (at - finished_at(store, *node).timestamp()) for node, at in entered.items())
        store.close()
    shown = {
        "parents": len(waits_ms),
        "p50_ms": round(statistics.median(waits_ms), 2),
        "p99_ms": round(waits_ms[int(len(waits_ms) * 0.99)], 2),
        "max_ms": round(waits_ms[-1], 2),
    }
    print(json.dumps(shown))


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
