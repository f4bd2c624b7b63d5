"""Does a deployment live on a real MongoDB server, and is it told what is wrong with one? Each test has a database of its own."""

from __future__ import annotations

import re
import socket
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


def test_of_several_servers_each_is_named_with_its_own_reason() -> None:
    store = open_store("mongodb://127.0.0.1:1,127.0.0.1:2,127.0.0.1:3/x?replicaSet=rs0&serverSelectionTimeoutMS=400")
    with pytest.raises(Unavailable) as caught:
        store.prepare()
    for port in (1, 2, 3):
        assert re.search(rf"(: |; )127.0.0.1:{port}: \[Errno 111\] Connection refused; ", str(caught.value))
    store.close()


def test_a_server_that_says_nothing_is_named_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        for servers in (f"127.0.0.1:{port}", f"127.0.0.1:1,127.0.0.1:{port}"):
            store = open_store(f"mongodb://{servers}/x?serverSelectionTimeoutMS=300&connectTimeoutMS=2000")
            with pytest.raises(Unavailable, match=rf"serves: (127.0.0.1:1: .*refused; )?127.0.0.1:{port}: no answer; see"):
                store.prepare()
            store.close()


def test_a_replica_set_that_the_server_is_not_of_is_told_as_that(url: str) -> None:
    store = open_store(f"{url}?replicaSet=rs7&serverSelectionTimeoutMS=300")
    with pytest.raises(Unavailable, match=r"set name \"rs7\"; who was asked is of no such set: write replicaSet .* or leave it out"):
        store.prepare()
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
