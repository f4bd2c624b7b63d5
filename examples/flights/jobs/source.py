"""Where does the raw data come from? The SQLite file that `load.py` made; jobs only read it."""

from __future__ import annotations

import functools
import sqlite3
from pathlib import Path

from .attempt import Work


@functools.cache
def opened(path: str) -> sqlite3.Connection:
    """Return this process's connection to the source at `path`, read-only; raises FileNotFoundError that says what to do."""
    file = Path(path)
    if not file.exists():
        raise FileNotFoundError(f"no flights in {path}: load them first, with examples/flights/load.py")
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)


def source(work: Work) -> sqlite3.Connection:
    """Return the connection to the source that the job's arguments name."""
    return opened(str(work.arguments["source"]))


def hour(work: Work) -> tuple[int, int, int, int]:
    """Return the hour of the job's window as the raw rows name it: year, month, day, hour."""
    return work.start.year, work.start.month, work.start.day, work.start.hour
