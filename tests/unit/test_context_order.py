"""Does a scheduler whose box has an older context leave the lead to the others, and does nobody else?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from db.contexts import ContextRow
from scheduler.context_order import older, read_contexts
from scheduler.context_plan import apply_context, plan_context
from scheduler.engine import Engine
from system.context import Context
from system.lifecycle import JobState
from tests.support.lamp import NOW, Lamp, context, hours, january

OLD = context(january(("hourly",)))
NEW = context([*january(("hourly",)), *january(("daily",), days=2)])
HARMLESS = context([replace(process, max_in_flight=3) for process in january(("hourly",))])

A, B, C = "old", "new", "third"


def led(*steps: tuple[str, str]) -> list[ContextRow]:
    """Return the records after each (digest, box) of `steps` began to lead, in turns 1, 2 and so on."""
    return list({step: ContextRow(*step, NOW, number) for number, step in enumerate(steps, 1)}.values())


@pytest.mark.parametrize(
    ("steps", "digest", "box", "may_lead"),
    [
        ([], A, "box-1", True),
        ([(A, "box-1")], A, "box-2", True),
        ([(A, "box-1")], B, "box-2", True),  # it never led: it is new
        ([(A, "box-1"), (B, "box-1")], A, "box-2", False),  # box-2 was left out
        ([(A, "box-1"), (B, "box-1")], A, "box-1", True),  # box-1 had the newer one: it was taken back there
        ([(A, "box-1"), (A, "box-2"), (B, "box-1")], A, "box-2", False),
        ([(A, "box-1"), (B, "box-1"), (B, "box-2")], A, "box-2", True),
        ([(A, "box-1"), (B, "box-2"), (A, "box-2")], B, "box-1", False),  # box-1 led by A before B, so its B is the one of then
        ([(A, "box-1"), (B, "box-2"), (A, "box-2"), (A, "box-1")], B, "box-1", True),
        ([(A, "box-1"), (B, "box-1"), (C, "box-2")], B, "box-1", False),
        ([(A, "box-1"), (B, "box-1"), (C, "box-2")], A, "box-3", False),
    ],
)
def test_a_context_that_was_replaced_elsewhere_is_older(steps: list[tuple[str, str]], digest: str, box: str, may_lead: bool) -> None:
    text = older(led(*steps), digest, box)
    assert (text == "") is may_lead
    assert may_lead or "context apply" in text


class Boxes(Lamp):
    """Schedulers of several boxes, each with its own context."""

    def __init__(self) -> None:
        super().__init__(january(("hourly",)))
        self.store.close_sessions(["scheduler-1"])
        self.count = 0

    def lead(self, box: str, given: Context, *, rounds: int = 2) -> Engine:
        """Have a new scheduler try to lead once all others are gone."""
        self.store.close_sessions([session.id for session in self.store.sessions() if session.kind == "scheduler"])
        self.count += 1
        name = f"{box}-{self.count}"
        self.open_session(name, kind="scheduler")
        self.engine = Engine(self.store, self.broker, given, self.clock, self.settings, session=name, box=box)
        self.turn(rounds)
        return self.engine


def test_a_standby_with_an_older_context_does_not_retire_what_the_newer_one_registered() -> None:
    boxes = Boxes()
    assert boxes.lead("box-2", OLD).leads
    assert boxes.lead("box-1", NEW).leads
    standby = boxes.lead("box-2", OLD)
    assert not standby.leads
    assert "box-2 has an older context than the one that leads" in standby.refusal
    assert [row.name for row in boxes.store.processes() if row.retired_at] == []


def test_a_harmless_change_is_not_undone_either() -> None:
    boxes = Boxes()
    boxes.lead("box-2", OLD)
    boxes.lead("box-1", HARMLESS)
    assert not boxes.lead("box-2", OLD).leads
    assert boxes.lead("box-2", HARMLESS).leads


def test_on_one_box_a_change_may_be_taken_back_without_a_word() -> None:
    boxes = Boxes()
    assert [boxes.lead("box-1", given).leads for given in (OLD, HARMLESS, OLD, HARMLESS)] == [True] * 4


def test_it_leads_by_the_older_one_once_an_operator_has_said_so() -> None:
    boxes = Boxes()
    boxes.lead("box-2", OLD)
    boxes.lead("box-1", HARMLESS)
    plan = plan_context(boxes.store, OLD, boxes.settings, NOW, box="box-2")
    assert plan.needs_yes
    assert "box-2 has an older context" in plan.older
    assert apply_context(boxes.store, OLD, boxes.settings, NOW, plan, who="ann", reopen=False, box="box-2")
    assert boxes.lead("box-2", OLD).leads
    assert not boxes.lead("box-1", HARMLESS).leads, "by now that one is older"


def test_a_standby_learns_of_a_newer_context_by_the_turn_that_brought_it() -> None:
    boxes = Boxes()
    leader = boxes.lead("box-1", OLD)
    boxes.open_session("standby", kind="scheduler")
    standby = Engine(boxes.store, boxes.broker, OLD, boxes.clock, boxes.settings, session="standby", box="box-2")
    standby.turn(NOW)
    assert (leader.leads, standby.refusal) == (True, "")
    boxes.open_session("heir", kind="scheduler")
    Engine(boxes.store, boxes.broker, HARMLESS, boxes.clock, boxes.settings, session="heir", heir_of="box-1-1", box="box-1").turn(NOW)
    standby.turn(NOW)
    assert "older context" in standby.refusal


def test_which_contexts_led_is_read_from_turns_that_are_not_projected_yet() -> None:
    boxes = Boxes()
    boxes.lead("box-1", OLD)
    project = boxes.store.project
    boxes.store.project = lambda *_: None  # type: ignore[method-assign]
    boxes.lead("box-1", HARMLESS, rounds=1)
    boxes.store.project = project  # type: ignore[method-assign]
    assert {row.digest for row in read_contexts(boxes.store)} == {OLD.digest, HARMLESS.digest}


def test_work_goes_on_under_the_newer_context() -> None:
    boxes = Boxes()
    boxes.lead("box-2", OLD)
    boxes.lead("box-1", NEW)
    boxes.lead("box-2", OLD)
    boxes.lead("box-1", NEW)
    boxes.work(*hours(1))
    assert boxes.state("flights_hourly", "2013010100") is JobState.PROCESSED
