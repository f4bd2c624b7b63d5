"""Do the demo's jobs write the right rows, once, and refuse an attempt that was given up?"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from examples.flights.jobs import delays, flights, weather
from examples.flights.jobs import sink as sinks
from examples.flights.jobs.attempt import Work
from tests.support.flights_work import NO_DATA, Given, close_all

FLIGHT_COLUMNS = "year, month, day, hour, origin, carrier, dep_time, dep_delay"
WEATHER_COLUMNS = "year, month, day, hour, origin, temp, wind_speed, wind_gust, precip, visib"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with a source of a few raw rows; whatever the jobs opened in it is closed afterwards."""
    with closing(sqlite3.connect(tmp_path / "source.sqlite")) as db:
        db.execute(f"CREATE TABLE flights ({FLIGHT_COLUMNS})")
        db.execute(f"CREATE TABLE weather ({WEATHER_COLUMNS})")
    yield tmp_path
    close_all(tmp_path)


def fly(folder: Path, *rows: tuple[int, str, str, int | None]) -> None:
    """Add raw flights of 5 January 2013: (hour, origin, carrier, delay); no delay is a cancelled one."""
    with closing(sqlite3.connect(folder / "source.sqlite")) as db, db:
        for hour, origin, carrier, delay in rows:
            dep_time = None if delay is None else 100 * hour
            db.execute("INSERT INTO flights VALUES (2013, 1, 5, ?, ?, ?, ?, ?)", (hour, origin, carrier, dep_time, delay))


def blow(folder: Path, hour: int, origin: str, **reading: float) -> None:
    """Add a raw weather reading of 5 January 2013; calm and clear but for `reading`."""
    read = {"temp": 40.0, "wind_speed": 5.0, "wind_gust": None, "precip": 0.0, "visib": 10.0, **reading}
    with closing(sqlite3.connect(folder / "source.sqlite")) as db, db:
        db.execute("INSERT INTO weather VALUES (2013, 1, 5, ?, ?, ?, ?, ?, ?, ?)", (hour, origin, *read.values()))


def run(job: Callable[[Work], object], process: str, timeperiod: str, folder: Path, *, fence: int = 1) -> object:
    return job(Given(process, timeperiod, folder, fence))


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    return sinks.opened(str(folder / "sink.sqlite")).execute(query).fetchall()


def test_an_hour_counts_flights_and_cancellations_per_origin_and_carrier(folder: Path) -> None:
    fly(folder, (7, "JFK", "UA", 10), (7, "JFK", "UA", -4), (7, "JFK", "UA", None), (7, "EWR", "UA", 1), (8, "JFK", "UA", 99))
    assert run(flights.hourly, "flights_hourly", "2013010507", folder) == 2
    assert rows(folder, "SELECT * FROM flights_hourly WHERE origin = 'JFK'") == [("2013010507", "JFK", "UA", 3, 1, 2, 6, 3.0, 10)]


def test_an_hour_without_flights_is_no_data_and_is_noted(folder: Path) -> None:
    assert str(run(flights.hourly, "flights_hourly", "2013010503", folder)).startswith(NO_DATA)
    assert rows(folder, "SELECT * FROM written") == [("flights_hourly", "2013010503", 1, 0)]


def test_an_hour_in_which_every_flight_was_cancelled_has_no_mean(folder: Path) -> None:
    fly(folder, (7, "JFK", "UA", None))
    assert run(flights.hourly, "flights_hourly", "2013010507", folder) == 1
    assert run(flights.daily, "flights_daily", "2013010500", folder) == 1
    assert rows(folder, "SELECT flights, cancelled, mean_delay, worst_delay FROM flights_daily") == [(1, 1, None, None)]


def test_running_a_period_again_replaces_what_it_wrote(folder: Path) -> None:
    fly(folder, (7, "JFK", "UA", 10))
    for fence in (1, 1, 2):
        run(flights.hourly, "flights_hourly", "2013010507", folder, fence=fence)
    assert rows(folder, "SELECT flights FROM flights_hourly") == [(1,)]
    assert rows(folder, "SELECT fence, rows FROM written") == [(2, 1)]


def test_a_smaller_fence_is_refused_and_changes_nothing(folder: Path) -> None:
    fly(folder, (7, "JFK", "UA", 10))
    run(flights.hourly, "flights_hourly", "2013010507", folder, fence=3)
    fly(folder, (7, "JFK", "UA", 10))
    with pytest.raises(sinks.StaleFence, match="written with fence 3: fence 2 comes too late"):
        run(flights.hourly, "flights_hourly", "2013010507", folder, fence=2)
    assert rows(folder, "SELECT flights FROM flights_hourly") == [(1,)]


