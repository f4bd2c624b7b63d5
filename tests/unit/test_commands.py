"""What do cancel, release and reprocess do, and what do they answer?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from scheduler.plans import PLANNERS
from scheduler.policy import SchedulerSettings
from system.lifecycle import JobEvent, JobState, UowEvent
from tests.support.lamp import Lamp, hours, january, with_fields

HOUR = "flights_hourly/2013010100/1/1"


def one_hour() -> Lamp:
    """Return a lamp with one requested hour."""
    lamp = Lamp(january(("hourly",), end="2013010101"))
    lamp.turn()
    return lamp


@pytest.mark.parametrize(
    ("verb", "process", "timeperiod", "answer"),
    [
        ("explode", "flights_hourly", "2013010100", "there is no command 'explode': use one of cancel, reprocess, skip, hold, release"),
        ("cancel", "flights_hourly", "2012010100", "it lies outside its start and end"),
        ("release", "flights_hourly", "2013010100", "it is not held"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused_with_the_reason(verb: str, process: str, timeperiod: str, answer: str) -> None:
    lamp = one_hour()
    found = lamp.desk.answer(lamp.give(verb, process, timeperiod))
    assert found.state == "refused"
    assert answer in found.answer


def test_a_requested_unit_of_work_is_canceled_at_once_and_the_job_is_skipped() -> None:
    lamp = one_hour()
    number = lamp.give("cancel", "flights_hourly", "2013010100")
    lamp.turn(2)
    assert lamp.uow(HOUR).state == "state_canceled"
    assert lamp.state("flights_hourly", "2013010100") is JobState.SKIPPED
    assert lamp.desk.answer(number).answer == f"canceled {HOUR}"


def test_a_running_one_ends_first_and_then_the_job_is_skipped() -> None:
    lamp = one_hour()
    uow = lamp.claim(HOUR)[0]
    number = lamp.give("cancel", "flights_hourly", "2013010100")
    assert lamp.store.beat("worker-1", {}).cancels == (HOUR,)
    assert lamp.desk.answer(number).state == "open"
    lamp.finish(uow, UowEvent.CANCELED)
    lamp.turn(2)
    assert lamp.state("flights_hourly", "2013010100") is JobState.SKIPPED
    assert lamp.desk.answer(number).state == "done"


def test_fault_7_a_success_after_the_cancel_is_refused() -> None:
    lamp = one_hour()
    uow = lamp.claim(HOUR)[0]
    lamp.give("cancel", "flights_hourly", "2013010100")
    assert not lamp.finish(uow, UowEvent.DONE)


def test_an_outcome_that_was_written_first_wins() -> None:
    lamp = one_hour()
    lamp.finish(lamp.claim(HOUR)[0])
    number = lamp.give("cancel", "flights_hourly", "2013010100")
    lamp.turn(2)
    assert lamp.state("flights_hourly", "2013010100") is JobState.PROCESSED
    assert lamp.desk.answer(number).answer == "too late: processed"


def test_nothing_runs_in_its_place_before_the_running_one_has_ended() -> None:
    lamp = one_hour()
    uow = lamp.claim(HOUR)[0]
    lamp.give("reprocess", "flights_hourly", "2013010100")
    lamp.turn(3)
    assert lamp.requested() == []
    lamp.finish(uow, UowEvent.CANCELED)
    lamp.turn(2)
    assert lamp.requested() == ["flights_hourly/2013010100/2/1"]


def test_fault_13_reprocessing_a_running_job_runs_it_again_instead_of_skipping_it() -> None:
    lamp = one_hour()
    uow = lamp.claim(HOUR)[0]
    lamp.give("reprocess", "flights_hourly", "2013010100")
    lamp.finish(uow, UowEvent.CANCELED)
    lamp.turn(2)
    lamp.work("flights_hourly/2013010100/2/1")
    assert lamp.state("flights_hourly", "2013010100") is JobState.PROCESSED


def test_the_fence_goes_on_over_generations() -> None:
    lamp = one_hour()
    lamp.work(HOUR)
    lamp.give("reprocess", "flights_hourly", "2013010100")
    assert lamp.claim("flights_hourly/2013010100/2/1")[0].fence == 2


def test_a_reprocess_runs_the_node_and_its_ancestors_again_once_in_order() -> None:
    lamp = Lamp(january(("hourly", "daily")))
    lamp.run()
    number = lamp.give("reprocess", "flights_hourly", "2013010105")
    assert lamp.desk.answer(number).answer == "2 jobs to start anew"
    assert lamp.requested() == ["flights_hourly/2013010105/2/1"]
    lamp.work("flights_hourly/2013010105/2/1")
    assert lamp.requested() == ["flights_daily/2013010100/2/1"]
    assert lamp.run() == 1


def test_a_requested_one_that_a_worker_claims_first_is_told_by_its_beat() -> None:
    lamp = one_hour()
    number = lamp.desk.give("cancel", "flights_hourly", "2013010100", "ann", "test")
    uow = lamp.claim(HOUR)[0]
    lamp.turn(2)
    assert lamp.store.beat("worker-1", {}).cancels == (HOUR,)
    lamp.finish(uow, UowEvent.CANCELED)
    lamp.turn(2)
    assert lamp.desk.answer(number).state == "done"


def test_a_cancel_whose_worker_is_lost_ends_canceled() -> None:
    lamp = one_hour()
    lamp.claim(HOUR)
    lamp.give("cancel", "flights_hourly", "2013010100")
    lamp.store.close_sessions(["worker-1"])
    lamp.sweep()
    lamp.turn(2)
    assert (lamp.uow(HOUR).state, lamp.state("flights_hourly", "2013010100")) == ("state_canceled", JobState.SKIPPED)


def test_a_failing_one_is_canceled_between_its_attempts() -> None:
    lamp = one_hour()
    lamp.work(HOUR, event=UowEvent.FAILED)
    lamp.give("cancel", "flights_hourly", "2013010100")
    lamp.turn(2)
    assert lamp.state("flights_hourly", "2013010100") is JobState.SKIPPED


def test_a_command_outlives_its_scheduler() -> None:
    lamp = one_hour()
    uow = lamp.claim(HOUR)[0]
    number = lamp.give("cancel", "flights_hourly", "2013010100")
    lamp.store.close_sessions(["scheduler-1"])
    lamp.engine = lamp.another_engine("scheduler-2")
    lamp.turn(2)
    lamp.finish(uow, UowEvent.CANCELED)
    lamp.turn(2)
    assert lamp.desk.answer(number).state == "done"


def test_reprocessing_what_never_ran_is_refused() -> None:
    lamp = Lamp(january(("hourly", "daily")))
    lamp.turn()
    found = lamp.desk.answer(lamp.give("reprocess", "flights_daily", "2013010100"))
    assert (found.state, found.answer) == ("refused", "it has not run yet")


def test_a_cancel_reopens_no_sibling() -> None:
    lamp = Lamp(january(("hourly", "daily")))
    lamp.turn()
    lamp.give("cancel", "flights_hourly", "2013010103")
    lamp.turn(2)
    lamp.work(*[h for h in hours(24) if "/2013010103/" not in h])
    assert lamp.requested() == ["flights_daily/2013010100/1/1"]


@pytest.mark.parametrize("verbs", [("cancel", "reprocess"), ("reprocess", "cancel")])
def test_a_reprocess_that_was_promised_is_kept_whatever_is_canceled_meanwhile(verbs: tuple[str, str]) -> None:
    lamp = one_hour()
    uow = lamp.claim(HOUR)[0]
    numbers = [lamp.give(verb, "flights_hourly", "2013010100") for verb in verbs]
    lamp.turn(2)
    lamp.finish(uow, UowEvent.CANCELED)
    lamp.turn(2)
    assert [lamp.desk.answer(number).state for number in numbers] == ["done", "done"]
    assert lamp.requested() == ["flights_hourly/2013010100/2/1"]


def test_a_cancel_that_has_not_taken_effect_yet_is_reopened_only_by_a_command_that_names_the_job() -> None:
    lamp = Lamp(january(days=1))
    lamp.run()
    lamp.give("reprocess", "flights_daily", "2013010100")
    uow = lamp.claim("flights_daily/2013010100/2/1")[0]
    lamp.give("cancel", "flights_daily", "2013010100")
    lamp.give("reprocess", "flights_hourly", "2013010105")
    lamp.finish(uow, UowEvent.CANCELED)
    lamp.turn(2)
    assert lamp.state("flights_daily", "2013010100") is JobState.SKIPPED


def test_a_cancel_whose_worker_is_lost_once_too_often_is_carried_out_and_nothing_is_held() -> None:
    lamp = Lamp(january(("hourly",), end="2013010101"), SchedulerSettings(max_losses=0))
    lamp.turn()
    lamp.claim(HOUR)
    number = lamp.give("cancel", "flights_hourly", "2013010100")
    lamp.store.close_sessions(["worker-1"])
    lamp.sweep()
    lamp.turn(2)
    assert lamp.desk.answer(number).answer == f"canceled {HOUR}"


# -- ranges


def test_a_range_is_half_open_and_one_command() -> None:
    lamp = Lamp(january(("hourly",)))
    lamp.run()
    number = lamp.give("reprocess", "flights_hourly", "2013010103", "2013010106")
    assert lamp.desk.answer(number).answer == "3 jobs to start anew"
    assert lamp.requested() == [f"flights_hourly/20130101{hour}/2/1" for hour in ("03", "04", "05")]


def test_a_range_with_its_ancestors_runs_each_once() -> None:
    lamp = Lamp(january(("hourly", "daily"), days=3))
    lamp.run()
    lamp.give("reprocess", "flights_hourly", "2013010112", "2013010212")
    assert lamp.run() == 24 + 2


@pytest.mark.parametrize(
    ("timeperiod", "until", "answer"),
    [
        ("2013010106", "2013010103", "the range 2013010106..2013010103 is empty"),
        ("2012010100", "2012020100", "it lies outside its start and end"),
        ("2013010100", "2013010200", "it has not run yet"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused(timeperiod: str, until: str, answer: str) -> None:
    lamp = Lamp(january(("hourly",), is_on=False))
    found = lamp.desk.answer(lamp.give("reprocess", "flights_hourly", timeperiod, until))
    assert found.state == "refused"
    assert answer in found.answer


def test_a_range_too_long_for_one_turn_is_refused_and_says_how_to_give_it() -> None:
    lamp = Lamp(january(("hourly",), end="2019010100", is_on=False))
    found = lamp.desk.answer(lamp.give("skip", "flights_hourly", "2013010100", "2019010100"))
    assert "give it in ranges of at most 20,000" in found.answer


def test_a_range_is_canceled_where_it_is_under_way() -> None:
    lamp = Lamp(january(("hourly",)))
    lamp.turn()
    lamp.work(*hours(1))
    number = lamp.give("cancel", "flights_hourly", "2013010100", "2013010103")
    lamp.turn(3)
    assert lamp.desk.answer(number).answer == "canceled 2 units of work; 1 had ended before"


# -- skip


def test_a_skip_gives_up_what_is_not_finished_with_its_descendants() -> None:
    lamp = Lamp(january(("hourly", "daily")))
    lamp.turn()
    lamp.work(*hours(2))
    number = lamp.give("skip", "flights_daily", "2013010100")
    lamp.turn(3)
    assert lamp.desk.answer(number).answer == "22 jobs to be skipped once what it runs has ended; 1 job skipped"
    assert lamp.state("flights_hourly", "2013010105") is JobState.SKIPPED
    assert lamp.state("flights_hourly", "2013010100") is JobState.PROCESSED


def test_a_parent_is_skipped_with_the_last_of_its_children() -> None:
    lamp = Lamp(january())
    lamp.turn()
    lamp.work(*hours(1), event=UowEvent.EMPTY)
    lamp.give("skip", "flights_hourly", "2013010101", until="2013010200")
    lamp.turn(3)
    lamp.run()
    assert lamp.state("flights_daily", "2013010100") is not JobState.SKIPPED  # one hour of it had no data
    other = Lamp(january(days=1))
    other.give("skip", "flights_hourly", "2013010100", until="2013010200")
    other.turn(3)
    assert other.state("flights_daily", "2013010100") is JobState.SKIPPED
    assert other.job("flights_daily", "2013010100").reason == "children: all in flights_hourly are skipped"
    other.give("reprocess", "flights_hourly", "2013010105")
    assert other.state("flights_daily", "2013010100") is JobState.EMBRYO  # nobody skipped it by its name


def test_no_parent_is_skipped_that_its_process_does_not_have() -> None:
    hourly, daily = january(days=2)
    lamp = Lamp([hourly, replace(daily, end="2013010200")])
    lamp.give("skip", "flights_hourly", "2013010200", until="2013010300")
    assert [job.timeperiod for job in lamp.store.jobs("flights_daily", ["2013010100", "2013010200"])] == []


def test_a_skip_ends_what_runs_first() -> None:
    lamp = one_hour()
    uow = lamp.claim(HOUR)[0]
    lamp.give("skip", "flights_hourly", "2013010100")
    assert lamp.state("flights_hourly", "2013010100") is JobState.IN_PROGRESS
    lamp.finish(uow, UowEvent.CANCELED)
    lamp.turn(2)
    assert lamp.state("flights_hourly", "2013010100") is JobState.SKIPPED


def test_fault_31_a_running_parent_that_is_given_up_knows_that_its_children_were() -> None:
    lamp = Lamp(with_fields(january(blocking_type="blocking_normal"), "flights_hourly", {"is_on": False}))
    lamp.turn()
    assert lamp.claim("flights_daily/2013010100/1/1")
    lamp.give("skip", "flights_daily", "2013010100")
    job = lamp.job("flights_daily", "2013010100")
    # Its outcome may be written before the skip is: it counts then, and the parent has to run once more.
    assert (job.next_event, job.inputs_turn) == (JobEvent.SKIPPED, job.turn)


def test_a_period_that_is_not_due_yet_can_be_skipped() -> None:
    lamp = Lamp(january(("hourly",), start="2020010100", end="2020010200"))
    lamp.give("skip", "flights_hourly", "2020010105")
    lamp.clock.sleep(7 * 3600)
    lamp.turn()
    assert "flights_hourly/2020010105/1/1" not in lamp.requested()


def test_what_an_operator_skipped_is_reopened_only_by_its_name() -> None:
    lamp = Lamp(january(("hourly", "daily")))
    lamp.turn()
    lamp.give("skip", "flights_daily", "2013010100")
    lamp.run()
    lamp.give("reprocess", "flights_hourly", "2013010103")
    assert lamp.state("flights_daily", "2013010100") is JobState.SKIPPED
    lamp.give("reprocess", "flights_daily", "2013010100")
    assert lamp.state("flights_daily", "2013010100") is not JobState.SKIPPED


def test_what_is_finished_is_not_skipped() -> None:
    lamp = one_hour()
    lamp.work(HOUR)
    assert lamp.desk.answer(lamp.give("skip", "flights_hourly", "2013010100")).state == "refused"


# -- hold and release


def test_a_held_period_waits_and_says_why_and_what_to_press() -> None:
    lamp = Lamp(january(("hourly",), max_in_flight=1))
    lamp.turn()
    lamp.give("hold", "flights_hourly", "2013010101")
    lamp.work(*hours(1))
    assert lamp.requested() == ["flights_hourly/2013010102/1/1"]
    (leaf,) = lamp.desk.why("flights_hourly", "2013010101").leaves()
    assert (leaf.kind, leaf.text) == ("held", "held: operator ann holds it: test")


def test_a_released_period_runs() -> None:
    lamp = Lamp(january(("hourly",), max_in_flight=1))
    lamp.turn()
    lamp.give("hold", "flights_hourly", "2013010101", "2013010104")
    lamp.work(*hours(1))
    assert lamp.desk.answer(lamp.give("release", "flights_hourly", "2013010101", "2013010104")).answer == "3 jobs released"
    lamp.run()
    assert lamp.desk.progress().is_done


def test_a_period_held_before_it_is_due_waits_and_does_not_run_early_when_released() -> None:
    lamp = Lamp(january(("hourly",), start="2020010100", end="2020010200"))
    lamp.give("hold", "flights_hourly", "2020010101")
    lamp.give("release", "flights_hourly", "2020010101")
    assert lamp.requested() == []
    lamp.clock.sleep(2 * 3600)
    lamp.turn()
    assert lamp.requested() == [f"flights_hourly/20200101{hour}/1/1" for hour in ("00", "01")]


def test_a_hold_outlives_its_scheduler() -> None:
    lamp = Lamp(january(("hourly",), end="2013010101", is_on=True, max_in_flight=1))
    lamp.give("hold", "flights_hourly", "2013010100")
    lamp.store.close_sessions(["scheduler-1"])
    lamp.engine = lamp.another_engine("scheduler-2")
    lamp.turn(3)
    assert lamp.requested() == []


def test_what_was_held_and_is_skipped_is_held_no_more() -> None:
    lamp = Lamp(january(("hourly",), start="2020010100", end="2020010200"))
    lamp.give("hold", "flights_hourly", "2020010101")
    lamp.give("skip", "flights_hourly", "2020010101")
    job = lamp.job("flights_hourly", "2020010101")
    assert (job.state, job.held) == (JobState.SKIPPED, "")


# -- order and plan


def test_fault_14_a_reprocessed_hour_runs_before_its_parents_whatever_their_type() -> None:
    lamp = Lamp(january(("hourly", "daily"), blocking_type="blocking_normal"))
    lamp.run()
    lamp.give("reprocess", "flights_hourly", "2013010105")
    assert lamp.requested() == ["flights_hourly/2013010105/2/1"]
    lamp.work("flights_hourly/2013010105/2/1")
    assert lamp.requested() == ["flights_daily/2013010100/2/1"]


def test_a_plan_that_touches_nothing_says_why_and_gives_no_command() -> None:
    lamp = one_hour()
    assert lamp.desk.plan("release", "flights_hourly", "2013010100").refusal == "it is not held"
    assert lamp.store.open_commands(10) == []


def test_a_command_that_the_scheduler_fails_over_is_refused_and_holds_up_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    lamp = one_hour()
    monkeypatch.setitem(PLANNERS, "hold", lambda *_: 1 / 0)
    number = lamp.desk.give("hold", "flights_hourly", "2013010100", "ann", "test")
    with pytest.raises(ZeroDivisionError):
        lamp.turn()
    while not lamp.engine.leads:
        lamp.turn()
    lamp.work(HOUR)
    lamp.sweep()
    assert lamp.desk.answer(number).state == "refused"
    assert "the scheduler failed over it" in lamp.desk.answer(number).answer
    assert lamp.state("flights_hourly", "2013010100") is JobState.PROCESSED
