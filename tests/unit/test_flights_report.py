"""Does the report count what the sinks hold, also when they hold little?"""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from rich.console import Console

from examples.flights.jobs.sink import TABLES
from examples.flights.report.figures import figures
from examples.flights.report.tables import year_tables


@pytest.fixture
def sink() -> Iterator[sqlite3.Connection]:
    """A sink in memory, without rows."""
    with closing(sqlite3.connect(":memory:")) as db:
        for name, columns in TABLES.items():
            db.execute(f"CREATE TABLE {name} {columns}")
        yield db


def shown(db: sqlite3.Connection, **facts: object) -> str:
    console = Console(file=io.StringIO(), width=80)
    for table in year_tables(db, figures(db), facts):
        console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_an_empty_sink_counts_as_nothing(sink: sqlite3.Connection) -> None:
    found = figures(sink)
    assert (found["flights"], found["hours_processed"], found["days"], found["weather_rows"]) == (0, 0, 0, 0)
    assert (found["months"], found["origins"]) == ([], {})


def test_an_hour_without_rows_counts_as_noop(sink: sqlite3.Connection) -> None:
    sink.executemany("INSERT INTO written VALUES ('flights_hourly', ?, 1, ?)", [("2013010100", 0), ("2013010105", 2), ("2013010106", 9)])
    sink.execute("INSERT INTO written VALUES ('weather_hourly', '2013010100', 1, 0)")
    assert (figures(sink)["hours_processed"], figures(sink)["hours_noop"]) == (2, 1)


def test_months_come_in_order_and_origins_by_name(sink: sqlite3.Connection) -> None:
    rows = [("2013020000", "JFK", 5), ("2013010000", "JFK", 3), ("2013010000", "EWR", 4)]
    sink.executemany("INSERT INTO flights_monthly VALUES (?, ?, 'UA', ?, 0, 1, 1, 1.0, 1)", rows)
    sink.executemany("INSERT INTO flights_yearly VALUES ('2013000000', ?, 'UA', ?, 1, 1, 1, 1.0, 1)", [("JFK", 8), ("EWR", 4)])
    found = figures(sink)
    assert (found["months"], found["flights"], found["cancelled"]) == ([7, 5], 12, 2)
    assert list(found["origins"].items()) == [("EWR", 4), ("JFK", 8)]  # type: ignore[attr-defined]


def test_a_month_in_which_nothing_left_has_no_mean(sink: sqlite3.Connection) -> None:
    sink.execute("INSERT INTO flights_monthly VALUES ('2013020000', 'JFK', 'UA', 5, 5, 0, 0, NULL, NULL)")
    assert [line.split() for line in shown(sink).splitlines() if line.startswith("Feb")] == [["Feb", "5", "5", "-", "-"]]


def test_the_tables_fit_into_80_columns_and_end_with_the_timetables_facts(sink: sqlite3.Connection) -> None:
    sink.execute("INSERT INTO flights_yearly VALUES ('2013000000', 'LGA', 'WN', 104662, 3153, 101509, 1035000, 10.2, 911)")
    lines = shown(sink, jobs=18640, uows=18641, seconds=12.5).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[-1] == "18,640 jobs in 18,641 units of work, 12.5 seconds"
