"""Is the demo's timetable run in its order, each job once, to the right figures? Undisturbed, judged by the jobs' own marks."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from db.urls import open_store
from examples.flights.report.figures import figures
from tests.support.flights_judge import (
    JobKey,
    Mark,
    expect,
    jobs_until,
    not_finished_once,
    not_once,
    out_of_order,
    overlaps,
)
from tests.support.flights_run import DEMO, EXPECTED_YEAR, JANUARY, YEAR, FlightsRun, loaded_source, results


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file with the raw data."""
    return loaded_source(tmp_path_factory.mktemp("flights"))


@pytest.fixture(scope="module")
def january(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlightsRun]:
    """A run of January, with the year over it, to its end."""
    run = FlightsRun(tmp_path_factory.mktemp("january"), source, end=JANUARY)
    try:
        run.run(within_s=120)
        yield run
    finally:
        run.close()


def test_every_job_of_january_runs_exactly_once(january: FlightsRun) -> None:
    assert not_once(january.marks(), jobs_until(JANUARY)) == []


def test_no_job_of_january_starts_before_its_inputs_have_ended(january: FlightsRun) -> None:
    assert out_of_order(january.marks()) == []


def test_the_records_of_january_say_what_the_sinks_say(january: FlightsRun) -> None:
    assert wrong_records(january, JANUARY) == []


def test_januarys_results_are_those_of_its_jobs_called_one_by_one(january: FlightsRun, source: Path, tmp_path: Path) -> None:
    assert january.sinks() == results(expect(JANUARY, source, tmp_path))


def test_nothing_of_the_system_outlives_its_end(january: FlightsRun) -> None:
    assert january.leftovers() == []


@pytest.mark.long
def test_the_demos_year_runs_in_order_and_each_job_once(source: Path, tmp_path: Path) -> None:
    run = FlightsRun(tmp_path, source, context=DEMO)
    try:
        run.run(within_s=900)
    finally:
        run.close()
    assert not_once(run.marks(), jobs_until(YEAR)) == []
    assert out_of_order(run.marks()) == []
    assert wrong_records(run, YEAR) == []
    with closing(sqlite3.connect(run.var / "sink.sqlite")) as db:
        found = figures(db)
    assert {name: found[name] for name in EXPECTED_YEAR} == EXPECTED_YEAR


def wrong_records(run: FlightsRun, end: str) -> list[str]:
    with closing(open_store(f"sqlite:///{run.var / 'horarium.db'}")) as store:
        return not_finished_once(store, jobs_until(end), run.written())


# What the judge is worth: each rule is shown a breach.

DAY = "2013010100"


def marks_of(*said: tuple[str, JobKey, float]) -> list[Mark]:
    return [Mark(what, job, 1, 100, at_s) for what, job, at_s in said]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (("flights_hourly", "2013010123"), ("flights_daily", DAY)),
        (("weather_hourly", "2013010100"), ("weather_daily", DAY)),
        (("flights_daily", "2013013100"), ("flights_monthly", "2013010000")),
        (("flights_monthly", "2013120000"), ("flights_yearly", "2013000000")),
        (("flights_daily", DAY), ("delays_daily", DAY)),
        (("weather_daily", DAY), ("delays_daily", DAY)),
        (("weather_hourly", "2013010123"), ("delays_daily", DAY)),
        (("flights_monthly", "2013010000"), ("delays_monthly", "2013010000")),
        (("delays_daily", "2013013100"), ("delays_monthly", "2013010000")),
    ],
)
def test_the_judge_sees_a_start_before_an_inputs_end(earlier: JobKey, later: JobKey) -> None:
    marks = marks_of(("start", earlier, 1.0), ("start", later, 2.0), ("end", earlier, 3.0), ("end", later, 4.0))
    assert f"{later} started before the end of {earlier[1]} in {earlier[0]}" in out_of_order(marks)


def test_the_judge_sees_a_job_that_ran_twice_and_one_that_did_not() -> None:
    job = ("flights_hourly", DAY)
    twice = marks_of(("start", job, 1.0), ("end", job, 2.0), ("start", job, 3.0), ("end", job, 4.0))
    assert len(not_once(twice, [job])) == 1
    assert len(not_once([], [job])) == 1
    assert overlaps(twice) == [f"{job} fence 1 started 2 times"]


def test_the_judge_sees_a_result_of_another_attempt_than_the_one_that_counts(january: FlightsRun) -> None:
    written = january.written()
    fence, rows = written["flights_daily", DAY]
    written["flights_daily", DAY] = fence + 1, rows
    with closing(open_store(f"sqlite:///{january.var / 'horarium.db'}")) as store:
        assert len(not_finished_once(store, jobs_until(JANUARY), written)) == 1
        assert len(not_finished_once(store, jobs_until(JANUARY)[1:], january.written())) == 1


def test_the_judge_counts_a_years_jobs() -> None:
    assert len(jobs_until(YEAR)) == 2 * 8760 + 3 * 365 + 2 * 12 + 1
