"""Does the gate refuse whom it should, on every route there is? The routes are walked, so a new one is tried by being there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest
from flask import Blueprint, Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from mx.app import create_app
from mx.security.csrf import MARKER
from mx.security.entrance import Entrance
from mx.security.gate import Gate
from mx.security.proxies import read_networks
from mx.security.roles import Role
from mx.security.route_check import ANYBODY, Route, UnguardedRoute, routes_of
from system.clock import RealClock
from system.errors import Unavailable
from tests.support.gates import (
    CONTEXT,
    PASSWORD,
    WITH_LOGIN,
    WITHOUT_LOGIN,
    Gated,
    cheap_passwords,
    gated,
    gated_over,
    log_in,
    post,
    token_of,
)
from tests.support.mx import web_desk


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gated]:
    with pytest.MonkeyPatch.context() as patch:
        cheap_passwords(patch)
        with gated(tmp_path_factory.mktemp("gate")) as made:
            yield made


@pytest.fixture
def own_gate(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gated]:
    """A gate of the test's own, with a store and counts of its own."""
    cheap_passwords(monkeypatch)
    with gated(tmp_path_factory.mktemp("own")) as made:
        yield made


def path_of(app: Flask, route: Route) -> str:
    """Return a path of the route, with something in each of its places."""
    rule: Rule = next(r for r in app.url_map.iter_rules(route.endpoint) if r.rule == route.path and route.method in (r.methods or ()))
    given = {}
    for name in rule.arguments:
        choices = getattr(rule._converters[name], "items", None)
        given[name] = sorted(choices)[0] if choices else 1 if "Integer" in type(rule._converters[name]).__name__ else "x"
    _, path = rule.build(given) or ("", "")
    return path


def guarded(gate: Gated, *roles: str) -> list[tuple[Route, str]]:
    """Return the routes that take one of `roles`, each with a path; all that are not open to anybody, without roles."""
    return [
        (route, path_of(gate.app, route))
        for route in routes_of(gate.app)
        if route.role != ANYBODY and (not roles or route.role in roles)
    ]  # fmt: skip


def asked(client: FlaskClient, route: Route, path: str) -> int:
    return client.open(path, method=route.method, buffered=False).status_code


def test_no_route_answers_a_stranger(gate: Gated) -> None:
    stranger = gate.stranger()
    refused = {path: asked(stranger, route, path) for route, path in guarded(gate)}
    assert {path: status for path, status in refused.items() if status not in (303, 401)} == {}
    assert len(refused) > 10


def test_a_stranger_learns_nothing_of_which_pages_there_are(gate: Gated) -> None:
    known, unknown = (gate.stranger().get(path) for path in ("/users", "/nowhere"))
    assert (known.status_code, unknown.status_code) == (303, 303)
    assert (known.headers["Location"], unknown.headers["Location"]) == ("/login?next=%2Fusers", "/login?next=%2Fnowhere")


@pytest.mark.parametrize(("role", "beyond"), [(Role.VIEWER, ("operator", "admin")), (Role.OPERATOR, ("admin",))])
def test_no_route_answers_who_has_a_lower_role(gate: Gated, role: Role, beyond: tuple[str, ...]) -> None:
    client = gate.visitor(role)
    refused = {(route.method, path): asked(client, route, path) for route, path in guarded(gate, *beyond)}
    assert set(refused.values()) == {403}


def test_no_route_changes_anything_without_a_forms_token(gate: Gated) -> None:
    admin = gate.visitor(Role.ADMIN)
    found = [(route, path_of(gate.app, route)) for route in routes_of(gate.app) if route.method != "GET"]
    answers = {path: admin.open(path, method=route.method, data={"csrf": "0.0"}) for route, path in found}
    assert {path: answer.status_code for path, answer in answers.items() if answer.status_code != 403} == {}
    assert all("form is out of date" in answer.text for answer in answers.values())


def test_a_token_of_another_visitors_form_is_refused(gate: Gated) -> None:
    operator, admin = gate.visitor(Role.OPERATOR), gate.visitor(Role.ADMIN)
    stolen = token_of(operator.get("/account"))
    assert admin.post("/users/tokens/x/revoke", data={"csrf": stolen}).status_code == 403


