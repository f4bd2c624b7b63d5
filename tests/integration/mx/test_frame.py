"""Does the dashboard stand over a real store, and say what is wrong where there is none?"""

from __future__ import annotations

from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from tests.support.mx import client_over, web_desk

CONTEXT = Path(__file__).parents[3] / "examples" / "flights" / "context.py"


@pytest.fixture
def page(tmp_path: Path) -> TestResponse:
    with web_desk(tmp_path, CONTEXT) as desk:
        return client_over(desk).get("/")


def test_the_first_page_says_that_nothing_is_scheduled(page: TestResponse) -> None:
    assert page.status_code == 200
    assert "nothing is scheduled: no scheduler leads" in page.text


def test_no_page_holds_a_script_or_a_style_of_its_own(page: TestResponse) -> None:
    assert "<style" not in page.text
    assert " style=" not in page.text
    assert "onclick" not in page.text


def test_a_fragment_is_the_changing_part_alone_and_is_not_sent_twice(tmp_path: Path) -> None:
    with web_desk(tmp_path, CONTEXT) as desk:
        client = client_over(desk)
        first = client.get("/", headers={"X-Fragment": "1"})
        again = client.get("/", headers={"X-Fragment": "1", "If-None-Match": first.headers["ETag"]})
    assert "<html" not in first.text
    assert (first.status_code, again.status_code, again.data) == (200, 304, b"")


def test_an_unknown_page_says_where_to_look(tmp_path: Path) -> None:
    with web_desk(tmp_path, CONTEXT) as desk:
        answer = client_over(desk).get("/nowhere")
    assert answer.status_code == 404
    assert "/search" in answer.text


def test_a_store_that_is_away_is_said_and_looked_for_again(tmp_path: Path) -> None:
    with web_desk(tmp_path, CONTEXT, store_url="postgresql://nobody@127.0.0.1:1/none") as desk:
        answer = client_over(desk).get("/")
    assert answer.status_code == 503
    assert "the store is away, and is waited for" in answer.text
    assert "data-live" in answer.text
