"""Do the factories make the entries that the reference describes?"""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from system.context import (
    Context,
    Queue,
    Tree,
    daemon_context_entry,
    first_period,
    freerun_context_entry,
    managed_context_entry,
    period_after_last,
    queue_context_entry,
    schedule_faults,
    timetable_tree_entry,
)
from system.errors import TimeperiodError
from system.timeperiod import HOURLY
from tests.support.contexts import managed


def test_a_managed_entry_takes_the_references_positions_and_defaults() -> None:
    entry = managed_context_entry("flights_daily", "jobs.count", "flights", "_daily")
    assert (entry.name, entry.classname, entry.token, entry.time_qualifier) == ("flights_daily", "jobs.count", "flights", "_daily")
    assert (entry.trigger_frequency, entry.state_machine_name, entry.is_on) == ("every 60", "discrete", True)
    assert (entry.blocking_type, entry.time_grouping, entry.lag_s) == ("blocking_normal", 1, 300)
    assert (entry.exchange, entry.queue, entry.routing) == ("ex_managed_worker", "queue_flights_daily", "queue_flights_daily")


def test_every_further_field_is_given_by_name() -> None:
    entry = managed(max_in_flight=4, on_failure="hold", state_machine_name="discrete", start="2013010100", argv=["sh", "-c"], classname="")
    assert (entry.max_in_flight, entry.on_failure, entry.start, entry.argv) == (4, "hold", "2013010100", ("sh", "-c"))


def test_an_unknown_field_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="max_in_fligth"):
        managed(max_in_fligth=4)


def test_fault_12_arguments_are_copied_and_never_shared_between_entries() -> None:
    shared: dict[str, object] = {"carrier": "AA"}
    one = freerun_context_entry("load", "one", "jobs.load", "load", "every 60", arguments=shared)
    other = freerun_context_entry("load", "other", "jobs.load", "load", "every 60", arguments=shared)
    shared["carrier"] = "UA"
    assert one.arguments is not other.arguments
    assert (one.arguments, other.arguments) == ({"carrier": "AA"}, {"carrier": "AA"})


def test_a_freerun_entry_has_its_own_queue_and_exchange() -> None:
    entry = freerun_context_entry("load", "night", "jobs.load", "load", "at 03:00")
    assert (entry.queue, entry.exchange, entry.is_on) == ("queue_load_freerun", "ex_freerun_worker", True)


def test_a_daemon_entry_is_just_a_name_and_what_to_run() -> None:
    entry = daemon_context_entry("gateway", "jobs.gateway", "gateway", present_on_boxes="box-[12]")
    assert (entry.name, entry.classname, entry.present_on_boxes, entry.arguments) == ("gateway", "jobs.gateway", "box-[12]", {})


def test_a_queues_routing_defaults_to_its_name() -> None:
    assert queue_context_entry("ex_utils", "q_mail") == Queue("ex_utils", "q_mail", "q_mail")
    assert queue_context_entry("ex_utils", "q_mail", "mail").routing == "mail"


def test_a_tree_depends_on_nothing_by_default() -> None:
    assert timetable_tree_entry("flights", ["a", "b"]) == Tree("flights", ("a", "b"), ())


def test_a_text_where_a_list_belongs_is_kept_whole_for_the_check() -> None:
    tree = timetable_tree_entry("flights", "flights_hourly", "weather")
    assert [str(tree.enclosed_processes), str(tree.dependent_on)] == ["flights_hourly", "weather"]
    assert str(managed(argv="ls -l").argv) == "ls -l"


def test_a_context_finds_managed_processes_by_name_and_does_not_change() -> None:
    context = Context((managed(), daemon_context_entry("gateway", "jobs.gateway", "gateway")), {})
    assert list(context.managed) == ["flights_hourly"]
    with pytest.raises(TypeError):
        context.managed["x"] = managed()  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        context.folder = "x"  # type: ignore[misc]


def test_the_first_period_is_the_process_s_own_start() -> None:
    assert first_period(managed(start="2013010105"), "2012010100").id == "2013010105"


@pytest.mark.parametrize(
    ("qualifier", "first"), [("_hourly", "2013031417"), ("_daily", "2013031400"), ("_monthly", "2013030000"), ("_yearly", "2013000000")]
)
def test_without_a_start_the_first_period_contains_the_deployments_default(qualifier: str, first: str) -> None:
    assert first_period(managed(qualifier=qualifier), "2013031417").id == first


def test_an_impossible_start_is_refused() -> None:
    with pytest.raises(TimeperiodError, match="2013023000"):
        first_period(managed(qualifier="_daily", start="2013023000"), "2012010100")


def test_the_end_is_the_first_period_that_is_not_run_any_more() -> None:
    after = period_after_last(managed(end="2014010100"))
    assert after is not None
    assert after.start.isoformat() == "2014-01-01T00:00:00+00:00"
    assert period_after_last(managed()) is None


def test_a_process_knows_its_qualifier() -> None:
    assert managed().qualifier is HOURLY
    with pytest.raises(TimeperiodError, match="_weekly"):
        _ = managed(qualifier="_weekly").qualifier


def test_what_is_wrong_with_a_schedule_is_a_sentence() -> None:
    assert schedule_faults("every 60") == ""
    assert "'sometimes' is not a schedule" in schedule_faults("sometimes")
