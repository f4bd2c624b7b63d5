"""Does each store find what is old a little at a time, and remove no more than it may?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from db.keeping import Floor, Page
from db.model import Answer, CommandState, Event, OutputPiece
from db.store import Store
from system.errors import NotFound
from system.lifecycle import JobState, UowState
from tests.support.builders import NOW, PERIOD, PROCESS, UOW_ID, command, job, session, turn, uow
from tests.support.stores import claim_one, commit, open_uows

T = TypeVar("T")
DAY = timedelta(days=1)
LATER = NOW + DAY


def walk(page: Callable[[str], Page[T]], most: int = 50) -> list[T]:
    """Return what a whole pass finds."""
    found: list[T] = []
    after = ""
    for _ in range(most):
        part = page(after)
        found += part.found
        after = part.next
        if not after:
            return found
    raise AssertionError(f"a pass did not end after {most} pages")


def finished_uow(name: str, **fields: Any) -> Any:
    """Return a unit of work that ended NOW."""
    return uow(name, **{"state": UowState.PROCESSED, "finished_at": NOW, **fields})


# -- events


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_old_events_are_found_once_and_removed_one_by_one(store: Store, limit: int) -> None:
    made = [Event(PROCESS, name, number, place, NOW, "told") for name in ("a", "b") for number in (1, 2) for place in (0, 1)]
    young = Event(PROCESS, "a", 3, 0, LATER, "told")
    store.project(turn(1, events=[*made, young]), [])
    found = walk(lambda after: store.old_events(LATER, after, limit))
    assert sorted(found, key=lambda e: (e.timeperiod, e.turn, e.place)) == made
    store.remove_events([event for event in found if event.timeperiod == "a" and event.place == 0])
    assert [(e.turn, e.place) for e in store.events(PROCESS, "a", 9)] == [(3, 0), (2, 1), (1, 1)]
    assert len(store.events(PROCESS, "b", 9)) == 4


# -- units of work


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_a_pass_finds_each_old_unit_of_work_once(store: Store, limit: int) -> None:
    made = [finished_uow(f"{PROCESS}/{n:010}/1/1") for n in (3, 1, 2, 5, 4)]
    store.project(turn(1, opened=made), [])
    found = walk(lambda after: store.old_uows(LATER, after, limit))
    assert sorted(found, key=lambda u: u.id) == sorted(made, key=lambda u: u.id)


def test_only_what_ended_before_the_moment_is_old(store: Store) -> None:
    young, never_began = finished_uow("b", finished_at=LATER), uow("c", state=UowState.CANCELED, opened_at=NOW - DAY)
    states = {"d": UowState.INVALID, "e": UowState.IN_PROGRESS, "f": UowState.REQUESTED}
    under_way = [uow(name, state=state, finished_at=NOW) for name, state in states.items()]
    store.project(turn(1, opened=[finished_uow("a"), young, never_began, *under_way]), [])
    assert sorted(u.id for u in walk(lambda after: store.old_uows(LATER, after, 2))) == ["a", "c"]
    assert [u.id for u in walk(lambda after: store.old_uows(NOW, after, 2))] == ["c"]


def test_a_pass_goes_on_where_something_was_removed(store: Store) -> None:
    store.project(turn(1, opened=[finished_uow(f"{n}") for n in range(10)]), [])
    gone: list[str] = []
    after = ""
    for _ in range(10):
        page = store.old_uows(LATER, after, 3)
        store.remove_uows([u.id for u in page.found])
        gone += [u.id for u in page.found]
        after = page.next
        if not after:
            break
    assert sorted(gone) == [f"{n}" for n in range(10)]
    assert store.sizes()["units of work"] == 0


def test_only_finished_units_of_work_are_removed(store: Store) -> None:
    open_uows(store, UOW_ID, "b")
    store.project(turn(2, opened=[finished_uow("c")]), [])
    claim_one(store, "b")
    store.remove_uows([UOW_ID, "b", "c", "unknown"])
    assert sorted(found.id for found in store.uows([UOW_ID, "b", "c"])) == sorted(["b", UOW_ID])


# -- jobs


def finished_job(period: str = PERIOD, **fields: Any) -> Any:
    """Return a job that was finished NOW."""
    return job(period, JobState.PROCESSED, **fields)


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_a_pass_finds_each_old_job_once(store: Store, limit: int) -> None:
    old = [finished_job("2024010101"), finished_job("2024010102", process="other"), job("2024010103", JobState.SKIPPED)]
    young = [finished_job("2024010104", changed_at=LATER), job("2024010105"), job("2024010106", JobState.EMBRYO)]
    store.project(turn(1, jobs=[*old, *young]), [])
    found = walk(lambda after: store.old_jobs(LATER, after, limit))
    assert sorted(found, key=lambda j: j.timeperiod) == old


def test_a_job_that_was_changed_since_is_not_removed(store: Store) -> None:
    read = finished_job(turn=1)
    store.project(turn(1, jobs=[read]), [])
    store.project(turn(2, jobs=[job(state=JobState.EMBRYO, turn=2, generation=2)]), [])
    store.remove_jobs([read])
    assert [found.turn for found in store.jobs(PROCESS, [PERIOD])] == [2]
    assert len(store.active_jobs()) == 1


def test_a_removed_job_goes_with_its_events_and_can_come_back(store: Store) -> None:
    old = Event(PROCESS, PERIOD, 1, 0, NOW, "hold")
    store.project(turn(1, jobs=[finished_job()], events=[old]), [])
    store.remove_jobs([finished_job()])
    assert (store.jobs(PROCESS, [PERIOD]), store.events(PROCESS, PERIOD, 9)) == ([], [])
    again = job(turn=2, generation=2)
    store.project(turn(2, jobs=[again]), [])
    assert store.jobs(PROCESS, [PERIOD]) == store.active_jobs() == [again]


def test_what_is_told_of_a_job_later_than_the_record_that_is_removed_stays(store: Store) -> None:
    events = [Event(PROCESS, PERIOD, number, 0, NOW, "told") for number in (1, 2)]
    store.project(turn(2, jobs=[finished_job(turn=1)], events=events), [])
    store.remove_jobs([finished_job(turn=1)])
    assert store.events(PROCESS, PERIOD, 9) == events[1:]


def test_the_floor_of_a_process_only_rises(store: Store) -> None:
    assert store.floor(PROCESS) == Floor(0, 0)
    store.remove_jobs([finished_job(generation=2, fence=9), finished_job("2024010106", generation=5, fence=3)])
    store.remove_jobs([finished_job(generation=1, fence=1), finished_job(process="other", generation=7)])
    assert (store.floor(PROCESS), store.floor("other")) == (Floor(5, 9), Floor(7, 0))


# -- turns


def test_the_number_of_a_removed_turn_stays_taken(store: Store) -> None:
    for number in (1, 2, 3):
        commit(store, turn(number))
    store.remove_turns(2)
    assert [found.number for found in store.turns_after(0, 9)] == [3]
    assert [store.insert_turn(turn(number, session="late")) for number in (1, 2, 3)] == [False, False, False]
    assert [found.session for found in store.turns_after(0, 9)] == ["scheduler-1"]
    assert store.insert_turn(turn(4))


def test_turns_are_removed_up_to_the_highest_number_ever_said(store: Store) -> None:
    for number in (1, 2, 3):
        commit(store, turn(number))
    store.remove_turns(2)
    store.remove_turns(1)
    assert not store.insert_turn(turn(2))
    assert store.projected_turn() == 3


# -- commands


def test_answered_commands_are_found_and_removed_and_numbers_go_on(store: Store) -> None:
    for _ in range(4):
        store.add_command(command())
    store.project(turn(1, answers=[Answer(n, CommandState.DONE, "ok") for n in (1, 2, 4)]), [])
    old = walk(lambda after: store.old_commands(LATER, after, 2))
    assert [found.number for found in old] == [1, 2, 4]
    assert walk(lambda after: store.old_commands(NOW, after, 2)) == []
    store.remove_commands([1, 2, 3, 4])
    with pytest.raises(NotFound):
        store.command(2)
    assert store.command(3).number == 3
    assert store.add_command(command()) == 5


# -- output and sessions


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_what_has_printed_is_found_once_each(store: Store, limit: int) -> None:
    store.append_output([OutputPiece(name, fence, 0, "words") for name in ("b", "a", "c") for fence in (1, 2)])
    assert walk(lambda after: store.printed(after, limit)) == ["a", "b", "c"]
    store.remove_output(["a", "c", "unknown"])
    assert (store.output("a"), len(store.output("b")), walk(lambda after: store.printed(after, limit))) == ([], 2, ["b"])


def test_open_sessions_are_never_removed(store: Store) -> None:
    for name in ("old-open", "old-closed", "young-closed"):
        store.open_session(session(name, opened_at=LATER if name.startswith("young") else NOW))
    store.close_sessions(["old-closed", "young-closed"])
    assert store.remove_sessions(LATER, 10) <= 1
    assert store.remove_sessions(LATER, 10) == 0
    assert [found.id for found in store.sessions()] == ["old-open"]
    assert store.sizes()["sessions"] <= 2


def test_sizes_count_each_kind(store: Store) -> None:
    commit(store, turn(1, jobs=[job()], opened=[uow()], events=[Event(PROCESS, PERIOD, 1, 0, NOW, "hold")]))
    store.add_command(command())
    store.append_output([OutputPiece(UOW_ID, 1, 0, "words")])
    store.open_session(session())
    assert store.sizes() == dict.fromkeys(("turns", "jobs", "units of work", "events", "commands", "sessions", "pieces of output"), 1)


def test_removing_nothing_is_fine(store: Store) -> None:
    store.remove_uows([])
    store.remove_jobs([])
    store.remove_commands([])
    store.remove_output([])
    store.remove_turns(0)
    assert not any(store.sizes().values())
