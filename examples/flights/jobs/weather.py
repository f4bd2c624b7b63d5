"""What was the weather at each airport? Hourly from the raw readings, daily from the hours."""

from __future__ import annotations

from .attempt import Work, marked
from .sink import replace, sink
from .source import hour, source

# One station once read 1048 miles an hour: such a reading is no reading. An hour has two when summer time ends.
READ = """
SELECT origin, count(*), avg(temp), min(temp), max(temp), avg(CASE WHEN wind_speed < 200 THEN wind_speed END),
       max(wind_gust), max(precip), avg(visib)
FROM weather WHERE year = ? AND month = ? AND day = ? AND hour = ?
GROUP BY origin
"""

SUM_UP = """
SELECT origin, sum(readings), avg(temp), min(temp_low), max(temp_high), avg(wind_speed), max(wind_gust), sum(precip), avg(visib)
FROM weather_hourly WHERE timeperiod >= ? AND timeperiod < ?
GROUP BY origin
"""


@marked
def hourly(work: Work) -> object:
    """Take what the stations read in this hour."""
    rows = source(work).execute(READ, hour(work)).fetchall()
    return replace(work, rows) or work.no_data("no station has a reading of this hour")


@marked
def daily(work: Work) -> object:
    """Sum up the hours of this day."""
    window = work.start.strftime("%Y%m%d%H"), work.end.strftime("%Y%m%d%H")
    rows = sink(work).execute(SUM_UP, window).fetchall()
    return replace(work, rows) or work.no_data("no hour of this day has a reading")
