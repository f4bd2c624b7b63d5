"""Are projections idempotent, in order, and never older than what they overwrite?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from db.contexts import ContextRow
from db.entries import Run
from db.model import Answer, Cancel, CommandState, Event, Turn, UowMove, Widening
from db.store import Store
from system.errors import IllegalTransition, StoreError
from system.lifecycle import JobState, UowEvent, UowState
from tests.support.builders import (
    NOW,
    PERIOD,
    PROCESS,
    UOW_ID,
    chunk,
    command,
    entry,
    job,
    outcome,
    process_row,
    session,
    switch,
    turn,
    uow,
)
from tests.support.stores import claim_one, commit, everything, open_and_claim, open_uows, race, read_uow

ALL_STATES = list(UowState)


def lost(fence: int = 1, losses: int = 1) -> UowMove:
    """Return the move of a claim whose worker was lost."""
    return UowMove(UOW_ID, UowState.IN_PROGRESS, UowEvent.LOST, fence, losses, reason="worker-1 was lost")


# -- opened


def test_opened_units_of_work_are_inserted_as_they_are(store: Store) -> None:
    made = uow(turn=3, fence=2, failures=1, losses=1, reason="again")
    store.project(turn(3, opened=[made]), [])
    assert store.uows([UOW_ID]) == [made]


def test_an_opening_leaves_alone_what_is_there(store: Store) -> None:
    claimed = open_and_claim(store)
    store.project(turn(2, opened=[uow(turn=2)]), [])
    assert read_uow(store) == claimed


def test_of_two_openings_of_one_id_the_first_stays(store: Store) -> None:
    store.project(turn(5, opened=[uow(turn=5)]), [])
    store.project(turn(4, opened=[uow(turn=4)]), [])
    assert read_uow(store).turn == 5


# -- cancels


@pytest.mark.parametrize("state", [UowState.REQUESTED, UowState.IN_PROGRESS, UowState.INVALID])
def test_a_cancel_marks_an_unfinished_unit_of_work(store: Store, state: UowState) -> None:
    open_uows(store, UOW_ID, state=state)
    store.project(turn(2, cancels=[Cancel(UOW_ID, "reprocess by ann")]), [])
    assert read_uow(store) == uow(state=state, cancel_requested=True, reason="reprocess by ann")


@pytest.mark.parametrize("state", [UowState.PROCESSED, UowState.NOOP, UowState.CANCELED])
def test_a_cancel_leaves_a_finished_unit_of_work_alone(store: Store, state: UowState) -> None:
    open_uows(store, UOW_ID, state=state)
    store.project(turn(2, cancels=[Cancel(UOW_ID, "too late")]), [])
    assert read_uow(store) == uow(state=state)


def test_a_cancel_of_nothing_is_nothing(store: Store) -> None:
    store.project(turn(1, cancels=[Cancel("unknown", "why not")]), [])
    assert store.uows(["unknown"]) == []


def test_a_turn_may_open_and_cancel_the_same_unit_of_work(store: Store) -> None:
    store.project(turn(1, opened=[uow()], cancels=[Cancel(UOW_ID, "at once")]), [])
    assert read_uow(store).cancel_requested


# -- moves


def test_a_lost_claim_is_requested_again_without_a_session(store: Store) -> None:
    claimed = open_and_claim(store)
    store.project(turn(2, moves=[lost(losses=3)]), [])
    after = replace(claimed, state=UowState.REQUESTED, session="", losses=3, reason="worker-1 was lost", turn=2)
    assert read_uow(store) == after


def test_a_move_to_another_state_keeps_the_session(store: Store) -> None:
    open_and_claim(store)
    store.project(turn(2, moves=[replace(lost(), event=UowEvent.LOST_TOO_OFTEN)]), [])
    assert (read_uow(store).state, read_uow(store).session) == (UowState.INVALID, "worker-1")


@pytest.mark.parametrize(
    ("before", "event", "after"),
    [
        (UowState.REQUESTED, UowEvent.CANCELED, UowState.CANCELED),
        (UowState.INVALID, UowEvent.RETRIED, UowState.REQUESTED),
        (UowState.INVALID, UowEvent.GIVEN_UP, UowState.CANCELED),
        (UowState.INVALID, UowEvent.CANCELED, UowState.CANCELED),
    ],
)
def test_a_move_follows_the_table(store: Store, before: UowState, event: UowEvent, after: UowState) -> None:
    open_uows(store, UOW_ID, state=before, fence=4)
    store.project(turn(2, moves=[UowMove(UOW_ID, before, event, fence=4)]), [])
    assert (read_uow(store).state, read_uow(store).turn) == (after, 2)


def test_a_unit_of_work_that_nobody_has_claimed_is_widened(store: Store) -> None:
    open_uows(store, UOW_ID, fence=4)
    store.project(turn(2, widenings=[Widening(UOW_ID, 4, "all")]), [])
    assert read_uow(store) == uow(fence=4, slice="all", turn=2)


@pytest.mark.parametrize(
    ("state", "fence", "number"), [(UowState.IN_PROGRESS, 4, 2), (UowState.REQUESTED, 3, 2), (UowState.REQUESTED, 4, 1)]
)
def test_a_widening_needs_the_state_the_fence_and_an_older_record(store: Store, state: UowState, fence: int, number: int) -> None:
    open_uows(store, UOW_ID, state=state, fence=4)
    before = read_uow(store)
    store.project(turn(number, widenings=[Widening(UOW_ID, fence, "all")]), [])
    assert read_uow(store) == before


@pytest.mark.parametrize("state", [state for state in ALL_STATES if state is not UowState.IN_PROGRESS])
def test_a_move_needs_the_state_it_names(store: Store, state: UowState) -> None:
    open_uows(store, UOW_ID, state=state, fence=1)
    store.project(turn(2, moves=[lost()]), [])
    assert read_uow(store) == uow(state=state, fence=1)


@pytest.mark.parametrize("fence", [0, 2])
def test_a_move_needs_the_fence_it_names(store: Store, fence: int) -> None:
    claimed = open_and_claim(store)
    store.project(turn(2, moves=[lost(fence=fence)]), [])
    assert read_uow(store) == claimed


@pytest.mark.parametrize("number", [1, 2])
def test_a_move_needs_an_older_record(store: Store, number: int) -> None:
    open_uows(store, UOW_ID, number=2)
    claimed = claim_one(store)
    store.project(turn(number, moves=[lost()]), [])
    assert read_uow(store) == claimed


def test_a_move_that_was_made_is_not_made_again_after_the_next_claim(store: Store) -> None:
    open_and_claim(store)
    moved = turn(2, moves=[lost()])
    store.project(moved, [])
    again = claim_one(store, session="worker-2")
    store.project(moved, [])
    assert read_uow(store) == again


def test_a_move_of_nothing_is_nothing(store: Store) -> None:
    store.project(turn(1, moves=[lost()]), [])
    assert store.uows([UOW_ID]) == []


def test_a_move_after_a_cancel_of_the_same_turn_keeps_the_mark(store: Store) -> None:
    open_uows(store, UOW_ID)
    move = UowMove(UOW_ID, UowState.REQUESTED, UowEvent.CANCELED, fence=0, reason="skip by ann")
    store.project(turn(2, cancels=[Cancel(UOW_ID, "skip by ann")], moves=[move]), [])
    assert read_uow(store) == uow(state=UowState.CANCELED, cancel_requested=True, reason="skip by ann", turn=2)


def test_an_illegal_move_is_refused_and_changes_nothing(store: Store) -> None:
    illegal = UowMove(UOW_ID, UowState.PROCESSED, UowEvent.LOST, fence=0)
    with pytest.raises(IllegalTransition):
        store.project(turn(1, opened=[uow()], jobs=[job()], moves=[illegal]), [])
    assert (store.uows([UOW_ID]), store.active_jobs(), store.projected_turn()) == ([], [], 0)


# -- jobs and chunks


def test_jobs_and_chunks_are_written_where_there_is_no_record(store: Store) -> None:
    store.project(turn(1, jobs=[job()]), [chunk()])
    assert store.jobs(PROCESS, [PERIOD]) == [job()]
    assert list(store.chunks([PROCESS])) == [chunk()]


def test_jobs_and_chunks_are_overwritten_by_a_newer_turn(store: Store) -> None:
    store.project(turn(1, jobs=[job()]), [chunk()])
    newer, longer = job(state=JobState.PROCESSED, turn=2, uow_state=UowState.PROCESSED), chunk(states=b"\3" * 5, turn=2)
    store.project(turn(2, jobs=[newer]), [longer])
    assert store.jobs(PROCESS, [PERIOD]) == [newer]
    assert list(store.chunks([PROCESS])) == [longer]


@pytest.mark.parametrize("number", [2, 1])
def test_jobs_and_chunks_of_the_same_or_an_older_turn_are_ignored(store: Store, number: int) -> None:
    store.project(turn(2, jobs=[job(turn=2)]), [chunk(turn=2)])
    store.project(turn(number, jobs=[job(state=JobState.SKIPPED, turn=number)]), [chunk(states=b"\5", turn=number)])
    assert store.jobs(PROCESS, [PERIOD]) == store.active_jobs() == [job(turn=2)]
    assert list(store.chunks([PROCESS])) == [chunk(turn=2)]


def test_chunks_of_one_process_are_kept_by_number(store: Store) -> None:
    chunks = [chunk(1), chunk(2, turn=2), replace(chunk(1), process="other")]
    store.project(turn(2), chunks)
    assert sorted(store.chunks([PROCESS, "other"]), key=lambda c: (c.process, c.number)) == chunks


def test_of_turns_projected_at_once_the_newest_stays(store: Store) -> None:
    made = [turn(n, jobs=[job(turn=n, run=n)]) for n in range(1, 9)]
    race(8, lambda n: store.project(made[n], [chunk(turn=n + 1)]))
    assert store.jobs(PROCESS, [PERIOD]) == [job(turn=8, run=8)]
    assert list(store.chunks([PROCESS])) == [chunk(turn=8)]


def test_entries_are_kept_by_process_and_name_and_the_newest_stays(store: Store) -> None:
    run = Run("20240101123000", UowState.INVALID, NOW, failures=2, failing_since=NOW, retry_at=NOW, reason="naïve ☕ 'quoted'")
    newer = entry(turn=2, runs=(run,), waiting=("20240101123100",), given='{"is_on":false}', missed=3, missed_from=NOW)
    others = [entry("day"), replace(entry(), process="other")]
    store.project(turn(1, entries=[entry(), *others]), [])
    store.project(turn(2, entries=[newer]), [])
    store.project(turn(1, entries=[entry()]), [])
    assert sorted(store.entries(), key=lambda found: found.key) == [others[0], newer, others[1]]
# -- switches


def test_a_switch_is_written_where_there_is_no_record(store: Store) -> None:
    made = switch(frequency="at 03:00", frequency_who="bob", frequency_why="later", frequency_at=NOW, missed="2024010105..2024010107")
    store.project(turn(1, switches=[switch("other", is_on=True, turn=1), made]), [])
    assert sorted(store.switches(), key=lambda found: found.process) == [made, switch("other", is_on=True)]


@pytest.mark.parametrize(("number", "kept"), [(1, "ann"), (2, "ann"), (3, "bob")])
def test_a_switch_is_overwritten_by_a_newer_turn_only(store: Store, number: int, kept: str) -> None:
    store.project(turn(2, switches=[switch(turn=2)]), [])
    store.project(turn(number, switches=[switch(turn=number, who="bob")]), [])
    assert [found.who for found in store.switches()] == [kept]


# -- lost sessions and answers


def test_lost_sessions_are_closed(store: Store) -> None:
    for name in ("worker-1", "worker-2"):
        store.open_session(session(name))
    store.project(turn(1, lost=["worker-1", "unknown"]), [])
    assert store.sessions() == [session("worker-2")]
    assert not store.beat("worker-1", {}).is_open


def test_an_answer_closes_its_command(store: Store) -> None:
    number = store.add_command(command())
    store.project(turn(3, answers=[Answer(number, CommandState.DONE, "reopened")]), [])
    assert store.open_commands(10) == []
    assert store.command(number) == command(number=number, state=CommandState.DONE, answer="reopened", turn=3)


def test_commands_are_read_newest_first_and_on_from_any_number(store: Store) -> None:
    assert store.latest_commands(0, 10) == []
    for _ in range(5):
        store.add_command(command())
    store.project(turn(3, answers=[Answer(4, CommandState.DONE, "reopened")]), [])
    assert [(found.number, found.state.value) for found in store.latest_commands(0, 2)] == [(5, "open"), (4, "done")]
    assert [found.number for found in store.latest_commands(4, 2)] == [3, 2]
    assert [found.number for found in store.latest_commands(10**12, 9)] == [5, 4, 3, 2, 1]
    assert store.latest_commands(1, 9) == store.latest_commands(3, 0) == []


def test_a_second_answer_is_ignored(store: Store) -> None:
    number = store.add_command(command())
    store.project(turn(3, answers=[Answer(number, CommandState.DONE, "reopened")]), [])
    store.project(turn(4, answers=[Answer(number, CommandState.REFUSED, "no"), Answer(99, CommandState.DONE, "")]), [])
    assert (store.command(number).state, store.command(number).turn) == (CommandState.DONE, 3)


# -- replay


def history(store: Store) -> list[Turn]:
    """Let a unit of work be opened, lost, canceled, and its job be finished, in five committed turns; a command is answered."""
    number = store.add_command(command())
    store.open_session(session())
    turns = [
        turn(1, opened=[uow(), uow("other")], jobs=[job(run=1)]),
        turn(2, moves=[lost()], lost=["worker-1"]),
        turn(3, cancels=[Cancel("other", "reprocess")], answers=[Answer(number, CommandState.DONE, "ok")]),
        turn(4, moves=[UowMove("other", UowState.REQUESTED, UowEvent.CANCELED, 0)]),
        turn(5, jobs=[job(state=JobState.PROCESSED, run=1, turn=5)]),
    ]
    commit(store, turns[0], [chunk(states=b"\1")])
    claim_one(store)
    for made in turns[1:4]:
        commit(store, made)
    store.finish([outcome(claim_one(store, session="worker-2"))])
    commit(store, turns[4], [chunk(states=b"\3", turn=5)])
    return turns


def test_replaying_all_turns_changes_nothing(store: Store) -> None:
    turns = history(store)
    before = everything(store, periods=[PERIOD], ids=[UOW_ID, "other"])
    for made in turns:
        store.project(made, [chunk(states=b"\1")] if made.number == 1 else [])
    assert everything(store, periods=[PERIOD], ids=[UOW_ID, "other"]) == before


def test_what_a_crash_left_undone_is_made_up_for_by_the_replay(store: Store) -> None:
    made = turn(1, opened=[uow()], jobs=[job()])
    store.insert_turn(made)
    for found in store.turns_after(store.projected_turn(), 10):
        store.project(found, [chunk()])
    assert (store.uows([UOW_ID]), store.active_jobs(), store.projected_turn()) == ([uow()], [job()], 1)


# -- what not every database keeps


def of_text(kind: str, text: str) -> Turn:
    """Return a turn that has `text` in one kind of its records."""
    made: dict[str, list[Any]] = {
        "opened": [uow("new", reason=text, arguments=text, slice=text, runs_as=text)],
        "jobs": [job(held=text, reason=text, covered=text)],
        "moves": [UowMove(UOW_ID, UowState.IN_PROGRESS, UowEvent.LOST, 1, 1, reason=text)],
        "cancels": [Cancel(UOW_ID, text)],
        "widenings": [Widening(UOW_ID, 1, text)],
        "answers": [Answer(1, CommandState.DONE, text)],
        "entries": [entry(given=text)],
        "events": [Event(PROCESS, PERIOD, 3, 0, NOW, "hold", "ann", text)],
        "switches": [switch(why=text)],
        "registered": [process_row(shape=text)],
        "contexts": [ContextRow("aa", text, NOW, 3)],
    }
    return turn(3, **{kind: made[kind]})


KINDS_WITH_TEXT = [
    "opened", "jobs", "moves", "cancels", "widenings", "answers", "entries", "events", "switches", "registered", "contexts",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS_WITH_TEXT)
def test_half_a_surrogate_pair_and_nul_stop_no_projection(store: Store, kind: str) -> None:
    open_and_claim(store)
    commit(store, of_text(kind, "caf\udce9\0"))
    assert store.projected_turn() == 3


@pytest.mark.parametrize("kind", ["opened", "entries"])
def test_a_turn_that_could_not_be_projected_is_not_taken(store: Store, kind: str) -> None:
    made = of_text(kind, "x" * (17 << 20))
    try:
        store.insert_turn(made)
    except StoreError:
        assert store.turns_after(0, 10) == []
        store.insert_turn(made := turn(3))
    store.project(made, [])
    assert store.projected_turn() == 3


# -- batches


def test_five_thousand_records_are_projected_at_once(store: Store) -> None:
    names = [f"{n:010}" for n in range(5000)]
    made = turn(1, opened=[uow(f"{PROCESS}/{n}/1/1") for n in names], jobs=[job(n) for n in names])
    store.project(made, [])
    store.project(made, [])
    assert len(store.active_jobs()) == len(store.jobs(PROCESS, names)) == 5000
    assert len(store.claim([u.id for u in made.opened], "worker-1", NOW)) == 5000
