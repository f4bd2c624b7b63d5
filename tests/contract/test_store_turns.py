"""Is a turn committed once, and read back as it was decided?"""

from __future__ import annotations

from dataclasses import replace

from db.model import Answer, Cancel, CommandState, Turn, UowMove
from db.store import Store
from system.lifecycle import JobEvent, JobState, UowEvent, UowState
from tests.support.builders import NOW, job, session, turn, uow
from tests.support.stores import commit, race

ODD = "naïve café ☕ 𝄞 \" ' \\ \n\t % $set a.b {0}"


def full_turn() -> Turn:
    """Return a turn that uses every field of every record that a turn holds."""
    later = NOW.replace(microsecond=123)
    odd_job = job(
        state=JobState.FINAL_RUN, generation=2, run=3, fence=4, uow_state=UowState.INVALID, opened_turn=5, inputs_turn=6, failures=7,
        failing_since=NOW, retry_at=later, held=ODD, reason="x" * 100_000, next_event=JobEvent.REOPENED,
    )  # fmt: skip
    odd_uow = uow(
        state=UowState.NOOP, fence=1, session="w", failures=2, losses=3, cancel_requested=True, rows=0, reason=ODD, started_at=NOW,
        finished_at=later,
    )  # fmt: skip
    return turn(
        7,
        decided_at=later,
        jobs=[odd_job, job()],
        opened=[odd_uow, uow("plain")],
        moves=[UowMove("a", UowState.IN_PROGRESS, UowEvent.LOST, 3, 2, ODD)],
        cancels=[Cancel("b", ODD)],
        lost=["worker-1", ODD],
        answers=[Answer(4, CommandState.REFUSED, ODD)],
    )


def test_preparing_twice_changes_nothing(store: Store) -> None:
    commit(store, turn(1))
    store.prepare()
    assert store.turns_after(0, 9) == [turn(1)]


def test_a_free_number_is_taken(store: Store) -> None:
    assert store.insert_turn(turn(1))
    assert store.turns_after(0, 10) == [turn(1)]


def test_a_taken_number_is_refused_and_nothing_changes(store: Store) -> None:
    store.insert_turn(turn(1))
    assert not store.insert_turn(turn(1, session="scheduler-2"))
    assert store.turns_after(0, 10) == [turn(1)]


def test_a_number_is_refused_even_to_the_same_turn(store: Store) -> None:
    store.insert_turn(turn(1))
    assert not store.insert_turn(turn(1))


def test_eight_leaders_at_once_commit_one_turn(store: Store) -> None:
    won = race(8, lambda n: store.insert_turn(turn(1, session=f"scheduler-{n}")))
    assert sum(won) == 1
    assert store.turns_after(0, 10) == [turn(1, session=f"scheduler-{won.index(True)}")]


def test_eight_leaders_that_each_go_on_never_share_a_number(store: Store) -> None:
    won = race(8, lambda n: [i for i in range(1, 21) if store.insert_turn(turn(i, session=f"scheduler-{n}"))])
    assert sorted(number for mine in won for number in mine) == list(range(1, 21))


def test_a_turn_comes_back_as_it_was_decided(store: Store) -> None:
    store.insert_turn(full_turn())
    assert store.turns_after(6, 1) == [full_turn()]


def test_turns_come_ascending_after_the_number_and_up_to_the_limit(store: Store) -> None:
    for number in (1, 2, 3, 9, 10, 11):
        store.insert_turn(turn(number))
    assert [found.number for found in store.turns_after(1, 4)] == [2, 3, 9, 10]


def test_no_turns_are_returned_beyond_the_last_or_for_a_limit_of_nothing(store: Store) -> None:
    store.insert_turn(turn(1))
    assert store.turns_after(1, 10) == []
    assert store.turns_after(0, 0) == []


def test_a_turn_of_thousands_of_records_is_one_record(store: Store) -> None:
    ids = [f"flights_hourly/{n:010}/1/1" for n in range(5000)]
    big = turn(1, opened=[uow(uow_id) for uow_id in ids], jobs=[job(f"{n:010}") for n in range(5000)])
    assert store.insert_turn(big)
    assert store.turns_after(0, 1) == [big]


def test_before_the_first_turn_nothing_is_projected(store: Store) -> None:
    assert store.projected_turn() == 0


def test_inserting_a_turn_does_not_project_it(store: Store) -> None:
    store.insert_turn(turn(1, opened=[uow()], lost=["worker-1"]))
    store.open_session(session())
    assert (store.projected_turn(), store.uows([uow().id]), len(store.sessions())) == (0, [], 1)


def test_many_units_of_work_are_not_opened_with_their_turn(store: Store) -> None:
    opened = [uow(f"p/{number:010}/1/1") for number in range(9)]
    store.insert_turn(turn(1, opened=opened))
    assert store.uows([one.id for one in opened]) == []


def test_few_units_of_work_can_be_claimed_as_soon_as_their_turn_is_there_if_the_store_says_so(store: Store) -> None:
    opened = [uow(f"p/{number:010}/1/1") for number in range(8)]
    ids = [one.id for one in opened]
    store.insert_turn(made := turn(1, opened=opened))
    assert (store.projected_turn(), store.uows(ids)) == (0, opened if store.opens_at_once else [])
    won = [one.id for one in store.claim(ids[:3], "worker-1", NOW)]
    store.project(made, [])
    assert [one.state for one in sorted(store.uows(ids), key=lambda one: one.id)][: len(won)] == [UowState.IN_PROGRESS] * len(won)
    assert won == (ids[:3] if store.opens_at_once else [])


def test_a_turn_whose_number_is_taken_opens_nothing(store: Store) -> None:
    store.insert_turn(turn(1))
    assert not store.insert_turn(turn(1, session="scheduler-2", opened=[uow()]))
    assert store.uows([uow().id]) == []


def test_the_watermark_follows_the_projected_turn(store: Store) -> None:
    for number in (1, 2, 3):
        commit(store, turn(number))
    assert store.projected_turn() == 3


def test_the_watermark_never_falls(store: Store) -> None:
    for number in (1, 5, 2):
        store.project(turn(number), [])
    assert store.projected_turn() == 5


def test_the_watermark_ends_at_the_highest_of_eight_at_once(store: Store) -> None:
    race(8, lambda n: store.project(turn(n + 1), []))
    assert store.projected_turn() == 8


def test_a_turn_that_was_read_can_be_inserted_under_another_number(store: Store) -> None:
    store.insert_turn(full_turn())
    (found,) = store.turns_after(0, 1)
    assert store.insert_turn(replace(found, number=8))
