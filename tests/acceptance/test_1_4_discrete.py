"""Reference 1.4, sentence by sentence: how do jobs and units of work of a discrete process move, and what do failures lead to?"""

from __future__ import annotations

from typing import Any

import pytest

from system.lifecycle import JOB_ACTIVE, JOB_FINISHED, UOW_ACTIVE, UOW_FINISHED, JobState, UowEvent, UowState
from system.retry import backoff_s
from tests.support.contexts import managed
from tests.support.lamp import Lamp, january

DAY, HOUR = "flights_daily/2013010100/1/1", "flights_hourly/2013010100/1/1"
NORMAL: dict[str, Any] = {"blocking_type": "blocking_normal"}


def hour(**fields: Any) -> Lamp:
    """Return an engine with one hour, requested."""
    lamp = Lamp(january(("hourly",), end="2013010101", **fields))
    lamp.turn()
    return lamp


def state(lamp: Lamp, process: str = "flights_hourly", timeperiod: str = "2013010100") -> str:
    """Return a job's state."""
    return lamp.state(process, timeperiod).label


def test_the_states_have_these_names() -> None:
    assert {s.label for s in JOB_ACTIVE} == {"state_embryo", "state_in_progress", "state_final_run"}
    assert {s.label for s in JOB_FINISHED} == {"state_processed", "state_noop", "state_skipped"}
    assert set(UOW_ACTIVE) == {"state_requested", "state_in_progress", "state_invalid"}
    assert set(UOW_FINISHED) == {"state_processed", "state_noop", "state_canceled"}


# -- discrete


@pytest.mark.parametrize("lag_s", [0, 60, 600])
def test_a_job_is_opened_after_its_period_has_ended_plus_the_lag(lag_s: int) -> None:
    lamp = Lamp([managed("flights_hourly", start="2020010100", lag_s=float(lag_s), trigger_frequency="every 1")])
    lamp.clock.sleep(3_600 + lag_s - 1)
    lamp.turn()
    assert lamp.requested() == []
    lamp.clock.sleep(1)
    lamp.turn()
    assert lamp.requested() == ["flights_hourly/2020010100/1/1"]


def test_the_lag_is_five_minutes_where_nothing_is_said() -> None:
    assert managed().lag_s == 300


@pytest.mark.parametrize("hours", [1, 5, 24])
def test_there_is_one_unit_of_work_per_job(hours: int) -> None:
    lamp = Lamp(january(("hourly",), end=f"20130101{hours:02}" if hours < 24 else "2013010200"))
    assert lamp.run() == hours


def test_a_requested_unit_of_work_makes_its_job_in_progress() -> None:
    assert state(hour()) == "state_in_progress"


@pytest.mark.parametrize(
    ("event", "found"), [(UowEvent.DONE, "state_processed"), (UowEvent.EMPTY, "state_noop"), (UowEvent.CANCELED, "state_skipped")]
)
def test_the_outcome_of_the_work_is_that_of_the_job(event: UowEvent, found: str) -> None:
    lamp = hour()
    lamp.work(HOUR, event=event)
    assert state(lamp) == found


def test_a_job_that_is_not_finalizable_waits_with_its_outcome() -> None:
    lamp = Lamp(january(**NORMAL))
    lamp.turn()
    lamp.work(DAY)
    assert state(lamp, "flights_daily") == "state_in_progress"


def test_fault_31_it_runs_once_more_where_an_input_was_settled_after_it_was_opened() -> None:
    lamp = Lamp(january(**NORMAL))
    lamp.turn()
    lamp.work(DAY)
    lamp.run()
    assert (state(lamp, "flights_daily"), lamp.job("flights_daily", "2013010100").run) == ("state_processed", 2)


def test_it_finishes_with_the_outcome_that_it_has_where_no_input_was() -> None:
    lamp = Lamp([*january(("hourly",)), *january(("daily",), **NORMAL)])
    while lamp.requested() != [DAY]:
        lamp.work(*[uow for uow in lamp.requested() if uow != DAY])
    lamp.give("reprocess", "flights_daily", "2013010100")
    lamp.run()
    assert (state(lamp, "flights_daily"), lamp.job("flights_daily", "2013010100").run) == ("state_processed", 1)


