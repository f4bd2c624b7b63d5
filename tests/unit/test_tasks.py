"""Does a claim become the right attempt, and the end of an attempt the right outcome?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from system.context import Context, freerun_context_entry, timetable_tree_entry
from system.errors import SlotError
from system.lifecycle import UowEvent, UowState
from tests.support.builders import NOW, outcome, uow
from tests.support.contexts import context_of, managed
from tests.support.lamp import context as context_in
from workers.slots import Ended, Ending
from workers.tasks import Refusal, after_refusal, canceled, is_uow_id, outcome_of, refused_by_context, task_of, with_what_left

WINDOW = {"start_timeperiod": "2024010103", "end_timeperiod": "2024010106"}
CLAIMED = uow(state=UowState.IN_PROGRESS, session="worker-1", fence=3, failures=1, losses=2, **WINDOW)
CONTEXT = context_of({"flights": ["hourly"]})


def ended(ending: Ending, rows: int | None = None, reason: str = "") -> Ended:
    return Ended(CLAIMED.id, CLAIMED.fence, ending, rows, reason)


def test_a_task_says_its_window_as_moments_with_their_offset() -> None:
    task = task_of(CLAIMED, CONTEXT)
    assert (task.start, task.end) == ("2024-01-01T03:00:00+00:00", "2024-01-01T06:00:00+00:00")
    assert (task.start_timeperiod, task.end_timeperiod, task.qualifier) == ("2024010103", "2024010106", "_hourly")


def test_a_midnight_is_read_with_the_qualifier_of_its_process() -> None:
    day = uow("sums_monthly/2024010000/1/1", start_timeperiod="2024010000", end_timeperiod="2024020000")
    task = task_of(day, Context((managed("sums_monthly", "_monthly"),), {}))
    assert (task.start, task.end) == ("2024-01-01T00:00:00+00:00", "2024-02-01T00:00:00+00:00")


def test_the_window_of_a_local_day_is_as_the_clocks_there_show_it() -> None:
    day = uow("sums_daily/2024033100/1/1", start_timeperiod="2024033100", end_timeperiod="2024040100")
    tree = timetable_tree_entry("sums", ["sums_daily"], time_zone="Europe/Berlin")
    task = task_of(day, Context((managed("sums_daily", "_daily"),), {"sums": tree}))
    assert (task.start, task.end) == ("2024-03-31T00:00:00+01:00", "2024-04-01T00:00:00+02:00")


def test_hours_are_those_of_utc_in_any_zone() -> None:
    tree = timetable_tree_entry("flights", ["flights_hourly"], time_zone="Europe/Berlin")
    assert task_of(CLAIMED, Context((managed(),), {"flights": tree})).start == "2024-01-01T03:00:00+00:00"


def test_attempts_count_failures_and_losses_from_one() -> None:
    assert task_of(CLAIMED, CONTEXT).attempt == 4
    assert task_of(uow(), CONTEXT).attempt == 1


def test_a_task_carries_what_its_process_says_and_nothing_of_the_message() -> None:
    process = managed(argv=("sort", "-u"), classname="", timeout_s=9.0, noop_exit_code=3)
    task = task_of(CLAIMED, Context((process,), {}))
    assert (task.argv, task.classname, task.timeout_s, task.noop_exit_code) == (("sort", "-u"), "", 9.0, 3)


def test_fault_12_what_one_attempt_does_to_its_arguments_no_other_sees() -> None:
    process = managed(arguments={"tables": ["a"]})
    first = task_of(CLAIMED, Context((process,), {}))
    first.arguments["tables"].append("leaked")  # type: ignore[attr-defined]
    assert task_of(CLAIMED, Context((process,), {})).arguments == {"tables": ["a"]}
    assert process.arguments == {"tables": ["a"]}


FIRE = uow("load/night/20261121030000500/1", runs_as="night", start_timeperiod="20261121030000500", end_timeperiod="20261121030000500")


def load(name: str = "night", **arguments: object) -> Context:
    return Context((freerun_context_entry("load", name, "jobs.load", "load", "every 60", arguments=arguments, timeout_s=4.0),), {})


def test_a_fire_runs_what_its_entry_says_at_its_moment() -> None:
    task = task_of(FIRE, load())
    assert (task.classname, task.qualifier, task.timeout_s) == ("jobs.load", "_real_time", 4.0)
    assert task.start == task.end == "2026-11-21T03:00:00.500000+00:00"


def test_a_fire_of_an_entry_that_was_made_by_command_runs_what_it_is_like() -> None:
    assert task_of(replace(FIRE, runs_as="another"), load("another")).classname == "jobs.load"


def test_a_fire_of_an_entry_that_is_new_to_a_worker_is_refused_and_not_run_as_another_one() -> None:
    with pytest.raises(SlotError, match="entry 'night' of 'load' is not in this worker's context"):
        task_of(FIRE, load("another"))


def test_fault_12_the_arguments_of_a_fire_overlay_those_of_its_process_and_are_its_own() -> None:
    context = load(tables=["a"], depth=1)
    first = task_of(replace(FIRE, arguments='{"depth": 2}'), context)
    assert first.arguments == {"tables": ["a"], "depth": 2}
    first.arguments["tables"].append("leaked")  # type: ignore[attr-defined]
    assert task_of(FIRE, context).arguments == {"tables": ["a"], "depth": 1}


def test_a_process_that_is_not_in_the_context_is_named_with_what_to_do() -> None:
    with pytest.raises(SlotError, match="'flights_hourly' is not in this worker's context: deploy"):
        task_of(CLAIMED, Context((), {}))


def test_a_window_of_another_qualifier_is_refused() -> None:
    with pytest.raises(SlotError, match=r"flights_hourly/2024010105/1/1 can't be read.*hourly timeperiod"):
        task_of(uow(start_timeperiod="20240101"), CONTEXT)


@pytest.mark.parametrize(
    ("ending", "event", "failures"),
    [
        (Ending.DONE, UowEvent.DONE, 1), (Ending.EMPTY, UowEvent.EMPTY, 1), (Ending.FAILED, UowEvent.FAILED, 2),
        (Ending.ENDED, UowEvent.FAILED, 2),
    ],
)
def test_each_end_has_its_event_and_only_failures_are_counted(ending: Ending, event: UowEvent, failures: int) -> None:
    found = outcome_of(CLAIMED, ended(ending, rows=5), NOW)
    assert (found.event, found.failures, found.rows, found.fence, found.session) == (event, failures, 5, 3, "worker-1")


def test_an_attempt_that_died_without_a_word_still_says_why_it_failed() -> None:
    assert outcome_of(CLAIMED, ended(Ending.ENDED), NOW).reason == "ended from outside"
    assert outcome_of(CLAIMED, ended(Ending.FAILED, reason="ValueError: no"), NOW).reason == "ValueError: no"


def test_a_claim_that_the_context_refuses_has_failed_with_that_reason() -> None:
    found = refused_by_context(CLAIMED, NOW, "unknown")
    assert (found.event, found.failures, found.reason) == (UowEvent.FAILED, 2, "unknown")


def test_fault_7_a_refused_success_of_a_canceled_claim_becomes_canceled_with_the_records_reason() -> None:
    stored = replace(CLAIMED, cancel_requested=True, reason="ann: wrong")
    assert after_refusal(outcome(CLAIMED), stored) == canceled(CLAIMED, NOW, "ann: wrong")


@pytest.mark.parametrize(
    ("stored", "verdict"),
    [
        (None, Refusal.FENCED),
        (uow(state=UowState.IN_PROGRESS, session="worker-2", fence=4), Refusal.FENCED),
        (uow(state=UowState.REQUESTED, fence=3), Refusal.FENCED),
        (uow(state=UowState.CANCELED, session="worker-1", fence=3), Refusal.FENCED),
        (uow(state=UowState.PROCESSED, session="worker-1", fence=3), Refusal.WRITTEN_BEFORE),
        (CLAIMED, outcome(CLAIMED)),
    ],
)
def test_a_refused_outcome_is_dropped_was_written_or_is_tried_again(stored: object, verdict: object) -> None:
    assert after_refusal(outcome(CLAIMED), stored) == verdict  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["flights_hourly/2013010105/1/1", "a/b/10/20"])
def test_ids_of_units_of_work_are_known(text: str) -> None:
    assert is_uow_id(text)


@pytest.mark.parametrize("text", ["", "a", "session:x", "command:7", "a/b/c/d", "a//1/1", "a/b/1", "a/b/1/1/1", "rm -rf / / 1/1"])
def test_other_texts_are_not(text: str) -> None:
    assert not is_uow_id(text)


def test_what_left_a_context_is_still_known_with_its_calendar() -> None:
    before = context_in([managed("flights_daily", "_daily")], "Europe/Berlin")
    after = with_what_left(context_in([managed("rates_daily", "_daily")]), before)
    assert list(after.managed) == ["rates_daily", "flights_daily"]
    assert after.calendar_of("flights_daily").time_zone == "Europe/Berlin"


def test_an_entry_that_left_is_still_run_as_itself_where_others_of_its_process_stay() -> None:
    other = Context((freerun_context_entry("load", "day", "jobs.other", "load", "every 60"),), {})
    assert task_of(FIRE, with_what_left(other, load())).classname == "jobs.load"
