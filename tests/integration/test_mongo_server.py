"""Does a deployment live on a real MongoDB server, and is it told what is wrong with one? Each test has a database of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from db.mongo_client import open_database
from db.urls import erase_store, open_store
from system.errors import ConfigError, Unavailable
from tests.support.builders import job, turn
from tests.support.mongo_server import database_of, own_mongodb
from tests.support.stores import commit

pytestmark = pytest.mark.service
NOBODY = "mongodb://ann:secret@127.0.0.1:1/x?serverSelectionTimeoutMS=50"


@pytest.fixture
def url() -> Iterator[str]:
    with own_mongodb() as made:
        yield made


def test_what_one_process_stored_the_next_one_reads(url: str) -> None:
    for _ in range(2):
        store = open_store(url)
        store.prepare()
        store.insert_turn(turn(1))
        store.close()
    store = open_store(url)
    assert [found.number for found in store.turns_after(0, 9)] == [1]
    store.close()


def test_a_url_without_a_database_means_horarium() -> None:
    database = open_database("mongodb://127.0.0.1:1")
    assert database.name == "horarium"
    database.client.close()


@pytest.mark.parametrize("url", ["mongodb://", "mongodb://ann:se/cret@db/x", "mongodb://db/a b", "mongodb://db/x?journal=no", "mongodb://db/x?jurnal=true"])
def test_a_url_that_cant_be_used_is_refused_before_anything_is_asked(url: str) -> None:
    with pytest.raises(ConfigError, match=r"the store's URL .* can't be used") as caught:
        open_store(url)
    assert "se/cret" not in str(caught.value)


def test_a_server_that_is_away_is_named_in_time_and_no_password_is_shown() -> None:
    store = open_store(NOBODY)
    with pytest.raises(Unavailable, match=r"no MongoDB server serves: 127.0.0.1:1: .*refused; see that it runs") as caught:
        store.prepare()
    assert "secret" not in str(caught.value)
    store.close()


def test_what_is_erased_is_ours_alone(url: str) -> None:
    store = open_store(url)
    store.prepare()
    commit(store, turn(1, jobs=[job()]))
    store.close()
    database = database_of(url)
    database["theirs"].insert_one({"_id": 1})
    erase_store(url)
    assert database.list_collection_names() == ["theirs"]
    database.client.close()


def test_an_open_store_has_no_threads_before_it_is_used(url: str) -> None:
    before = threading.active_count()
    store = open_store(url)
    assert threading.active_count() == before
    store.close()
