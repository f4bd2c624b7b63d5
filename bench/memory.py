"""Does memory stay flat? Scheduler and workers over many units of work: what each holds after each tenth of them.

Every process's own pages, in MB, read from the system while it works. `growth` is the last figure over that after one half: by then
caches and pools are filled, and what comes once a minute (the count of the audit) was there.

    python -m bench.memory [--uows 200000] [--store mongodb://host:port] [--broker amqp://user:password@host:port/]
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from pathlib import Path
from subprocess import Popen

from bench.rig import environment, running
from bench.servers import MOST_PROCESSES, add_options, pair
from db.store import Store
from db.urls import open_store
from system.processes import Identity
from system.usage import usage_of

DAYS = 361
HOURS = DAYS * 24
PATIENCE_S = 60.0
KINDS = ("scheduler", "worker")


def main() -> None:
    """Measure once and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uows", type=int, default=200_000)
    add_options(parser)
    given = parser.parse_args()
    processes = math.ceil(given.uows / HOURS)
    if processes > MOST_PROCESSES:
        parser.error(f"--uows can be {MOST_PROCESSES * HOURS:,} at most")
    with tempfile.TemporaryDirectory() as folder:
        var = Path(folder) / "var"
        var.mkdir()
        with pair(given.store, given.broker, var) as urls:
            extra = {"BENCH_DAYS": str(DAYS), "BENCH_PROCESSES": str(processes), "HORARIUM_WORKERS": "2", **urls}
            with running(environment(var, "no_op_context.py", extra)) as process:
                shown = _watch(process, urls["HORARIUM_STORE_URL"], processes * HOURS)
    print(json.dumps(shown))


def _watch(process: Popen[bytes], url: str, uows: int) -> dict[str, object]:
    """Return the memory of each kind of process after each tenth of `uows`."""
    store = _opened(url, process)
    mb: dict[str, list[float]] = {kind: [] for kind in KINDS}
    number = done = 0
    moved_s = time.monotonic()
    while done < uows:
        turns = store.turns_after(number, 500)
        opened = sum(len(turn.opened) for turn in turns)
        if opened:
            moved_s = time.monotonic()
        elif process.poll() is not None:
            raise SystemExit("launch.py up has ended")
        elif time.monotonic() > moved_s + PATIENCE_S:
            raise SystemExit(f"nothing was opened for {PATIENCE_S:g} s: {done:,} units of work of {uows:,}")
        if not turns:
            time.sleep(0.2)
            continue
        number = turns[-1].number
        done += opened
        while len(mb[KINDS[0]]) < done * 10 // uows:
            for kind, held in _memory(store).items():
                mb[kind].append(held)
    store.close()
    return {"uows": done, "mb": mb, "growth": {kind: round(held[-1] / held[4], 3) for kind, held in mb.items()}}


def _opened(url: str, process: Popen[bytes]) -> Store:
    """Return the store, once the deployment has made it and leads."""
    while process.poll() is None:
        if not url.startswith("sqlite") or Path(url.removeprefix("sqlite:///")).exists():
            store = open_store(url)
            store.prepare()
            if store.projected_turn():
                return store
            store.close()
        time.sleep(0.2)
    raise SystemExit("launch.py up has ended")


def _memory(store: Store) -> dict[str, float]:
    """Return the most that a process of each kind holds, in MB."""
    held: dict[str, float] = dict.fromkeys(KINDS, 0.0)
    for session in store.sessions():
        who = Identity(session.pid, session.created_s)
        usage = usage_of([who], is_alone=True).get(who)
        if session.kind in held and usage is not None:
            held[session.kind] = max(held[session.kind], round(usage.memory_bytes / 2**20, 1))
    return held


if __name__ == "__main__":
    main()
