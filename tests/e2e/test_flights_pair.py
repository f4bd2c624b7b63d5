"""Is the demo the same on MongoDB and RabbitMQ as on one file? Its January by default; the whole year among the long tests."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from db.urls import open_store
from examples.flights.report.figures import figures
from tests.support.flights_judge import expect, jobs_until, not_finished_once, not_once, out_of_order
from tests.support.flights_run import DEMO, EXPECTED_YEAR, JANUARY, JUDGED, YEAR, FlightsRun, loaded_source, results
from tests.support.mongo_server import drop_database, own_database
from tests.support.rabbit import delete, own_place, url_of
from tests.support.services import service_url

pytestmark = pytest.mark.service


@contextmanager
def on_the_pair(folder: Path, source: Path, *, end: str = YEAR, context: Path = JUDGED) -> Iterator[tuple[FlightsRun, str]]:
    """Yield a run of the demo on MongoDB and RabbitMQ, and its store's URL; nothing of it is left on the servers."""
    store_url, place = own_database(service_url("MONGODB_URL")), own_place()
    settings = {"HORARIUM_STORE_URL": store_url, "HORARIUM_BROKER_URL": url_of(place)}
    run = FlightsRun(folder, source, end=end, context=context, settings=settings)
    try:
        yield run, store_url
    finally:
        run.close()
        delete(place, [row["queue"] for row in json.loads(run.launch("queue", "list", "--json"))])
        drop_database(store_url)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file with the raw data."""
    return loaded_source(tmp_path_factory.mktemp("flights"))


@pytest.fixture(scope="module")
def january(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FlightsRun, str]]:
    """A run of January to its end."""
    with on_the_pair(tmp_path_factory.mktemp("january"), source, end=JANUARY) as (run, store_url):
        run.run(within_s=300)
        yield run, store_url


January = tuple[FlightsRun, str]


def test_every_job_of_january_runs_exactly_once_and_in_order(january: January) -> None:
    marks = january[0].marks()
    assert not_once(marks, jobs_until(JANUARY)) == []
    assert out_of_order(marks) == []


def test_the_records_of_january_say_what_the_sinks_say(january: January) -> None:
    assert wrong_records(*january, JANUARY) == []


def test_januarys_results_are_those_of_its_jobs_called_one_by_one(january: January, source: Path, tmp_path: Path) -> None:
    assert january[0].sinks() == results(expect(JANUARY, source, tmp_path))


def test_no_file_of_a_store_is_made_on_the_box(january: January) -> None:
    assert list(january[0].var.glob("horarium.db*")) == []


@pytest.mark.long
def test_the_demos_year_has_the_same_figures(source: Path, tmp_path: Path) -> None:
    with on_the_pair(tmp_path, source, context=DEMO) as (run, store_url):
        run.run(within_s=1800)
        assert not_once(run.marks(), jobs_until(YEAR)) == []
        assert out_of_order(run.marks()) == []
        assert wrong_records(run, store_url, YEAR) == []
        with closing(sqlite3.connect(run.var / "sink.sqlite")) as db:
            found = figures(db)
        assert {name: found[name] for name in EXPECTED_YEAR} == EXPECTED_YEAR


def wrong_records(run: FlightsRun, store_url: str, end: str) -> list[str]:
    with closing(open_store(store_url)) as store:
        return not_finished_once(store, jobs_until(end), run.written())
