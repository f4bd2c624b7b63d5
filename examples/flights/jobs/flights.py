"""How many flights left, how many did not, and how late were they? Per origin and carrier; every level adds up the finer one."""

from __future__ import annotations

from .attempt import Work, marked
from .sink import replace, sink
from .source import hour, source

COUNT = """
SELECT origin, carrier, count(*), sum(dep_time IS NULL), count(dep_delay), coalesce(sum(dep_delay), 0), avg(dep_delay), max(dep_delay)
FROM flights WHERE year = ? AND month = ? AND day = ? AND hour = ?
GROUP BY origin, carrier
"""

ADD_UP = """
SELECT origin, carrier, sum(flights), sum(cancelled), sum(departed), sum(delay_sum), 1.0 * sum(delay_sum) / sum(departed), max(worst_delay)
FROM {finer} WHERE timeperiod >= ? AND timeperiod < ?
GROUP BY origin, carrier
"""


@marked
def hourly(work: Work) -> object:
    """Count the raw flights that were due to leave in this hour."""
    rows = source(work).execute(COUNT, hour(work)).fetchall()
    return replace(work, rows) or work.no_data("no flight was due to leave in this hour")


@marked
def daily(work: Work) -> object:
    """Add up the hours of this day."""
    return add_up(work, "flights_hourly", "%Y%m%d%H")


@marked
def monthly(work: Work) -> object:
    """Add up the days of this month."""
    return add_up(work, "flights_daily", "%Y%m%d00")


@marked
def yearly(work: Work) -> object:
    """Add up the months of this year."""
    return add_up(work, "flights_monthly", "%Y%m0000")


def add_up(work: Work, finer: str, period: str) -> object:
    """Add up what the process `finer` left in the sink for this window; `period` is the format of its timeperiods."""
    window = work.start.strftime(period), work.end.strftime(period)  # ids sort as their times do
    rows = sink(work).execute(ADD_UP.format(finer=finer), window).fetchall()
    return replace(work, rows) or work.no_data(f"{finer} has no rows for this window")
