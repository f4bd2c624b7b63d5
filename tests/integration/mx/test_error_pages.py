"""Does somebody see what is wrong, and what to do about it, whatever is wrong?"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from launcher.web.desk import WebDesk
from mq.embedded import EmbeddedBroker
from mx.errors import Busy
from mx.security.roles import Role
from system.errors import BrokerAway, BrokerError, HorariumError
from tests.support.mx import app_over, client_over
from tests.support.steered import CONTEXT, furnish, steered, within, write_context


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[WebDesk]:
    """A desk over the small deployment."""
    with steered(tmp_path) as opened:
        yield opened


def test_an_address_that_is_none_says_where_to_look(desk: WebDesk) -> None:
    answer = client_over(desk).get("/nowhere")
    assert (answer.status_code, "There is no page at this address" in answer.text, "/search" in answer.text) == (404, True, True)


def test_a_wrong_method_says_what_is_right_and_which_are_allowed(desk: WebDesk) -> None:
    answer = client_over(desk).put("/boxes")
    assert (answer.status_code, "Not this way" in answer.text) == (405, True)
    assert "POST" in answer.headers["Allow"]


def test_a_form_that_is_too_large_is_refused(desk: WebDesk) -> None:
    answer = client_over(desk).post("/boxes", data={"reason": "x" * 1_100_000})
    assert (answer.status_code, "larger than 1 MB" in answer.text) == (413, True)


def test_a_visitor_who_may_not_is_told_which_role_it_takes(desk: WebDesk) -> None:
    answer = client_over(desk, Role.VIEWER).post("/boxes", data={"reason": "x"})
    assert (answer.status_code, "this takes the role operator" in answer.text) == (403, True)


def test_a_fault_of_ours_shows_no_traceback(desk: WebDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a secret detail")

    monkeypatch.setattr(type(desk), "boxes", broken)
    answer = client_over(desk).get("/boxes")
    assert (answer.status_code, "a secret detail" in answer.text, "log of mx" in answer.text) == (500, False, True)


def test_an_error_says_no_password(desk: WebDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise HorariumError("could not reach postgresql://app:hunter2@db/x")

    monkeypatch.setattr(type(desk), "boxes", broken)
    assert "hunter2" not in client_over(desk).get("/boxes").text


def test_a_page_that_takes_too_long_for_neither_store_nor_broker_says_so(desk: WebDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object, **__: object) -> None:
        raise Busy("the dashboard has not answered for 10 s")

    monkeypatch.setattr(type(desk), "boxes", slow)
    page = client_over(desk).get("/boxes")
    assert (page.status_code, "This takes too long" in page.text, "lease" in page.text) == (503, True, False)


BROKEN = CONTEXT.replace('"_daily", start', '"_weekly", start')


def test_without_a_context_it_is_said_what_is_wrong_and_how_all_stands(tmp_path: Path) -> None:
    with steered(tmp_path, is_furnished=False, text=BROKEN) as desk:
        within(desk, lambda: furnish(desk.parts.store))
        client = client_over(desk)
        for path in ("/", "/triggers", "/queues", "/search?q=x"):
            answer = client.get(path)
            assert (answer.status_code, "The context can&#39;t be read" in answer.text) == (503, True), path
            assert "_weekly" in answer.text
            assert "b2: gone" in answer.text
            assert "data-error" in answer.text
        pulse = client.get("/pulse")
        assert (pulse.status_code, "nothing is scheduled" in pulse.text, "context" in pulse.text) == (200, True, False)
        assert client.get("/boxes").status_code == client.get("/logs").status_code == client.get("/about").status_code == 200


def test_a_context_that_was_mended_is_taken_up_without_a_restart(tmp_path: Path) -> None:
    with steered(tmp_path, is_furnished=False, text=BROKEN) as desk:
        client = client_over(desk)
        assert client.get("/triggers").status_code == 503
        write_context(tmp_path / "project")
        assert client.get("/triggers").status_code == 200


def test_a_store_of_a_newer_version_is_said_to_be_so(tmp_path: Path) -> None:
    with steered(tmp_path):
        pass
    with sqlite3.connect(tmp_path / "var" / "horarium.db") as conn:
        assert conn.execute("update meta set value = 99 where name = 'store_version'").rowcount == 1
    with steered(tmp_path, is_furnished=False) as desk:
        answer = client_over(desk).get("/")
    assert (answer.status_code, "The store can&#39;t be used" in answer.text, "99" in answer.text) == (503, True, True)


def test_the_head_of_a_page_says_that_the_store_is_away_in_a_few_words(tmp_path: Path) -> None:
    with steered(tmp_path, is_furnished=False, store_url="postgresql://nobody@127.0.0.1:1/none") as desk:
        client = client_over(desk)
        pulse, page = client.get("/pulse", headers={"X-Fragment": "1"}), client.get("/triggers")
    assert (pulse.status_code, "the store does not answer" in pulse.text, "<section" in pulse.text) == (200, True, False)
    assert (page.status_code, page.text.count("The store is away")) == (503, 2)  # its title and its head


@pytest.mark.parametrize(
    ("refusal", "title"),
    [(BrokerAway("no answer from mq-1"), "The broker is away"), (BrokerError("mq-1 refuses"), "The broker can&#39;t be used")],
)
def test_a_broker_that_is_away_is_not_called_a_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: HorariumError, title: str
) -> None:
    def refuse(_broker: object) -> None:
        raise refusal

    monkeypatch.setattr(EmbeddedBroker, "prepare", refuse)
    with steered(tmp_path, is_furnished=False) as desk:
        page = client_over(desk).get("/triggers")
    assert (page.status_code, page.text.count(title), "mq-1" in page.text) == (503, 2, True)
    assert "The store is away" not in page.text


def test_a_backup_that_was_put_in_place_is_shown_without_a_restart(desk: WebDesk, tmp_path: Path) -> None:
    client, path = client_over(desk), tmp_path / "var" / "horarium.db"
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(tmp_path / "backup")) as target:
        source.backup(target)
    asked = {"verb": "stop", "reason": "given after the backup", "place": "b1/worker"}
    assert client.post("/boxes", data=asked).status_code == 303
    assert "given after the backup" in client.get("/boxes").text
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    (tmp_path / "backup").rename(path)
    page = client.get("/boxes")
    assert (page.status_code, "given after the backup" in page.text) == (200, False)
    assert client.get("/").status_code == 200
    assert desk.papers("nothing", "", 10) == []


def test_a_part_of_a_page_that_fails_is_a_part_alone(desk: WebDesk) -> None:
    answer = app_over(desk).test_client().get("/queues/nothing", headers={"X-Fragment": "1"})
    assert (answer.status_code, "<html" in answer.text) == (404, False)
