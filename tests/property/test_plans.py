"""Is a plan what then happens: these jobs, in this order? For any command, over ranges too, in any timetable."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.plans import PLANNERS
from system.context import BLOCKING_TYPES
from system.lifecycle import UowEvent
from tests.support.lamp import Lamp, january
from tests.support.random_play import RandomPlay
from tests.support.simulation_commands import plans_judged

LEVELS = {"flights_hourly": [f"20130101{hour:02}" for hour in range(24)], "flights_daily": ["2013010100"]}
ENDS = {"flights_hourly": "2013010200", "flights_daily": "2013010200"}

works = st.tuples(st.just("work"), st.integers(1, 8), st.sampled_from([UowEvent.DONE, UowEvent.DONE, UowEvent.EMPTY, UowEvent.FAILED]))
claims = st.tuples(st.just("claim"), st.integers(1, 4), st.none())
commands = st.tuples(st.sampled_from(sorted(PLANNERS)), st.integers(0, 23), st.sampled_from(["", "range", "day"]))


def do(lamp: Lamp, verb: str, number: int, what: object) -> None:
    """Let a worker work, or give a command."""
    if verb == "claim":
        lamp.claim(*lamp.requested()[:number])
    elif isinstance(what, UowEvent):
        lamp.work(*lamp.requested()[:number], event=what)
    else:
        process = "flights_daily" if what == "day" else "flights_hourly"
        first = LEVELS[process][number % len(LEVELS[process])]
        lamp.give(verb, process, first, until=ENDS[process] if what == "range" else "")
    lamp.turn()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(BLOCKING_TYPES), st.booleans(), st.lists(works | claims | commands, min_size=2, max_size=14))
def test_the_plan_equals_what_then_happens(blocking_type: str, in_order: bool, steps: list[tuple[str, int, object]]) -> None:
    lamp = Lamp(january(blocking_type=blocking_type, in_order=in_order, max_attempts=1, on_failure="hold"))
    lamp.turn()
    with plans_judged(lamp.store) as judged:
        for verb, number, what in steps:
            do(lamp, verb, number, what)
    assert len(judged) <= sum(1 for verb, _, _ in steps if verb in PLANNERS)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_the_plan_equals_what_then_happens_in_any_context(seed: int, all_due: bool) -> None:
    play = RandomPlay(seed, all_due=all_due)
    with plans_judged(play.store) as judged:  # it raises where a command did something else
        for _ in range(25):
            play.step()
    assert set(judged) <= set(PLANNERS)


def test_in_random_contexts_every_kind_of_command_is_compared_often() -> None:
    found: Counter[str] = Counter()
    for seed in range(8):
        play = RandomPlay(seed)
        with plans_judged(play.store) as judged:
            for _ in range(25):
                play.step()
        found.update(judged)
    assert min(found[verb] for verb in PLANNERS) > 3, found


def test_every_kind_of_command_is_compared() -> None:
    lamp = Lamp(january())
    lamp.turn()
    with plans_judged(lamp.store) as judged:
        for verb in ("hold", "release", "skip", "reprocess"):
            do(lamp, verb, 3, "range")
    assert judged == ["hold", "release", "skip", "reprocess"]
