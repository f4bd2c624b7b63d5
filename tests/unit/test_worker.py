"""Does a worker take, run and report as it should, where everything works?"""

from __future__ import annotations

import pytest

from db.model import OutputPiece
from system.context import Context
from system.lifecycle import UowState
from tests.support.contexts import context_of, managed
from tests.support.workplace import QUEUE, Workplace, taking
from workers.policy import WorkerSettings
from workers.slots import Ending, Output, Task


def test_a_unit_of_work_is_claimed_run_finished_and_reported() -> None:
    place = Workplace(taking(1.0, rows=42))
    uow_id = place.open(1)[0]
    place.turn()
    assert (place.state(uow_id), place.slots.running) == (UowState.IN_PROGRESS, [uow_id])
    place.go_on(1.0)
    found = place.uow(uow_id)
    assert (found.state, found.rows, found.fence, found.failures) == (UowState.PROCESSED, 42, 1, 0)
    assert place.reports() == [uow_id]


@pytest.mark.parametrize(
    ("ending", "state", "failures"),
    [(Ending.EMPTY, UowState.NOOP, 0), (Ending.FAILED, UowState.INVALID, 1), (Ending.ENDED, UowState.INVALID, 1)],
)
def test_other_ends_have_their_states(ending: Ending, state: UowState, failures: int) -> None:
    place = Workplace(taking(1.0, ending, None))
    uow_id = place.open(1)[0]
    place.turn()
    place.go_on(1.0)
    assert (place.state(uow_id), place.uow(uow_id).failures) == (state, failures)
    assert place.reports() == [uow_id]


def test_what_would_not_start_in_a_moment_after_all_is_given_to_others_at_once() -> None:
    place = Workplace(taking(1.0), size=1, ahead=1)
    first, second = place.open(1, 2)
    place.presence.open(place.clock.now())
    started = place.slots.start

    def start_a_long_one(task: Task) -> None:
        place.slots._ahead = 0  # nothing more starts behind it in a moment
        started(task)

    place.slots.start = start_a_long_one  # type: ignore[method-assign]
    place.turn()
    assert (place.slots.running, place.state(second)) == ([first], UowState.REQUESTED)
    (delivery,) = place.broker.consumer([QUEUE]).take(10)
    assert delivery.body == second


def test_after_a_claim_that_failed_no_more_is_claimed_than_there_is_room_for() -> None:
    place = Workplace(size=4)
    ids = place.open(1, 2, 3, 4)
    place.store.away = {"claim"}
    place.turn()
    assert place.worker._intake.take(1, 1, ()) == ids[:1]


def test_fault_6_a_doubled_message_runs_once() -> None:
    place = Workplace()
    uow_id = place.open(1)[0]
    place.say(uow_id, uow_id)
    place.turn()
    place.say(uow_id)
    place.go_on(3.0)
    place.say(uow_id)
    place.go_on(3.0)
    assert [(task.uow_id, task.fence) for task in place.slots.tasks] == [(uow_id, 1)]
    assert place.depth() == 0


def test_fault_6_of_two_workers_with_the_same_message_one_runs_it() -> None:
    place = Workplace()
    uow_id = place.open(1)[0]
    place.store.claim([uow_id], "another-worker", place.clock.now())
    place.turn()
    assert (place.slots.tasks, place.depth(), place.uow(uow_id).session) == ([], 0, "another-worker")


def test_a_message_for_what_runs_here_already_is_not_claimed_again_even_where_the_store_would_let_it() -> None:
    place = Workplace(taking(60.0))
    uow_id = place.open(1)[0]
    place.turn()
    place.void(uow_id)
    place.say(uow_id)
    place.turn()
    assert (len(place.slots.tasks), place.state(uow_id), place.depth()) == (1, UowState.REQUESTED, 0)


def test_fault_10_the_message_is_acknowledged_after_the_claim_and_before_the_work_starts() -> None:
    place = Workplace()
    place.open(1, 2)
    place.turn()
    assert place.journal == ["open_session", "claim", "acknowledge", "start", "start"]


def test_fault_10_no_more_is_taken_than_slots_have_room_for() -> None:
    place = Workplace(taking(60.0), size=3)
    place.open(*range(10))
    for _ in range(5):
        place.turn()
    assert (len(place.slots.tasks), place.depth()) == (3, 7)


def test_whatever_is_older_starts_first() -> None:
    place = Workplace(size=4)
    ids = place.open(9, 3, 7, 1)
    place.turn()
    assert [task.uow_id for task in place.slots.tasks] == ids


