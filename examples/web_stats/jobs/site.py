"""How was each site used? Views, sessions, clients and bytes, an hour at a time out of the page views, and coarser out of finer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from . import tables

# A session is a client's views with no pause of half an hour; one that began before the hour counts where it began, so the views of
# half an hour before are read too.
PAUSE = timedelta(minutes=30)
_HOUR = """
WITH seen AS (
    SELECT site, client, sent, at,
        julianday(at) - julianday(lag(at) OVER (PARTITION BY site, client ORDER BY at)) AS pause
    FROM page_view WHERE at >= :before AND at < :end
)
SELECT site, count(*), sum(pause IS NULL OR pause > 0.5 / 24), count(DISTINCT client), sum(sent) FROM seen
WHERE at >= :start GROUP BY site ORDER BY site
"""
_SUM = """
SELECT site, sum(views), sum(sessions), max(clients), sum(sent) FROM site
WHERE level = ? AND timeperiod >= ? AND timeperiod < ? GROUP BY site ORDER BY site
"""


def hourly(work: Any) -> object:
    """Count the page views of an hour as far as they have come in: while it is open the figures grow."""
    return _keep(work, "hourly", tables.counted(work, _HOUR, before=PAUSE))


def daily(work: Any) -> object:
    """Add the hours of a day up, those of the open hour too."""
    return _keep(work, "daily", tables.added_up(work, _SUM, "daily"))


def monthly(work: Any) -> object:
    """Add the days of a month up."""
    return _keep(work, "monthly", tables.added_up(work, _SUM, "monthly"))


def yearly(work: Any) -> object:
    """Add the months of a year up."""
    return _keep(work, "yearly", tables.added_up(work, _SUM, "yearly"))


def _keep(work: Any, level: str, rows: list[tuple[Any, ...]]) -> object:
    """Write the figures down, and that this run did."""
    with tables.sink(work.arguments["sink"]) as db:
        tables.replace(db, "site", level, work.timeperiod, rows)
        views = sum(row[1] for row in rows)
        db.execute(
            "INSERT OR REPLACE INTO run VALUES (?, ?, ?, ?, datetime('now'))", (work.process, work.timeperiod, work.fence, views)
        )
    return views if rows else work.no_data("nobody looked at a page")