def test_a_change_from_a_page_of_another_site_is_refused(gate: Gated) -> None:
    admin = gate.visitor(Role.ADMIN)
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        token = token_of(admin.get("/account"))
        assert admin.post("/account/logins/end", data={"csrf": token}, headers=headers).status_code == 403
    token = token_of(admin.get("/account"))
    assert admin.post("/account/logins/end", data={"csrf": token}, headers={"Origin": "http://localhost"}).status_code == 303


def test_a_page_is_the_same_for_all_but_its_forms_token(gate: Gated) -> None:
    first, again = (token_of(gate.visitor(Role.ADMIN).get("/account")) for _ in range(2))
    assert first != again


def test_a_form_is_carried_out_once_for_each_time_that_it_is_shown(own_gate: Gated) -> None:
    operator, path = own_gate.visitor(Role.OPERATOR), "/triggers/flights_hourly"
    tokens = [token_of(operator.get(path)) for _ in range(2)]
    sent = [operator.post(path, data={"verb": "off", "reason": "x", "csrf": token}) for token in (*tokens, tokens[0])]
    assert [answer.location for answer in sent] == [f"{path}?told={number}" for number in (1, 2, 1)]


def test_a_part_that_two_visitors_share_has_a_token_for_each(own_gate: Gated) -> None:
    parts = [own_gate.visitor(Role.OPERATOR).get("/triggers/flights_hourly", headers={"X-Fragment": "1"}) for _ in range(2)]
    first, second = map(token_of, parts)
    assert first.partition(".")[0] != second.partition(".")[0]


def test_a_script_of_ours_sends_the_token_in_a_header(gate: Gated) -> None:
    admin = gate.visitor(Role.ADMIN)
    token = token_of(admin.get("/account"))
    assert admin.post("/account/logins/end", headers={"X-CSRF-Token": token}).status_code == 303


# -- logins


def test_a_login_leads_to_the_page_that_was_asked_for(gate: Gated) -> None:
    client = gate.stranger()
    assert log_in(client, "viewer", next="/account").headers["Location"] == "/account"
    assert client.get("/account").status_code == 200


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/a\nb", ""])
def test_a_login_leads_to_no_other_site(gate: Gated, wanted: str) -> None:
    assert log_in(gate.stranger(), "viewer", next=wanted).headers["Location"] == "/"


def test_the_cookie_of_a_login_is_out_of_reach_of_scripts_and_other_sites(gate: Gated) -> None:
    plain = log_in(gate.stranger(), "viewer").headers.getlist("Set-Cookie")
    assert any("login=" in each and "HttpOnly" in each and "SameSite=Lax" in each and "Secure" not in each for each in plain)
    client = gate.app.test_client()
    token = token_of(client.get("/login", base_url="https://localhost"))
    answer = client.post("/login", base_url="https://localhost", data={"csrf": token, "name": "viewer", "password": PASSWORD})
    assert any(each.startswith("__Host-horarium-login=") and "; Secure;" in each for each in answer.headers.getlist("Set-Cookie"))
    assert "max-age" in answer.headers["Strict-Transport-Security"]


def cookie_of(client: FlaskClient) -> str:
    found = client.get_cookie("horarium-8642-login")
    return found.value if found else ""


def test_each_login_gets_a_cookie_of_its_own_and_ends_the_one_before(gate: Gated) -> None:
    client = gate.visitor(Role.VIEWER)
    first = cookie_of(client)
    token = token_of(client.get("/account"))
    client.post("/login", data={"csrf": token, "name": "viewer", "password": PASSWORD})
    assert cookie_of(client) not in ("", first)
    assert is_refused(gate, first)


def is_refused(gate: Gated, cookie: str) -> bool:
    client = gate.stranger()
    client.set_cookie("horarium-8642-login", cookie)
    return client.get("/account").status_code == 303


def test_a_login_that_was_ended_is_not_taken_again(gate: Gated) -> None:
    client = gate.visitor(Role.VIEWER)
    replayed = cookie_of(client)
    assert not is_refused(gate, replayed)
    assert post(client, "/logout").headers["Location"] == "/login"
    assert is_refused(gate, replayed)