def test_a_batch_costs_one_call_of_each_kind() -> None:
    place = Workplace(size=20)
    place.open(*range(20))
    place.turn()
    place.clock.sleep(1.0)
    place.journal.clear()
    place.turn()
    assert place.journal == ["finish"]
    assert len(place.reports()) == 20


def test_an_idle_worker_makes_no_calls_of_the_store_and_wants_to_be_called_every_two_seconds() -> None:
    place = Workplace()
    place.turn()
    place.journal.clear()
    assert [place.turn() for _ in range(3)] == [2.0, 2.0, 2.0]
    assert place.journal == []


def test_while_there_may_be_more_to_take_the_next_turn_comes_at_once() -> None:
    place = Workplace(taking(0.0), size=2)
    place.open(1, 2, 3)
    assert place.turn() == 0.0
    place.turn()
    assert place.depth() == 0


def test_a_message_that_names_no_unit_of_work_is_acknowledged_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    place = Workplace()
    place.say("rm -rf /", "")
    place.turn()
    assert (place.depth(), place.slots.tasks) == (0, [])
    assert "names no unit of work: 'rm -rf /'" in caplog.text


def test_a_message_for_a_unit_of_work_that_does_not_exist_costs_nothing() -> None:
    place = Workplace()
    place.say("flights_hourly/2024010101/1/1")
    place.turn()
    assert (place.depth(), place.slots.tasks) == (0, [])


def test_a_process_that_this_workers_context_does_not_know_fails_with_what_to_do() -> None:
    place = Workplace(context=context_of({"weather": ["hourly"]}))
    uow_id = place.open(1)[0]
    place.go_on(1.0)
    found = place.uow(uow_id)
    assert (found.state, found.failures, place.slots.tasks) == (UowState.INVALID, 1, [])
    assert found.reason.startswith("process 'flights_hourly' is not in this worker's context: deploy")


def test_what_never_started_is_given_back_and_offered_anew() -> None:
    place = Workplace(taking(60.0), size=1, ahead=1)
    first, second = place.open(1, 2)
    place.turn()
    place.slots.end(second, 1, "the slot died")
    place.worker.stop()
    place.turn()
    assert (place.state(first), place.state(second), place.depth()) == (UowState.IN_PROGRESS, UowState.REQUESTED, 1)
    assert (place.uow(second).failures, place.uow(second).losses) == (0, 0)


def test_what_was_claimed_may_wait_for_a_moment_more() -> None:
    place = Workplace(taking(60.0), size=1, ahead=1)
    room = place.slots.room
    place.slots.room = lambda *, backfill=False, moments=1: (  # type: ignore[method-assign]
        0 if place.slots.tasks and moments == 1 else room(backfill=backfill)  # the first one started takes longer than the others did
    )
    place.open(1, 2)
    place.turn()
    assert (len(place.slots.tasks), place.journal.count("give_back")) == (2, 0)


def test_output_is_stored_once_a_beat_while_an_attempt_runs() -> None:
    place = Workplace(taking(60.0))
    uow_id = place.open(1)[0]
    place.turn()
    place.go_on(0.5)
    place.slots.say(Output(uow_id, 1, 0, "one"))
    place.go_on(1.5)
    assert place.store.output(uow_id) == []
    place.go_on(0.5)
    assert place.store.output(uow_id) == [OutputPiece(uow_id, 1, 0, "one")]


def test_the_last_output_is_stored_before_the_outcome() -> None:
    place = Workplace(taking(1.0))
    uow_id = place.open(1)[0]
    place.turn()
    place.clock.sleep(1.0)
    place.slots.say(Output(uow_id, 1, 0, "bye"))
    place.journal.clear()
    place.turn()
    assert place.journal == ["append_output", "finish"]
    assert place.store.output(uow_id)[0].text == "bye"


def test_fault_7_a_cancel_ends_the_attempt_and_the_unit_of_work_is_canceled_for_its_reason() -> None:
    place = Workplace(taking(60.0))
    uow_id = place.open(1)[0]
    place.turn()
    place.cancel(uow_id, "ann: wrong input")
    place.go_on(2.5)
    assert place.slots.running == []
    assert (place.state(uow_id), place.uow(uow_id).reason) == (UowState.CANCELED, "ann: wrong input")
    assert place.reports() == [uow_id]


def test_fault_7_a_success_after_the_cancel_was_stored_ends_canceled() -> None:
    place = Workplace(taking(1.0))
    uow_id = place.open(1)[0]
    place.turn()
    place.cancel(uow_id, "ann: wrong input")
    place.clock.sleep(1.0)
    place.turn()
    assert (place.state(uow_id), place.uow(uow_id).reason) == (UowState.CANCELED, "ann: wrong input")
    assert place.reports() == [uow_id]


