"""Does a store say what ran when, and what an attempt has printed since?"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

from db.model import OutputPiece
from db.store import Store
from tests.support.builders import NOW, UOW_ID, job, outcome, turn, uow
from tests.support.stores import commit, open_uows

LATER = NOW + timedelta(hours=1)


def began(store: Store, uow_id: str, at: datetime) -> str:
    """Open a unit of work, have it claimed at that moment, and return its id."""
    open_uows(store, uow_id)
    assert store.claim([uow_id], "worker-1", at)
    return uow_id


def ids(store: Store, since: datetime, until: datetime, limit: int = 99) -> list[str]:
    return [found.id for found in store.uows_begun(since, until, limit)]


def test_jobs_of_many_processes_come_by_one_question(store: Store) -> None:
    there = [("a", "2024010100"), ("a", "2024010101"), *((f"p{number}", "2024010100") for number in range(600))]
    commit(store, turn(1, jobs=[replace(job(timeperiod), process=process) for process, timeperiod in there]))
    asked = [*there[1:], there[1], ("a", "2024010109"), ("nobody", "2024010100")]
    assert sorted((found.process, found.timeperiod) for found in store.jobs_at(asked)) == sorted(there[1:])
    assert store.jobs_at([]) == []


def test_what_began_in_a_time_comes_last_begun_first(store: Store) -> None:
    # A second that is whole is written without its fraction: it must come before the half of it all the same.
    moments = [NOW, NOW + timedelta(microseconds=1), NOW + timedelta(milliseconds=500), NOW + timedelta(seconds=1), LATER]
    names = [began(store, f"p/{at}/1/1", moment) for at, moment in enumerate(moments)]
    assert ids(store, NOW, LATER) == names[3::-1]
    assert ids(store, NOW + timedelta(microseconds=1), LATER + timedelta(microseconds=1)) == names[:0:-1]
    assert ids(store, NOW, LATER, 2) == [names[3], names[2]]
    assert ids(store, NOW, LATER, 0) == ids(store, LATER, NOW) == []


def test_what_began_at_one_moment_comes_by_its_id(store: Store) -> None:
    for name in ("b", "a", "c"):
        began(store, f"p/{name}/1/1", NOW)
    assert ids(store, NOW, LATER) == ["p/c/1/1", "p/b/1/1", "p/a/1/1"]


def test_what_has_not_begun_is_left_out_and_what_began_again_counts_by_its_last_attempt(store: Store) -> None:
    open_uows(store, "p/0/1/1")
    began(store, "p/1/1/1", NOW)
    store.give_back(store.uows(["p/1/1/1"]))
    store.claim(["p/1/1/1"], "worker-2", LATER)
    assert ids(store, NOW - timedelta(days=9), LATER) == []
    assert ids(store, LATER, LATER + timedelta(days=9)) == ["p/1/1/1"]


def test_what_ended_is_told_with_its_end(store: Store) -> None:
    name = began(store, "p/1/1/1", NOW)
    store.finish([outcome(store.uows([name])[0], at=LATER)])
    (found,) = store.uows_begun(NOW, LATER, 9)
    assert (found.started_at, found.finished_at, found.session) == (NOW, LATER, "worker-1")


def test_the_bounds_may_be_of_any_zone(store: Store) -> None:
    began(store, "p/1/1/1", NOW)
    east = timezone(timedelta(hours=9))
    assert ids(store, NOW.astimezone(east), LATER.astimezone(east)) == ["p/1/1/1"]


def test_output_is_told_from_an_offset_on_and_of_one_attempt(store: Store) -> None:
    store.project(turn(1, opened=[uow()]), [])
    pieces = [OutputPiece(UOW_ID, fence, offset, text) for fence, offset, text in ((1, 0, "a"), (1, 1, "ü"), (1, 100, "c"), (11, 0, "z"))]
    store.append_output([*pieces[::-1], OutputPiece(f"{UOW_ID}1", 1, 0, "other")])
    assert store.output_from(UOW_ID, 1, 0) == pieces[:3]
    assert store.output_from(UOW_ID, 1, 1) == pieces[1:3]
    assert store.output_from(UOW_ID, 1, 101) == store.output_from(UOW_ID, 2, 0) == store.output_from("", 1, 0) == []