def test_a_forged_login_is_refused(gate: Gated) -> None:
    good = cookie_of(gate.visitor(Role.VIEWER))
    for forged in (good[:-1] + ("a" if good[-1] != "a" else "b"), "", "admin", good + "x", "0" * 43, "\x00"):
        assert is_refused(gate, forged), forged


def test_a_password_that_is_set_ends_the_other_logins(own_gate: Gated) -> None:
    here, there = own_gate.visitor(Role.OPERATOR), own_gate.visitor(Role.OPERATOR)
    new = "five other words without comma"
    answer = post(here, "/account/password", old=PASSWORD, new=new, again=new)
    assert answer.status_code == 303, answer.text
    assert (here.get("/account").status_code, there.get("/account").status_code) == (200, 303)
    assert log_in(own_gate.stranger(), "operator", new).status_code == 303
    assert log_in(own_gate.stranger(), "operator").status_code == 401


def test_who_is_disabled_is_out_at_once(own_gate: Gated) -> None:
    operator, admin = own_gate.visitor(Role.OPERATOR), own_gate.visitor(Role.ADMIN)
    _, token = own_gate.entrance.accounts.add_token("operator", "ci", Role.VIEWER, 1, who="test")
    bearer = {"Authorization": f"Bearer {token.text}"}
    assert own_gate.stranger().get("/", headers=bearer).status_code == 200
    assert post(admin, "/users/operator/disable", "/users").status_code == 303
    assert operator.get("/").status_code == 303
    assert own_gate.stranger().get("/", headers=bearer).status_code == 401
    assert log_in(own_gate.stranger(), "operator").status_code == 401


def test_many_guesses_are_slowed_and_the_right_one_too(own_gate: Gated) -> None:
    client = own_gate.stranger()
    answers = [log_in(client, "admin", f"guess number {n}") for n in range(8)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 3
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert log_in(client, "admin").status_code == 429
    again = gated_over_store(own_gate)
    assert log_in(again.test_client(), "admin").status_code == 429, "a restart forgets nothing"


def gated_over_store(gate: Gated) -> Flask:
    """Return the dashboard as another process over the same store makes it."""
    entrance = Entrance(gate.store, RealClock(), gate.entrance.settings)
    desk: Any = _NoDesk()
    return create_app(desk, Gate(entrance), monotonic=lambda: 0.0)


class _NoDesk:
    """A desk that is asked nothing."""

    def __getattr__(self, name: str) -> object:
        return lambda *_, **__: None


# -- tokens


def test_a_token_may_what_its_role_may_and_needs_no_form(own_gate: Gated) -> None:
    accounts = own_gate.entrance.accounts
    _, viewer = accounts.add_token("admin", "reads", Role.VIEWER, 1, who="test")
    _, admin = accounts.add_token("admin", "all", Role.ADMIN, 0, who="test")
    client = own_gate.stranger()
    asked = {token: client.get("/users", headers={"Authorization": f"Bearer {token.text}"}).status_code for token in (viewer, admin)}
    assert list(asked.values()) == [403, 200]
    made = client.post("/users", data={"name": "new", "role": "viewer"}, headers={"Authorization": f"Bearer {admin.text}"})
    assert made.status_code == 201


def test_a_token_that_is_none_is_refused_though_there_is_a_login(gate: Gated) -> None:
    client = gate.visitor(Role.ADMIN)
    for text in ("", "x", "hor_abcdefghijkm_" + "0" * 43):
        answer = client.get("/", headers={"Authorization": f"Bearer {text}"})
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="horarium"')


def test_a_revoked_token_is_none(own_gate: Gated) -> None:
    kept, token = own_gate.entrance.accounts.add_token("viewer", "ci", Role.VIEWER, 1, who="test")
    client = own_gate.stranger()
    assert client.get("/", headers={"Authorization": f"Bearer {token.text}"}).status_code == 200
    assert post(own_gate.visitor(Role.ADMIN), f"/users/tokens/{kept.id}/revoke", "/users").status_code == 303
    assert client.get("/", headers={"Authorization": f"Bearer {token.text}"}).status_code == 401


# -- without a login


@pytest.fixture
def local(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gated]:
    cheap_passwords(monkeypatch)
    with web_desk(tmp_path_factory.mktemp("local"), CONTEXT) as desk:
        yield gated_over(desk, WITHOUT_LOGIN)


def test_on_this_machine_nobody_logs_in_and_forms_are_guarded_all_the_same(local: Gated) -> None:
    client = local.stranger()
    page = client.get("/users")
    assert (page.status_code, "ann (local)" in page.text) == (200, True)
    assert client.post("/users", data={"name": "eve", "role": "admin"}).status_code == 403
    assert post(client, "/users", "/users", name="bob", role="viewer").status_code == 201
    assert local.entrance.accounts.user("eve") is None


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "10.0.0.7:8642", "", "a b", "[::1", "local\u0131host"])
def test_a_name_that_is_not_ours_is_refused(local: Gated, host: str) -> None:
    assert local.stranger().get("/", headers={"Host": host.encode("utf-8").decode("latin-1")}).status_code == 400


