"""How many no-op units of work a second, end to end? Beside the raw limit of the same machine in the same run.

Decided, committed, published, claimed, run in a slot, outcome, job finished: two workers, a scheduler and their supervisor.
Prints one JSON line; `ratio` is the figure to quote.

    python -m bench.throughput [--days 60] [--workers 2]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from bench.raw_limit import measure
from bench.rig import environment, run_until_done
from db.urls import open_store


def main() -> None:
    """Measure both and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=60, help="days of 24 hours for each of 8 processes")
    parser.add_argument("--workers", default="2")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        raw = measure(str(Path(folder) / "raw.db"), 20_000, 100)
        environ = environment(
            Path(folder) / "var", "no_op_context.py", {"BENCH_DAYS": str(given.days), "HORARIUM_WORKERS": given.workers}
        )
        run_until_done(environ)
        ours = figures(Path(folder) / "var")
    rate, limit = ours["uows"] / ours["seconds"], float(str(raw["uows_per_s"]))
    shown = {**ours, "uows_per_s": round(rate), "raw_uows_per_s": limit, "ratio": round(rate / limit, 3)}
    print(json.dumps(shown))


def figures(var: Path) -> dict[str, float]:
    """Return units of work that were opened, turns, and the seconds from the first turn to the last that moved a job."""
    store = open_store(f"sqlite:///{var / 'horarium.db'}")
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
