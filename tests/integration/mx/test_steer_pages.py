"""Can a person look at boxes, queues, logs, settings and what is called how, and steer what may be steered there?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from launcher.web.desk import WebDesk
from mx.security.roles import Role
from system.context import DEAD_QUEUE
from tests.support.mx import client_over
from tests.support.steered import FIRE, HOUR, SECRET, away_after, commands_of, give_up_on, steered


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[WebDesk]:
    """A desk over the small deployment."""
    with steered(tmp_path) as opened:
        yield opened


@pytest.fixture
def client(desk: WebDesk) -> FlaskClient:
    """An admin's browser."""
    return client_over(desk)


@pytest.mark.parametrize("path", ["/boxes", "/queues", "/queues/queue_sales_hourly", f"/queues/{DEAD_QUEUE}", "/logs", "/search", "/about"])
def test_a_page_is_there_whole_and_as_a_part_and_holds_no_script_or_style(client: FlaskClient, path: str) -> None:
    whole, part = client.get(path), client.get(path, headers={"X-Fragment": "1"})
    assert (whole.status_code, part.status_code) == (200, 200)
    assert not any(word in whole.text for word in ("<style", " style=", "onclick", SECRET))


def test_boxes_show_who_stopped_what_and_what_is_wrong(client: FlaskClient) -> None:
    page = client.get("/boxes").text
    for text in ("b2 is gone since", "crash loop", "worker.2 died 5 times", "wanted off by ann", "&lt;b&gt;later&lt;/b&gt;", "1 of 2"):
        assert text in page
    assert "Forget b2" in page
    assert "Forget b1" not in page


def test_processes_are_stopped_and_started_on_a_box(desk: WebDesk, client: FlaskClient) -> None:
    answer = client.post("/boxes", data={"verb": "stop", "reason": "too hot", "place": ["b1/worker", "b1/scheduler"]})
    assert (answer.status_code, answer.location) == (303, "/boxes?told=1,2")
    assert "worker is wanted off on b1" in client.get(answer.location).text
    assert client.post("/boxes", data={"verb": "start", "reason": "x", "place": "b1/worker", "instances": "3"}).status_code == 303
    assert [(c.verb, c.process, c.timeperiod) for c in commands_of(desk)] == [
        ("box stop", "worker", "b1"), ("box stop", "scheduler", "b1"), ("box start", "worker", "b1")
    ]  # fmt: skip
    bad = client.post("/boxes", data={"verb": "start", "reason": "x", "place": "b1/worker", "instances": "900"})
    assert (bad.status_code, "expected 1 to 64" in bad.text) == (400, True)


@pytest.mark.parametrize(("path", "form", "verbs"), [
    ("/boxes", {"verb": "stop", "place": ["b1/worker", "b1/scheduler"]}, ["box stop", "box stop"]),
    ("/boxes", {"verb": "start", "place": ["b1/worker"], "instances": "3"}, ["box start"]),
    ("/boxes/b2/forget", {}, ["box forget"]),
    ("/queues/queue_sales_hourly/purge", {}, ["queue purge"]),
    (f"/queues/{DEAD_QUEUE}/dead", {"verb": "drop all"}, ["queue drop"]),
])  # fmt: skip
def test_a_form_that_is_sent_twice_is_noted_once(
    desk: WebDesk, client: FlaskClient, path: str, form: dict[str, Any], verbs: list[str]
) -> None:
    sent = [client.post(path, data={**form, "reason": "x", "csrf": "once.signed"}) for _ in range(2)]
    assert sent[0].location == sent[1].location
    assert [command.verb for command in commands_of(desk)] == verbs


