"""Which processes does the demo run? A year of flights, hour by hour, and what the weather did to them.

This is all that Horarium needs to know: entries made by its factories, as plain data. Point `HORARIUM_CONTEXT` at this file.
"""

from __future__ import annotations

import os
from pathlib import Path

from system.context import ManagedProcess, managed_context_entry, timetable_tree_entry

FOLDER = Path(os.environ.get("FLIGHTS_DATA", "var/flights")).absolute()

# The data covers 2013: `start` is the first timeperiod of each qualifier, `end` the first that is not run any more.
YEAR = {
    "_hourly": ("2013010100", "2014010100"),
    "_daily": ("2013010100", "2014010100"),
    "_monthly": ("2013010000", "2014010000"),
    "_yearly": ("2013000000", "2014000000"),
}

# What each job finds in `work.arguments`. With FLIGHTS_MARKS each attempt leaves a mark when it starts and when it ends.
ARGUMENTS = {
    "source": str(FOLDER / "source.sqlite"),
    "sink": str(FOLDER / "sink.sqlite"),
    "marks": os.environ.get("FLIGHTS_MARKS", ""),
}


def entry(token: str, level: str, blocking_type: str, description: str) -> ManagedProcess:
    """Return the process `<token>_<level>`, which calls the function `<level>` in `jobs/<token>.py`."""
    start, end = YEAR[f"_{level}"]
    return managed_context_entry(
        process_name=f"{token}_{level}",
        classname=f"jobs.{token}.{level}",
        token=token,
        time_qualifier=f"_{level}",
        blocking_type=blocking_type,
        arguments=ARGUMENTS,
        start=start,
        end=end,
        lag_s=0.0,  # the year is long over: nothing is still on its way
        description=description,
    )


# blocking_normal: an hour waits for nothing. blocking_children: a day waits for its 24 hours, a month for its days.
# blocking_all: as that, and for the same period of the trees that its own tree depends on.
process_context = {
    process.name: process
    for process in (
        entry("flights", "hourly", "blocking_normal", "Flights, cancellations and departure delay per origin and carrier"),
        entry("flights", "daily", "blocking_children", "The hours of a day, added up"),
        entry("flights", "monthly", "blocking_children", "The days of a month, added up"),
        entry("flights", "yearly", "blocking_children", "The months of a year, added up"),
        entry("weather", "hourly", "blocking_normal", "What each airport's weather station read"),
        entry("weather", "daily", "blocking_children", "The weather of a day per airport"),
        entry("delays", "daily", "blocking_all", "Departure delay by airport and weather"),
        entry("delays", "monthly", "blocking_all", "The days of a month, added up"),
    )
}

timetable_context = {
    tree.name: tree
    for tree in (
        timetable_tree_entry("flights", ["flights_hourly", "flights_daily", "flights_monthly", "flights_yearly"]),
        timetable_tree_entry("weather", ["weather_hourly", "weather_daily"]),
        timetable_tree_entry("delays", ["delays_daily", "delays_monthly"], dependent_on=["flights", "weather"]),
    )
}

report = "report.main"  # what `launch.py report` calls
