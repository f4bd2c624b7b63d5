"""Does the page of a job tell the truth, and lead to what to press?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from db.model import OutputPiece
from launcher.web.desk import WebDesk
from mx.security.roles import Role
from system.lifecycle import JobState, UowState
from tests.support.builders import job, turn
from tests.support.mx import client_over
from tests.support.stores import commit
from tests.support.web_jobs import HOUR, UOW, jobs_desk

PATH = f"/job/flights_hourly/{HOUR}"
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[WebDesk]:
    with jobs_desk(tmp_path) as opened:
        yield opened


@pytest.fixture
def client(desk: WebDesk) -> FlaskClient:
    return client_over(desk)


def test_the_page_says_what_failed_and_when_it_is_tried_again(client: FlaskClient) -> None:
    page = client.get(PATH).text
    assert "attempt 1 failed (" in page
    assert "s-failing" in page
    assert "one\ntwo\n" in page
    assert 'href="/plan?verb=reprocess&amp;process=flights_hourly&amp;timeperiod=2024010105"' in page


def test_a_viewer_is_shown_no_command(desk: WebDesk) -> None:
    assert "/plan?" not in client_over(desk, Role.VIEWER).get(PATH).text


def test_a_reason_links_to_its_cause(client: FlaskClient) -> None:
    page = client.get("/job/flights_daily/2024010100").text
    assert f'href="{PATH}"' in page


def test_a_fragment_holds_no_log_so_that_the_reader_keeps_the_place(client: FlaskClient) -> None:
    part = client.get(PATH, headers={"X-Fragment": "1"}).text
    assert "<html" not in part
    assert "one\ntwo\n" not in part


def test_inputs_that_are_all_finished_do_not_look_as_if_some_ran(desk: WebDesk, client: FlaskClient) -> None:
    states = [JobState.PROCESSED, JobState.NOOP]
    jobs = [job(f"20240101{hour:02}", states[hour % 2], turn=3, run=1, uow_state=UowState.PROCESSED) for hour in range(24)]
    assert desk.version() == 2  # what comes after is followed
    desk.asker.ask(lambda: commit(desk.parts.store, turn(3, jobs=jobs)))
    page = client.get("/job/flights_daily/2024010100").text
    assert "24 of 24 finished" in page
    assert '<rect class="s-processed"' in page
    assert "s-mixed" not in page


def test_only_what_is_new_of_the_log_is_sent(client: FlaskClient) -> None:
    found = client.get(f"{PATH}/printed?uow={UOW}&fence=1&begin=1").json
    assert found is not None
    assert (found["text"], found["end"]) == ("two\n", 5)
    assert "one\ntwo\n" in client.get(f"{PATH}/printed").text


@pytest.mark.parametrize("words", ["begin=99999999999999999999999", "begin=-5&fence=-3", "begin=x&fence=99999999999999999999999"])
def test_odd_numbers_in_an_address_are_no_fault_of_ours(client: FlaskClient, words: str) -> None:
    assert client.get(f"{PATH}/printed?{words}").status_code == 200
    assert client.get(f"{PATH}?{words}").status_code == 200
    assert client.get(f"/trees?skip={10**30}").status_code == 200


def test_the_whole_log_is_a_file(client: FlaskClient) -> None:
    answer = client.get(f"{PATH}/log.txt")
    assert answer.mimetype == "text/plain"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="flights_hourly-2024010105.txt"'
    assert answer.text.endswith("one\ntwo\n")


def test_script_in_a_log_a_reason_and_an_address_is_text(desk: WebDesk, client: FlaskClient) -> None:
    def spoil() -> None:
        store = desk.parts.store
        store.append_output([OutputPiece(UOW, 1, 8, EVIL)])
        (found,) = store.jobs("flights_hourly", [HOUR])
        commit(store, turn(3, jobs=[replace(found, turn=3, held=EVIL, reason=EVIL)]))

    desk.asker.ask(spoil)
    for path in (PATH, f"{PATH}/printed", "/job/<script>x/1", "/job/flights_hourly/<script>x"):
        page = client.get(path).text
        assert EVIL not in page, path
        assert "&lt;script&gt;" in page, path
    assert EVIL in json.dumps(client.get(f"{PATH}/printed?begin=8&fence=1").json)


@pytest.mark.parametrize(("path", "said"), [
    ("/job/flights_hourli/2024010105", "did you mean &#39;flights_hourly&#39;"), ("/job/flights_daily/2024010105", "YYYYMMDD00"),
])  # fmt: skip
def test_what_there_is_not_is_a_clear_404(client: FlaskClient, path: str, said: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert said in answer.text


def test_every_period_has_a_page_also_where_nothing_has_happened(client: FlaskClient) -> None:
    places = ("week/2024010300", "delays_daily/2024010100", "flights_hourly/2024010104", "flights_hourly/2023010100", "week/9998123100")
    for place in places:
        answer = client.get(f"/job/{place}")
        assert answer.status_code == 200, (place, answer.text)
        assert " style=" not in answer.text
        assert "<script>" not in answer.text
