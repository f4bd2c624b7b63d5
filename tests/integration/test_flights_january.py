"""Does all of January 2013 come out of the sinks as it went into the source? The real data, job by job, in the timetable's order."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path

import pytest

from examples.flights.report.figures import figures, opened
from system.timeperiod import DAILY, HOURLY, MONTHLY, Timeperiod, parse
from tests.support.flights_run import loaded_source
from tests.support.flights_work import NO_DATA, Given, close_all

JANUARY = parse(MONTHLY, "2013010000")
IN_ORDER = ("flights_hourly", "weather_hourly", "flights_daily", "weather_daily", "flights_monthly", "delays_daily", "delays_monthly")
LEVELS = {"hourly": HOURLY, "daily": DAILY, "monthly": MONTHLY}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file with the raw data."""
    return loaded_source(tmp_path_factory.mktemp("flights"))


@pytest.fixture(scope="module")
def january(loaded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, list[object]]]]:
    """A folder in which every job of January has run once, and what each of them returned."""
    folder = tmp_path_factory.mktemp("january")
    (folder / "source.sqlite").symlink_to(loaded)
    yield folder, {process: list(outcomes(process, folder)) for process in IN_ORDER}
    close_all(folder)


def outcomes(process: str, folder: Path) -> Iterator[object]:
    tree, _, level = process.partition("_")
    job = getattr(import_module(f"examples.flights.jobs.{tree}"), level)
    for ordinal in JANUARY.inside(LEVELS[level]):
        yield job(Given(process, Timeperiod(LEVELS[level], ordinal).id, folder))


def in_source(folder: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "source.sqlite")) as db:
        return db.execute(query).fetchall()


def in_sink(folder: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "sink.sqlite")) as db:
        return db.execute(query).fetchall()


January = tuple[Path, dict[str, list[object]]]


def test_every_hour_has_rows_or_no_data(january: January) -> None:
    folder, returned = january
    with_flights = in_source(folder, "SELECT count(*) FROM (SELECT DISTINCT day, hour FROM flights WHERE month = 1)")[0][0]
    empty = [outcome for outcome in returned["flights_hourly"] if str(outcome).startswith(NO_DATA)]
    assert (len(returned["flights_hourly"]), len(empty)) == (744, 744 - int(str(with_flights)))


def test_every_coarser_job_found_something(january: January) -> None:
    for process, returned in january[1].items():
        if not process.endswith("hourly"):
            assert all(isinstance(outcome, int) and outcome > 0 for outcome in returned), process


def test_the_month_equals_the_raw_flights_per_origin_and_carrier(january: January) -> None:
    raw = """SELECT origin, carrier, count(*), sum(dep_time IS NULL), count(dep_delay), sum(dep_delay), avg(dep_delay), max(dep_delay)
             FROM flights WHERE month = 1 GROUP BY origin, carrier"""
    columns = "origin, carrier, flights, cancelled, departed, delay_sum, mean_delay, worst_delay"
    assert in_sink(january[0], f"SELECT {columns} FROM flights_monthly ORDER BY 1, 2") == in_source(january[0], raw)


def test_every_day_equals_the_raw_flights(january: January) -> None:
    raw = "SELECT printf('201301%02d00', day), count(*), max(dep_delay) FROM flights WHERE month = 1 GROUP BY day"
    sunk = "SELECT timeperiod, sum(flights), max(worst_delay) FROM flights_daily GROUP BY timeperiod"
    assert in_sink(january[0], sunk) == in_source(january[0], raw)


def test_every_weather_reading_is_counted(january: January) -> None:
    raw = in_source(january[0], "SELECT count(*) FROM weather WHERE month = 1")
    assert in_sink(january[0], "SELECT sum(readings) FROM weather_hourly") == raw
    assert in_sink(january[0], "SELECT sum(readings) FROM weather_daily") == raw


def test_every_flight_has_one_weather(january: January) -> None:
    totals = "SELECT sum(flights), sum(cancelled), sum(delay_sum), max(worst_delay) FROM"
    assert in_sink(january[0], f"{totals} delays_monthly") == in_sink(january[0], f"{totals} flights_monthly")


def test_the_report_tells_januarys_figures(january: January) -> None:
    with closing(opened(january[0] / "sink.sqlite")) as db:
        found = figures(db)
    assert (found["months"], found["days"]) == ([27_004], 31)
    assert found["hours_processed"] == len([n for n in january[1]["flights_hourly"] if isinstance(n, int)])
