"""Can a person see what brings work about on /triggers, and change it with a reason?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from launcher.web.desk import WebDesk
from mx.security.roles import Role
from system.errors import Unavailable
from tests.support.mx import client_over
from tests.support.steered import FIRE, SECRET, away_after, commands_of, steered, within


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[WebDesk]:
    """A desk over the small deployment."""
    with steered(tmp_path) as opened:
        yield opened


@pytest.fixture
def client(desk: WebDesk) -> FlaskClient:
    """An operator's browser."""
    return client_over(desk, Role.OPERATOR)


def test_processes_are_listed_with_how_they_stand(client: FlaskClient) -> None:
    page = client.get("/triggers")
    assert page.status_code == 200
    for text in ("sales_hourly", "at 04:30", "2026-11-21 04:30:00", "a trigger would run 2026112000 now"):
        assert text in page.text
    assert "stock_daily" not in client.get("/triggers?q=sales").text
    assert "No process matches" in client.get("/triggers?q=nothing").text


def test_entries_are_listed_with_what_is_under_way(client: FlaskClient) -> None:
    page = client.get("/triggers?of=entries")
    assert "load/night" in page.text
    assert "1 held" in page.text
    assert "load/often" not in client.get("/triggers?of=entries&state=held").text


def test_several_processes_are_switched_at_once_and_the_answers_are_shown(desk: WebDesk, client: FlaskClient) -> None:
    form = {"of": "processes", "verb": "off", "reason": "the <b>source</b> is down", "process": ["sales_hourly/", "sales_daily/"]}
    answer = client.post("/triggers", data={**form, "back": "/triggers?q=sales"})
    assert (answer.status_code, answer.location) == (303, "/triggers?q=sales&told=1,2")
    assert [(c.verb, c.process, c.who, c.why) for c in commands_of(desk)] == [
        ("off", "sales_hourly", "local", "the <b>source</b> is down"), ("off", "sales_daily", "local", "the <b>source</b> is down")
    ]  # fmt: skip
    page = client.get(answer.location)
    assert "carried out once a scheduler leads" in page.text
    assert 'href="/commands/2"' in page.text


def test_a_trigger_is_for_the_period_that_waits_alone(desk: WebDesk, client: FlaskClient) -> None:
    form = {"of": "processes", "verb": "trigger", "reason": "now", "process": ["sales_daily/2026112000", "stock_daily/"]}
    assert client.post("/triggers", data=form).status_code == 303
    assert [(c.verb, c.process, c.timeperiod) for c in commands_of(desk)] == [("trigger", "sales_daily", "2026112000")]
    nothing = client.post("/triggers", data={**form, "process": ["stock_daily/"]})
    assert (nothing.status_code, "nothing to trigger" in nothing.text) == (400, True)


@pytest.mark.parametrize(("form", "said"), [
    ({"of": "processes", "verb": "off", "process": "sales_daily/"}, "the reason is empty"),
    ({"of": "processes", "verb": "off", "reason": "x"}, "nothing is marked"),
    ({"of": "processes", "verb": "explode", "reason": "x", "process": "sales_daily/"}, "expected one of on, off, trigger, reset"),
    ({"of": "entries", "verb": "on", "reason": "x", "entry": "load/nigth"}, "did you mean"),
    ({"of": "processes", "verb": "off", "reason": "x" * 2000, "process": "sales_daily/"}, "1,000 at most"),
])  # fmt: skip
def test_a_form_that_can_not_be_carried_out_changes_nothing_and_says_why(
    desk: WebDesk, client: FlaskClient, form: dict[str, str], said: str
) -> None:
    answer = client.post("/triggers", data=form)
    assert answer.status_code in (400, 404)
    assert said in answer.text
    assert commands_of(desk) == []


@pytest.mark.parametrize("path", [
    "/triggers", "/triggers/sales_daily", "/triggers/load/new", "/triggers/load/night", "/triggers/load/night/change"
])  # fmt: skip
def test_a_viewer_can_look_and_not_act(desk: WebDesk, path: str) -> None:
    viewer = client_over(desk, Role.VIEWER)
    answer = viewer.post(path, data={"of": "processes", "verb": "off", "reason": "x", "process": "sales_daily/"})
    assert answer.status_code == 403
    assert 'name="reason"' not in viewer.get("/triggers").text + viewer.get("/triggers/load/night").text
    assert commands_of(desk) == []


def test_a_schedule_is_shown_before_it_is_given(desk: WebDesk, client: FlaskClient) -> None:
    page = client.get("/triggers/sales_daily?schedule=at+05:15")
    assert "2026-11-21 05:15:00" in page.text
    assert "Run by at 05:15" in page.text
    assert "is not a schedule" in client.get("/triggers/sales_daily?schedule=sometimes").text
    wrong = client.get("/triggers/sales_dayly")
    assert (wrong.status_code, "did you mean &#39;sales_daily&#39;" in wrong.text) == (404, True)
    answer = client.post("/triggers/sales_daily", data={"verb": "frequency", "schedule": "at 05:15", "reason": "later"})
    assert (answer.status_code, answer.location) == (303, "/triggers/sales_daily?told=1")
    assert commands_of(desk)[0].details == '{"frequency": "at 05:15"}'


def test_an_entry_shows_its_fires_and_what_they_printed_without_secrets(client: FlaskClient) -> None:
    page = client.get(f"/triggers/load/night?fire={FIRE}")
    for text in ("2026-11-22 02:00:00", "it failed 3 times", "loaded &lt;b&gt;5&lt;/b&gt; rows", "Release"):
        assert text in page.text
    assert SECRET not in page.text
    assert client.get("/triggers/load/nigth").status_code == 404


