"""Do MongoDB's own errors stop at the store, and is what the driver leaves open decided there?"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import pytest
from bson.errors import InvalidDocument
from pymongo.database import Database
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ExecutionTimeout,
    NetworkTimeout,
    OperationFailure,
    ServerSelectionTimeoutError,
    WTimeoutError,
)

from db import mongo_turns
from db.model import Event, Turn
from db.mongo import MongoStore
from db.mongo_errors import translating
from db.mongo_projection import FEW, THREADS
from db.store import Store
from system.errors import SchemaError, StoreError, Unavailable
from system.lifecycle import JobState, UowState
from tests.support.builders import NOW, UOW_ID, command, job, outcome, session, turn, uow
from tests.support.mongo import mock_database
from tests.support.stores import commit, open_uows

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
    lambda store: store.latest_commands(0, 1),
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


# -- long turns


def long_turn(number: int = 1, jobs: int = 2000, **fields: Any) -> Turn:
    """Return a turn that no document holds as it is, where the limits are those of `small`."""
    return turn(number, jobs=[job(f"{n:010}", turn=number) for n in range(jobs)], **fields)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Database[Any]:
    """A database, and documents that hold little."""
    monkeypatch.setattr(mongo_turns, "PART", 1000)
    return mock_database()


def test_a_long_turn_comes_back_whole(small: Database[Any]) -> None:
    store = MongoStore(small)
    made = [turn(1), long_turn(2), turn(3), long_turn(4, jobs=3000)]
    assert [store.insert_turn(one) for one in made] == [True] * 4
    assert store.turns_after(0, 9) == made
    parts = {document["_id"]: len(document.get("parts", ())) for document in small["turns"].find({})}
    assert (parts[1], parts[3]) == (0, 0)
    assert parts[4] > parts[2] > 1


def test_a_turn_of_a_hundred_thousand_jobs_is_one_small_document() -> None:
    database = mock_database()
    store, made = MongoStore(database), long_turn(jobs=100_000)
    assert store.insert_turn(made)
    assert [len(document["packed"]) < 2 << 20 for document in database["turns"].find({})] == [True]
    assert len(store.turns_after(0, 1)[0].jobs) == 100_000


def test_parts_of_a_turn_that_lost_its_number_do_not_mix_with_those_of_the_winner(small: Database[Any]) -> None:
    store, won = MongoStore(small), long_turn(session="scheduler-1")
    assert store.insert_turn(won)
    assert not store.insert_turn(long_turn(session="scheduler-2"))
    assert not store.insert_turn(won)  # again by its leader, who did not hear of its success
    assert store.turns_after(0, 9) == [won]


def test_a_long_turn_is_no_turn_before_its_document(small: Database[Any]) -> None:
    store = MongoStore(small)
    small["turns"].insert_one({"_id": 1})
    assert not store.insert_turn(long_turn())
    small["turns"].delete_one({"_id": 1})
    assert small["turn_parts"].count_documents({}) > 0
    assert store.turns_after(0, 9) == []


def test_removed_turns_leave_no_parts(small: Database[Any]) -> None:
    store = MongoStore(small)
    assert [store.insert_turn(long_turn(number)) for number in (9, 10, 11)] == [True] * 3
    store.remove_turns(10)
    assert store.turns_after(0, 99) == [long_turn(11)]
    assert {name.partition("/")[0] for name in small["turn_parts"].distinct("_id")} == {f"{11:015}"}


def test_a_turn_without_one_of_its_parts_is_damaged(small: Database[Any]) -> None:
    store = MongoStore(small)
    store.insert_turn(long_turn())
    small["turn_parts"].delete_one({})
    with pytest.raises(StoreError, match=r"turn 1 is damaged: 1 of its parts"):
        store.turns_after(0, 9)


def test_a_turn_whose_text_is_damaged_is_said(small: Database[Any]) -> None:
    small["turns"].insert_one({"_id": 1, "packed": b"x"})
    with pytest.raises(StoreError, match="turn 1 is damaged"):
        MongoStore(small).turns_after(0, 9)


# -- what is asked at once, and what one after the other


@pytest.mark.parametrize("count", [1, FEW])
def test_of_a_few_units_of_work_workers_hear_before_anything_else_is_written(count: int) -> None:
    store, made, seen = MongoStore(mock_database()), job(), list[object]()
    opened = [uow(f"{made.process}/{n:010}/1/1") for n in range(count)]

    def hear() -> None:
        seen.append((len(store.uows([one.id for one in opened])), store.jobs(made.process, [made.timeperiod])))

    store.project(turn(1, opened=opened, jobs=[made]), [], hear)
    assert seen == [(count, [])]
    assert store.jobs(made.process, [made.timeperiod]) == [made]


@pytest.mark.parametrize("count", [1, THREADS, THREADS + 1])
def test_of_any_number_of_claims_those_that_are_requested_are_won(count: int) -> None:
    store, ids = MongoStore(mock_database()), [f"p/{n:010}/1/1" for n in range(count)]
    open_uows(store, *ids[1:])
    assert sorted(won.id for won in store.claim([*ids, *ids], "worker-1", NOW)) == ids[1:]


def test_a_few_claims_all_end_before_one_that_failed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    store, ids = MongoStore(mock_database()), ["p/1/1/1", "p/2/1/1", "p/3/1/1"]
    open_uows(store, *ids)
    real = store._uows.find_one_and_update

    def lose_one(match: dict[str, Any], *rest: Any, **options: Any) -> object:
        found = real(match, *rest, **options)
        if match["_id"] == ids[0]:
            raise AutoReconnect("its answer was lost")
        return found

    monkeypatch.setattr(store._uows, "find_one_and_update", lose_one)
    with pytest.raises(Unavailable):
        store.claim(ids, "worker-1", NOW)
    assert {one.state for one in store.uows(ids)} == {UowState.IN_PROGRESS}


# -- what is removed


@pytest.mark.parametrize(("collection", "verb"), [("_jobs", "delete_one"), ("_events", "delete_many")])
def test_a_job_that_was_removed_in_part_goes_whole_the_next_time(
    small: Database[Any], monkeypatch: pytest.MonkeyPatch, collection: str, verb: str
) -> None:
    store, made = MongoStore(small), job(state=JobState.PROCESSED)
    commit(store, turn(1, jobs=[made], events=[Event(made.process, made.timeperiod, 1, 0, NOW, "hold")]))
    with monkeypatch.context() as broken_off:
        broken_off.setattr(getattr(store, collection), verb, Mock(side_effect=AutoReconnect("gone")))
        with pytest.raises(Unavailable):
            store.remove_jobs([made])
    store.remove_jobs([made])
    assert (store.jobs(made.process, [made.timeperiod]), store.events(made.process, made.timeperiod, 9)) == ([], [])


# -- what the server says


@pytest.mark.parametrize("code", [43, 91, 112, 175, 189, 211, 237, 365, 11600, 11601])
def test_what_passes_by_itself_is_unavailable(code: int) -> None:
    for error in (OperationFailure("no", code), BulkWriteError({"writeErrors": [{"code": code}]})):
        with pytest.raises(Unavailable, match="just now"):
            broken(error).project(turn(1, opened=[uow()]), [])


def test_a_taken_key_beside_what_passes_by_itself_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="just now"):
        broken(BulkWriteError({"writeErrors": [{"code": 11000}, {"code": 112}]})).project(turn(1, opened=[uow()]), [])


@pytest.mark.parametrize("codes", [(11000,), (11000, 112, 2)])
def test_a_taken_key_alone_or_beside_a_lasting_fault_is_none_that_passes(codes: tuple[int, ...]) -> None:
    with pytest.raises(StoreError) as caught, translating():
        raise BulkWriteError({"writeErrors": [{"code": code} for code in codes]})
    assert not isinstance(caught.value, Unavailable)


def test_one_lasting_fault_among_passing_ones_is_no_case_for_another_try() -> None:
    with pytest.raises(StoreError) as caught:
        broken(BulkWriteError({"writeErrors": [{"code": 112}, {"code": 2}]})).project(turn(1, opened=[uow()]), [])
    assert not isinstance(caught.value, Unavailable)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OperationFailure("Authentication failed.", 18), "takes neither user nor password"),
        (OperationFailure("not authorized on x to execute command", 13), "give it the role readWrite"),
        (OperationFailure("bad auth : mongodb://ann:secret@db"), "mongodb://ann:[*]{3}@db"),
    ],
)
def test_a_refusal_says_what_to_do_and_no_password(error: OperationFailure, words: str) -> None:
    with pytest.raises(StoreError, match=words):
        broken(error).prepare()
