"""Does a worker keep its word where the store or the broker is away, answers are lost, or its session is?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from db.memory import MemoryStore
from db.model import UnitOfWork
from system.errors import BrokerError, SlotError, StoreError
from system.lifecycle import UowState
from tests.support.workplace import QUEUE, SETTINGS, Workplace, taking
from workers.policy import WorkerSettings
from workers.presence import Standing
from workers.slots import Output, Task


def test_nothing_works_without_a_session() -> None:
    place = Workplace()
    place.open(1)
    place.store.away = {"open_session"}
    place.turn()
    assert (place.journal, place.depth()) == (["open_session"], 1)
    place.store.away = set()
    place.go_on(1.0)
    assert len(place.slots.tasks) == 1


def test_a_store_that_is_away_is_asked_less_and_less_often() -> None:
    place = Workplace()
    place.store.away = {"everything"}
    waits = []
    for _ in range(7):
        waits.append(place.turn())
        place.clock.sleep(waits[-1])
    assert waits == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 1.2])
    assert place.journal.count("open_session") == 6


def test_an_outcome_that_could_not_be_written_is_written_later_once() -> None:
    place = Workplace(taking(1.0))
    uow_id = place.open(1)[0]
    place.turn()
    place.store.away = {"finish"}
    place.go_on(4.0)
    assert (place.state(uow_id), place.reports()) == (UowState.IN_PROGRESS, [])
    place.store.away = set()
    place.go_on(6.0)
    assert (place.state(uow_id), place.reports()) == (UowState.PROCESSED, [uow_id])


def test_an_outcome_whose_answer_was_lost_is_reported_once_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    place = Workplace(taking(1.0))
    uow_id = place.open(1)[0]
    place.turn()
    place.store.mute = {"finish"}
    place.go_on(1.0)
    assert (place.state(uow_id), place.reports()) == (UowState.PROCESSED, [])
    place.store.mute = set()
    place.go_on(2.0)
    assert place.reports() == [uow_id]
    assert "refused" not in caplog.text


def test_an_outcome_that_the_fence_refuses_is_dropped_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    place = Workplace(taking(1.0))
    uow_id = place.open(1)[0]
    place.turn()
    place.void(uow_id)
    place.store.claim([uow_id], "another-worker", place.clock.now())
    place.go_on(3.0)
    assert (place.state(uow_id), place.uow(uow_id).session, place.reports()) == (UowState.IN_PROGRESS, "another-worker", [])
    assert "was refused by the fence" in caplog.text


def test_a_claim_whose_answer_was_lost_is_given_back_and_made_again() -> None:
    place = Workplace(taking(60.0))
    uow_id = place.open(1)[0]
    place.store.mute = {"claim"}
    place.turn()
    assert (place.uow(uow_id).fence, place.slots.tasks) == (1, [])
    place.store.mute = set()
    place.go_on(2.0)
    assert [(task.uow_id, task.fence) for task in place.slots.tasks] == [(uow_id, 2)]
    assert (place.uow(uow_id).failures, place.uow(uow_id).losses, place.slots.tasks[0].attempt) == (0, 0, 1)


def fail_to_claim(place: Workplace) -> None:
    """Let a claim end without an answer, and its message be gone."""
    place.store.away = {"claim"}
    place.turn()
    place.store.away = set()
    place.broker.purge(QUEUE)


def test_a_claim_that_takes_effect_after_all_is_found_and_not_held_for_ever() -> None:
    place = Workplace(taking(60.0))
    uow_id = place.open(1)[0]
    fail_to_claim(place)
    MemoryStore.claim(place.store, [uow_id], "worker-1", place.clock.now())
    place.go_on(2.0)
    assert [(task.uow_id, task.fence) for task in place.slots.tasks] == [(uow_id, 2)]


def test_a_claim_that_takes_effect_while_the_worker_stands_still_is_not_held_for_ever() -> None:
    # History 9382: the answer to the question for it was older than the claim, and reached a worker for whom all doubt was over.
    place = Workplace(taking(60.0))
    (uow_id,) = place.open(1)
    fail_to_claim(place)
    place.clock.sleep(1.0)
    stand_still_after_reading(place, lambda: MemoryStore.claim(place.store, [uow_id], "worker-1", place.clock.now()))
    place.turn()
    place.go_on(2.0)
    assert [(task.uow_id, task.fence) for task in place.slots.tasks] == [(uow_id, 2)]


def test_a_claim_that_takes_effect_after_a_call_that_failed_slowly_is_not_held_for_ever() -> None:
    place = Workplace(taking(60.0))
    (uow_id,) = place.open(1)
    place.store.away = {"claim"}
    place.store.at_call = lambda verb: beat_for_a_lease(place) if verb == "claim" else None
    place.turn()
    place.store.away, place.store.at_call = set(), None
    place.worker.disconnect()
    place.broker.purge(QUEUE)
    place.clock.sleep(1.0)
    place.turn()
    MemoryStore.claim(place.store, [uow_id], "worker-1", place.clock.now())
    place.go_on(2.0)
    assert [(task.uow_id, task.fence) for task in place.slots.tasks] == [(uow_id, 2)]


def test_a_canceled_claim_whose_answer_was_lost_ends_canceled() -> None:
    place = Workplace()
    uow_id = place.open(1)[0]
    place.store.mute = {"claim"}
    place.turn()
    place.cancel(uow_id)
    place.store.mute = set()
    place.go_on(3.0)
    assert (place.state(uow_id), place.slots.tasks) == (UowState.CANCELED, [])


def test_a_cancel_of_a_claim_that_is_ours_and_unknown_here_ends_it() -> None:
    place = Workplace()
    place.turn()
    uow_id = place.open(1)[0]
    place.broker.purge(QUEUE)
    MemoryStore.claim(place.store, [uow_id], "worker-1", place.clock.now())
    place.cancel(uow_id, "ann: wrong")
    place.go_on(2.5)
    assert (place.state(uow_id), place.uow(uow_id).reason) == (UowState.CANCELED, "ann: wrong")


def test_what_was_won_before_an_unexpected_error_is_set_free(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Workplace(taking(1.0))
    first, second = place.open(1, 2)
    with monkeypatch.context() as patch:
        patch.setattr(place.slots, "start", bug)
        with pytest.raises(ZeroDivisionError):
            place.turn()
    place.go_on(4.0)
    assert (place.state(second), place.uow(first).session, place.sessions()) == (UowState.PROCESSED, "worker-1", ["worker-2"])


def test_the_end_of_something_that_was_never_claimed_means_nothing() -> None:
    place = Workplace(taking(1.0))
    place.turn()
    place.slots.start(Task("a/b/1/1", 1, "a", "b", "_hourly", "b", "b", "", ""))
    place.journal.clear()
    place.go_on(1.5)
    assert place.journal == []


def test_a_message_that_could_not_be_claimed_is_neither_lost_nor_held_for_ever() -> None:
    place = Workplace(taking(60.0))
    uow_id = place.open(1)[0]
    place.store.away = {"claim"}
    place.turn()
    assert place.depth() == 0
    place.store.away = {"everything"}
    place.go_on(28.0)
    assert (place.depth(), place.state(uow_id)) == (1, UowState.REQUESTED)


def test_claims_that_could_not_be_given_back_are_given_back_later() -> None:
    place = Workplace(taking(60.0), size=1, ahead=1)
    _, second = place.open(1, 2)
    place.turn()
    place.store.mute = {"give_back"}
    place.slots.end(second, 1, "the slot died")
    place.worker.stop()
    place.turn()
    place.store.mute = set()
    place.go_on(1.0)
    assert (place.state(second), place.depth()) == (UowState.REQUESTED, 1)


def test_fault_9_a_consumer_that_failed_is_made_anew_and_work_goes_on() -> None:
    place = Workplace()
    place.turn()
    place.broker.is_away = True
    place.go_on(20.0)
    place.broker.is_away = False
    uow_id = place.open(1)[0]
    place.go_on(8.0)
    assert (place.state(uow_id), place.broker.connections) == (UowState.PROCESSED, 2)


def test_a_failed_acknowledgement_does_not_keep_won_work_from_starting() -> None:
    place = Workplace()
    uow_id = place.open(1)[0]
    fail_at_acknowledge(place)
    place.turn()
    assert [task.uow_id for task in place.slots.tasks] == [uow_id]
    place.go_on(5.0)
    assert (place.state(uow_id), len(place.slots.tasks), place.depth()) == (UowState.PROCESSED, 1, 0)


def test_reports_that_could_not_be_published_follow_when_the_broker_is_back() -> None:
    place = Workplace(taking(1.0))
    uow_id = place.open(1)[0]
    place.turn()
    place.broker.is_away = True
    place.go_on(4.0)
    assert place.state(uow_id) is UowState.PROCESSED
    place.broker.is_away = False
    place.go_on(6.0)
    assert place.reports() == [uow_id]


def test_a_broker_that_takes_no_messages_and_gives_some_keeps_nobody_from_work() -> None:
    place = Workplace(taking(1.0))
    first, second, third = place.open(1, 2, 3)
    place.turn()
    place.broker.is_full = True
    place.go_on(3.5)
    assert [place.state(uow_id) for uow_id in (first, second, third)] == [UowState.PROCESSED] * 3
    assert (place.broker.connections, place.reports()) == (1, [])
    place.broker.is_full = False
    place.go_on(6.0)
    assert sorted(place.reports()) == [first, second, third]


def test_reports_are_hints_and_given_up_after_many_tries() -> None:
    place = Workplace(taking(1.0))
    place.open(1)
    place.turn()
    place.broker.is_away = True
    place.go_on(120.0)
    place.broker.is_away = False
    place.go_on(10.0)
    assert place.reports() == []


def test_attempts_end_before_the_lease_is_over_when_the_store_is_away() -> None:
    place = Workplace(taking(600.0))
    place.open(1)
    place.turn()
    place.go_on(10.0)
    place.store.away = {"everything"}
    place.go_on(40.0)
    assert place.slots.marks[0].end_s == 10.0 + 27.0
    assert place.presence.standing is Standing.EXPIRED


def test_what_ended_itself_is_left_to_be_counted_as_a_loss_once_the_store_is_back() -> None:
    place = Workplace(taking(600.0))
    uow_id = place.open(1)[0]
    place.turn()
    place.store.away = {"everything"}
    place.go_on(40.0)
    place.store.away = set()
    place.go_on(6.0)
    assert (place.uow(uow_id).state, place.uow(uow_id).failures) == (UowState.IN_PROGRESS, 0)
    assert (place.sessions(), place.reports()) == (["worker-2"], ["session:worker-1"])


def test_after_an_outage_work_goes_on_under_a_new_session() -> None:
    place = Workplace(taking(1.0))
    place.turn()
    place.store.away = {"everything"}
    place.go_on(60.0)
    place.store.away = set()
    uow_id = place.open(1)[0]
    place.go_on(10.0)
    assert (place.state(uow_id), place.sessions()) == (UowState.PROCESSED, ["worker-2"])


def test_what_ended_well_before_its_time_was_over_counts_also_after_a_long_outage() -> None:
    place = Workplace(taking(20.0))
    uow_id = place.open(1)[0]
    place.turn()
    place.store.away = {"everything"}
    place.go_on(40.0)
    place.store.away = set()
    place.go_on(6.0)
    assert (place.state(uow_id), sorted(place.reports())) == (UowState.PROCESSED, [uow_id, "session:worker-1"])


def test_nothing_starts_while_the_session_is_unsafe() -> None:
    place = Workplace()
    place.turn()
    place.clock.sleep(27.0)
    place.open(1)
    place.store.away = {"close_sessions"}
    place.turn()
    assert (place.slots.tasks, place.depth()) == ([], 1)


def test_a_claim_that_took_longer_than_the_session_lives_is_given_back() -> None:
    place = Workplace()
    uow_id = place.open(1)[0]
    place.store.at_call = lambda verb: place.clock.sleep(28.0 if verb == "claim" else 0.0)
    place.turn()
    place.store.at_call = None
    assert place.slots.tasks == []
    place.go_on(3.0)
    assert (place.state(uow_id), place.uow(uow_id).fence) == (UowState.PROCESSED, 2)


def test_fault_26_a_worker_whose_session_was_closed_ends_all_and_writes_nothing_under_it() -> None:
    place = Workplace(taking(10.0))
    uow_id = place.open(1)[0]
    place.turn()
    place.store.close_sessions(["worker-1"])
    place.go_on(2.5)
    assert (place.slots.marks[0].end_s, place.sessions()) == (2.0, ["worker-2"])
    place.go_on(20.0)
    assert (place.state(uow_id), place.uow(uow_id).session) == (UowState.IN_PROGRESS, "worker-1")


def test_fault_26_an_outcome_that_waits_when_the_session_is_lost_is_dropped_with_a_word(caplog: pytest.LogCaptureFixture) -> None:
    place = Workplace(taking(1.0))
    uow_id = place.open(1)[0]
    place.turn()
    place.store.away = {"finish"}
    place.go_on(1.0)
    place.store.close_sessions(["worker-1"])
    place.beat()
    place.store.away = set()
    place.go_on(2.0)
    assert (place.state(uow_id), place.reports()) == (UowState.IN_PROGRESS, [])
    assert f"dropped the outcome of {uow_id}" in caplog.text


def test_fault_26_a_worker_that_slept_through_its_lease_starts_over_and_its_work_runs_elsewhere_alone() -> None:
    place = Workplace(taking(100.0))
    uow_id = place.open(1)[0]
    place.turn()
    place.clock.sleep(35.0)
    place.store.close_sessions(["worker-1"])
    place.void(uow_id)
    place.store.claim([uow_id], "another-worker", place.clock.now())
    place.go_on(6.0)
    assert place.slots.marks[0].end_s == 27.0
    assert (place.uow(uow_id).session, place.sessions()) == ("another-worker", ["worker-2"])


def test_a_beat_thread_that_fails_does_not_stop_the_work() -> None:
    place = Workplace(taking(1.0))
    place.store.away = {"beat"}
    uow_id = place.open(1)[0]
    place.turn()
    place.go_on(2.0)
    assert place.state(uow_id) is UowState.PROCESSED


def test_output_waits_while_the_store_is_away_and_comes_before_the_outcome() -> None:
    place = Workplace(taking(1.0))
    uow_id = place.open(1)[0]
    place.turn()
    place.slots.say(Output(uow_id, 1, 0, "hello"))
    place.store.away = {"append_output"}
    place.go_on(2.0)
    assert place.state(uow_id) is UowState.IN_PROGRESS
    place.store.away = set()
    place.go_on(2.0)
    assert (place.state(uow_id), place.store.output(uow_id)[0].text) == (UowState.PROCESSED, "hello")


def test_output_that_the_store_refuses_does_not_hold_up_the_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Workplace(taking(1.0))
    uow_id = place.open(1)[0]
    place.turn()
    place.slots.say(Output(uow_id, 1, 0, "\0"))
    monkeypatch.setattr(place.store, "append_output", refuse)
    place.go_on(2.0)
    assert place.state(uow_id) is UowState.PROCESSED


def test_a_slot_that_can_not_be_started_costs_neither_a_failure_nor_a_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Workplace(taking(1.0))
    uow_id = place.open(1)[0]
    with monkeypatch.context() as patch:
        patch.setattr(place.slots, "start", no_slot)
        place.turn()
    place.go_on(4.0)
    assert (place.state(uow_id), place.uow(uow_id).failures, place.uow(uow_id).losses) == (UowState.PROCESSED, 0, 0)


def test_a_stop_while_the_store_is_away_comes_to_an_end() -> None:
    place = Workplace(taking(1.0), settings=WorkerSettings(stop_grace_s=2.0, end_grace_s=1.0))
    place.open(1)
    place.turn()
    place.store.away = {"everything"}
    place.worker.stop()
    place.go_on(5.5)
    assert not place.worker.is_stopped
    place.go_on(1.0)
    assert place.worker.is_stopped


def test_a_stopping_worker_whose_session_was_lost_leaves_too() -> None:
    place = Workplace(taking(60.0))
    place.open(1)
    place.turn()
    place.store.close_sessions(["worker-1"])
    place.worker.stop()
    place.go_on(4.0)
    assert (place.worker.is_stopped, place.sessions(), place.slots.running) == (True, [], [])


def refuse(_: object) -> None:
    raise StoreError("no")


def bug(_: Task) -> None:
    raise ZeroDivisionError("a bug")


def no_slot(_: Task) -> None:
    raise SlotError("no more processes")


def beat_for_a_lease(place: Workplace) -> None:
    """Let a lease pass, in which the beat thread goes on."""
    for _ in range(round(SETTINGS.lease_s)):
        place.clock.sleep(1.0)
        place.presence.turn(place.clock.now())


def stand_still_after_reading(place: Workplace, meanwhile: Callable[[], object]) -> None:
    """Have the next reading of units of work be answered a lease late, while the beat thread goes on; `meanwhile` happens in between."""
    read = place.store.uows

    def read_and_stand_still(ids: Sequence[str]) -> list[UnitOfWork]:
        place.store.uows = read  # type: ignore[method-assign]
        found = read(ids)
        meanwhile()
        beat_for_a_lease(place)
        return found

    place.store.uows = read_and_stand_still  # type: ignore[method-assign]


def fail_at_acknowledge(place: Workplace) -> None:
    """Have the broker fail once: at the third call, after those for a consumer and for messages."""
    calls = iter((False, False, True))

    def look() -> None:
        if next(calls, False):
            raise BrokerError("the broker is away")

    place.broker.look = look  # type: ignore[method-assign]
