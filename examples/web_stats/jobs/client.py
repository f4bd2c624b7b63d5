"""Who used the sites most? Per client, a day at a time out of the page views, and coarser out of finer."""

from __future__ import annotations

from typing import Any

from . import tables

FINER = {"monthly": "daily", "yearly": "monthly"}
_DAY = """
SELECT client, count(*), count(DISTINCT substr(at, 1, 13)), 1, sum(sent) FROM page_view
WHERE at >= ? AND at < ? GROUP BY client ORDER BY client
"""
_SUM = """
SELECT client, sum(views), sum(sessions), 1, sum(sent) FROM client
WHERE level = ? AND timeperiod >= ? AND timeperiod < ? GROUP BY client ORDER BY client
"""


def daily(work: Any) -> object:
    """Count the views of each client, and in how many hours of the day it came."""
    with tables.source(work.arguments["source"]) as db:
        rows = db.execute(_DAY, (tables.text(work.start), tables.text(work.end))).fetchall()
    return _keep(work, "daily", rows)


def monthly(work: Any) -> object:
    """Add the days of a month up."""
    return _sum(work, "monthly")


def yearly(work: Any) -> object:
    """Add the months of a year up."""
    return _sum(work, "yearly")


def _sum(work: Any, level: str) -> object:
    with tables.sink(work.arguments["sink"]) as db:
        rows = db.execute(_SUM, (FINER[level], work.start_timeperiod, work.end_timeperiod)).fetchall()
    return _keep(work, level, rows)


def _keep(work: Any, level: str, rows: list[tuple[Any, ...]]) -> object:
    with tables.sink(work.arguments["sink"]) as db:
        return tables.replace(db, "client", level, work.timeperiod, rows) or work.no_data("no client came")
