"""Does a unit of work have one owner at a time, and is only the owner's outcome written?"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from db.model import Cancel, UowMove
from db.store import Store
from system.errors import IllegalTransition
from system.lifecycle import UowEvent, UowState
from tests.support.builders import NOW, UOW_ID, outcome, turn, uow
from tests.support.stores import claim_one, open_and_claim, open_uows, race, read_uow

LATER = NOW + timedelta(seconds=5, microseconds=7)
OUTCOMES = [
    (UowEvent.DONE, UowState.PROCESSED),
    (UowEvent.EMPTY, UowState.NOOP),
    (UowEvent.FAILED, UowState.INVALID),
    (UowEvent.CANCELED, UowState.CANCELED),
]
NOT_RUNNING = [state for state in UowState if state is not UowState.IN_PROGRESS]


def cancel(store: Store, uow_id: str = UOW_ID, number: int = 2) -> None:
    """Ask for the end of a unit of work."""
    store.project(turn(number, cancels=[Cancel(uow_id, "skip by ann")]), [])


def lose(store: Store, fence: int = 1, number: int = 2) -> None:
    """Void a claim, as the engine does when its worker is lost."""
    move = UowMove(UOW_ID, UowState.IN_PROGRESS, UowEvent.LOST, fence, losses=1, reason="lost")
    store.project(turn(number, moves=[move]), [])


# -- claims


def test_a_claim_says_how_the_unit_of_work_now_stands(store: Store) -> None:
    open_uows(store, UOW_ID)
    expected = uow(state=UowState.IN_PROGRESS, fence=1, session="worker-1", started_at=LATER)
    assert store.claim([UOW_ID], "worker-1", LATER) == [expected]
    assert store.uows([UOW_ID]) == [expected]


def test_only_one_of_two_claims_wins(store: Store) -> None:
    open_uows(store, UOW_ID)
    assert [won.session for won in store.claim([UOW_ID], "worker-1", NOW)] == ["worker-1"]
    assert store.claim([UOW_ID], "worker-2", NOW) == []
    assert read_uow(store).session == "worker-1"


def test_the_owner_does_not_win_its_claim_again(store: Store) -> None:
    claimed = open_and_claim(store)
    assert store.claim([UOW_ID], "worker-1", LATER) == []
    assert read_uow(store) == claimed


def test_a_repeated_id_is_won_once(store: Store) -> None:
    open_uows(store, UOW_ID, "other")
    won = store.claim([UOW_ID, "other", UOW_ID, UOW_ID], "worker-1", NOW)
    assert sorted((claimed.id, claimed.fence) for claimed in won) == [(UOW_ID, 1), ("other", 1)]


def test_eight_workers_fighting_for_two_hundred_win_each_once(store: Store) -> None:
    ids = [f"flights_hourly/{n:010}/1/1" for n in range(200)]
    open_uows(store, *ids)
    won = race(8, lambda n: store.claim(ids if n % 2 else ids[::-1], f"worker-{n}", NOW))
    owners = {claimed.id: f"worker-{n}" for n, mine in enumerate(won) for claimed in mine}
    assert sum(map(len, won)) == len(owners) == 200
    assert {found.id: found.session for found in store.uows(ids)} == owners
    assert {found.fence for found in store.uows(ids)} == {1}


def test_eight_workers_that_take_small_bites_win_each_once(store: Store) -> None:
    ids = [f"flights_hourly/{n:010}/1/1" for n in range(40)]
    open_uows(store, *ids)
    won = race(8, lambda n: [c.id for at in range(0, 40, 4) for c in store.claim(ids[at : at + 4], f"worker-{n}", NOW)])
    assert Counter(uow_id for mine in won for uow_id in mine) == Counter(ids)


@pytest.mark.parametrize("state", [state for state in UowState if state is not UowState.REQUESTED])
def test_only_what_is_requested_can_be_claimed(store: Store, state: UowState) -> None:
    open_uows(store, UOW_ID, state=state)
    assert store.claim([UOW_ID], "worker-1", NOW) == []
    assert read_uow(store) == uow(state=state)


def test_what_is_to_be_canceled_is_not_claimed(store: Store) -> None:
    open_uows(store, UOW_ID, "other")
    cancel(store)
    assert [won.id for won in store.claim([UOW_ID, "other"], "worker-1", NOW)] == ["other"]
    assert (read_uow(store).state, read_uow(store).fence) == (UowState.REQUESTED, 0)


def test_an_unknown_id_is_left_out(store: Store) -> None:
    open_uows(store, UOW_ID)
    assert [won.id for won in store.claim(["unknown", UOW_ID], "worker-1", NOW)] == [UOW_ID]
    assert store.uows(["unknown"]) == []


def test_the_fence_grows_with_each_claim(store: Store) -> None:
    open_uows(store, UOW_ID, fence=7)
    store.give_back([claim_one(store)])
    store.give_back([claim_one(store)])
    assert claim_one(store, session="worker-2").fence == 10


def test_a_claim_after_a_failure_keeps_the_counts(store: Store) -> None:
    open_uows(store, UOW_ID, failures=2, losses=1, reason="boom")
    claimed = claim_one(store)
    assert (claimed.failures, claimed.losses, claimed.reason) == (2, 1, "boom")


# -- giving back


def test_a_claim_that_was_given_back_is_requested_again_and_counts_as_nothing(store: Store) -> None:
    claimed = open_and_claim(store)
    assert store.give_back([claimed]) == [UOW_ID]
    assert read_uow(store) == replace(claimed, state=UowState.REQUESTED, session="")


def test_a_claim_is_given_back_once(store: Store) -> None:
    claimed = open_and_claim(store)
    assert store.give_back([claimed, claimed]) == [UOW_ID]
    assert store.give_back([claimed]) == []


@pytest.mark.parametrize("wrong", [{"session": "worker-2"}, {"fence": 2}, {"fence": 0}, {"id": "unknown"}])
def test_a_claim_is_given_back_by_its_owner_under_its_fence_only(store: Store, wrong: dict[str, object]) -> None:
    claimed = open_and_claim(store)
    assert store.give_back([replace(claimed, **wrong)]) == []  # type: ignore[arg-type]
    assert read_uow(store) == claimed


@pytest.mark.parametrize("state", NOT_RUNNING)
def test_only_what_runs_is_given_back(store: Store, state: UowState) -> None:
    ended = uow(state=state, session="worker-1", fence=1)
    store.project(turn(1, opened=[ended]), [])
    assert store.give_back([ended]) == []
    assert read_uow(store) == ended


def test_of_many_claims_only_those_that_still_hold_are_given_back(store: Store) -> None:
    open_uows(store, "a", "b", "c")
    claims = store.claim(["a", "b", "c"], "worker-1", NOW)
    store.give_back([claimed for claimed in claims if claimed.id == "b"])
    assert sorted(store.give_back(claims)) == ["a", "c"]


# -- outcomes


@pytest.mark.parametrize(("event", "state"), OUTCOMES)
def test_an_outcome_is_written_whole(store: Store, event: UowEvent, state: UowState) -> None:
    claimed = open_and_claim(store)
    assert store.finish([outcome(claimed, event, at=LATER, failures=3, rows=42, reason="words")]) == [UOW_ID]
    assert read_uow(store) == replace(claimed, state=state, finished_at=LATER, failures=3, rows=42, reason="words")


def test_rows_may_be_unknown(store: Store) -> None:
    store.finish([outcome(open_and_claim(store))])
    assert read_uow(store).rows is None


def test_outcomes_of_one_call_are_written_each_with_what_it_says(store: Store) -> None:
    ids = [f"p/2013010{number}/1/1" for number in range(1, 7)]
    open_uows(store, *ids)
    claims = {uow.id: uow for uow in store.claim(ids, "worker-1", NOW)}
    store.give_back([claims[ids[5]]])
    claims[ids[5]] = store.claim([ids[5]], "worker-1", NOW)[0]  # under a later fence than the others
    events = [UowEvent.DONE, UowEvent.DONE, UowEvent.FAILED, UowEvent.EMPTY, UowEvent.DONE, UowEvent.DONE]
    rows = [7, 7, None, None, 8, 7]
    said = [outcome(claims[uow_id], event, at=LATER, rows=count) for uow_id, event, count in zip(ids, events, rows, strict=True)]
    assert sorted(store.finish([*said, outcome(claims[ids[0]], rows=9)])) == ids
    found = {uow.id: uow for uow in store.uows(ids)}
    states = dict(OUTCOMES)
    wanted = [(states[event], count) for event, count in zip(events, rows, strict=True)]
    assert [(found[uow_id].state, found[uow_id].rows) for uow_id in ids] == wanted
    assert [found[uow_id].fence for uow_id in ids] == [1, 1, 1, 1, 1, 2]


def test_a_second_outcome_is_refused(store: Store) -> None:
    claimed = open_and_claim(store)
    assert store.finish([outcome(claimed), outcome(claimed, UowEvent.FAILED)]) == [UOW_ID]
    assert store.finish([outcome(claimed, UowEvent.FAILED)]) == []
    assert read_uow(store).state in {UowState.PROCESSED, UowState.INVALID}


@pytest.mark.parametrize("wrong", [{"session": "worker-2"}, {"fence": 2}, {"fence": 0}, {"uow_id": "unknown"}])
def test_an_outcome_under_another_session_or_fence_is_refused(store: Store, wrong: dict[str, object]) -> None:
    claimed = open_and_claim(store)
    assert store.finish([outcome(claimed, **wrong)]) == []  # type: ignore[arg-type]
    assert read_uow(store) == claimed


@pytest.mark.parametrize("state", NOT_RUNNING)
def test_an_outcome_of_what_does_not_run_is_refused(store: Store, state: UowState) -> None:
    ended = uow(state=state, session="worker-1", fence=1)
    store.project(turn(1, opened=[ended]), [])
    assert store.finish([outcome(ended)]) == []
    assert read_uow(store) == ended


@pytest.mark.parametrize("event", [UowEvent.DONE, UowEvent.EMPTY, UowEvent.FAILED])
def test_an_outcome_other_than_canceled_is_refused_once_a_cancel_stands(store: Store, event: UowEvent) -> None:
    claimed = open_and_claim(store)
    cancel(store)
    assert store.finish([outcome(claimed, event)]) == []
    assert (read_uow(store).state, read_uow(store).finished_at) == (UowState.IN_PROGRESS, None)


def test_a_canceled_outcome_is_written_where_a_cancel_stands(store: Store) -> None:
    claimed = open_and_claim(store)
    cancel(store)
    assert store.finish([outcome(claimed, UowEvent.CANCELED, reason="ended")]) == [UOW_ID]
    assert (read_uow(store).state, read_uow(store).reason) == (UowState.CANCELED, "ended")


def test_an_outcome_that_was_written_before_the_cancel_stays(store: Store) -> None:
    claimed = open_and_claim(store)
    store.finish([outcome(claimed, at=LATER)])
    cancel(store)
    assert read_uow(store) == replace(claimed, state=UowState.PROCESSED, finished_at=LATER)


def test_an_event_that_is_no_outcome_is_refused_and_nothing_is_written(store: Store) -> None:
    claims = [open_and_claim(store), open_and_claim(store, "other")]
    with pytest.raises(IllegalTransition):
        store.finish([outcome(claims[0]), outcome(claims[1], UowEvent.RETRIED)])
    assert read_uow(store) == claims[0]


def test_after_a_loss_the_old_owner_can_neither_finish_nor_give_back(store: Store) -> None:
    claimed = open_and_claim(store)
    lose(store)
    assert store.finish([outcome(claimed)]) == store.give_back([claimed]) == []
    assert read_uow(store).state is UowState.REQUESTED


def test_after_a_loss_only_the_new_owner_can_finish(store: Store) -> None:
    old = open_and_claim(store)
    lose(store)
    new = claim_one(store, session="worker-2")
    assert (new.fence, new.losses) == (2, 1)
    assert store.finish([outcome(old, rows=1)]) == []
    assert store.finish([outcome(new, rows=2)]) == [UOW_ID]
    assert read_uow(store).rows == 2


def test_the_same_session_under_its_older_fence_is_refused(store: Store) -> None:
    old = open_and_claim(store)
    lose(store)
    claim_one(store)
    assert store.finish([outcome(old)]) == []


def test_a_loss_that_comes_after_the_outcome_changes_nothing(store: Store) -> None:
    claimed = open_and_claim(store)
    store.finish([outcome(claimed)])
    lose(store)
    assert (read_uow(store).state, read_uow(store).losses) == (UowState.PROCESSED, 0)


def test_a_failed_attempt_runs_again_after_its_retry(store: Store) -> None:
    store.finish([outcome(open_and_claim(store), UowEvent.FAILED, failures=1, reason="boom")])
    store.project(turn(2, moves=[UowMove(UOW_ID, UowState.INVALID, UowEvent.RETRIED, fence=1)]), [])
    again = claim_one(store, session="worker-2")
    assert (again.fence, again.failures) == (2, 1)
    assert store.finish([outcome(again)]) == [UOW_ID]


def test_of_many_outcomes_the_written_ones_are_named(store: Store) -> None:
    open_uows(store, "a", "b", "c", "d")
    claims = {claimed.id: claimed for claimed in store.claim(["a", "b", "c", "d"], "worker-1", NOW)}
    cancel(store, "b")
    store.give_back([claims["d"]])
    ends = [outcome(claims["a"]), outcome(claims["b"]), outcome(claims["c"], UowEvent.EMPTY), outcome(claims["d"])]
    assert sorted(store.finish(ends)) == ["a", "c"]


def test_of_eight_outcomes_of_one_claim_one_is_written(store: Store) -> None:
    claimed = open_and_claim(store)
    written = race(8, lambda n: store.finish([outcome(claimed, rows=n)]))
    assert sum(map(len, written)) == 1
    assert read_uow(store).rows == written.index([UOW_ID])


def test_an_outcome_and_a_loss_at_once_leave_one_of_them(store: Store) -> None:
    claimed = open_and_claim(store)

    def end(number: int) -> list[str]:
        if number:
            return store.finish([outcome(claimed)])
        lose(store)
        return []

    _, written = race(2, end)
    assert read_uow(store).state is (UowState.PROCESSED if written else UowState.REQUESTED)


def test_five_thousand_are_claimed_finished_and_read_at_once(store: Store) -> None:
    ids = [f"flights_hourly/{n:010}/1/1" for n in range(5000)]
    open_uows(store, *ids)
    claims = store.claim(ids, "worker-1", NOW)
    assert sorted(store.finish([outcome(claimed) for claimed in claims])) == ids
    assert {found.state for found in store.uows(ids)} == {UowState.PROCESSED}


def test_words_of_any_length_and_script_come_back(store: Store) -> None:
    words = "naïve ☕ 𝄞 ' \" \\ \n % $set a.b " * 5000
    store.finish([outcome(open_and_claim(store), UowEvent.FAILED, reason=words)])
    assert read_uow(store).reason == words


def test_half_a_surrogate_pair_does_not_stop_an_outcome(store: Store) -> None:
    claimed = open_and_claim(store)
    assert store.finish([outcome(claimed, UowEvent.FAILED, reason="no such file: caf\udce9")]) == [UOW_ID]
    assert read_uow(store).reason.startswith("no such file: caf")
