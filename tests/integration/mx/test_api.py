"""Does the API hold what it promises for every request? Problems, pages, marks of what was read, and answers to what was asked twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Response, jsonify
from flask.testing import FlaskClient
from openapi_spec_validator import validate
from pydantic import BaseModel

from db.model_papers import Paper
from launcher.main import main
from launcher.parts import Roof
from launcher.web.desk import WebDesk
from mx.api.app import MOST_BODY
from mx.api.document import document
from mx.api.idempotency import HEADER, KEPT, KIND
from mx.api.problems import MEDIA_TYPE, Problem
from mx.security.roles import Role, needs
from system.clock import ManualClock
from system.errors import ConfigError, StoreError, Unavailable
from tests.support.mx import app_over, web_desk

CONTEXT = Path(__file__).parents[3] / "examples" / "flights" / "context.py"
JOBS = "/api/v1/jobs"


class Said(BaseModel, extra="forbid"):
    """What a test sends."""

    why: str


class Clock(ManualClock):
    """A clock that a test moves."""

    def __init__(self) -> None:
        super().__init__(datetime(2014, 1, 2, tzinfo=UTC))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[WebDesk]:
    with web_desk(tmp_path, CONTEXT, clock=clock) as desk:
        yield desk


@pytest.fixture
def client(desk: WebDesk) -> FlaskClient:
    return app_over(desk).test_client()


def problem_of(response: Any, status: int) -> Problem:
    """Return the problem that a response is; fails where it is none."""
    assert (response.status_code, response.mimetype) == (status, MEDIA_TYPE)
    found = Problem.model_validate_json(response.text)
    assert found.status == status
    return found


# -- the document


def test_the_openapi_document_is_valid(desk: WebDesk) -> None:
    made = document(app_over(desk))
    validate(made)
    assert made["openapi"].startswith("3.1")


def test_the_launcher_prints_the_document_that_is_served(client: FlaskClient, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mx", "openapi"], Roof({"HORARIUM_VAR": str(tmp_path / "none")})) == 0
    assert json.loads(capsys.readouterr().out) == client.get("/api/v1/openapi.json").get_json()
    assert not (tmp_path / "none").exists()


def test_every_operation_says_how_its_problems_look_and_has_a_name_of_its_own(desk: WebDesk) -> None:
    operations = [operation for item in document(app_over(desk))["paths"].values() for operation in item.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    for operation in operations:
        assert operation["summary"], operation["operationId"]
        assert MEDIA_TYPE in operation["responses"]["422"]["content"]


def test_the_documentation_page_needs_nothing_from_elsewhere(client: FlaskClient) -> None:
    page = client.get("/api").text
    for path in ("/api/files/js/swagger-ui-bundle.js", "/api/files/css/swagger-ui.css", "/api/v1/openapi.json"):
        assert path in page
        with client.get(path) as found:
            assert found.status_code == 200
    assert "https://" not in page
    assert "<code>/api/v1/jobs</code>" in page  # for whoever reads without scripts


# -- problems


@pytest.mark.parametrize(
    ("method", "path", "status", "says"),
    [
        ("GET", "/api/v1/nowhere", 404, "openapi.json lists what there is"),
        ("GET", f"{JOBS}/nobody/2013010100/uows", 404, "no managed process 'nobody'"),
        ("GET", f"{JOBS}/flights_hourly/2013019900/uows", 404, "no hourly timeperiod"),
        ("GET", f"{JOBS}/flights_hourly/tomorrow/uows", 422, "timeperiod"),
        ("GET", f"{JOBS}?limit=0", 422, "limit"),
        ("GET", f"{JOBS}?cursor=abc", 422, "begin without one"),
        ("GET", f"{JOBS}?proces=x", 422, "proces: "),
        ("POST", JOBS, 405, "the header Allow"),
        ("GET", "/readyz", 503, "launch.py up"),
    ],
)  # fmt: skip
def test_every_error_is_a_problem_that_says_what_to_do(client: FlaskClient, method: str, path: str, status: int, says: str) -> None:
    response = client.open(path, method=method)
    assert says in problem_of(response, status).detail
    assert (response.headers.get("Allow") is not None) == (status == 405)
    assert (response.headers.get("Retry-After") is not None) == (status == 503)


@pytest.mark.parametrize("deed", ["requeue", "drop"])
def test_no_dead_letters_at_all_are_not_taken_for_all_of_them(desk: WebDesk, client: FlaskClient, deed: str) -> None:
    path = f"/api/v1/dead-letters/{deed}"
    assert "only: " in problem_of(client.post(path, json={"why": "x", "only": []}), 422).detail
    named, every = (client.post(path, json={"why": "x", **only}) for only in ({"only": ["load/often/20130101000000/1"]}, {}))
    assert (named.status_code, every.status_code) == (200, 200)


def raising(desk: WebDesk, error: Exception) -> FlaskClient:
    """Return a client of an app that has an endpoint which raises."""
    app = app_over(desk)

    @app.get("/api/v1/raises")
    def raises() -> Response:
        raise error

    return app.test_client()


@pytest.mark.parametrize(
    ("error", "status"), [(StoreError("at mysql://ann:secret@db/x"), 500), (ConfigError("no"), 422), (ZeroDivisionError("secret"), 500)]
)  # fmt: skip
def test_a_fault_is_a_problem_without_what_nobody_may_know(desk: WebDesk, error: Exception, status: int) -> None:
    response = raising(desk, error).get("/api/v1/raises")
    assert "secret" not in problem_of(response, status).detail


def test_a_store_that_is_away_is_a_503_and_the_process_lives(tmp_path: Path) -> None:
    with web_desk(tmp_path, CONTEXT, store_url="postgresql://nobody@127.0.0.1:1/none") as desk:
        client = app_over(desk).test_client()
        assert "store" in problem_of(client.get(JOBS), 503).detail
        assert problem_of(client.get("/readyz"), 503)
        assert client.get("/healthz").get_json() == {"status": "ok"}


# -- what was read


def test_what_has_not_changed_is_not_sent_again(client: FlaskClient) -> None:
    first = client.get(JOBS)
    again = client.get(JOBS, headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code, again.data) == (200, 304, b"")


def test_pages_lead_to_each_other(client: FlaskClient) -> None:
    asked = f"{JOBS}?state=embryo&limit=40&process=flights_daily&order=oldest"
    first = client.get(asked).get_json()
    second = client.get(f"{asked}&cursor={first['next']}").get_json()
    periods = [row["timeperiod"] for page in (first, second) for row in page["items"]]
    assert (len(periods), periods[0], periods) == (80, "2013010100", sorted(set(periods)))


# -- what is asked twice


class Post:
    """Sends texts to an endpoint that counts what it does."""

    def __init__(self, desk: WebDesk) -> None:
        self.done: list[str] = []
        app = app_over(desk)

        @app.post("/api/v1/things")
        @needs(Role.OPERATOR)
        def things(body: Said) -> Any:
            self.done.append(body.why)
            if body.why == "fail":
                raise ZeroDivisionError
            made = jsonify(number=len(self.done), at=desk.now().isoformat())
            made.headers["Location"] = f"/api/v1/things/{len(self.done)}"
            return made, 202

        self.client = app.test_client()

    def __call__(self, why: object, key: str = "k") -> Any:
        """Send a text with a key."""
        return self.client.post("/api/v1/things", json={"why": why}, headers={HEADER: key} if key else {})


@pytest.fixture
def posting(desk: WebDesk) -> Post:
    return Post(desk)


def test_the_same_key_brings_the_same_answer(posting: Post) -> None:
    first, again = posting("a"), posting("a")
    assert (again.status_code, again.data, again.headers["Location"]) == (first.status_code, first.data, first.headers["Location"])
    assert again.headers["Idempotent-Replayed"] == "true"
    assert posting("a", key="other").get_json()["number"] == 2


def test_without_a_key_everything_is_done(posting: Post) -> None:
    assert [posting("a", key="").get_json()["number"] for _ in range(2)] == [1, 2]


def test_a_key_with_another_body_is_refused(posting: Post) -> None:
    posting("a")
    assert "send a new key" in problem_of(posting("b"), 422).detail


def test_an_answer_is_kept_over_a_restart_and_for_a_day(tmp_path: Path, clock: Clock) -> None:
    def posted() -> Any:
        with web_desk(tmp_path, CONTEXT, clock=clock) as desk:
            return Post(desk)("a").get_json()

    first = posted()
    clock.sleep(KEPT.total_seconds() - 1)
    assert posted() == first
    clock.sleep(2)
    assert posted() != first


def test_what_was_refused_is_refused_again(posting: Post) -> None:
    assert [posting(7).status_code for _ in range(2)] == [422, 422]


@pytest.mark.parametrize("verb", ["put_paper", "drop_papers"])
def test_what_was_done_is_told_also_where_the_answer_can_not_be_kept(
    desk: WebDesk, posting: Post, verb: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    whole = getattr(desk, verb)

    def away(*given: Any) -> Any:
        if isinstance(given[0], Paper) and given[0].version == 1:
            return whole(*given)
        raise Unavailable("the store is away")

    monkeypatch.setattr(desk, verb, away)
    found = posting("a")
    assert (found.status_code, found.get_json()["number"]) == (202, 1)
    assert "is not kept" in caplog.text


def test_a_question_that_comes_as_a_post_leaves_nothing_behind(desk: WebDesk, client: FlaskClient) -> None:
    asked = {"verb": "skip", "processes": ["flights_daily"], "timeperiod": "2013010100"}
    found = [client.post("/api/v1/plan", json=asked, headers={HEADER: "k"}) for _ in range(2)]
    assert [(each.status_code, each.headers.get("Idempotent-Replayed")) for each in found] == [(200, None)] * 2
    assert desk.papers(KIND, "", 10) == []
    paths = document(app_over(desk))["paths"]
    takes_key = {
        path: any(each["name"] == HEADER for each in paths[path]["post"].get("parameters", []))
        for path in ("/api/v1/plan", "/api/v1/plan/steps", "/api/v1/audit/looks", "/api/v1/commands")
    }
    assert takes_key == {"/api/v1/plan": False, "/api/v1/plan/steps": False, "/api/v1/audit/looks": False, "/api/v1/commands": True}


def test_a_long_list_of_faults_is_not_kept(desk: WebDesk, posting: Post) -> None:
    body = {"why": 7, **{f"unknown{n}": n for n in range(2_000)}}
    found = [posting.client.post("/api/v1/things", json=body, headers={HEADER: "k"}) for _ in range(2)]
    assert [(each.status_code, each.headers.get("Idempotent-Replayed")) for each in found] == [(422, None)] * 2
    assert desk.papers(KIND, "", 10) == []


def test_old_answers_are_swept(desk: WebDesk, clock: Clock, posting: Post) -> None:
    posting("a")
    clock.sleep((KEPT + timedelta(minutes=1)).total_seconds())
    posting("a", key="new")
    assert len(desk.papers(KIND, "", 10)) == 1


@pytest.mark.parametrize(
    ("data", "kind", "status"),
    [
        (b"{", "application/json", 400), (b"[]", "application/json", 422), (b"null", "application/json", 422),
        (b'"{}"', "application/json", 422),
        (b'{"why": "a"}', "text/plain", 415), (b"x" * (MOST_BODY + 1), "application/json", 413), (b"", "application/json", 422),
        (json.dumps({"why": 7}).encode(), "application/json", 422),
    ],
)  # fmt: skip
def test_a_body_that_is_no_object_is_refused(posting: Post, data: bytes, kind: str, status: int) -> None:
    assert problem_of(posting.client.post("/api/v1/things", data=data, content_type=kind), status).detail