def test_a_fence_holds_for_its_own_period_only(folder: Path) -> None:
    fly(folder, (7, "JFK", "UA", 10), (8, "JFK", "UA", 10))
    run(flights.hourly, "flights_hourly", "2013010507", folder, fence=9)
    assert run(flights.hourly, "flights_hourly", "2013010508", folder, fence=1) == 1


def test_coarser_levels_add_up_the_sink_and_never_look_at_the_source(folder: Path) -> None:
    fly(folder, (7, "JFK", "UA", 10), (8, "JFK", "UA", 30), (9, "JFK", "UA", 99))
    for hour in ("07", "08"):
        run(flights.hourly, "flights_hourly", f"20130105{hour}", folder)
    run(flights.daily, "flights_daily", "2013010500", folder)
    run(flights.monthly, "flights_monthly", "2013010000", folder)
    assert run(flights.yearly, "flights_yearly", "2013000000", folder) == 1
    assert rows(folder, "SELECT * FROM flights_yearly") == [("2013000000", "JFK", "UA", 2, 0, 2, 40, 20.0, 30)]


def test_two_readings_of_one_hour_are_one_row_that_counts_both(folder: Path) -> None:
    blow(folder, 1, "JFK", temp=50.0)
    blow(folder, 1, "JFK", temp=52.0)
    assert run(weather.hourly, "weather_hourly", "2013010501", folder) == 1
    assert rows(folder, "SELECT readings, temp, temp_low, temp_high FROM weather_hourly") == [(2, 51.0, 50.0, 52.0)]


def test_a_wind_that_no_station_can_measure_is_no_reading(folder: Path) -> None:
    blow(folder, 3, "EWR", wind_speed=1048.36)
    run(weather.hourly, "weather_hourly", "2013010503", folder)
    assert rows(folder, "SELECT wind_speed FROM weather_hourly") == [(None,)]


def test_a_day_of_weather_sums_its_rain(folder: Path) -> None:
    for hour in (3, 4):
        blow(folder, hour, "EWR", precip=0.25)
        run(weather.hourly, "weather_hourly", f"201301050{hour}", folder)
    assert run(weather.daily, "weather_daily", "2013010500", folder) == 1
    assert rows(folder, "SELECT readings, precip FROM weather_daily") == [(2, 0.5)]


def test_delays_are_sorted_by_the_weather_of_their_hour(folder: Path) -> None:
    fly(folder, (6, "JFK", "UA", 1), (7, "JFK", "UA", 2), (8, "JFK", "UA", 3), (9, "JFK", "UA", 4), (9, "JFK", "AA", 6))
    fly(folder, (10, "JFK", "UA", 5))
    blow(folder, 6, "JFK")
    blow(folder, 7, "JFK", wind_speed=20.0)
    blow(folder, 8, "JFK", visib=1.0, wind_speed=20.0)
    blow(folder, 9, "JFK", precip=0.1, visib=1.0)
    for hour in range(6, 11):
        run(flights.hourly, "flights_hourly", f"20130105{hour:02}", folder)
        run(weather.hourly, "weather_hourly", f"20130105{hour:02}", folder)
    run(delays.daily, "delays_daily", "2013010500", folder)
    assert run(delays.monthly, "delays_monthly", "2013010000", folder) == 5
    found = rows(folder, "SELECT weather, hours, flights, mean_delay FROM delays_monthly ORDER BY weather")
    assert found == [("calm", 1, 1, 1.0), ("foggy", 1, 1, 3.0), ("rainy", 1, 2, 5.0), ("unknown", 1, 1, 5.0), ("windy", 1, 1, 2.0)]


def test_an_attempt_leaves_a_mark_when_it_starts_and_when_it_ends(folder: Path) -> None:
    fly(folder, (7, "JFK", "UA", 10))
    flights.hourly(Given("flights_hourly", "2013010507", folder, fence=4, marks=str(folder)))
    start, end = ((folder / "marks.txt").read_text()).splitlines()
    assert [line.split()[:3] for line in (start, end)] == [[word, "flights_hourly/2013010507", "4"] for word in ("start", "end")]
    assert float(start.split()[4]) <= float(end.split()[4])


def test_an_attempt_that_raises_is_marked_as_failed(folder: Path) -> None:
    run(flights.hourly, "flights_hourly", "2013010507", folder, fence=5)
    with pytest.raises(sinks.StaleFence):
        flights.hourly(Given("flights_hourly", "2013010507", folder, fence=4, marks=str(folder)))
    assert [line.split()[0] for line in (folder / "marks.txt").read_text().splitlines()] == ["start", "fail"]


def test_without_a_source_the_message_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="load them first"):
        run(flights.hourly, "flights_hourly", "2013010507", tmp_path)
