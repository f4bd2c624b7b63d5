"""What does a changed context do to a timetable that is registered, before and after somebody says yes?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from scheduler.context_plan import ContextPlan, ProcessPlan, Span, apply_context, plan_context
from scheduler.desk import Desk
from scheduler.reopening import ordinals_of, ranges_of
from system.context import Context, ManagedProcess
from system.context_watch import ContextWatch
from system.errors import ConfigError, StoreError
from system.lifecycle import JobState
from system.timeperiod import QUALIFIERS
from tests.support.lamp import SETTINGS, Lamp, context, january, with_fields


class Change:
    """A lamp that has finished everything, and a context that comes after its own."""

    def __init__(self, before: Sequence[ManagedProcess], after: Sequence[ManagedProcess] | Context) -> None:
        self.lamp = Lamp(before)
        self.lamp.run()
        self.context = after if isinstance(after, Context) else context(after)

    def plan(self) -> ContextPlan:
        return plan_context(self.lamp.store, self.context, SETTINGS, self.lamp.clock.now())

    def apply(self, *, reopen: bool = False) -> int:
        """Say yes, and let a scheduler with the new context take over and do what is to be done; returns how much that was."""
        apply_context(self.lamp.store, self.context, SETTINGS, self.lamp.clock.now(), self.plan(), who="ann", reopen=reopen)
        return self.lead()

    def lead(self) -> int:
        """Let a scheduler with the new context work; returns how many units of work it had done."""
        lamp = self.lamp
        lamp.store.close_sessions([s.id for s in lamp.store.sessions() if s.kind == "scheduler"])
        lamp.context = self.context
        lamp.broker.declare([p.queue for p in self.context.managed.values()])
        lamp.engine = lamp.another_engine(f"scheduler-new-{len(lamp.store.turns_after(0, 10_000))}")
        lamp.desk = Desk(lamp.store, lamp.broker, self.context, lamp.clock, SETTINGS)
        return lamp.run()


def of(plan: ContextPlan, process: str) -> ProcessPlan:
    (found,) = [each for each in plan.processes if each.process == process]
    return found


def earlier() -> Change:
    """Both levels begin a day earlier."""
    return Change(january(), [replace(p, start="2012123100") for p in january()])


def test_a_start_that_moved_earlier_brings_periods_into_being() -> None:
    plan = earlier().plan()
    assert plan.needs_yes
    assert of(plan, "flights_hourly").appears == Span(24, "2012123100", "2012123123")
    assert of(plan, "flights_daily").appears == Span(1, "2012123100", "2012123100")
    assert plan.reopens == 0


def test_nothing_is_led_or_recomputed_before_somebody_says_yes() -> None:
    change = earlier()
    assert change.lead() == 0
    assert "start was" in change.lamp.engine.refusal
    assert change.apply() == 25
    assert change.lamp.state("flights_daily", "2012123100") is JobState.PROCESSED


def test_a_start_that_moved_later_takes_periods_out_of_view_and_keeps_their_history() -> None:
    change = Change(january(days=2), [replace(p, start="2013010200") for p in january(days=2)])
    assert of(change.plan(), "flights_hourly").vanishes == Span(24, "2013010100", "2013010123", finished=24)
    assert change.apply() == 0
    assert change.lamp.job("flights_hourly", "2013010105").state is JobState.PROCESSED
    assert change.lamp.desk.timetable()[1].due == 24


def ten_years() -> Change:
    """Ten years of days get hours."""
    days = january(("daily",), start="2003010100", end="2013010100")
    return Change(days, [*days, *january(("hourly",), start="2003010100", end="2013010100")])


def test_a_level_below_ten_finished_years_leaves_them_finished() -> None:
    change = ten_years()
    plan = change.plan()
    assert of(plan, "flights_daily").incomplete == Span(3653, "2003010100", "2012123100", finished=3653)
    assert (of(plan, "flights_hourly").kind, of(plan, "flights_hourly").appears.count) == ("new", 87672)
    assert plan.reopens == 3653
    apply_context(change.lamp.store, change.context, SETTINGS, change.lamp.clock.now(), plan, who="ann", reopen=False)
    assert change.lamp.state("flights_daily", "2005050500") is JobState.PROCESSED


def below(reopen: bool) -> Change:
    """A day that is finished gets hours."""
    days = january(("daily",), days=3)
    change = Change(days, [*days, *january(("hourly",), days=3)])
    assert change.apply(reopen=reopen) == 72 + (3 if reopen else 0)
    return change


def test_finished_parents_stay_finished_when_their_new_children_run() -> None:
    assert below(reopen=False).lamp.job("flights_daily", "2013010200").generation == 1


def test_finished_parents_run_again_after_their_children_when_they_are_reopened() -> None:
    change = below(reopen=True)
    assert change.lamp.job("flights_daily", "2013010200").generation == 2
    assert [row.reopen for row in change.lamp.store.processes()] == ["", ""]


def test_what_a_crash_left_to_be_reopened_is_reopened_later_and_once() -> None:
    change = Change(january(("daily",), days=3), [*january(("daily",), days=3), *january(("hourly",), days=3)])
    apply_context(change.lamp.store, change.context, SETTINGS, change.lamp.clock.now(), change.plan(), who="ann", reopen=True)
    assert change.lead() == 75
    assert change.lead() == 0


def test_a_renamed_process_is_a_new_one_with_a_new_history_and_waits_for_a_yes() -> None:
    change = Change(january(("hourly",)), [replace(p, name="flights_each_hour", queue="q") for p in january(("hourly",))])
    plan = change.plan()
    assert [(p.process, p.kind) for p in plan.processes] == [("flights_each_hour", "new"), ("flights_hourly", "retired")]
    assert "stands where flights_hourly was" in of(plan, "flights_each_hour").changes[0]
    assert change.lead() == 0
    assert change.apply() == 24
    assert change.lamp.job("flights_hourly", "2013010105").state is JobState.PROCESSED


def test_another_qualifier_can_not_be_applied() -> None:
    change = Change(january(("hourly",)), with_fields(january(("hourly",)), "flights_hourly", {"time_qualifier": "_daily"}))
    assert "give it a new name" in change.plan().refusal


def test_a_tree_that_is_added_as_a_dependency_leaves_finished_periods_alone() -> None:
    rates = [replace(p, name=p.name.replace("flights", "rates"), queue="r" + p.name) for p in january(("hourly",))]
    change = Change(january(("hourly",)), context([*january(("hourly",)), *rates], flights=["rates"]))
    plan = change.plan()
    assert (of(plan, "flights_hourly").incomplete.count, plan.reopens) == (24, 24)
    assert change.apply() == 24
    assert change.lamp.job("flights_hourly", "2013010105").generation == 1


def test_another_grouping_names_the_periods_that_stand_for_another_group() -> None:
    change = Change(january(("hourly",)), january(("hourly",), time_grouping=3))
    assert of(change.plan(), "flights_hourly").incomplete.count == 8
    assert change.apply(reopen=True) == 8
    assert change.lamp.job("flights_hourly", "2013010103").generation == 2
    assert change.lamp.job("flights_hourly", "2013010104").generation == 1


def test_a_process_that_moves_to_another_tree_keeps_its_history() -> None:
    made = context(january())
    trees = {name: replace(made.trees["flights"], name=name, enclosed_processes=(process,)) for name, process in
             (("flights", "flights_daily"), ("own", "flights_hourly"))}
    change = Change(january(), replace(made, trees=trees))
    assert [p.kind for p in change.plan().processes] == ["changed", "changed"]
    assert change.lead() == 0
    assert change.apply() == 0
    assert change.lamp.job("flights_hourly", "2013010105").state is JobState.PROCESSED


def test_what_runs_of_a_process_that_left_blocks_nobody_and_is_settled_when_it_is_back() -> None:
    lamp = Lamp(january(("hourly",)))
    lamp.turn()
    (running,) = lamp.claim("flights_hourly/2013010100/1/1")
    change = Change.__new__(Change)
    change.lamp, change.context = lamp, context(january(("daily",), start="2013010100", end="2013010200"))
    assert change.plan().needs_yes is False
    lamp.finish(running)
    assert change.lead() == 1 + 23  # the worker still has what was requested before
    assert change.lamp.desk.progress().is_done
    change.context = context([*january(("hourly",)), *[replace(p, name="own_daily") for p in january(("daily",))]])
    assert change.lead() == 1
    assert lamp.job("flights_hourly", "2013010100").state is JobState.PROCESSED


def test_a_leader_with_nothing_to_do_notices_that_its_context_was_replaced() -> None:
    change = earlier()
    apply_context(change.lamp.store, change.context, SETTINGS, change.lamp.clock.now(), change.plan(), who="ann", reopen=False)
    change.lamp.sweep()
    assert not change.lamp.engine.leads
    assert "start was" in change.lamp.engine.refusal


def test_a_plan_that_somebody_else_applied_meanwhile_is_refused() -> None:
    change = earlier()
    plan = change.plan()
    change.apply()
    with pytest.raises(StoreError, match="somebody else has changed"):
        apply_context(change.lamp.store, change.context, SETTINGS, change.lamp.clock.now(), plan, who="ann", reopen=False)


def test_a_plan_is_refused_where_what_it_would_change_is_something_else_by_now() -> None:
    change, other = earlier(), replace(january()[0], start="2013010102")
    plan = change.plan()
    mine, change.context = change.context, context([other, *january()[1:]])
    change.apply()
    with pytest.raises(StoreError, match="somebody else has changed"):
        apply_context(change.lamp.store, mine, SETTINGS, change.lamp.clock.now(), plan, who="ann", reopen=False)


def test_an_applied_context_is_known_before_any_scheduler_has_projected_it() -> None:
    change = earlier()
    apply_context(change.lamp.store, change.context, SETTINGS, change.lamp.clock.now(), change.plan(), who="ann", reopen=False)
    assert not change.plan().needs_yes


def test_ranges_are_read_as_they_were_written() -> None:
    hourly = QUALIFIERS["_hourly"]
    ordinals = [17_700_000 + at for at in (5, 6, 7, 100, 200, 201)]
    assert list(ordinals_of(hourly, ranges_of(hourly, ordinals))) == ordinals
    assert ranges_of(hourly, []) == ""


# -- the watch over the file


class File:
    """A context's file that is read by its text, and a watch over it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.contexts = {"one": context(january()), "two": context(january(days=2))}
        self.refusal = ""
        path.write_text("one")
        self.watch = ContextWatch(path, self.contexts["one"], self.load, lambda _: self.refusal)
        self.watch.look()

    def load(self) -> Context:
        try:
            return self.contexts[self.path.read_text()]
        except KeyError as error:
            raise ConfigError("line 7: a fault") from error

    def write(self, text: str) -> Context | None:
        """Change the file, and return what is to be taken up."""
        self.path.write_text(text)
        self.watch.look()
        return self.watch.take()


