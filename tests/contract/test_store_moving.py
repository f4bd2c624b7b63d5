"""Does every store hand out all it has, and take in what another had, as it was? Each verb of `db/moving.py`, on each backend."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from db.keeping import Floor
from db.memory import MemoryStore
from db.mongo import MongoStore
from db.moving import KINDS, Marks
from db.store import Store
from db.urls import open_store
from system.lifecycle import UowState
from tests.support.builders import NOW, PROCESS, command, outcome, turn
from tests.support.furnished import DONE, ENDING, RUNNING, WAITING, all_of, furnish, written
from tests.support.mongo import mock_database
from tests.support.stores import read_uow


@pytest.fixture
def furnished() -> Store:
    """A store in memory in which everything has happened."""
    made = MemoryStore()
    furnish(made)
    return made


def move(source: Store, target: Store) -> None:
    """Put all that `source` has into `target`, a few records at a time."""
    for kind in KINDS:
        found = all_of(source, kind)
        for first in range(0, len(found), 3):
            target.put_records(kind, found[first : first + 3])
    target.put_marks(source.marks())


def test_a_furnished_store_has_something_of_every_kind(furnished: Store) -> None:
    assert {kind for kind in KINDS if all_of(furnished, kind)} == set(KINDS)


def test_what_is_furnished_by_the_verbs_is_the_same_everywhere(store: Store, furnished: Store) -> None:
    furnish(store)
    assert written(store) == written(furnished)


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_a_pass_in_pages_comes_by_each_record_once(store: Store, at_once: int) -> None:
    furnish(store)
    for kind in KINDS:
        texts = [KINDS[kind].text(record) for record in all_of(store, kind, at_once)]
        assert sorted(texts) == sorted(set(texts)) == sorted(KINDS[kind].text(record) for record in all_of(store, kind))


def test_a_page_of_an_empty_store_is_its_end(store: Store) -> None:
    assert [store.records(kind, "", 5) for kind in KINDS if store.records(kind, "", 5).found or store.records(kind, "", 5).next] == []


def test_what_was_put_is_what_another_store_had(store: Store, furnished: Store) -> None:
    move(furnished, store)
    assert written(store) == written(furnished)
    assert store.marks() == furnished.marks() == Marks(projected=3, removed_turns=1, last_command=3)


def test_to_put_all_of_it_twice_changes_nothing(store: Store, furnished: Store) -> None:
    move(furnished, store)
    move(furnished, store)
    assert written(store) == written(furnished)


def test_a_record_that_is_put_takes_the_place_of_the_one_before(store: Store, furnished: Store) -> None:
    move(furnished, store)
    furnished.claim([WAITING], "worker-1", NOW)
    furnished.close_sessions(["worker-1"])
    move(furnished, store)
    assert written(store) == written(furnished)


def test_there_and_back_again_all_is_as_it_was(store: Store, tmp_path: Path) -> None:
    furnish(store)
    others = [MongoStore(mock_database()), open_store(f"sqlite:///{tmp_path / 'other.db'}"), MemoryStore()]
    last = store
    for other in others:
        other.prepare()
        move(last, other)
        last = other
    assert written(last) == written(store)
    assert last.marks() == store.marks()
    for other in others:
        other.close()


def test_a_claim_that_was_moved_is_ended_by_its_owner(store: Store, furnished: Store) -> None:
    move(furnished, store)
    assert store.finish([outcome(read_uow(store, RUNNING))]) == [RUNNING]
    assert store.beat("worker-1", {}).cancels == (ENDING,)


def test_what_is_under_way_is_found_where_it_was_moved_to(store: Store, furnished: Store) -> None:
    move(furnished, store)
    assert sorted(job.timeperiod for job in store.active_jobs()) == ["2024010101", "2024010102", "2024010103"]
    assert [found.number for found in store.open_commands(10)] == [2, 3]
    assert [found.id for found in store.sessions()] == ["worker-1"]
    assert store.floor(PROCESS) == Floor(3, 9)
    assert [found.id for found in store.uows_of(PROCESS, "2024010100", 5)] == [DONE]
    assert [claimed.state for claimed in store.claim([WAITING], "worker-9", NOW)] == [UowState.IN_PROGRESS]


def test_numbers_go_on_where_they_were_moved_to(store: Store, furnished: Store) -> None:
    move(furnished, store)
    assert [store.insert_turn(turn(number)) for number in (1, 2, 3, 4)] == [False, False, False, True]
    assert store.add_command(command()) == 4


def test_no_number_of_a_command_that_was_removed_is_given_again(store: Store) -> None:
    store.put_marks(Marks(projected=9, removed_turns=2, last_command=7))
    assert store.marks() == Marks(9, 2, 7)
    assert store.add_command(command()) == 8


def test_a_note_is_kept_under_its_name(store: Store) -> None:
    assert store.note("migration") == ""
    for text in ("one", json.dumps({"kind": "jobs", "after": "ü"})):
        store.put_note("migration", text)
    assert (store.note("migration"), store.note("other")) == (text, "")