def test_an_entry_is_changed_by_what_differs_alone(desk: WebDesk, client: FlaskClient) -> None:
    assert "2026-11-22 03:00:00" in client.get("/triggers/load/night/change?schedule=at+03:00").text
    form = {"trigger_frequency": "at 03:00", "overlap": "skip", "grace_s": "3600", "arguments": "table=a\nlimit=5\n", "reason": "later"}
    answer = client.post("/triggers/load/night/change", data=form)
    assert (answer.status_code, answer.location) == (303, "/triggers/load/night?told=1")
    assert commands_of(desk)[0].details == '{"arguments": {"limit": 5, "table": "a"}, "trigger_frequency": "at 03:00"}'
    same = client.post("/triggers/load/night/change", data={"overlap": "skip", "reason": "x"})
    assert (same.status_code, "nothing differs" in same.text) == (400, True)


def test_the_secrets_of_a_change_are_shown_to_nobody(desk: WebDesk, client: FlaskClient) -> None:
    fields = {"arguments": {"targets": [{"host": "db1", "password": "hunter2"}]}}
    desk.command_entry("change", "load", "night", "ann", "moved", fields)
    assert desk.commands().lines[0].details == '{"arguments": {"targets": [{"host": "db1", "password": "***"}]}}'
    assert "hunter2" not in client.get("/api/v1/commands").text


def test_an_entry_is_made_and_deleted(desk: WebDesk, client: FlaskClient) -> None:
    assert "It would fire" in client.get("/triggers/load?entry=new&schedule=every+600").text
    made = client.post("/triggers/load/new", data={"entry": "new", "schedule": "every 600", "reason": "more"})
    gone = client.post("/triggers/load/often", data={"verb": "delete", "reason": "no more"})
    assert (made.status_code, gone.status_code) == (303, 303)
    assert [(c.verb, c.process, c.timeperiod) for c in commands_of(desk)] == [
        ("freerun create", "load", "new"), ("freerun delete", "load", "often")
    ]  # fmt: skip


def test_a_form_that_is_sent_again_gives_what_is_missing_alone(
    desk: WebDesk, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = {"of": "entries", "verb": "trigger", "reason": "now", "entry": ["load/night", "load/often"], "csrf": "once.signed"}
    with monkeypatch.context() as patch:
        patch.setattr(desk.parts.store, "add_command", away_after(1, desk.parts.store.add_command))
        lost = client.post("/triggers", data=form)
    assert (lost.status_code, "data-error" in lost.text, "Send it again" in lost.text) == (503, False, True)
    assert lost.text.count('name="entry"') == 2
    assert [client.post("/triggers", data=form).location for _ in range(2)] == ["/triggers?told=1,2"] * 2
    assert [(c.verb, c.timeperiod) for c in commands_of(desk)] == [("freerun trigger", "night"), ("freerun trigger", "often")]
    client.post("/triggers", data={**form, "csrf": "twice.signed"})
    assert len(commands_of(desk)) == 4


@pytest.mark.parametrize(("path", "form"), [
    ("/triggers/load/night", {"verb": "cancel"}),
    ("/triggers/sales_daily", {"verb": "frequency", "schedule": "at 05:15"}),
    ("/triggers", {"of": "processes", "verb": "trigger", "process": "sales_daily/2026112000"}),
])  # fmt: skip
def test_a_double_click_gives_one_command(desk: WebDesk, client: FlaskClient, path: str, form: dict[str, str]) -> None:
    form |= {"reason": "x", "csrf": "once.signed"}
    assert [client.post(path, data=form).location for _ in range(2)] == [f"{path}?told=1"] * 2
    assert len(commands_of(desk)) == 1


@pytest.mark.parametrize(("path", "form"), [
    ("/triggers/load/new", {"entry": "new", "schedule": "every 600"}),
    ("/triggers/load/night/change", {"trigger_frequency": "at 04:30"}),
])  # fmt: skip
def test_a_double_click_makes_or_changes_an_entry_once(desk: WebDesk, client: FlaskClient, path: str, form: dict[str, str]) -> None:
    form |= {"reason": "x", "csrf": "once.signed"}
    assert [client.post(path, data=form).status_code for _ in range(2)] == [303] * 2
    assert len(commands_of(desk)) == 1


def test_commands_are_given_while_the_broker_is_away(desk: WebDesk, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: object) -> None:
        raise Unavailable("RabbitMQ is away")

    broker = within(desk, lambda: desk.parts.joined.broker)
    for name in ("declare", "publish"):
        monkeypatch.setattr(broker, name, away)
    for path, form in (("/triggers/sales_daily", {"verb": "off"}), ("/triggers/load/night", {"verb": "cancel"})):
        assert client.post(path, data={**form, "reason": "x"}).status_code == 303
    trigger = {"of": "processes", "verb": "trigger", "process": "sales_daily/2026112000", "reason": "x"}
    assert client.post("/triggers", data=trigger).status_code == 303


def test_a_form_leads_back_to_its_own_page_only(client: FlaskClient) -> None:
    form = {"of": "processes", "verb": "off", "reason": "x", "process": "sales_daily/"}
    for elsewhere in ("//evil.example", "https://evil.example/triggers", "/logs", "/triggers\\@evil"):
        assert client.post("/triggers", data={**form, "back": elsewhere}).location.startswith("/triggers?told=")