def test_a_file_that_says_the_same_is_not_taken_up(tmp_path: Path) -> None:
    assert File(tmp_path / "context.py").write("one") is None


def test_a_changed_file_is_taken_up_once(tmp_path: Path) -> None:
    file = File(tmp_path / "context.py")
    assert file.write("two") is file.contexts["two"]
    assert file.write("two") is None


def test_a_broken_file_is_refused_until_it_is_mended(tmp_path: Path) -> None:
    file = File(tmp_path / "context.py")
    assert file.write("broken text") is None
    assert "the old one goes on: line 7: a fault" in file.watch.refusal
    assert file.write("one") is None
    assert file.watch.refusal == ""


def test_what_may_not_be_taken_up_is_taken_up_when_it_may(tmp_path: Path) -> None:
    file = File(tmp_path / "context.py")
    file.refusal = "it changes a start"
    assert file.write("two") is None
    assert file.watch.refusal.endswith("it changes a start")
    file.refusal = ""
    file.watch.look()
    assert (file.watch.take(), file.watch.refusal) == (file.contexts["two"], "")


def test_a_file_that_is_away_is_said_and_the_old_one_goes_on(tmp_path: Path) -> None:
    file = File(tmp_path / "context.py")
    file.path.unlink()
    file.watch.look()
    assert "can't be read, the old one goes on" in file.watch.refusal
    assert file.write("one") is None
    assert file.watch.refusal == ""
