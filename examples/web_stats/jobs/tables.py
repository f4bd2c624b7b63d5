"""Where do page views come in, and where do figures go? Two SQLite files; running a period again replaces what it wrote before."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from .views import View

FINER = {"daily": "hourly", "monthly": "daily", "yearly": "monthly"}
_SOURCE = """
CREATE TABLE IF NOT EXISTS page_view (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL, site TEXT NOT NULL, client TEXT NOT NULL, page TEXT NOT NULL, sent INTEGER NOT NULL,
    UNIQUE (at, site, client, page)
);
CREATE INDEX IF NOT EXISTS page_view_at ON page_view (at);
CREATE TABLE IF NOT EXISTS collected (until TEXT NOT NULL);
"""
_FIGURES = "views INTEGER, sessions INTEGER, clients INTEGER, sent INTEGER"
_SINK = f"""
CREATE TABLE IF NOT EXISTS site (level TEXT, timeperiod TEXT, site TEXT, {_FIGURES}, PRIMARY KEY (level, timeperiod, site));
CREATE TABLE IF NOT EXISTS client (level TEXT, timeperiod TEXT, client TEXT, {_FIGURES}, PRIMARY KEY (level, timeperiod, client));
CREATE TABLE IF NOT EXISTS alert (timeperiod TEXT PRIMARY KEY, views INTEGER, before INTEGER, text TEXT);
CREATE TABLE IF NOT EXISTS run (
    process TEXT, timeperiod TEXT, fence INTEGER, views INTEGER, at TEXT, PRIMARY KEY (process, timeperiod, fence)
);
"""


@contextmanager
def source(path: str) -> Iterator[sqlite3.Connection]:
    """Open the file of page views, for one transaction."""
    with _opened(path, _SOURCE) as db:
        yield db


@contextmanager
def sink(path: str) -> Iterator[sqlite3.Connection]:
    """Open the file of figures, for one transaction."""
    with _opened(path, _SINK) as db:
        yield db


@contextmanager
def _opened(path: str, tables: str) -> Iterator[sqlite3.Connection]:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=30.0)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.executescript(tables)
        with db:
            db.execute("BEGIN IMMEDIATE")
            yield db


def text(moment: datetime) -> str:
    """Return a moment as the tables hold it: texts sort as moments do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def add(db: sqlite3.Connection, views: Iterable[View]) -> int:
    """Add views that are not there yet; returns how many that were."""
    rows = [(text(view.at), view.site, view.client, view.page, view.sent) for view in views]
    before = db.total_changes
    db.executemany("INSERT OR IGNORE INTO page_view (at, site, client, page, sent) VALUES (?, ?, ?, ?, ?)", rows)
    return db.total_changes - before


def counted(work: Any, query: str, *, before: timedelta = timedelta(0)) -> list[tuple[Any, ...]]:
    """Return what `query` finds among the page views from `:start` to `:end` of a job's period; `:before` is so long before its start."""
    bounds = {"before": text(work.start - before), "start": text(work.start), "end": text(work.end)}
    with source(work.arguments["source"]) as db:
        return db.execute(query, bounds).fetchall()


def added_up(work: Any, query: str, level: str) -> list[tuple[Any, ...]]:
    """Return what `query` makes of the next finer level's figures inside a job's period."""
    with sink(work.arguments["sink"]) as db:
        return db.execute(query, (FINER[level], work.start_timeperiod, work.end_timeperiod)).fetchall()


def replace(db: sqlite3.Connection, table: str, level: str, timeperiod: str, rows: Iterable[Sequence[object]]) -> int:
    """Let `table` hold `rows` for a period, whatever it held before; returns how many rows that are."""
    kept = list(rows)
    db.execute(f"DELETE FROM {table} WHERE level = ? AND timeperiod = ?", (level, timeperiod))
    db.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?, ?)", [(level, timeperiod, *row) for row in kept])
    return len(kept)
