"""Which numbers sum up the year? All of them come out of the sinks."""

from __future__ import annotations

import sqlite3
from pathlib import Path


class NothingYet(Exception):
    """There is no sink to report from; the message says what to do."""


def opened(sink: Path) -> sqlite3.Connection:
    """Return a connection to the sink, for reading; raises NothingYet where no job has written yet."""
    if not sink.exists():
        raise NothingYet(f"no results in {sink}: run the year first, with ./scripts/demo.sh")
    db = sqlite3.connect(sink, timeout=30.0)
    db.execute("PRAGMA query_only = ON")
    return db


def figures(db: sqlite3.Connection) -> dict[str, object]:
    """Return the year in numbers, such as `{"flights": 336776, "months": [27004, ...], "origins": {"EWR": 120835, ...}, ...}`.

    What has not been written yet counts as 0, or is left out.
    """
    flights, cancelled = db.execute("SELECT sum(flights), sum(cancelled) FROM flights_yearly").fetchone()
    hours, empty = db.execute("SELECT sum(rows > 0), sum(rows = 0) FROM written WHERE process = 'flights_hourly'").fetchone()
    return {
        "flights": flights or 0,
        "cancelled": cancelled or 0,
        "hours_processed": hours or 0,
        "hours_noop": empty or 0,
        "days": db.execute("SELECT count(DISTINCT timeperiod) FROM flights_daily").fetchone()[0],
        "months": [n for (n,) in db.execute("SELECT sum(flights) FROM flights_monthly GROUP BY timeperiod ORDER BY timeperiod")],
        "origins": dict(db.execute("SELECT origin, sum(flights) FROM flights_yearly GROUP BY origin ORDER BY origin")),
        "weather": dict(db.execute("SELECT weather, sum(flights) FROM delays_monthly GROUP BY weather ORDER BY weather")),
        "weather_rows": db.execute("SELECT coalesce(sum(readings), 0) FROM weather_hourly").fetchone()[0],
    }