@pytest.mark.parametrize("host", ["localhost:8642", "127.0.0.1:8642", "[::1]:8642", "LOCALHOST", "horarium.localhost:1"])
def test_this_machines_own_names_are_answered(local: Gated, host: str) -> None:
    assert local.stranger().get("/", headers={"Host": host}).status_code == 200


def test_nobody_gets_in_without_a_login_from_elsewhere_or_by_a_proxy(local: Gated) -> None:
    client = local.stranger()
    assert client.get("/", environ_base={"REMOTE_ADDR": "10.0.0.7"}).status_code == 403
    by_proxy = client.get("/", headers={"X-Forwarded-For": "8.8.8.8"})
    assert (by_proxy.status_code, "HORARIUM_MX_LOGIN" in by_proxy.text) == (403, True)


# -- proxies, headers, files


def test_only_a_trusted_proxy_says_who_calls(own_gate: Gated, tmp_path_factory: pytest.TempPathFactory) -> None:
    headers = {"X-Forwarded-For": "6.6.6.6, 8.8.8.8", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "mx.example.org"}
    settings = replace(own_gate.entrance.settings, proxies=read_networks("127.0.0.1"), hosts=frozenset({"mx.example.org"}))
    with gated(tmp_path_factory.mktemp("proxy"), settings) as behind:
        for each, address, is_tls in ((behind, "8.8.8.8", True), (own_gate, "127.0.0.1", False)):
            client = each.stranger()
            page = client.get("/login", headers=headers)
            client.post("/login", headers=headers, data={"csrf": token_of(page), "name": "admin", "password": "wrong"})
            assert each.entrance.accounts.journal.latest(1)[0].address == address
            assert ("Strict-Transport-Security" in page.headers) is is_tls


def test_every_answer_carries_the_headers(gate: Gated) -> None:
    stranger, admin = gate.stranger(), gate.visitor(Role.ADMIN)
    style = stranger.get("/static/frame.css")
    style.close()
    answers = [stranger.get("/login"), stranger.get("/"), style, admin.get("/users"), admin.get("/nowhere")]
    answers.append(stranger.get("/", headers={"Host": "evil.example"}))
    for answer in answers:
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Strict-Transport-Security" not in answer.headers
    assert {answer.headers.get("Cache-Control") for answer in answers} >= {"no-store"}


@pytest.mark.parametrize("path", ["../app.py", "..%2fapp.py", "%2e%2e/app.py", "....//app.py", "/etc/passwd", "..\\app.py", "x\0.css"])
def test_no_path_leads_out_of_the_static_files(gate: Gated, path: str) -> None:
    answer = gate.visitor(Role.ADMIN).get(f"/static/{path}", follow_redirects=True)
    assert answer.status_code in (400, 404)
    assert "def create_app" not in answer.text


# -- how the app is built


