"""How many no-op units of work a second, end to end? Beside the raw limit of the same machine in the same run.

Decided, committed, published, claimed, run in a slot, outcome, job finished: two workers, a scheduler and their supervisor.
Prints one JSON line; `ratio` is the figure to quote.

    python -m bench.throughput [--days 60] [--workers 2] [--store mongodb://host:port] [--broker amqp://user:password@host:port/]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from bench.raw_limit import Yardstick
from bench.raw_limit import measure as measure_raw
from bench.rig import environment, run_until_done
from bench.servers import AMQP, MONGO, add_options, kind_of, pair
from db.urls import open_store


def main() -> None:
    """Measure both and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=60, help="days of 24 hours for each of 8 processes")
    parser.add_argument("--workers", default="2")
    add_options(parser)
    given = parser.parse_args()
    raw = measure_raw(Yardstick(kind_of(given.store, given.broker), amqp=given.broker or AMQP, mongo=given.store or MONGO))
    ours = measure(given.days, given.workers, given.store, given.broker)
    limit = float(str(raw["uows_per_s"]))
    print(json.dumps({**ours, "raw_uows_per_s": limit, "ratio": round(ours["uows_per_s"] / limit, 3)}))


def measure(days: int, workers: str, store: str, broker: str) -> dict[str, float]:
    """Return the figures of one run."""
    with tempfile.TemporaryDirectory() as folder:
        var = Path(folder) / "var"
        var.mkdir()
        with pair(store, broker, var) as urls:
            run_until_done(environment(var, "no_op_context.py", {"BENCH_DAYS": str(days), "HORARIUM_WORKERS": workers, **urls}))
            ours = figures(urls["HORARIUM_STORE_URL"])
    return {**ours, "uows_per_s": round(ours["uows"] / ours["seconds"])}


def figures(url: str) -> dict[str, float]:
    """Return units of work that were opened, turns, and the seconds from the first turn to the last that moved a job."""
    store = open_store(url)
    first, number, uows = store.turns_after(0, 1)[0], 0, 0
    last = first
    while turns := store.turns_after(number, 500):
        uows += sum(len(turn.opened) for turn in turns)
        last = next((turn for turn in reversed(turns) if turn.jobs), last)
        number = turns[-1].number
    store.close()
    return {"uows": uows, "turns": number, "seconds": round((last.decided_at - first.decided_at).total_seconds(), 3)}


if __name__ == "__main__":
    main()
