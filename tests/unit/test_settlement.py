"""What does a unit of work's state mean for its job?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from db.model import Job, UnitOfWork
from scheduler.settlement import ended, failed, lost, reopened, retried, waiting
from system.lifecycle import JobEvent, JobState, UowEvent, UowState
from tests.support.builders import PERIOD, PROCESS, job, uow
from tests.support.contexts import managed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RUNNING = job(run=1, uow_state=UowState.REQUESTED, opened_turn=3)


def unit(state: UowState, **fields: object) -> UnitOfWork:
    """Return the unit of work of the running job."""
    return uow(f"{PROCESS}/{PERIOD}/1/1", state=state, **fields)


def settled(before: Job, found: UnitOfWork) -> Job:
    """Return the job after its unit of work finished."""
    result = ended(before, found, now=NOW, turn=9)
    assert result.job is not None
    return result.job


def test_an_end_is_taken_over_with_its_fence_and_reason() -> None:
    after = settled(RUNNING, unit(UowState.NOOP, fence=4, reason="no rows"))
    assert (after.state, after.uow_state, after.fence, after.reason, after.turn) == (
        JobState.IN_PROGRESS, UowState.NOOP, 4, "no rows", 9,
    )


def test_a_later_run_is_not_given_up_for_failures_of_an_earlier_one_that_succeeded_in_the_end() -> None:
    first = replace(RUNNING, failures=1, failing_since=NOW - timedelta(days=3))
    second = replace(settled(first, unit(UowState.PROCESSED, failures=1)), run=2, uow_state=UowState.REQUESTED)
    result = failed(second, unit(UowState.INVALID, failures=1), managed(), now=NOW, turn=10)
    assert result.uow_state is UowState.INVALID


@pytest.mark.parametrize("state", [UowState.PROCESSED, UowState.NOOP, UowState.CANCELED])
def test_a_reprocess_that_waited_for_the_end_starts_the_job_anew(state: UowState) -> None:
    after = settled(replace(RUNNING, next_event=JobEvent.REOPENED, reason="late data"), unit(state, fence=4))
    assert (after.state, after.generation, after.run, after.fence, after.uow_state) == (JobState.EMBRYO, 2, 0, 4, None)
    assert (after.next_event, after.reason) == (None, "late data")


def test_a_cancel_that_waited_for_the_end_is_carried_out() -> None:
    after = settled(replace(RUNNING, next_event=JobEvent.SKIPPED, reason="operator ann canceled it"), unit(UowState.CANCELED))
    assert (after.state, after.next_event, after.reason) == (JobState.SKIPPED, None, "operator ann canceled it")


def test_an_outcome_that_was_written_before_the_cancel_stands() -> None:
    after = settled(replace(RUNNING, next_event=JobEvent.SKIPPED, reason="operator ann canceled it"), unit(UowState.PROCESSED))
    assert (after.state, after.uow_state, after.next_event) == (JobState.IN_PROGRESS, UowState.PROCESSED, None)


def test_a_failure_is_due_again_after_its_backoff_and_remembers_since_when_it_fails() -> None:
    result = failed(RUNNING, unit(UowState.INVALID, failures=1, reason="no disk"), managed(backoff_s=10.0), now=NOW, turn=9)
    assert result.job is not None
    assert result.job.retry_at is not None
    assert timedelta(seconds=8) <= result.job.retry_at - NOW <= timedelta(seconds=12)
    assert (result.job.failing_since, result.job.reason, result.move) == (NOW, "no disk", None)


def test_the_same_failure_read_again_changes_nothing() -> None:
    known = replace(RUNNING, failures=1, failing_since=NOW, retry_at=NOW, uow_state=UowState.INVALID)
    assert failed(known, unit(UowState.INVALID, failures=1), managed(), now=NOW, turn=9).job is None


def test_a_failed_attempt_that_is_to_be_canceled_gets_no_further_one() -> None:
    result = failed(RUNNING, unit(UowState.INVALID, failures=1, cancel_requested=True), managed(), now=NOW, turn=9)
    assert result.move is not None
    assert (result.move.before, result.move.event) == (UowState.INVALID, UowEvent.CANCELED)


def test_a_loss_is_due_again_at_once_and_is_no_failure() -> None:
    result = lost(RUNNING, unit(UowState.IN_PROGRESS, fence=2, losses=4, session="w"), max_losses=5, now=NOW, turn=9)
    assert result.move is not None
    assert (result.move.event, result.move.losses, result.move.fence, result.job) == (UowEvent.LOST, 5, 2, None)


def test_one_loss_too_many_is_held() -> None:
    result = lost(RUNNING, unit(UowState.IN_PROGRESS, losses=5, session="w"), max_losses=5, now=NOW, turn=9)
    assert result.job is not None
    assert "lost 6 times" in result.job.held
    assert result.uow_state is UowState.INVALID


def test_a_requested_one_that_is_to_be_canceled_is_canceled_where_nobody_holds_it() -> None:
    assert waiting(unit(UowState.REQUESTED)).move is None
    result = waiting(unit(UowState.REQUESTED, cancel_requested=True))
    assert result.move is not None
    assert result.move.event is UowEvent.CANCELED


def test_the_next_attempt_clears_the_alarm() -> None:
    failing = replace(RUNNING, uow_state=UowState.INVALID, retry_at=NOW, failures=2)
    result = retried(failing, 3, 1, now=NOW, turn=9)
    assert result.job is not None
    assert (result.job.uow_state, result.job.retry_at, result.job.failures) == (UowState.REQUESTED, None, 2)


def test_a_job_that_starts_anew_keeps_only_its_fence() -> None:
    done = job(state=JobState.PROCESSED, generation=3, run=2, fence=7, failures=2, inputs_turn=5, opened_turn=4)
    after = reopened(done, now=NOW, turn=9, reason="late data")
    assert after == Job(PROCESS, PERIOD, JobState.EMBRYO, NOW, 9, generation=4, fence=7, reason="late data")
