"""Whose is a turn's number on MongoDB, however long a leader stood still and whatever was removed meanwhile?"""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from pymongo.errors import AutoReconnect

from db.mongo import MongoStore
from db.store import Store
from system.errors import Unavailable
from tests.support.builders import turn

pytestmark = pytest.mark.parametrize("store", ["mongomock", pytest.param("mongodb", marks=pytest.mark.service)], indirect=True)


@pytest.fixture
def paused(store: Store) -> MongoStore:
    """The store of a leader that stands still from time to time."""
    assert isinstance(store, MongoStore)
    return store


@pytest.fixture
def other(paused: MongoStore) -> MongoStore:
    """The store of another process, over the same database."""
    return MongoStore(paused._database)


def insert(store: Store, *numbers: int, session: str) -> list[bool]:
    return [store.insert_turn(turn(number, session=session)) for number in numbers]


def numbers(store: Store) -> list[int]:
    return [found.number for found in store.turns_after(0, 9)]


def test_who_goes_on_from_a_turn_of_its_own_asks_nothing_after_the_insert(paused: MongoStore, monkeypatch: pytest.MonkeyPatch) -> None:
    assert insert(paused, 1, session="paused") == [True]
    monkeypatch.setattr(paused, "_removed_turns", Mock(side_effect=AssertionError("asked")))
    assert insert(paused, 2, 3, session="paused") == [True, True]


def test_its_number_is_taken_even_when_all_turns_since_were_removed(paused: MongoStore, other: MongoStore) -> None:
    assert insert(paused, 1, 2, session="paused") == [True, True]
    assert insert(other, 3, 4, 5, session="other") == [True, True, True]
    other.remove_turns(4)
    other.remove_turns(5)
    assert insert(paused, 3, session="paused") == [False]
    assert (numbers(other), other.sizes()["turns"]) == ([], 0)
    assert insert(other, 6, session="other") == [True]
    assert (numbers(other), other.sizes()["turns"]) == ([6], 1)


def test_a_turn_that_took_effect_without_an_answer_is_not_brought_back_once_it_was_removed(
    paused: MongoStore, other: MongoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = paused._turns.insert_one

    def insert_without_answer(document: dict[str, object]) -> None:
        real(document)
        raise AutoReconnect("gone")

    assert insert(paused, 1, session="paused") == [True]
    with monkeypatch.context() as broken:
        broken.setattr(paused._turns, "insert_one", insert_without_answer)
        with pytest.raises(Unavailable):
            insert(paused, 2, session="paused")
    assert insert(other, 3, session="other") == [True]
    other.remove_turns(2)
    assert insert(paused, 2, session="paused") == [False]
    assert numbers(other) == [3]


def test_who_lost_a_number_and_follows_asks_again(paused: MongoStore, other: MongoStore) -> None:
    assert insert(paused, 1, session="paused") == [True]
    assert insert(other, 2, 3, session="other") == [True, True]
    assert insert(paused, 2, session="paused") == [False]
    other.remove_turns(3)
    assert insert(paused, 3, session="paused") == [False]  # it had read 2, and stood still again
    assert insert(paused, 4, session="paused") == [True]
    assert numbers(other) == [4]


def test_of_a_long_turn_its_number_is_left(paused: MongoStore, other: MongoStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("db.mongo_turns.PLAIN", 10)
    monkeypatch.setattr("db.mongo_turns.PART", 100)
    assert insert(paused, 1, session="paused") == insert(other, 2, session="other") == [True]
    other.remove_turns(2)
    assert list(other._turns.find({})) == [{"_id": number, "takes_over": True, "removed": True} for number in (1, 2)]
    assert list(other._turn_parts.find({})) == []
