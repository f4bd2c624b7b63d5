"""A worker's process in miniature: slots with a function and a command that never end. For tests that kill or stop the worker.

Run as `python -m tests.support.slot_worker FOLDER LIFE_S`; FOLDER gets files that say what runs.
"""

from __future__ import annotations

import select
import sys
from pathlib import Path

from tests.support.slot_bench import Bench, task


def main(folder: Path, life_s: float) -> None:
    """Start both, and serve until killed."""
    bench = Bench(folder, size=2, end_grace_s=1000.0)
    (folder / "mark").write_text(bench.mark)
    bench.extend(life_s)
    bench.slots.start(task("wait_with_family", arguments={"file": str(folder / "function")}))
    bench.slots.start(task(argv=("sh", "-c", f"setsid sleep 1000 & trap '' TERM; echo $$ > {folder}/command; sleep 1000; sleep 1000")))
    while True:
        select.select([bench.slots.fileno()], [], [], 1.0)
        bench.look()
        if bench.ended:
            (folder / "ended").write_text(repr(bench.ended))


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
