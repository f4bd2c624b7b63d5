"""What do the benchmarks' jobs do? Nothing, or note when they were entered."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any


def nothing(work: Any) -> None:
    """Do nothing."""


def enter(work: Any) -> None:
    """Note when this job was entered, in seconds since the epoch, in the folder that BENCH_MARKS names."""
    line = f"{work.process} {work.timeperiod} {time.time():.6f}\n"
    handle = os.open(Path(os.environ["BENCH_MARKS"]) / "entered", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, line.encode())
    os.close(handle)


def pace(work: Any) -> None:
    """Take the time that paces a chain."""
    time.sleep(float(work.arguments["seconds"]))


def fail(_: Any) -> None:
    """Fail: what a daemon in a crash loop does."""
    raise SystemExit(3)
