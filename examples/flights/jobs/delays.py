"""What does the weather do to departures? The hours of both other trees, joined; a month adds up its days."""

from __future__ import annotations

from .attempt import Work, marked
from .sink import replace, sink

# Miles an hour, inches, miles. Rain hides fog, fog hides wind: each hour at each airport has one kind of weather.
BY_WEATHER = """
SELECT f.origin,
       CASE WHEN w.origin IS NULL THEN 'unknown' WHEN w.precip > 0 THEN 'rainy' WHEN w.visib < 3 THEN 'foggy'
            WHEN w.wind_speed >= 15 THEN 'windy' ELSE 'calm' END AS kind,
       count(DISTINCT f.timeperiod), sum(f.flights), sum(f.cancelled), sum(f.departed), sum(f.delay_sum),
       1.0 * sum(f.delay_sum) / sum(f.departed), max(f.worst_delay)
FROM flights_hourly f LEFT JOIN weather_hourly w ON w.timeperiod = f.timeperiod AND w.origin = f.origin
WHERE f.timeperiod >= ? AND f.timeperiod < ?
GROUP BY f.origin, kind
"""

ADD_UP = """
SELECT origin, weather, sum(hours), sum(flights), sum(cancelled), sum(departed), sum(delay_sum), 1.0 * sum(delay_sum) / sum(departed),
       max(worst_delay)
FROM delays_daily WHERE timeperiod >= ? AND timeperiod < ?
GROUP BY origin, weather
"""


@marked
def daily(work: Work) -> object:
    """Sort the day's departures by the weather of their hour."""
    window = work.start.strftime("%Y%m%d%H"), work.end.strftime("%Y%m%d%H")
    rows = sink(work).execute(BY_WEATHER, window).fetchall()
    return replace(work, rows) or work.no_data("no flight was due to leave on this day")


@marked
def monthly(work: Work) -> object:
    """Add up the days of this month."""
    window = work.start.strftime("%Y%m%d00"), work.end.strftime("%Y%m%d00")
    rows = sink(work).execute(ADD_UP, window).fetchall()
    return replace(work, rows) or work.no_data("no day of this month has a departure")
