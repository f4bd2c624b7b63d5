"""Which processes belong on a box, how many of each, and what are they called?"""

from __future__ import annotations

import pytest

from db.model_boxes import BoxWish
from supervisor.places import Place, Placement, instance_name, process_of, wanted
from system.context import Context, ProcessEntry, daemon_context_entry, managed_context_entry

LOADER = managed_context_entry("loader", "jobs.load", "load", "_daily", present_on_boxes=r"box-\d+")
POLLER = daemon_context_entry("poller", "jobs.poll", "poll", present_on_boxes="edge")
PLACES = (Place("scheduler"), Place("worker", 2), Place("poller"))


def placed(box: str, *processes: ProcessEntry, scheduler_boxes: str = "") -> list[tuple[str, int]]:
    made = Placement(Context(processes, {}), scheduler_boxes, workers=2)
    return [(place.process, place.instances) for place in made.on(box)]


def test_a_box_has_a_scheduler_and_workers_by_itself() -> None:
    assert placed("anything") == [("scheduler", 1), ("worker", 2)]


@pytest.mark.parametrize("box", ["box-1x", "a box-1", "box-", "BOX-1"])
def test_an_expression_must_match_the_whole_name_of_a_box(box: str) -> None:
    assert ("worker", 2) in placed("box-12", LOADER)
    assert placed(box, LOADER) == [("scheduler", 1)]


def test_a_daemon_is_placed_where_its_expression_says() -> None:
    assert placed("edge", LOADER, POLLER) == [("scheduler", 1), ("poller", 1)]
    assert placed("box-1", LOADER, POLLER) == [("scheduler", 1), ("worker", 2)]


def test_schedulers_may_be_kept_to_some_boxes() -> None:
    assert placed("head", scheduler_boxes="head|tail")[0] == ("scheduler", 1)
    assert placed("headless", scheduler_boxes="head|tail") == [("worker", 2)]


def names(*wishes: BoxWish) -> list[str]:
    return [name for name, _ in wanted(PLACES, wishes)]


def test_without_wishes_all_is_wanted_in_the_order_of_starting() -> None:
    assert names() == ["scheduler", "worker.1", "worker.2", "poller"]


def test_what_is_off_is_not_wanted() -> None:
    assert names(BoxWish("b", "worker", is_on=False)) == ["scheduler", "poller"]


def test_an_operator_says_how_many() -> None:
    assert names(BoxWish("b", "worker", instances=1), BoxWish("b", "poller", instances=2)) == [
        "scheduler", "worker.1", "poller", "poller.2",
    ]  # fmt: skip


def test_a_wish_for_what_does_not_belong_here_changes_nothing() -> None:
    assert names(BoxWish("b", "elsewhere", instances=5)) == names()


@pytest.mark.parametrize("process", ["scheduler", "worker", "my.own-daemon", "v2.poll"])
@pytest.mark.parametrize("number", [1, 2, 11])
def test_an_instances_name_leads_back_to_its_process(process: str, number: int) -> None:
    assert process_of(instance_name(process, number)) == process
