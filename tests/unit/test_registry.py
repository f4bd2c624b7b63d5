"""Does the context still fit the timetable that is registered, and what is taken over without asking?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from db.model import ProcessRow
from scheduler.registry import Fit, facts_of, fit
from system.context import ManagedProcess, timetable_tree_entry
from tests.support.lamp import NOW, context, january, with_fields

DEFAULT = "2020010100"


def registered(processes: Sequence[ManagedProcess], start: str = DEFAULT) -> dict[str, ProcessRow]:
    """Return what is registered after a first lead with these processes."""
    return {row.name: row for row in fit({}, context(processes), start, NOW, 1).rows}


def after(before: Sequence[ManagedProcess], now: Sequence[ManagedProcess], start: str = DEFAULT) -> Fit:
    """Return how a context stands to what an earlier one registered."""
    return fit(registered(before), context(now), start, NOW, 2)


def test_a_process_is_registered_with_the_start_that_it_had_first() -> None:
    rows = registered(january(("hourly",), start=""), "2015010100")
    assert {name: row.start for name, row in rows.items()} == {"flights_hourly": "2015010100"}


def test_the_same_context_again_changes_nothing() -> None:
    assert after(january(), january()) == Fit()


def test_harmless_changes_are_taken_up() -> None:
    assert after(january(), [replace(p, timeout_s=60.0, description="new", trigger_frequency="every 5") for p in january()]) == Fit()


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("start", "2012010100", "start was '2013010100' and is '2012010100' now"),
        ("end", "2014010100", "end was '2013010200' and is '2014010100' now"),
        ("time_grouping", 3, "grouping was 1 and is 3 now"),
        ("depends_on", ("flights_daily",), "depends_on was None and is ['flights_daily'] now"),
    ],
)
def test_a_changed_timetable_is_a_change(field: str, value: object, text: str) -> None:
    found = after(january(), with_fields(january(), "flights_hourly", {field: value}))
    assert [str(change) for change in found.changes] == [f"flights_hourly: {text}"]
    assert [row.name for row in found.rows] == ["flights_hourly"]
    assert "launch.py context plan" in found.refusal


def test_a_process_without_a_start_keeps_the_one_it_was_registered_with() -> None:
    rows = registered(january(("hourly",), start=""), "2015010100")
    assert fit(rows, context(january(("hourly",), start="")), "2016010100", NOW, 2) == Fit()


def test_a_process_that_loses_its_own_start_keeps_it_too() -> None:
    found = after(january(("hourly",)), january(("hourly",), start=""))
    assert (found.changes, [row.start for row in found.rows]) == ((), ["2013010100"])


def test_a_start_of_its_own_that_is_another_one_is_a_change() -> None:
    rows = registered(january(("hourly",), start=""), "2012123100")
    found = fit(rows, context(january(("hourly",))), DEFAULT, NOW, 2)
    assert [str(change) for change in found.changes] == ["flights_hourly: start was '2012123100' and is '2013010100' now"]


def test_a_new_level_over_registered_ones_is_a_change_of_nobody_else() -> None:
    found = after(january(("hourly", "daily")), january(("hourly", "daily", "monthly")))
    assert (found.changes, [row.name for row in found.rows]) == ((), ["flights_monthly"])


def test_a_new_level_below_a_registered_one_is_a_change_of_that_one() -> None:
    found = after(january(("daily",)), january(("hourly", "daily")))
    assert [str(change) for change in found.changes] == ["flights_daily: level was '' and is 'flights_hourly' now"]


def test_another_qualifier_is_refused_with_the_advice_to_take_a_new_name() -> None:
    changed = with_fields(january(("hourly",)), "flights_hourly", {"time_qualifier": "_daily"})
    assert "give it a new name" in after(january(("hourly",)), changed).refusal


def test_a_process_in_the_place_of_one_that_left_is_taken_for_a_new_name() -> None:
    found = after(january(("hourly",)), [replace(p, name="flights_each_hour") for p in january(("hourly",))])
    assert [(c.process, c.field, c.before) for c in found.changes] == [("flights_each_hour", "name", "flights_hourly")]
    assert "a new name begins a new history" in found.refusal


def test_a_tree_that_depends_on_another_one_is_a_change() -> None:
    rates = [replace(p, name=p.name.replace("flights", "rates")) for p in january()]
    rows = {row.name: row for row in fit({}, context([*january(), *rates]), DEFAULT, NOW, 1).rows}
    found = fit(rows, context([*january(), *rates], flights=["rates"]), DEFAULT, NOW, 2)
    assert [(c.process, c.after) for c in found.changes] == [("flights_hourly", ["rates_hourly"]), ("flights_daily", ["rates_daily"])]


def test_a_process_in_another_tree_is_a_change_of_it_and_of_its_parents() -> None:
    made = context(january())
    trees = {"flights": timetable_tree_entry("flights", ["flights_daily"]), "own": timetable_tree_entry("own", ["flights_hourly"])}
    found = fit(registered(january()), replace(made, trees=trees), DEFAULT, NOW, 2)
    assert [(c.process, c.field) for c in found.changes] == [("flights_hourly", "tree"), ("flights_daily", "level")]


def test_a_process_that_left_is_retired_and_comes_back_by_itself() -> None:
    rows = registered(january())
    (left,) = fit(rows, context(january(("hourly",))), DEFAULT, NOW, 2).rows
    assert (left.name, left.retired_at) == ("flights_daily", NOW)
    assert fit({**rows, left.name: left}, context(january(("hourly",))), DEFAULT, NOW, 3) == Fit()
    back = fit({**rows, left.name: left}, context(january()), DEFAULT, NOW, 3)
    assert (back.changes, [(row.name, row.retired_at) for row in back.rows]) == ((), [("flights_daily", None)])


def test_what_an_older_version_did_not_write_down_is_taken_over_once() -> None:
    rows = registered(january(("hourly",)))
    row = rows["flights_hourly"]
    old = replace(row, shape=json.dumps({name: fact for name, fact in facts_of(row).items() if name != "end"}))
    found = fit({row.name: old}, context(january(("hourly",))), DEFAULT, NOW, 2)
    assert (found.changes, [facts_of(row)["end"] for row in found.rows]) == ((), ["2013010200"])
