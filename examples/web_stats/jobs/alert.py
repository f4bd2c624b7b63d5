"""Was a day out of the ordinary? Its views against those of the same day a week before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from . import tables

_VIEWS = "SELECT sum(views) FROM site WHERE level = 'daily' AND timeperiod = ?"
# A day with less than half, or more than twice, the views of a week before.
LEAST, MOST = 0.5, 2.0


def daily(work: Any) -> object:
    """Compare a day with the week before and say so where it is far off."""
    week_before = (work.start - timedelta(days=7)).strftime("%Y%m%d00")
    with tables.sink(work.arguments["sink"]) as db:
        views, before = (db.execute(_VIEWS, (day,)).fetchone()[0] for day in (work.timeperiod, week_before))
        if not views or not before:
            return work.no_data("there is nothing to compare")
        text = "" if LEAST <= views / before <= MOST else f"{views:,} views, {before:,} a week before"
        db.execute("INSERT OR REPLACE INTO alert VALUES (?, ?, ?, ?)", (work.timeperiod, views, before, text))
    if text:
        work.log.warning("%s: %s", work.timeperiod, text)
    return 1
