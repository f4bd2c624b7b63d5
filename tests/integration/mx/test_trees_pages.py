"""Do the pages of processes and trees show what the desk tells, and does the address hold what is chosen?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from mx.security.roles import Role
from tests.support.mx import client_over
from tests.support.web_jobs import HOUR, jobs_desk


@pytest.fixture
def client(tmp_path: Path) -> Iterator[FlaskClient]:
    with jobs_desk(tmp_path) as desk:
        yield client_over(desk)


def test_a_process_shows_how_far_it_is_and_hides_secrets(client: FlaskClient) -> None:
    page = client.get("/process/flights_hourly").text
    assert "2024010104" in page
    assert "5 of 12 finished" in page
    assert "s3cr3t" not in page
    assert "postgresql://me:***@host/db" in page
    assert page.count("<rect") == 6


@pytest.mark.parametrize("name", ["flights_daily", "week", "load"])
def test_every_kind_of_process_has_a_page(client: FlaskClient, name: str) -> None:
    assert client.get(f"/process/{name}").status_code == 200


def test_an_unknown_process_or_page_says_what_is_near(client: FlaskClient) -> None:
    for path, near in (("/process/flights_hourli", "flights_hourly"), ("/trees/aire", "air")):
        answer = client.get(path)
        assert (answer.status_code, f"did you mean &#39;{near}&#39;" in answer.text) == (404, True)


def test_the_list_of_trees_is_paged_and_links_to_their_tiles(client: FlaskClient) -> None:
    page = client.get("/trees").text
    assert page.count('href="/trees/air"') == 1
    assert 'href="/trees/week"' in page
    assert "/trees/air" not in client.get("/trees?skip=2").text


def test_choosing_a_tile_opens_its_children_and_keeps_the_choice_in_other_trees(client: FlaskClient) -> None:
    page = client.get("/trees/air?at=delays_daily/2024010100").text
    hrefs = [href.replace("&amp;", "&") for href in re.findall(r'class="pick id" href="(/trees/[^"]*)"', page)]
    assert "/trees/air?at=delays_daily/2024010100&at=flights_daily/2024010100" in hrefs
    chosen = client.get(hrefs[0]).text
    assert f'href="/job/flights_hourly/{HOUR}#why-title"' in chosen
    assert "5 of 24" in chosen


def test_a_period_that_there_is_not_is_refused(client: FlaskClient) -> None:
    assert client.get("/trees/air?at=flights_daily/nonsense").status_code == 404
    assert client.get("/trees/air?at=other/1&at=&at=flights_daily").status_code == 200


def test_a_viewer_sees_tiles_without_commands(tmp_path: Path) -> None:
    with jobs_desk(tmp_path) as desk:
        assert "/plan?" not in client_over(desk, Role.VIEWER).get("/trees/air").text
        assert "/plan?" in client_over(desk, Role.OPERATOR).get("/trees/air").text
