"""Is markup that somebody stored shown as text, on every page there is? And does looking at pages change nothing?"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from launcher.web.desk import WebDesk
from mx.security.route_check import routes_of
from tests.support.furnished import written
from tests.support.gates import WITHOUT_LOGIN, Gated, cheap_passwords, gated_over
from tests.support.hostile import EVIL, LONG_EVIL, faults_of, hostile
from tests.support.site import Walk
from tests.support.steered import within

# Where it is asked for by a link; a reader may also be led there by a link of somebody else's making.
ASKED = (
    "/search?q={}", "/nowhere/{}", "/job/{}/{}", "/process/{}", "/login?next={}", "/?{}={}", "/timetable?process={}&from={}",
    "/logs/{}", "/commands?process={}&who={}", "/welcome/{}",
)  # fmt: skip


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDesk]:
    with hostile(tmp_path_factory.mktemp("hostile")) as made:
        yield made


@pytest.fixture(scope="module")
def gate(desk: WebDesk) -> Gated:
    with pytest.MonkeyPatch.context() as patch:
        cheap_passwords(patch)
        made = gated_over(desk, WITHOUT_LOGIN)
        accounts = made.entrance.accounts
        accounts.add_token("admin", EVIL[:60], next(iter(type(accounts.users()[0].role))), 1, who=EVIL)
        accounts.end_logins("admin", who=LONG_EVIL, where=EVIL)
    return made


@pytest.fixture
def client(gate: Gated) -> FlaskClient:
    return gate.stranger()


def pages_of(client: FlaskClient, gate: Gated) -> dict[str, str]:
    """Return every page that a visitor finds by the links of others, a few of each kind, and those of admins."""
    found: dict[str, str] = {}

    def fetch(path: str) -> tuple[int, str, str]:
        answer = client.get(path)
        found[path] = answer.text
        return answer.status_code, answer.mimetype or "", answer.text

    for start in ("/", "/users", "/account"):
        Walk(fetch, gate.app.url_map).walk(start)
    return {path: text for path, text in found.items() if "<html" in text}


def test_what_looks_for_markup_finds_it() -> None:
    assert len(faults_of(f"<p>{EVIL}</p>")) >= 3
    assert faults_of(f'<a href="javascript:alert(1)">{EVIL.replace("<", "&lt;")}</a>') != []
    assert faults_of('<p title="&quot;&gt;">&lt;x-evil&gt;</p>') == []


def test_stored_markup_is_text_on_every_page_and_in_every_part(client: FlaskClient, gate: Gated) -> None:
    pages = pages_of(client, gate)
    assert {path: faults_of(text) for path, text in pages.items() if faults_of(text)} == {}
    parts = {path: client.get(path, headers={"X-Fragment": "1"}).text for path in pages}
    assert {path: faults_of(text) for path, text in parts.items() if faults_of(text)} == {}
    assert any("&lt;x-evil" in text for text in pages.values()), "else nothing was tried"


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("evil", [EVIL, LONG_EVIL, "javascript:alert(1)", "%00", "\r\nX-Evil: 1"], ids=range(5))
def test_markup_in_an_address_is_text_too(client: FlaskClient, asked: str, evil: str) -> None:
    answer = client.get(asked.replace("{}", quote(evil, safe="")))
    assert faults_of(answer.text) == []
    assert "X-Evil" not in answer.headers
    assert answer.status_code < 500, answer.text


def test_programs_are_told_by_types_that_no_browser_takes_for_a_page(client: FlaskClient, gate: Gated) -> None:
    ours = ("/api/v1", "/metrics", "/healthz")
    paths = [route.path for route in routes_of(gate.app) if route.method == "GET" and route.path.startswith(ours)]
    answers = {path: client.get(path.replace("<process>", quote(EVIL, safe="")).replace("<timeperiod>", "2026112100")) for path in paths}
    assert {path: answer.mimetype for path, answer in answers.items() if answer.mimetype == "text/html"} == {}
    assert all(answer.headers["X-Content-Type-Options"] == "nosniff" for answer in answers.values())


def test_looking_at_every_page_changes_nothing(client: FlaskClient, gate: Gated, desk: WebDesk) -> None:
    before = within(desk, lambda: written(desk.parts.store))
    pages = pages_of(client, gate)
    assert len(pages) >= 3
    assert within(desk, lambda: written(desk.parts.store)) == before