def test_a_success_that_was_stored_before_the_cancel_stands() -> None:
    place = Workplace(taking(1.0))
    uow_id = place.open(1)[0]
    place.turn()
    place.go_on(1.0)
    place.cancel(uow_id)
    place.go_on(3.0)
    assert place.state(uow_id) is UowState.PROCESSED


def test_an_attempt_that_takes_its_time_to_end_is_canceled_when_it_has_ended_and_not_before() -> None:
    place = Workplace(taking(60.0), ending_s=4.0)
    uow_id = place.open(1)[0]
    place.turn()
    place.cancel(uow_id)
    place.go_on(5.5)
    assert place.state(uow_id) is UowState.IN_PROGRESS
    place.go_on(1.0)
    assert place.state(uow_id) is UowState.CANCELED
    assert place.slots.marks[0].end_s == 6.0


def test_an_attempt_that_runs_into_its_time_limit_has_failed() -> None:
    process = managed(timeout_s=5.0)
    place = Workplace(taking(60.0), context=Context((process,), {}))
    uow_id = place.open(1)[0]
    place.turn()
    place.go_on(5.0)
    found = place.uow(uow_id)
    assert (found.state, found.failures, found.reason) == (UowState.INVALID, 1, "timed out after 5 s")


def test_a_stopping_worker_takes_nothing_and_lets_attempts_finish() -> None:
    place = Workplace(taking(3.0), size=1)
    first, second = place.open(1, 2)
    place.turn()
    place.worker.stop()
    place.go_on(5.0)
    assert (place.state(first), place.state(second), place.depth()) == (UowState.PROCESSED, UowState.REQUESTED, 1)
    assert (place.worker.is_stopped, place.sessions()) == (True, [])


def test_a_stopping_worker_ends_what_takes_longer_and_leaves_it_to_be_counted_as_a_loss() -> None:
    place = Workplace(taking(60.0), settings=WorkerSettings(stop_grace_s=4.0))
    uow_id = place.open(1)[0]
    place.turn()
    place.worker.stop()
    place.go_on(3.5)
    assert place.slots.running == [uow_id]
    place.go_on(1.5)
    found = place.uow(uow_id)
    assert (found.state, found.failures, place.sessions()) == (UowState.IN_PROGRESS, 0, [])
    assert (place.worker.is_stopped, place.reports()) == (True, ["session:worker-1"])


def test_a_stopping_worker_gives_back_what_had_not_started() -> None:
    place = Workplace(taking(60.0), size=1, ahead=1, settings=WorkerSettings(stop_grace_s=0.0))
    _, second = place.open(1, 2)
    place.turn()
    place.worker.stop()
    place.go_on(1.0)
    assert (place.state(second), place.depth(), place.worker.is_stopped) == (UowState.REQUESTED, 1, True)


def test_what_a_shutdown_of_the_machine_ends_first_is_a_loss_and_not_a_failure() -> None:
    place = Workplace(taking(60.0))
    uow_id = place.open(1)[0]
    place.turn()
    place.worker.stop()
    place.slots.end(uow_id, 1, "asked to end by a SIGTERM from outside")
    place.go_on(0.5)
    assert (place.uow(uow_id).state, place.uow(uow_id).failures, place.sessions()) == (UowState.IN_PROGRESS, 0, [])


def test_a_stopping_worker_kills_what_does_not_end_when_it_is_asked() -> None:
    place = Workplace(taking(600.0), ending_s=300.0, settings=WorkerSettings(stop_grace_s=2.0, end_grace_s=1.0))
    place.open(1)
    place.turn()
    place.worker.stop()
    place.go_on(5.0)
    assert (place.worker.is_stopped, place.slots.marks[0].end_s, place.sessions()) == (True, 4.5, [])


def test_fault_29_a_beat_says_when_the_last_whole_turn_was() -> None:
    place = Workplace()
    place.turn()
    turned_at = place.clock.now().isoformat()
    place.clock.sleep(10.0)
    place.beat()
    assert place.store.sessions()[0].facts["turn_at"] == turned_at


def test_an_idle_worker_stops_at_once_and_closes_its_session_last() -> None:
    place = Workplace()
    place.turn()
    place.journal.clear()
    place.worker.stop()
    place.turn()
    assert (place.worker.is_stopped, place.journal, place.reports()) == (True, ["close_sessions"], ["session:worker-1"])
