"""Where do results go? Into one SQLite file, a table per process, so that running a period again replaces what it wrote before.

A write names its fence. The table `written` keeps the highest fence for each period; a smaller one is refused: it comes from an
attempt that was given up, and somebody else has taken its place.
"""

from __future__ import annotations

import fcntl
import functools
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .attempt import Work

PATIENCE_S = 30.0

_COUNTS = "flights INTEGER, cancelled INTEGER, departed INTEGER, delay_sum INTEGER, mean_delay REAL, worst_delay INTEGER"
_FLIGHTS = f"(timeperiod TEXT, origin TEXT, carrier TEXT, {_COUNTS}, PRIMARY KEY (timeperiod, origin, carrier)) WITHOUT ROWID"
_DELAYS = f"(timeperiod TEXT, origin TEXT, weather TEXT, hours INTEGER, {_COUNTS}, PRIMARY KEY (timeperiod, origin, weather)) WITHOUT ROWID"
_WEATHER = """(
    timeperiod TEXT, origin TEXT, readings INTEGER, temp REAL, temp_low REAL, temp_high REAL, wind_speed REAL, wind_gust REAL, precip REAL,
    visib REAL, PRIMARY KEY (timeperiod, origin)
) WITHOUT ROWID"""

TABLES = {
    "flights_hourly": _FLIGHTS,
    "flights_daily": _FLIGHTS,
    "flights_monthly": _FLIGHTS,
    "flights_yearly": _FLIGHTS,
    "weather_hourly": _WEATHER,
    "weather_daily": _WEATHER,
    "delays_daily": _DELAYS,
    "delays_monthly": _DELAYS,
    "written": "(process TEXT, timeperiod TEXT, fence INTEGER, rows INTEGER, PRIMARY KEY (process, timeperiod)) WITHOUT ROWID",
}

Row = Sequence[object]


class StaleFence(Exception):
    """A write by an attempt that was given up: a later one has already written this period."""


@functools.cache  # one connection per slot process: it runs many jobs, one after the other
def opened(path: str) -> sqlite3.Connection:
    """Return this process's connection to the sink at `path`, which is created when it is not there."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with alone(path):  # two who switch a new file to WAL at once would refuse each other
        db = sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None)
        db.execute("PRAGMA journal_mode=WAL")
        for name, columns in TABLES.items():
            db.execute(f"CREATE TABLE IF NOT EXISTS {name} {columns}")
    return db


@contextmanager
def alone(path: str) -> Iterator[None]:
    """Be the only writer of the sink at `path` while inside.

    SQLite has a lock of its own, but who waits for that one asks again and again, up to a tenth of a second apart, and with several
    slots somebody always comes in between. This one wakes the next at once, and goes with its process.
    """
    with Path(path).with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def sink(work: Work) -> sqlite3.Connection:
    """Return the connection to the sink that the job's arguments name."""
    return opened(str(work.arguments["sink"]))


def replace(work: Work, rows: Sequence[Row]) -> int:
    """Make `rows` all that the job's table holds for its period, in one transaction; return how many they are.

    Each row is without its first column, the timeperiod. Raises StaleFence, and changes nothing, where a larger fence has written.
    """
    db, period = sink(work), (work.process, work.timeperiod)
    with alone(str(work.arguments["sink"])), db:
        db.execute("BEGIN IMMEDIATE")
        before = db.execute("SELECT fence FROM written WHERE process = ? AND timeperiod = ?", period).fetchone()
        if before and before[0] > work.fence:
            raise StaleFence(f"{work.process} {work.timeperiod} was written with fence {before[0]}: fence {work.fence} comes too late")
        db.execute(f"DELETE FROM {work.process} WHERE timeperiod = ?", (work.timeperiod,))
        if rows:
            places = ", ".join("?" * (1 + len(rows[0])))
            db.executemany(f"INSERT INTO {work.process} VALUES ({places})", [(work.timeperiod, *row) for row in rows])
        db.execute("INSERT OR REPLACE INTO written VALUES (?, ?, ?, ?)", (*period, work.fence, len(rows)))
    return len(rows)
