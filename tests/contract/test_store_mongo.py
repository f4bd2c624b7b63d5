"""Do MongoDB's own errors stop at the store, and is what the driver leaves open decided there?"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from bson.errors import InvalidDocument
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ExecutionTimeout,
    NetworkTimeout,
    OperationFailure,
    ServerSelectionTimeoutError,
    WTimeoutError,
)

from db.mongo import MongoStore
from db.store import Store
from system.errors import SchemaError, StoreError, Unavailable
from tests.support.builders import NOW, UOW_ID, command, outcome, session, turn, uow
from tests.support.mongo import mock_database

AWAY = [
    AutoReconnect("gone"),
    NetworkTimeout("slow"),
    ServerSelectionTimeoutError("none"),
    ExecutionTimeout("slow"),
    WTimeoutError("slow"),
]
REFUSED = [OperationFailure("no"), InvalidDocument("odd"), OverflowError("large"), BulkWriteError({"writeErrors": [{"code": 8000}]})]
VERBS: list[Callable[[Store], object]] = [
    lambda store: store.insert_turn(turn(1)),
    lambda store: store.turns_after(0, 1),
    lambda store: store.projected_turn(),
    lambda store: store.project(turn(1, opened=[uow()]), []),
    lambda store: store.active_jobs(),
    lambda store: store.jobs("p", ["1"]),
    lambda store: list(store.chunks(["p"])),
    lambda store: store.uows([UOW_ID]),
    lambda store: store.claim([UOW_ID], "worker-1", NOW),
    lambda store: store.give_back([uow()]),
    lambda store: store.finish([outcome(uow())]),
    lambda store: store.open_session(session()),
    lambda store: store.beat("worker-1", {}),
    lambda store: store.sessions(),
    lambda store: store.close_sessions(["worker-1"]),
    lambda store: store.expire_sessions({"worker-1": 1}),
    lambda store: store.add_command(command()),
    lambda store: store.open_commands(1),
    lambda store: store.command(1),
    lambda store: store.output(UOW_ID),
    lambda store: store.processes(),
    lambda store: store.prepare(),
]


class _Broken:
    """A database whose every call raises."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self.client = SimpleNamespace(close=self._fail)

    def __getitem__(self, name: str) -> _Broken:
        return self

    def __getattr__(self, name: str) -> Any:
        return self._fail

    def _fail(self, *args: object, **options: object) -> None:
        raise self._error


def broken(error: Exception) -> Store:
    """Return a store whose driver always raises `error`."""
    return MongoStore(cast("Any", _Broken(error)))


@pytest.mark.parametrize("error", AWAY, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("verb", range(len(VERBS)))
def test_a_server_that_is_away_is_unavailable_to_every_verb(error: Exception, verb: int) -> None:
    with pytest.raises(Unavailable) as caught:
        VERBS[verb](broken(error))
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", REFUSED, ids=lambda error: type(error).__name__)
def test_what_the_server_refuses_is_an_error_of_the_store(error: Exception) -> None:
    with pytest.raises(StoreError) as caught:
        broken(error).project(turn(1, opened=[uow()]), [])
    assert not isinstance(caught.value, Unavailable)
    assert caught.value.__cause__ is error


def test_writes_that_may_not_last_are_not_taken_for_taken_keys() -> None:
    error = BulkWriteError({"writeErrors": [{"code": 11000}], "writeConcernErrors": [{"code": 64}]})
    with pytest.raises(Unavailable, match="confirm"):
        broken(error).project(turn(1, opened=[uow()]), [])


def test_a_newer_schema_is_refused() -> None:
    database = mock_database()
    database["meta"].insert_one({"_id": "schema", "version": 2})
    with pytest.raises(SchemaError, match=r"schema 2.*newer Horarium"):
        MongoStore(database).prepare()


def test_what_one_store_wrote_another_on_the_same_database_reads() -> None:
    database = mock_database()
    first, second = MongoStore(database), MongoStore(database)
    first.prepare()
    second.prepare()
    assert first.insert_turn(turn(1))
    assert not second.insert_turn(turn(1))
    assert second.turns_after(0, 9) == [turn(1)]


def test_what_is_in_flight_has_indexes_of_its_own() -> None:
    database = mock_database()
    MongoStore(database).prepare()
    partial = {name for name in ("jobs", "uows", "sessions", "commands") for found in database[name].index_information() if found != "_id_"}
    assert partial == {"jobs", "uows", "sessions", "commands"}
