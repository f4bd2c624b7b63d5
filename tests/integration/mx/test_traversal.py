"""Does no address lead out of the folders whose files are shown? Each place of each route is tried, and each name of a query."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from tests.support.gates import CONTEXT, WITHOUT_LOGIN, Gated, cheap_passwords, gated_over
from tests.support.mx import web_desk

SECRET = "the words of a file that nobody may see"
QUERIES = ("file", "path", "name", "log", "process", "daemon", "q", "from", "page", "cursor", "next", "instance", "box")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a deployment, with a secret beside it and a link in its logs that leads there."""
    made = tmp_path_factory.mktemp("traversal")
    (made / "secret").write_text(SECRET)
    (made / "secret.log").write_text(SECRET)
    log = made / "var" / "log"
    log.mkdir(parents=True)
    (log / "mx.log").write_text("a line that anybody may see\n")
    (log / "link.log").symlink_to(made / "secret.log")
    return made


@pytest.fixture(scope="module")
def gate(folder: Path) -> Iterator[Gated]:
    with pytest.MonkeyPatch.context() as patch:
        cheap_passwords(patch)
        with web_desk(folder / "var", CONTEXT) as desk:
            yield gated_over(desk, WITHOUT_LOGIN)


@pytest.fixture
def client(gate: Gated) -> FlaskClient:
    return gate.stranger()


def ways_out(folder: Path) -> list[str]:
    """Return what leads to the secret, where a name is put behind a folder without care."""
    plain = ["../../secret", "../../secret.log", "../secret", "../../../secret", str(folder / "secret"), "....//....//secret"]
    plain += ["link", "link.log"]
    return [*plain, *(each.replace("/", "\\") for each in plain[:2]), "../../secret\0", "file://" + str(folder / "secret"), "/etc/passwd"]


def places(gate: Gated) -> list[str]:
    """Return the routes to read with a place in them."""
    return sorted({rule.rule for rule in gate.app.url_map.iter_rules() if rule.arguments and "GET" in (rule.methods or ())})


def filled(path: str, way: str, *, is_quoted: bool) -> str:
    head, *rest = path.split("<")
    return head + "".join((quote(way, safe="") if is_quoted else way) + part.partition(">")[2] for part in rest)


def leaks(client: FlaskClient, address: str) -> bool:
    answer = client.get(address, follow_redirects=True)
    try:
        return SECRET in answer.text or "root:x:" in answer.text or answer.status_code == 500
    finally:
        answer.close()


@pytest.mark.parametrize("is_quoted", [True, False], ids=["quoted", "plain"])
def test_no_place_of_a_route_leads_out(gate: Gated, client: FlaskClient, folder: Path, *, is_quoted: bool) -> None:
    tried = [filled(path, way, is_quoted=is_quoted) for path in places(gate) for way in ways_out(folder)]
    assert len(tried) > 20
    assert [address for address in tried if leaks(client, address)] == []


def test_no_name_of_a_query_leads_out(gate: Gated, client: FlaskClient, folder: Path) -> None:
    rules = gate.app.url_map.iter_rules()
    plain = sorted({rule.rule for rule in rules if not rule.arguments and "GET" in (rule.methods or ())} - {"/live"})
    for way in ways_out(folder):
        query = "&".join(f"{name}={quote(way, safe='')}" for name in QUERIES)
        assert [path for path in plain if leaks(client, f"{path}?{query}")] == []