def test_a_form_about_boxes_may_be_sent_again_after_the_store_was_away(
    desk: WebDesk, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = {"verb": "stop", "place": ["b1/worker", "b1/scheduler"], "reason": "x", "csrf": "once.signed"}
    with monkeypatch.context() as patch:
        patch.setattr(desk.parts.store, "add_command", away_after(1, desk.parts.store.add_command))
        lost = client.post("/boxes", data=form)
    assert (lost.status_code, "Send it again" in lost.text) == (503, True)
    assert client.post("/boxes", data=form).location == "/boxes?told=1,2"
    assert [(c.verb, c.process) for c in commands_of(desk)] == [("box stop", "worker"), ("box stop", "scheduler")]


def test_a_form_that_is_filled_in_otherwise_after_a_step_back_is_another_one(desk: WebDesk, client: FlaskClient) -> None:
    for instances in ("2", "3"):
        form = {"verb": "start", "place": "b1/worker", "instances": instances, "reason": "x", "csrf": "once.signed"}
        assert client.post("/boxes", data=form).status_code == 303
    assert len(commands_of(desk)) == 2
    assert [row.instances for row in desk.boxes("b1").boxes[0].processes if row.process == "worker"] == [3]


def test_only_an_admin_forgets_a_box_or_purges_a_queue(desk: WebDesk, client: FlaskClient) -> None:
    operator = client_over(desk, Role.OPERATOR)
    for path in ("/boxes/b2/forget", "/queues/queue_sales_hourly/purge"):
        assert operator.post(path, data={"reason": "x"}).status_code == 403
        assert client.post(path, data={"reason": ""}).status_code == 400
        assert client.post(path, data={"reason": "x"}).status_code == 303
    assert [c.verb for c in commands_of(desk)] == ["box forget", "queue purge"]


def test_queues_show_what_waits_and_what_was_given_up_on(desk: WebDesk, client: FlaskClient) -> None:
    give_up_on(desk, [f"sales_hourly/{HOUR[:-1]}1/1/1", "<b>x</b>"])
    assert "2 messages were given up on" in client.get("/queues").text
    assert "Nothing waits" not in client.get("/queues?busy=1").text
    letters = client.get(f"/queues/{DEAD_QUEUE}").text
    assert "&lt;b&gt;x&lt;/b&gt;" in letters
    assert client.get("/queues/nothing").status_code == 404


def test_dead_letters_are_sent_again_or_dropped_with_a_reason(desk: WebDesk, client: FlaskClient) -> None:
    give_up_on(desk, [f"sales_hourly/{HOUR[:-1]}1/1/1", "nonsense", "other"])
    place = f"/queues/{DEAD_QUEUE}/dead"
    assert "nothing is marked" in client.post(place, data={"verb": "drop", "reason": "x"}).text
    assert client.post(place, data={"verb": "drop", "reason": "x", "letter": "other"}).status_code == 303
    assert client.post(place, data={"verb": "requeue all", "reason": "x"}).status_code == 303
    assert [c.answer for c in commands_of(desk)] == ["dropped 1 dead letter", "sent 1 dead letter again, dropped 1"]
    assert "There are no dead letters" in client.get(f"/queues/{DEAD_QUEUE}").text


@pytest.mark.parametrize(("words", "where"), [
    ("sales_hourly", "/process/sales_hourly"),
    ("sales_hourly 2026112101", "/job/sales_hourly/2026112101"),
    (f"sales_hourly/{HOUR}/1/1", f"/job/sales_hourly/{HOUR}"),
    ("load/night", "/triggers/load/night"),
    (f"load/night/{FIRE}/1", f"/triggers/load/night?fire={FIRE}"),
    ("queue_sales_daily", "/queues/queue_sales_daily"),
])  # fmt: skip
def test_what_is_named_exactly_is_gone_to_at_once(client: FlaskClient, words: str, where: str) -> None:
    answer = client.get("/search", query_string={"q": words})
    assert (answer.status_code, answer.location) == (303, where)


def test_what_may_be_meant_is_listed_and_what_is_not_there_has_near_names(client: FlaskClient) -> None:
    assert "/job/stock_daily/2026112100" in client.get("/search?q=2026-11-21").text
    nothing = client.get("/search", query_string={"q": "sales_hurly <script>alert(1)</script>"})
    assert "Did you mean" in nothing.text
    assert "<script>alert" not in nothing.text
    assert "What can be found" in client.get("/search").text


def test_settings_are_shown_with_where_they_came_from(desk: WebDesk, client: FlaskClient) -> None:
    assert "shown to admins" not in client.get("/about").text
    viewer = client_over(desk, Role.VIEWER)
    assert "shown to admins" in viewer.get("/about").text
    assert viewer.post("/about/checkup").status_code == 303
    assert "no supervisor beats there" in viewer.get("/about").text
