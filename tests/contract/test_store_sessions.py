"""Is a session open until it is closed for good, and does a beat bring back what its owner must know?"""

from __future__ import annotations

import pytest

from db.model import Cancel, UowMove
from db.store import Store
from system.errors import StoreError
from system.lifecycle import UowEvent, UowState
from tests.support.builders import UOW_ID, outcome, session, turn
from tests.support.stores import claim_one, open_and_claim, open_uows, race


@pytest.fixture
def worker(store: Store) -> Store:
    """A store in which `worker-1` is open."""
    store.open_session(session())
    return store


def cancel(store: Store, *ids: str, number: int = 2) -> None:
    """Ask for the end of units of work."""
    store.project(turn(number, cancels=[Cancel(uow_id, "skip by ann") for uow_id in ids]), [])


def test_an_open_session_is_read_as_it_was_opened(store: Store) -> None:
    opened = session(created_s=1734567890.123456, queues=("a", "b"), facts={"state": "naïve ☕", "a.b": "$x", "": ""}, beat=3)
    store.open_session(opened)
    store.open_session(session("scheduler-1", kind="scheduler", slots=0, queues=()))
    assert opened in store.sessions()
    assert len(store.sessions()) == 2


def test_an_id_is_used_once(worker: Store) -> None:
    with pytest.raises(StoreError, match="worker-1"):
        worker.open_session(session(box="box-2"))
    assert worker.sessions() == [session()]


def test_the_id_of_a_closed_session_is_not_used_again(worker: Store) -> None:
    worker.close_sessions(["worker-1"])
    with pytest.raises(StoreError, match="worker-1"):
        worker.open_session(session())
    assert worker.sessions() == []


def test_of_eight_that_open_one_id_one_does(store: Store) -> None:
    def open_one(number: int) -> bool:
        try:
            store.open_session(session(pid=number))
        except StoreError:
            return False
        return True

    opened = race(8, open_one)
    assert [found.pid for found in store.sessions()] == [n for n, did in enumerate(opened) if did]
    assert sum(opened) == 1


def test_a_beat_grows_by_one_and_replaces_the_facts(worker: Store) -> None:
    answers = [worker.beat("worker-1", {"old": "1"}), worker.beat("worker-1", {"new": "2"})]
    assert [(answer.is_open, answer.cancels) for answer in answers] == [(True, ())] * 2
    assert worker.sessions() == [session(beat=2, facts={"new": "2"})]


def test_the_beat_of_an_open_session_is_read_alone(worker: Store) -> None:
    worker.open_session(session("worker-2"))
    assert worker.beat_of("worker-1") == 0
    worker.beat("worker-1", {})
    worker.beat("worker-1", {})
    assert (worker.beat_of("worker-1"), worker.beat_of("worker-2")) == (2, 0)


def test_a_closed_or_unknown_session_has_no_beat(worker: Store) -> None:
    worker.close_sessions(["worker-1"])
    assert (worker.beat_of("worker-1"), worker.beat_of("unknown")) == (None, None)


def test_beats_at_once_are_all_counted(worker: Store) -> None:
    race(8, lambda n: [worker.beat("worker-1", {}) for _ in range(10)])
    assert [found.beat for found in worker.sessions()] == [80]


def test_a_closed_session_does_not_beat(worker: Store) -> None:
    worker.close_sessions(["worker-1"])
    assert not worker.beat("worker-1", {}).is_open
    assert worker.sessions() == []


def test_an_unknown_session_does_not_beat(store: Store) -> None:
    answer = store.beat("unknown", {"a": "b"})
    assert (answer.is_open, answer.cancels, store.sessions()) == (False, (), [])


def test_closing_is_for_the_named_sessions_and_may_be_repeated(worker: Store) -> None:
    worker.open_session(session("worker-2"))
    for _ in range(2):
        worker.close_sessions(["worker-1", "unknown", "worker-1"])
    assert worker.sessions() == [session("worker-2")]


# -- cancels


