"""Who used the sites most? Per client, a day at a time out of the page views, and coarser out of finer."""

from __future__ import annotations

from typing import Any

from . import tables

_DAY = """
SELECT client, count(*), count(DISTINCT substr(at, 1, 13)), 1, sum(sent) FROM page_view
WHERE at >= :start AND at < :end GROUP BY client ORDER BY client
"""
_SUM = """
SELECT client, sum(views), sum(sessions), 1, sum(sent) FROM client
WHERE level = ? AND timeperiod >= ? AND timeperiod < ? GROUP BY client ORDER BY client
"""


def daily(work: Any) -> object:
    """Count the views of each client, and in how many hours of the day it came."""
    return _keep(work, "daily", tables.counted(work, _DAY))


def monthly(work: Any) -> object:
    """Add the days of a month up."""
    return _keep(work, "monthly", tables.added_up(work, _SUM, "monthly"))


def yearly(work: Any) -> object:
    """Add the months of a year up."""
    return _keep(work, "yearly", tables.added_up(work, _SUM, "yearly"))


def _keep(work: Any, level: str, rows: list[tuple[Any, ...]]) -> object:
    with tables.sink(work.arguments["sink"]) as db:
        return tables.replace(db, "client", level, work.timeperiod, rows) or work.no_data("no client came")
