"""Do the graph and the runs show what the desk tells, and does their address hold the whole view?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.support.mx import client_over
from tests.support.web_jobs import HOUR, jobs_desk

WHEN = "from=2024-01-01T11:00&until=2024-01-01T12:30"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[FlaskClient]:
    with jobs_desk(tmp_path) as desk:
        yield client_over(desk)


def test_the_graph_draws_each_process_and_says_the_same_as_a_list(client: FlaskClient) -> None:
    page = client.get("/graph").text
    for name in ("flights_hourly", "flights_daily", "delays_daily", "week"):
        assert page.count(f'href="/process/{name}"') == 2
    assert "5 of 12, 1 failing" in page
    assert page.count('class="edge') == 3


def test_the_graph_of_one_tree_keeps_what_is_next_to_it(client: FlaskClient) -> None:
    page = client.get("/graph?tree=delays&size=large").text
    assert "/process/flights_daily" in page
    assert "/process/week" not in page
    assert client.get("/graph?tree=delay").status_code == 404


@pytest.mark.parametrize("size", ["fit", "small", "normal", "large", "nonsense"])
def test_every_size_is_drawn(client: FlaskClient, size: str) -> None:
    assert "<svg" in client.get(f"/graph?size={size}").text


def test_runs_are_drawn_with_links_to_their_jobs(client: FlaskClient) -> None:
    page = client.get(f"/runs?{WHEN}").text
    assert page.count('rx="1.5"') == 6
    assert f'href="/job/flights_hourly/{HOUR}"' in page
    assert "data-live" not in page.split("<main")[1]
    assert "data-live" in client.get("/runs?last=1h").text.split("<main")[1]


def test_the_address_goes_to_the_time_before_and_keeps_the_filter(client: FlaskClient) -> None:
    page = client.get(f"/runs?{WHEN}&process=flights_hourly").text.replace("&amp;", "&")
    assert "/runs?from=2024-01-01T09:30:00&until=2024-01-01T11:00:00&process=flights_hourly" in page


@pytest.mark.parametrize("words", ["last=2h", "from=yesterday", f"{WHEN}0", "from=2024-01-02T00:00&until=2024-01-01T00:00",
                                   "from=2020-01-01T00:00&until=2024-01-01T00:00"])  # fmt: skip
def test_a_time_that_is_none_is_refused_and_says_how_to_write_it(client: FlaskClient, words: str) -> None:
    assert client.get(f"/runs?{words}").status_code == 400


def test_the_edges_of_the_calendar_are_no_fault_of_ours(client: FlaskClient) -> None:
    for begin in ("0001-01-01T00:00", "9999-12-31T23:00", "9999-12-31T23:00-12:00"):
        assert client.get(f"/runs?from={begin.replace('+', '%2B')}").status_code in (200, 400), begin