def test_a_unit_of_work_canceled_for_failure_finishes_its_job_without_waiting() -> None:
    lamp = Lamp(january(**NORMAL, max_attempts=1))
    lamp.turn()
    lamp.work(DAY, event=UowEvent.FAILED)
    assert (state(lamp, "flights_daily"), state(lamp)) == ("state_skipped", "state_in_progress")


# -- failures and losses


def test_a_failed_attempt_is_invalid_and_due_again_after_its_backoff() -> None:
    lamp = hour(backoff_s=8.0)
    lamp.work(HOUR, event=UowEvent.FAILED)
    assert (lamp.uow(HOUR).state, lamp.requested()) == (UowState.INVALID, [])
    lamp.clock.sleep(12)
    lamp.turn()
    assert lamp.requested() == [HOUR]


def test_the_backoff_grows_exponentially_to_15_minutes_and_is_jittered() -> None:
    waits = [backoff_s(n, 2.0, HOUR) for n in range(1, 40)]
    assert all(0.5 <= wait / min(900.0, 2.0 * 2 ** (n - 1)) <= 1.5 for n, wait in enumerate(waits, 1))
    assert max(waits) <= 900 * 1.5
    assert len({backoff_s(3, 2.0, str(n)) for n in range(20)}) > 1


def test_attempts_have_no_limit_but_life_support_of_48_hours_from_the_first_failure() -> None:
    lamp = hour()
    assert (managed().max_attempts, managed().life_support_hours) == (0, 48)
    lamp.work(HOUR, event=UowEvent.FAILED)
    lamp.clock.sleep(47 * 3_600)
    lamp.turn()
    lamp.work(HOUR, event=UowEvent.FAILED)
    assert state(lamp) == "state_in_progress"
    lamp.clock.sleep(3_601)
    lamp.turn()
    lamp.work(HOUR, event=UowEvent.FAILED)
    assert state(lamp) == "state_skipped"


def test_used_up_attempts_cancel_the_unit_of_work_with_the_reason_failed_and_skip_the_job() -> None:
    lamp = hour(max_attempts=1)
    lamp.work(HOUR, event=UowEvent.FAILED)
    job = lamp.job("flights_hourly", "2013010100")
    assert (lamp.uow(HOUR).state, job.state, job.reason[:7]) == (UowState.CANCELED, JobState.SKIPPED, "failed:")


def test_on_failure_hold_holds_the_job_for_an_operator() -> None:
    lamp = hour(max_attempts=1, on_failure="hold")
    lamp.work(HOUR, event=UowEvent.FAILED)
    assert (state(lamp), bool(lamp.job("flights_hourly", "2013010100").held)) == ("state_in_progress", True)


def test_from_the_first_failure_on_it_is_shown_as_failing() -> None:
    lamp = hour()
    lamp.work(HOUR, event=UowEvent.FAILED)
    assert [level.failing for level in lamp.desk.timetable()] == [1]


def lose(lamp: Lamp, times: int) -> None:
    """Let a worker claim the hour and be gone, so often."""
    for number in range(times):
        name = f"gone-{lamp.uow(HOUR).fence}-{number}"
        lamp.open_session(name)
        assert lamp.claim(HOUR, session=name)
        lamp.store.close_sessions([name])
        lamp.sweep()


def test_a_loss_is_no_failure_and_is_due_again_at_once() -> None:
    lamp = hour(max_attempts=1)
    lose(lamp, 1)
    uow = lamp.uow(HOUR)
    assert (uow.state, uow.losses, uow.failures) == (UowState.REQUESTED, 1, 0)


def test_losses_have_a_limit_of_5_and_then_the_job_is_held() -> None:
    lamp = hour()
    lose(lamp, 5)
    assert not lamp.job("flights_hourly", "2013010100").held
    lose(lamp, 1)
    assert lamp.job("flights_hourly", "2013010100").held


def test_a_claim_given_back_before_it_started_is_neither() -> None:
    lamp = hour()
    lamp.store.give_back(lamp.claim(HOUR))
    uow = lamp.uow(HOUR)
    assert (uow.state, uow.losses, uow.failures) == (UowState.REQUESTED, 0, 0)
