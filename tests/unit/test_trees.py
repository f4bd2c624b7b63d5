"""Does the topology place each process, and walk from a period to its parent, children and users?"""

from __future__ import annotations

from scheduler.trees import Place, Topology
from system.timeperiod import DAILY, HOURLY, MONTHLY, YEARLY, Qualifier, parse
from tests.support.contexts import context_of

DEMO = context_of(
    {
        "delays": ["daily", "monthly"],
        "flights": ["yearly", "hourly", "monthly", "daily"],
        "weather": ["hourly", "daily"],
    },
    {"delays": ["flights", "weather"]},
)


def number(qualifier: Qualifier, text: str) -> int:
    return parse(qualifier, text).ordinal


def test_levels_follow_the_qualifiers_not_the_order_given() -> None:
    flights = [Topology(DEMO)[f"flights_{level}"] for level in ("yearly", "monthly", "daily", "hourly")]
    assert [place.child for place in flights] == ["flights_monthly", "flights_daily", "flights_hourly", None]
    assert [place.parent for place in flights] == [None, "flights_yearly", "flights_monthly", "flights_daily"]


def test_a_dependency_joins_processes_of_one_qualifier_only() -> None:
    topology = Topology(DEMO)
    assert topology["delays_daily"].dependencies == ("flights_daily", "weather_daily")
    assert topology["delays_monthly"].dependencies == ("flights_monthly",)
    assert topology["flights_daily"].dependants == ("delays_daily",)
    assert topology["flights_hourly"].dependants == ()


def test_a_missing_level_is_stepped_over() -> None:
    topology = Topology(context_of({"sales": ["hourly", "yearly"]}))
    assert topology.children_of("sales_yearly", 2024) == parse(YEARLY, "2024000000").inside(HOURLY)
    assert topology.parent_of("sales_hourly", number(HOURLY, "2024022923")) == 2024


def test_the_lowest_level_has_no_children_and_the_highest_no_parent() -> None:
    topology = Topology(DEMO)
    assert list(topology.children_of("weather_hourly", number(HOURLY, "2013010105"))) == []
    assert topology.parent_of("weather_daily", number(DAILY, "2013010100")) is None


def test_a_process_that_is_in_no_tree_stands_alone() -> None:
    lonely = context_of({"a": ["daily"]})
    alone = Topology(type(lonely)(lonely.processes, {}))
    assert alone["a_daily"] == Place("a_daily", "", DAILY, None, None, (), ())
    assert alone.order() == ["a_daily"]


def test_the_users_of_a_node_are_its_parent_then_its_dependants() -> None:
    day, month = number(DAILY, "2013013100"), number(MONTHLY, "2013010000")
    assert list(Topology(DEMO).affected_by("flights_daily", day)) == [("flights_monthly", month), ("delays_daily", day)]


def test_downstream_is_everything_above_and_everything_dependent_in_order() -> None:
    hour, day, month = number(HOURLY, "2013013123"), number(DAILY, "2013013100"), number(MONTHLY, "2013010000")
    found = Topology(DEMO).downstream("flights_hourly", hour)
    assert found[0] == ("flights_daily", day)
    assert set(found[1:]) == {("flights_monthly", month), ("flights_yearly", 2013), ("delays_daily", day), ("delays_monthly", month)}
    assert found.index(("delays_monthly", month)) > found.index(("flights_monthly", month))


def test_a_diamond_is_walked_once() -> None:
    shape = {name: ["daily"] for name in "abcd"}
    diamond = Topology(context_of(shape, {"b": ["a"], "c": ["a"], "d": ["b", "c", "b"]}))
    assert [name for name, _ in diamond.downstream("a_daily", 735_000)] == ["b_daily", "c_daily", "d_daily"]


def test_the_order_puts_inputs_first_and_is_the_same_each_time() -> None:
    order = Topology(DEMO).order()
    assert order == Topology(DEMO).order()
    assert order.index("delays_daily") > max(order.index("flights_daily"), order.index("weather_daily"))
    assert order.index("flights_yearly") > order.index("flights_monthly") > order.index("flights_hourly")