def test_a_route_that_changes_something_needs_a_role() -> None:
    app = Flask("bare")
    bp = Blueprint("bad", __name__)
    bp.post("/eat")(lambda: "eaten")
    bp.route("/both", methods=["GET", "POST"])(both)
    app.register_blueprint(bp)
    with pytest.raises(UnguardedRoute, match=r"POST /eat .*@needs") as caught:
        routes_of(app)
    assert "/both is read and changed by one function" in str(caught.value)


def both() -> str:
    return "both"


def test_a_visitors_own_page_is_kept_for_nobody_else(own_gate: Gated) -> None:
    accounts = own_gate.entrance.accounts
    accounts.add_user("ann", Role.VIEWER, PASSWORD, who="test")
    accounts.add_token("ann", "of ann alone", Role.VIEWER, 1, who="test")
    ann, viewer = own_gate.stranger(), own_gate.visitor(Role.VIEWER)
    log_in(ann, "ann")
    for path in ("/account", "/account?fragment=1"):
        assert "of ann alone" in ann.get(path, headers={"X-Fragment": "1"}).text
        assert "of ann alone" not in viewer.get(path, headers={"X-Fragment": "1"}).text


def test_a_fragment_that_is_a_redirect_stays_one(gate: Gated) -> None:
    answer = gate.visitor(Role.VIEWER).get("/login?fragment=1&next=/account")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account")


# -- programs

PLAN = {"verb": "hold", "processes": ["flights_daily"], "timeperiod": "2013010100"}


@pytest.mark.parametrize("path", ["/api/v1/health", "/metrics", "/api/v1/nowhere"])
def test_a_program_that_nobody_knows_is_told_so_and_not_sent_to_a_form(gate: Gated, path: str) -> None:
    answer = gate.stranger().get(path)
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_role_that_is_too_low_is_a_problem_that_names_the_one_it_takes(own_gate: Gated) -> None:
    _, token = own_gate.entrance.accounts.add_token("operator", "reads", Role.VIEWER, 1, who="test")
    bearer = {"Authorization": f"Bearer {token.text}"}
    answer = own_gate.stranger().post("/api/v1/commands", json={**PLAN, "why": "test"}, headers=bearer)
    assert (answer.status_code, "role operator" in answer.get_json()["detail"]) == (403, True)
    assert own_gate.stranger().post("/api/v1/plan", json=PLAN, headers=bearer).status_code == 200


def test_on_this_machine_a_program_plans_and_commands_without_a_form(local: Gated) -> None:
    assert local.stranger().post("/api/v1/plan", json=PLAN).status_code == 200


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example.org"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}], ids=str)
def test_on_this_machine_a_browser_needs_the_token_of_a_form_for_the_api_too(local: Gated, headers: dict[str, str]) -> None:
    assert local.stranger().post("/api/v1/plan", json=PLAN, headers=headers).status_code == 403


def test_whoever_brings_a_cookie_is_a_browser(local: Gated) -> None:
    client = local.stranger()
    client.set_cookie("theme", "dark")
    assert client.post("/api/v1/plan", json=PLAN).status_code == 403


def test_what_a_form_of_another_site_can_send_is_refused(local: Gated) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = local.stranger().post("/api/v1/plan", data=json.dumps(PLAN), content_type=kind)
        assert answer.status_code in (403, 415)


# -- while the store is away


class _Away:
    """A shelf whose store can't be reached."""

    def __getattr__(self, name: str) -> object:
        def refuse(*_: object) -> None:
            raise Unavailable("the store can't be reached just now")

        return refuse


@pytest.mark.parametrize("path", ["/", "/login", "/welcome/x", "/account", "/api/v1/health"])
@pytest.mark.parametrize("cookie", ["", "0" * 43])
def test_a_store_that_is_away_is_said_and_lets_nobody_in(path: str, cookie: str) -> None:
    shelf, desk = cast("Any", _Away()), cast("Any", _NoDesk())
    app = create_app(desk, Gate(Entrance(shelf, RealClock(), WITH_LOGIN)), monotonic=lambda: 0.0)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    client = app.test_client()
    if cookie:
        client.set_cookie("horarium-8642-login", cookie)
    answer = client.get(path, follow_redirects=True)
    assert answer.status_code in ((503, 401) if not cookie else (503,)), answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert MARKER not in answer.text