def test_a_beat_lists_which_of_its_claims_are_to_end(worker: Store) -> None:
    open_uows(worker, "a", "b", "c", "d")
    worker.claim(["a", "b", "c"], "worker-1", session().opened_at)
    worker.claim(["d"], "worker-2", session().opened_at)
    cancel(worker, "a", "c", "d")
    assert sorted(worker.beat("worker-1", {}).cancels) == ["a", "c"]
    assert sorted(worker.beat("worker-1", {}).cancels) == ["a", "c"], "it is told until the end is reported"


def test_a_beat_is_silent_about_a_claim_that_has_ended(worker: Store) -> None:
    claimed = open_and_claim(worker)
    cancel(worker, UOW_ID)
    worker.finish([outcome(claimed, UowEvent.CANCELED)])
    assert worker.beat("worker-1", {}).cancels == ()


def test_a_beat_is_silent_about_a_claim_that_was_given_back(worker: Store) -> None:
    claimed = open_and_claim(worker)
    cancel(worker, UOW_ID)
    assert worker.give_back([claimed]) == [UOW_ID]
    assert worker.beat("worker-1", {}).cancels == ()


@pytest.mark.parametrize("event", [UowEvent.LOST, UowEvent.LOST_TOO_OFTEN])
def test_a_beat_is_silent_about_a_claim_that_was_voided(worker: Store, event: UowEvent) -> None:
    open_and_claim(worker)
    move = UowMove(UOW_ID, UowState.IN_PROGRESS, event, fence=1, losses=1)
    worker.project(turn(2, cancels=[Cancel(UOW_ID, "skip")], moves=[move]), [])
    assert worker.beat("worker-1", {}).cancels == ()


def test_after_a_loss_the_new_owner_is_told_and_not_the_old_one(worker: Store) -> None:
    worker.open_session(session("worker-2"))
    open_and_claim(worker)
    worker.project(turn(2, moves=[UowMove(UOW_ID, UowState.IN_PROGRESS, UowEvent.LOST, 1, 1)]), [])
    claim_one(worker, session="worker-2")
    cancel(worker, UOW_ID, number=3)
    assert [worker.beat(name, {}).cancels for name in ("worker-1", "worker-2")] == [(), (UOW_ID,)]


# -- expiry


def test_a_session_expires_whose_beat_stands_still(worker: Store) -> None:
    worker.beat("worker-1", {})
    assert worker.expire_sessions({"worker-1": 1}) == ["worker-1"]
    assert (worker.sessions(), worker.beat("worker-1", {}).is_open) == ([], False)


@pytest.mark.parametrize("beat", [0, 2])
def test_a_session_that_beat_since_does_not_expire(worker: Store, beat: int) -> None:
    worker.beat("worker-1", {})
    assert worker.expire_sessions({"worker-1": beat}) == []
    assert worker.beat("worker-1", {}).is_open


def test_only_the_session_that_stands_still_expires(worker: Store) -> None:
    worker.open_session(session("worker-2"))
    worker.open_session(session("worker-3"))
    worker.beat("worker-2", {})
    assert sorted(worker.expire_sessions({"worker-1": 0, "worker-2": 0, "worker-3": 0, "unknown": 0})) == ["worker-1", "worker-3"]
    assert [found.id for found in worker.sessions()] == ["worker-2"]


def test_a_closed_session_does_not_expire(worker: Store) -> None:
    worker.close_sessions(["worker-1"])
    assert worker.expire_sessions({"worker-1": 0}) == []


def test_the_id_of_an_expired_session_is_not_used_again(worker: Store) -> None:
    worker.expire_sessions({"worker-1": 0})
    with pytest.raises(StoreError, match="worker-1"):
        worker.open_session(session())
    assert worker.sessions() == []


def test_of_a_beat_and_an_expiry_at_once_one_wins(worker: Store) -> None:
    beaten, expired = race(2, lambda n: bool(worker.expire_sessions({"worker-1": 0})) if n else worker.beat("worker-1", {}).is_open)
    assert beaten is not expired
    assert bool(worker.sessions()) is beaten


def test_of_eight_observers_one_expires_the_session(worker: Store) -> None:
    assert sorted(map(len, race(8, lambda n: worker.expire_sessions({"worker-1": 0})))) == [0] * 7 + [1]
